"""``experiment pays`` with runs that only pretend, and one job that does what it says."""

import json
import math
import os
import runpy
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from isgd_mpi.experiment import __main__ as experiment
from isgd_mpi.experiment.pays import ledger as ledger_module
from isgd_mpi.experiment.pays import main, queue, start
from isgd_mpi.experiment.pays.conduct import conduct
from isgd_mpi.experiment.pays.judge import judge_for, median
from isgd_mpi.experiment.pays.ledger import Ledger, begin_ledger, note_death
from isgd_mpi.experiment.pays.methods import METHODS, UNIFORM, options_of, space_of, trainers_of
from isgd_mpi.experiment.pays.plan import Plan
from isgd_mpi.experiment.pays.timing import Costs, divide, examples_of
from isgd_mpi.experiment.pays.trials import MethodSearch, Trained
from isgd_mpi.experiment.search import Budget, Trial
from isgd_mpi.report.pays.record import read_record
from isgd_mpi.settings.errors import InputError

MEASURE = {"name": "error", "text": "error", "unit": "%", "factor": 100.0, "loss_unit": "nats"}
FACTS = {
    "data_words": "9 examples",
    "has_validation": True,
    "has_test": True,
    "examples": {"train": 5000, "valid": 1000},
    "measure": MEASURE,
    "rate": 0.1,
}
NAMES = [method.name for method in METHODS]


class Clock:
    """A clock that runs when somebody pretends to work."""

    def __init__(self):
        self.now = 1000.0

    def time(self):
        return self.now

    perf_counter = time


class Pretended:
    """Runs whose error is least at a minibatch of 512 and a rate of 6.4, and less with more steps."""

    facts, environment = FACTS, {"processor": "pretended"}

    def __init__(self, clock, dies_after=math.inf, diverges=()):
        self.clock, self.orders, self.dies_after, self.diverges = clock, [], dies_after, diverges

    def lead(self, order):
        if len(self.orders) >= self.dies_after:
            raise KeyboardInterrupt
        self.orders.append(order)
        options, times = order["options"], order["times"]
        self.clock.now += times[-1] + 0.3 + 0.02 * len(times) + 0.01 * order["test"]
        if options.get("score") in self.diverges or ("reference" in order and "reference" in self.diverges):
            return {"problem": "diverged: the loss is nan", "curve": {}, "steps": 0}
        rate, size = options.get("lr", 0.1), options["minibatch_size"]
        distance = abs(math.log2(size / 512)) + abs(math.log2(rate / 6.4)) + (options.get("score") == "uniform")
        points = [{"train": {"loss": 0.1}, "valid": {"loss": 0.2, "error": 0.01 * distance + 0.1 / t}} for t in times]
        steps = [round(1000 * t * options["trainers"]) for t in times]
        curve = {"seconds": times, "step": steps, "points": points}
        measured = {"curve": curve, "steps": steps[-1], "point_seconds": 0.02, "test_seconds": 0.01}
        return measured | {"problem": None, "test": {"loss": 0.3, "error": 0.1} if order["test"] else None}


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(ledger_module, "time", clock)
    monkeypatch.setattr(os, "fsync", lambda file: None)  # after each of hundreds of runs that take no time
    return clock


def plan_in(folder, **changes):
    plan = Plan(str(folder), NAMES, {"hidden": [8]}, 2, 5.0, "error", 5, "command", [], len(NAMES))
    return replace(plan, **changes)


def do(plan, runs, clock, begun=None):
    path = Path(plan.folder) / "runs.json"
    begin_ledger(path, plan.identity)
    conduct(plan, runs, Ledger(path, clock.now if begun is None else begun))
    return json.loads((Path(plan.folder) / "pays.json").read_text())


