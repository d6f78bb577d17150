"""Records of ``experiment pays``, made by hand: every figure in them is known."""

import copy
import json

SECONDS = 10.0
UNIFORM = {"name": "uniform", "label": "uniform sampling", "importance_sampling": False, "options": {}}
GRAD_NORM = {"name": "grad-norm", "label": "gradient norm", "importance_sampling": True, "options": {}}
LOSS = {"name": "loss", "label": "loss, k = 0.5", "importance_sampling": True, "options": {"bias_exponent": 0.5}}


def curve(speed=1.0, floor=0.02, start=0.9):
    """A judged value that falls in a straight line to its floor, which it reaches after 8 s at speed 1."""
    seconds = [0.5 * i for i in range(21)]
    judged = [max(floor, start - (start - floor) * speed * t / 8) for t in seconds]
    loss = [2 * value for value in judged]
    return {"seconds": seconds, "step": [100 * t for t in seconds], "loss": loss, "valid_loss": loss,
            "valid_judged": judged}  # fmt: skip


def final(seed, speed=1.0, problem=None, **fields):
    """A final run; its seed moves its speed by a few per cent."""
    figures = {"steps": 1000, "steps_per_second": 100.0, "memory_bytes": 3.1e8, "variance_gain": 3.0,
               "possible_gain": 4.0, "noise_scale": 5000.0, "staleness": 210.0, "wait_fraction": 0.02,
               "switched_off": False}  # fmt: skip
    values = {"curve": curve(speed * (1 + 0.01 * seed * (-1) ** seed)), "test": {"loss": 0.1, "judged": 0.021}}
    return {"seed": seed, "problem": problem} | figures | values | fields


def method(of, speed=1.0, seeds=range(1, 6), searched=0.03, **fields):
    """A method with its search: two minibatches, three rates, one run that failed."""
    trials = [
        {"minibatch_size": size, "lr": rate, "trainers": 1, "seconds": 2.0, "judged": searched + 0.1 * abs(rate - 0.1),
         "loss": 0.2, "steps": 100, "problem": None}
        for size in (16, 64)
        for rate in (0.03, 0.1, 0.3)
    ]  # fmt: skip
    trials.append(trials[0] | {"lr": 1.0, "judged": None, "loss": None, "problem": "diverged"})
    axes = {"minibatch_size": [16, 64], "lr": [0.03, 0.1, 0.3], "trainers": [1]}
    found = {"axes": axes, "trials": trials, "search_seconds": 14.0, "at_border": False,
             "best": {"minibatch_size": 16, "lr": 0.1, "trainers": 1}, "command": "mpirun -n 2 python -m isgd_mpi",
             "finals": [final(seed, speed) for seed in seeds]}  # fmt: skip
    return copy.deepcopy(of | found | fields)


def record(*methods, **fields):
    """The content of a pays.json."""
    measure = {"text": "validation error", "label": "validation error / %", "factor": 100, "unit": "%"}
    return {"format": 1, "data": "letter.csv", "data_words": "14 398 training examples", "ranks": 2, "cores": 2,
            "minutes": 5.0, "judge": "error", "measure": measure, "seconds": SECONDS, "options": {},
            "command": "python -m isgd_mpi.experiment pays --data letter.csv", "complete": True,
            "environment": {"python": "3.12.1", "packages": {"numpy": "2.1.0"}, "processor": "abacus"},
            "methods": list(methods)} | fields  # fmt: skip


def write(folder, *methods, **fields):
    """Write a pays.json; return its folder."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "pays.json").write_text(json.dumps(record(*methods, **fields)))
    return folder
