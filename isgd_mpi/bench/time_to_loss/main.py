"""``python -m isgd_mpi.bench time-to-loss``: wall-clock time until the training loss is small.

MNIST, 784-512-512-10, minibatch 16, no momentum: one rank that trains and one that scores, beside
uniform SGD on the same two cores, ours and PyTorch's. Parameters are copied every so often and evaluated
when the run has ended; neither that nor the start counts. Each method is shown at each learning rate, and
compared at its best one.
"""

import importlib.util
from itertools import product

import numpy as np
from jsonargparse.typing import NonNegativeInt, PositiveFloat, PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.jobs import measure_on_ranks
from isgd_mpi.settings.errors import InputError

UNIFORM = {"score": "uniform", "refresh_every": 512}
METHODS = {
    # name: its text, ranks (None: PyTorch), options
    "scored": ("1 rank trains, 1 scores", 2, {"threads": 1}),
    "trainers": ("uniform, 2 trainers", 2, {"trainers": 2, "threads": 1, **UNIFORM}),
    "threads": ("uniform, 2 threads", 1, {"threads": 2, **UNIFORM}),
    "torch-2": ("PyTorch, 2 threads", None, {"threads": 2}),
    "torch-1": ("PyTorch, 1 thread", None, {"threads": 1}),
}
"""The methods; the first is compared with each of the others."""

_SCORED_STEPS, _UNIFORM_STEPS = 6000, 12_000  # by default: what uniform SGD needs at its best rate, almost doubled
_EXPECTED_SECONDS = {"scored": 20, "trainers": 50, "threads": 40, "torch-2": 35, "torch-1": 40}  # a run, 2 idle cores

OPTIONS = {
    "--methods": ([*METHODS], [*METHODS], "what to compare with the first"),
    "--rates": ([0.05, 0.1, 0.2, 0.3], PositiveFloat, "learning rates"),
    "--seeds": ([0, 1, 2, 3, 4], NonNegativeInt, "seeds of the runs"),
    "--target": (0.06, PositiveFloat, "training loss to reach [nats]"),
    "--every": (300, PositiveInt, "steps between snapshots"),
    "--steps": (
        None,
        PositiveInt,
        f"longest run [steps] (default: {_SCORED_STEPS} with scores, {_UNIFORM_STEPS} without)",
    ),
    "--data": ("mnist", str, "data set of the runs"),
    "--data-dir": (None, str, "folder of data sets, as in a run"),
    "--hidden": ([512, 512], PositiveInt, "hidden widths"),
}

COLUMNS = ("method", "learning rate", "reached", "steps", "s", "steps/s")
"""Of the table of all runs."""

BEST_COLUMNS = ("at its best rate", "learning rate", "s", "first / this")
"""Of the comparison; below 1 the first method is faster, and its goal is 0.5 or less."""


def run(settings):
    """Measure, print the tables, and return what ``--json`` writes."""
    check(settings)
    runs = list(product(settings.seeds, settings.rates, settings.methods))
    expected = sum(_EXPECTED_SECONDS[method] for _, _, method in runs)
    print(f"{len(runs)} runs, about {expected / 60:.0f} minutes on two idle cores", flush=True)
    results = [run_once(settings, *each) for each in runs]
    environments = [result["environment"] for result in results if "environment" in result]
    if environments:
        output.print_environment(environments[0])
    print(", ".join(sorted({result["versions"] for result in results if "versions" in result})))
    print(f"until the training loss is {settings.target:g}; medians [quartiles] over seeds {settings.seeds}")
    output.print_table(COLUMNS, [line(results, *group) for group in product(settings.methods, settings.rates)])
    print()
    best = {method: best_rate(results, method, settings.rates) for method in settings.methods}
    output.print_table(BEST_COLUMNS, [best_line(results, best, method) for method in settings.methods])
    return {"best_rates": best, "results": results}


def check(settings):
    """Raise InputError where options do not fit together, or PyTorch is missing."""
    if settings.steps is not None and settings.steps < settings.every:
        raise InputError(f"--steps {settings.steps} is less than --every {settings.every}: there would be no snapshot")
    if any(name.startswith("torch") for name in settings.methods) and not importlib.util.find_spec("torch"):
        raise InputError("PyTorch is not installed: pip install torch, or leave torch-1 and torch-2 out of --methods")


def run_once(settings, seed, rate, method):
    """Do a run, print a line on it, and return its settings and results."""
    text, ranks, own_options = METHODS[method]
    steps = settings.steps or (_SCORED_STEPS if method == "scored" else _UNIFORM_STEPS)
    options = {name: settings[name] for name in ("data", "data_dir", "hidden")} | {
        "lr": rate,
        "minibatch_size": 16,
        "seed": seed,
        "steps": steps,
        "eval_every": steps + 1,
        "quiet": True,
    }
    plan = {"every": settings.every, "target": settings.target, "options": options | own_options}
    program = "isgd_mpi.bench.time_to_loss." + ("torch_ranks" if ranks is None else "ranks")
    result = measure_on_ranks(program, ranks, plan)
    reached = "not reached" if result["steps"] is None else f"{result['steps']} steps, {result['seconds']:.2f} s"
    print(f"seed {seed}, rate {rate:g}, {text}: {reached}", flush=True)
    return {"method": method, "seed": seed, "rate": rate, **result}


def figures_of(results, method, rate):
    """Return steps, seconds and steps a second of a method at a learning rate, one row a run.

    Infinite where a run did not reach the target.
    """
    group = [result for result in results if (result["method"], result["rate"]) == (method, rate)]
    columns = ("steps", "seconds", "steps_per_second")
    return np.array([[np.inf if each[name] is None else each[name] for name in columns] for each in group])


def median_seconds(results, method, rate):
    """Return the median time of a method at a learning rate."""
    return output.quartiles(figures_of(results, method, rate)[:, 1])[1]


def best_rate(results, method, rates):
    """Return the learning rate with the smallest median time."""
    return min(rates, key=lambda rate: median_seconds(results, method, rate))


def line(results, method, rate):
    """Return the row of a method at a learning rate."""
    figures = figures_of(results, method, rate).T
    reached = f"{np.isfinite(figures[1]).sum()} of {len(figures[1])}"
    spreads = [output.spread(*output.quartiles(values)) for values in figures]
    return [METHODS[method][0], f"{rate:g}", reached, *spreads]


def best_line(results, best, method):
    """Return the row of a method in the comparison with the first one."""
    seconds, first = (median_seconds(results, name, best[name]) for name in (method, next(iter(best))))
    ratio = f"{first / seconds:.2f}" if np.isfinite(first) else "-"
    return [METHODS[method][0], f"{best[method]:g}", output.short(seconds), ratio]