def test_everything_fits_into_the_time_and_widens_its_space(clock, tmp_path):
    runs = Pretended(clock)
    record = do(plan_in(tmp_path), runs, clock, begun=990.0)
    assert record["complete"] and 0.85 * 300 < clock.now - 990 < 1.1 * 300
    methods = record["methods"]
    assert [method["name"] for method in methods] == NAMES
    assert methods[0]["axes"] | {"trainers": [1]} == methods[1]["axes"] and methods[0]["axes"]["trainers"] == [1, 2]
    assert methods[0]["best"]["trainers"] == 2  # takes twice the steps
    used = [method["search_seconds"] for method in methods]
    assert max(used) - min(used) < 2 * record["seconds"]
    best = methods[1]["best"]
    assert best["minibatch_size"] >= 256 and best["lr"] > max(methods[1]["axes"]["lr"])
    for method in methods:
        assert [final["seed"] for final in method["finals"]] == [1, 2, 3, 4, 5]
        assert all(len(final["curve"]["valid_judged"]) == 16 for final in method["finals"])
        assert max(trial["seconds"] for trial in method["trials"]) == record["seconds"]
        assert f"--seconds {record['seconds']:g}" in method["command"] and "--seed 1" in method["command"]
    seeds = [order["options"]["seed"] for order in runs.orders if order["options"].get("seed")]
    assert seeds == sorted(seeds)  # of all methods, one seed after the other
    assert read_record(tmp_path).chosen.name != "uniform"


def test_an_interrupted_command_goes_on_with_the_runs_that_are_there(clock, tmp_path):
    plan, first = plan_in(tmp_path), Pretended(clock, dies_after=40)
    with pytest.raises(KeyboardInterrupt):
        do(plan, first, clock)
    assert not json.loads((tmp_path / "pays.json").read_text())["complete"]
    second = Pretended(clock)
    record = do(plan, second, clock)
    assert record["complete"]
    known = {json.dumps(order) for order in first.orders}
    assert not known & {json.dumps(order) for order in second.orders}
    third = Pretended(clock)
    assert do(plan, third, clock) == record and not third.orders
    with pytest.raises(InputError, match=r"minutes is 5\.0 there, 6\.0 here\): name another folder with --out"):
        do(replace(plan, minutes=6.0), third, clock)


def test_a_method_that_diverges_is_never_chosen_and_has_no_final_runs(clock, tmp_path):
    record = do(plan_in(tmp_path), Pretended(clock, diverges=("loss",)), clock)
    broken = next(method for method in record["methods"] if method["name"] == "loss")
    assert broken["best"] is None and broken["finals"] == [] and broken["command"] is None
    assert all("diverged" in trial["problem"] for trial in broken["trials"])
    assert read_record(tmp_path).chosen.name != "loss"


def test_a_run_that_kills_the_job_twice_has_failed(clock, tmp_path):
    path, dead = tmp_path / "runs.json", []

    def die():
        dead.append(1)
        raise KeyboardInterrupt

    begin_ledger(path, {})
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            Ledger(path, clock.now).run("one", die, 1.0)
        assert note_death(path, "killed") and not note_death(path, "killed")
    result, cost = Ledger(path, clock.now).run("one", die, 1.0)
    assert result == {"problem": "killed"} and cost == 0 and len(dead) == 2


@pytest.mark.parametrize("minutes", [1, 5, 30])
@pytest.mark.parametrize("point", [0.0, 0.02, 0.4])
def test_final_runs_and_searches_share_the_time(minutes, point):
    left = 60 * minutes
    timing = divide(left, 5, 5, Costs(0.3, point, point, point), {"train": 5000, "valid": 10_000})
    finals = 25 * (timing.seconds + 0.3 + point + 16 * point * sum(timing.examples.values()) / 15_000)
    assert 0.95 * left <= finals + 5 * timing.search_seconds <= 1.02 * left
    assert finals <= 0.55 * left and timing.first_seconds <= timing.seconds
    n_rounds = round(math.log(timing.seconds / timing.first_seconds, 3)) + 1
    assert timing.first_seconds * 3 ** (n_rounds - 1) >= timing.seconds
    assert timing.times[-1] == pytest.approx(timing.seconds, abs=1e-3) and len(timing.times) == 16


