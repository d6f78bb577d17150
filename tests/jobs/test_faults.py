"""Errors, signals and divergence: the whole job ends, soon, with one message, and no file is left broken."""

import json
import os
import re
import signal
import time

import numpy as np
import pytest
from launch import MPIRUN, launch, metrics_of, training
from processes import patience

any_mpi, each_kind = pytest.mark.any_mpi, pytest.mark.each_kind

# Plants an exception in one rank's work, then runs the program as `python -m isgd_mpi` does.
PLANT = """
import runpy, sys, time
from mpi4py import MPI
from isgd_mpi.training import co_trainers, scorer, trainer
from isgd_mpi.training.predictor import forecaster
rank, place, after = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
del sys.argv[1:4]
owner, name = {"step": (trainer.Trainer, "take_step"), "score": (scorer.Scorer, "score"),
               "predict": (forecaster.Forecaster, "take"), "share": (co_trainers.CoTrainer, "compute"),
               "start": (trainer.Trainer, "__init__")}[place]
original, calls = getattr(owner, name), []
def planted(*args):
    calls.append(1)
    if len(calls) > after and MPI.COMM_WORLD.rank == rank:
        open("planted-at", "w").write(str(time.monotonic()))
        raise RuntimeError("planted")
    return original(*args)
setattr(owner, name, planted)
runpy.run_module("isgd_mpi", run_name="__main__")
"""


PLACES = [(0, "step", 10), (0, "start", 0), (1, "score", 0), (2, "score", 3)]
PLANTED = [
    pytest.param(1, "score", 0, ("--schedule", "relaxed"), marks=[each_kind, any_mpi]),
    *[(*place, ("--schedule", schedule)) for schedule in ("exact", "pipelined") for place in PLACES],
    *[pytest.param(*place, ("--schedule", "relaxed"), marks=any_mpi) for place in PLACES if place[1:] != ("score", 0)],
    (1, "share", 10, ("--trainers", 2)),
    (2, "predict", 2, ("--score", "predicted-loss")),
]


@pytest.mark.parametrize(("rank", "place", "after", "options"), PLANTED)
def test_an_exception_on_any_rank_ends_the_job_with_one_traceback(rank, place, after, options, tmp_path):
    program = tmp_path / "planted.py"
    program.write_text(PLANT)
    done = launch(
        3, rank, place, after, "--run-dir", tmp_path / "run", "--seconds", 1000, "--score-batch-size", 500, *options,
        program=(program,), cwd=tmp_path,
    )  # fmt: skip
    assert time.monotonic() - float((tmp_path / "planted-at").read_text()) < patience(60)
    assert done.returncode not in (0, 2)
    assert done.stderr.count("Traceback (most recent call last)") == 1
    assert f"rank {rank} of 3 failed" in done.stderr and "RuntimeError: planted" in done.stderr


@pytest.mark.parametrize("ranks", [2, 3])
def test_a_signal_to_the_predicting_rank_stops_all(tmp_path, ranks):
    with training(tmp_path / "run", "--score", "predicted-loss", ranks=ranks) as job:
        os.kill(job.rank_pids()[ranks - 1], signal.SIGTERM)
        _, errors = job.wait_for_end()
    assert job.returncode == 75 and "SIGTERM" in errors


@pytest.mark.parametrize(
    ("schedule", "trainers"),
    [("exact", 1), ("pipelined", 1), ("exact", 3)]
    + [pytest.param("relaxed", trainers, marks=any_mpi) for trainers in (1, 2)],
)
def test_ctrl_c_ends_a_run_cleanly(schedule, trainers, tmp_path):
    with training(tmp_path / "run", "--schedule", schedule, "--trainers", trainers) as job:
        for pid in [job.pid] if "hydra" in os.path.realpath(MPIRUN) else job.rank_pids().values():
            os.kill(pid, signal.SIGINT)
        _, errors = job.wait_for_end()
    assert job.returncode == 75
    assert "Traceback" not in errors and "SIGINT" in errors
    lines = metrics_of(tmp_path / "run")
    assert lines[-1]["message"] == "stop: SIGINT"
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["stopped"] == "SIGINT" and summary["steps"] == lines[-1]["step"]
    assert np.isfinite(np.load(tmp_path / "run/model.npz")["params"]).all()


@any_mpi
@pytest.mark.parametrize("options", [("--score-batch-size", 500), ("--score-batch-size", 10_000), ("--trainers", 3)])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_a_single_rank_stops_all(tmp_path, options, name):
    if signal.getsignal(signal.Signals[name]) == signal.SIG_IGN:
        pytest.skip(f"{name} is ignored here, as nohup has it")
    with training(tmp_path / "run", *options) as job:  # the larger batches leave a scorer idle
        os.kill(job.rank_pids()[2], signal.Signals[name])
        _, errors = job.wait_for_end()
    assert job.returncode == 75 and name in errors


# Sends every rank a signal while it still imports the program.
EARLY = """
import os, runpy, signal, sys
class Finder:
    def find_spec(self, name, *others):
        if name == "isgd_mpi.run.cli":
            os.kill(os.getpid(), signal.SIGUSR1)
sys.meta_path.insert(0, Finder())
runpy.run_module("isgd_mpi", run_name="__main__")
"""


def test_usr1_during_start_up_is_not_lost(tmp_path):
    program = tmp_path / "early.py"
    program.write_text(EARLY)
    done = launch(2, "--run-dir", tmp_path / "run", "--seconds", 1000, "--hidden", 4, program=(program,))
    assert done.returncode == 75 and "stopped at step 0: SIGUSR1" in done.stderr
    assert (tmp_path / "run/checkpoint.npz").exists()


@pytest.mark.parametrize("trainers", [pytest.param(1, marks=each_kind), 2])
def test_divergence_names_step_rate_and_weight_and_keeps_no_model(tmp_path, trainers):
    done = launch(2, "--run-dir", tmp_path / "run", "--lr", 1e6, "--hidden", 16, "--trainers", trainers)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert re.search(r"stopped at step \d+: .*largest importance weight .*--lr below 1e\+06", done.stderr)
    assert not (tmp_path / "run/model.npz").exists()
    assert "not finite" in json.loads((tmp_path / "run/summary.json").read_text())["stopped"]