def test_a_trial_of_uniform_sampling_goes_on_with_the_trainers_that_are_fastest():
    space = space_of(UNIFORM, 4, 0.1, 12)
    search = MethodSearch(space, Budget(12, 1.0, 9.0, 1e9), lambda: 0.0, only_speed=True)

    def measure(trial, seconds):
        steps = round(1000 * seconds * (trial.workers == 3)) + 1
        return Trained(seconds, abs(math.log(trial.rate)), abs(math.log(trial.minibatch_size / 64)), steps)

    search.run(measure)
    assert search.best.workers == 3 and search.arrivals[search.best].allowed_seconds == 9.0
    assert search.best.minibatch_size == 64 and not search.is_at_border(search.best)


def test_spaces_are_alike_but_for_trainers():
    assert [trainers_of(UNIFORM, ranks) for ranks in (1, 2, 16)] == [[1], [1, 2], [1, 2, 4, 8, 12, 16]]
    assert [trainers_of(METHODS[1], ranks) for ranks in (1, 2, 3, 4, 16)] == [[1]] * 3 + [
        [1, 2, 3],
        [1, 2, 4, 8, 12, 15],
    ]
    for ranks in (1, 2, 16):
        pairs = [
            [(each.minibatch_size, each.rate) for each in space_of(one, ranks, 0.1, 14).draw(0)] for one in METHODS
        ]
        assert all(own == pairs[0] and len(set(own)) == len(own) == 12 for own in pairs)
    assert options_of(UNIFORM, {}) == {"score": "uniform", "refresh_every": 512}
    assert options_of(UNIFORM, {"refresh_every": 8}) == {"score": "uniform"}


def test_without_a_validation_set_the_training_loss_judges():
    point = {"train": {"loss": 0.5, "error": 0.2}, "valid": {"loss": 0.7, "error": 0.3}}
    found = [
        (judge.text, judge.of(point))
        for judge in (
            judge_for("error", FACTS),
            judge_for("loss", FACTS),
            judge_for("error", FACTS | {"has_validation": False}),
        )
    ]
    assert found == [("validation error", 0.3), ("validation loss", 0.7), ("training loss", 0.5)]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("--lr 0.3", "--lr is chosen by this command"),
        ("--tensorboard", "--tensorboard is chosen by this command, or has no meaning for its runs"),
        ("--lr-schedule cosine", "--lr-schedule is chosen by this command"),
        ("--no-quiet", "--quiet is chosen by this command"),
        ("--hiden 8", "unknown option --hiden: did you mean --hidden?"),
        ("--minuts 3", "unknown option --minuts: did you mean --minutes?"),
        ("--minutes inf", "--minutes inf must be from 1 to 100000"),
        ("--seeds 1", "--seeds 1 must be from 2 to 100000"),
        ("--ranks none", "invalid int value: 'none'; see --help"),
        ("--config {config}", "--lr is chosen by this command"),
        ("--sbatch-options=--x", "--sbatch-options are for --launcher slurm"),
    ],
)
def test_bad_input_is_one_line(words, problem, tmp_path, capsys):
    config = tmp_path / "options.toml"
    config.write_text("lr = 0.3\n")
    assert experiment.main(["pays", *words.format(config=config).split()]) == 2
    error = capsys.readouterr().err
    assert problem in error and error.count("\n") == 1


def test_a_dry_run_says_what_would_be_done(tmp_path, capsys):
    words = ["pays", "--dry-run", "--optimizer", "adam", "--out", str(tmp_path / "out")]
    assert experiment.main(words) == 0
    printed = capsys.readouterr().out
    assert "importance sampling by loss" in printed and "scaled rates are for --optimizer sgd, not adam" in printed
    assert not (tmp_path / "out").exists()


def peers_in(folder):
    own, config = main._parse(["--hidden", "8", "--minutes", "2", "--seeds", "2", "--out", str(folder)], "peers")
    return main.make_plan(own, config, "command")


@pytest.mark.parametrize("fails", [False, True])
def test_peers_begin_with_a_reference_model_at_the_expense_of_the_method_that_needs_it(clock, tmp_path, fails):
    plan, runs = peers_in(tmp_path), Pretended(clock, diverges=("reference",) if fails else ())
    record = do(plan, runs, clock)
    orders = [order for order in runs.orders if "reference" in order]
    assert [order["reference"] for order in orders] == [str(tmp_path / "reference-model.npz")]
    assert orders[0]["options"]["score"] == "uniform" and orders[0]["times"][-1] == record["seconds"]
    names = [method["name"] for method in record["methods"]]
    assert names == ["uniform", "grad-norm", "rank", "infobatch", "selective-backprop"] + ["rho"] * (not fails)
    assert any("no reference model" in note for note in record["notes"]) == fails
    assert any("is the reference of rho" in note for note in record["notes"]) != fails
    used = {method["name"]: method["search_seconds"] for method in record["methods"]}
    assert max(used.values()) - min(used.values()) < 2 * record["seconds"]
    compared = {order["options"].get("reference_model") for order in runs.orders}
    assert compared == {None} | ({str(tmp_path / "reference-model.npz")} if not fails else set())


def test_before_there_is_a_reference_model_no_run_compares_with_it(clock, tmp_path):
    runs = Pretended(clock)
    do(replace(peers_in(tmp_path), methods=["rho"]), runs, clock)  # a task of its own in SLURM
    first = next(i for i, order in enumerate(runs.orders) if "reference" in order)
    assert first == 3 and not any("reference_model" in order["options"] for order in runs.orders[: first + 1])


def test_peers_choose_the_sampling_themselves(capsys):
    assert experiment.main(["peers", "--sampling", "rank"]) == 2
    assert "--sampling is chosen by this command" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("launch/runs.json", '{"identity": 3}', "runs.json is damaged: remove it to begin anew"),
        ("launch/runs.json", '{"runs": []}', "runs.json is damaged: remove it to begin anew"),
        ("config.toml", "", "is the folder of a run: name another with --out"),
        ("experiment.json", "{}", "is the folder of an experiment: name another with --out"),
    ],
)
def test_a_folder_of_something_else_and_a_damaged_ledger_are_refused(tmp_path, file, text, problem):
    (tmp_path / "launch").mkdir()
    (tmp_path / file).write_text(text)
    with pytest.raises(InputError, match=problem):
        begin_ledger(tmp_path / "launch" / "runs.json", {})


def test_a_job_that_takes_too_long_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "run_to_end", Mock(side_effect=TimeoutError("it took more than 300 s")))
    (tmp_path / "launch").mkdir()
    with pytest.raises(InputError, match="the job was ended: it took more than 300 s; the same command goes on"):
        start.run_here(plan_in(tmp_path), 0.0)


class PretendedSlurm:
    """A SLURM that does all tasks at the first look."""

    def __init__(self, clock, processors=("one",), broken=()):
        self.clock, self.processors, self.broken, self.submitted = clock, processors, broken, []

    def submit(self, configurations, folder, n_tasks, ranks):
        self.paths = configurations.read_text().splitlines()
        assert len(self.paths) == n_tasks and ranks == 2
        self.submitted.append(n_tasks)
        return "7"

    def unfinished(self, job):
        for number, path in enumerate(self.paths):
            content = json.loads(Path(path).read_text())
            plan, runs = Plan(**content["plan"]), Pretended(self.clock)
            runs.environment = {"processor": self.processors[number % len(self.processors)]}
            if plan.methods[0] not in self.broken:
                conduct(plan, runs, Ledger(Path(content["ledger"]), self.clock.now), Path(content["agreed"]))
        self.paths = []
        return set()


def test_in_slurm_each_method_is_a_task_and_the_parts_are_joined(clock, tmp_path):
    plan = plan_in(tmp_path)
    (tmp_path / "launch").mkdir()
    slurm = PretendedSlurm(clock, ("one", "two"), broken=("loss",))
    with pytest.raises(InputError, match="not complete: loss: see the logs in .*launch; the same command goes on"):
        queue.run_in_queue(plan, slurm)
    slurm.broken = ()
    queue.run_in_queue(plan, slurm)
    assert slurm.submitted == [5, 1]
    record = json.loads((tmp_path / "pays.json").read_text())
    assert record["complete"] and [method["name"] for method in record["methods"]] == NAMES
    assert any(note.startswith("processors differ: one, two") for note in record["notes"])
    times = {final["curve"]["seconds"][-1] for method in record["methods"] for final in method["finals"]}
    assert len(times) == 1
    read_record(tmp_path)


def test_a_job_does_all_runs_and_the_report_is_written(tmp_path):
    words = ["--minutes", "1", "--seeds", "2", "--ranks", "2", "--hidden", "8", "--out", str(tmp_path)]
    plan = main.make_plan(*main._parse(words, "peers"), "command")
    plan = replace(plan, methods=["uniform", "rho"], n_methods=2, minutes=0.15)
    path = tmp_path / "plan.json"
    content = {"plan": asdict(plan), "ledger": str(tmp_path / "runs.json"), "begun": None, "agreed": None}
    path.write_text(json.dumps(content))
    begin_ledger(tmp_path / "runs.json", plan.identity)
    program = [sys.executable, "-m", "isgd_mpi.experiment.pays.ranks", str(path)]
    subprocess.run(program, check=True, timeout=100, capture_output=True)
    record = read_record(tmp_path)
    assert record.complete and record.environment["ranks"] == 1
    assert (tmp_path / "reference-model.npz").exists()
    assert [len(method.finals) for method in record.methods] == [2, 2]
    for method in record.methods:
        assert all(final.figures["steps"] > 1 and final.figures["memory_bytes"] > 1e7 for final in method.finals)
        assert all(0 <= final.last("valid_judged") <= 1 and final.test["loss"] > 0 for final in method.finals)
    assert Trial(*(record.uniform.best[name] for name in ("minibatch_size", "lr", "trainers")), "auto").workers == 1


def test_wrong_labels_are_other_classes():
    path = Path(__file__).parents[2] / "docs" / "examples" / "wrong_labels.py"
    example = runpy.run_path(str(path))
    labels = np.random.default_rng(1).integers(0, 3, 30_000)
    found = example["replaced"](labels, 0.4, 3, np.random.default_rng(0))
    wrong = found != labels
    assert wrong.mean() == pytest.approx(0.4, abs=0.01) and set(found) == {0, 1, 2}
    assert np.bincount((found - labels)[wrong] % 3)[1:] == pytest.approx([6000, 6000], rel=0.05)


@pytest.mark.parametrize(
    ("n", "most", "found"),
    [
        (6000, {"train": 5000, "valid": 1000}, (5000, 1000)),
        (3000, {"train": 5000, "valid": 1000}, (2000, 1000)),
        (3000, {"train": 5000, "valid": 10_000}, (1000, 2000)),
        (3000, {"train": 500, "valid": 10_000}, (500, 2500)),
        (3000, {"train": 5000}, (3000,)),
    ],
)
def test_a_curve_is_measured_on_validation_examples_first(n, most, found):
    assert tuple(examples_of(n, most).values()) == found


def test_a_noise_scale_that_is_rarely_known_is_large():
    assert median([5.0, None, 7.0], unknown=math.inf) == 7.0 and median([5.0, None, None], unknown=math.inf) is None
    assert median([5.0, None, 7.0, 9.0]) == 7.0 and median([None]) is None and median([]) is None
