"""When something goes wrong: the whole job ends, soon, with one message, and nothing is left broken."""

import json
import os
import re
import signal
import time

import numpy as np
import pytest
from launch import MPIRUN, launch, start_and_wait_for_training
from processes import rank_pids

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


@pytest.mark.parametrize("schedule", ["exact", "pipelined", "relaxed"])
@pytest.mark.parametrize("rank, place, after", [(0, "step", 10), (0, "start", 0), (1, "score", 0), (2, "score", 3)])
def test_an_exception_on_any_rank_ends_the_job_with_one_traceback(schedule, rank, place, after, tmp_path):
    program = tmp_path / "planted.py"
    program.write_text(PLANT)
    done = launch(
        3, rank, place, after, "--run-dir", tmp_path / "run", "--schedule", schedule, "--seconds", 60,
        "--score-batch-size", 500, program=(program,), timeout=60, cwd=tmp_path,
    )  # fmt: skip
    assert time.monotonic() - float((tmp_path / "planted-at").read_text()) < 5
    assert done.returncode not in (0, 2)
    assert done.stderr.count("Traceback (most recent call last)") == 1
    assert f"rank {rank} of 3 failed" in done.stderr and "RuntimeError: planted" in done.stderr


def test_an_exception_on_another_trainer_ends_the_job_with_one_traceback(tmp_path):
    program = tmp_path / "planted.py"
    program.write_text(PLANT)
    options = ("--run-dir", tmp_path / "run", "--trainers", 2, "--seconds", 60)
    done = launch(3, 1, "share", 10, *options, program=(program,), timeout=60, cwd=tmp_path)
    assert time.monotonic() - float((tmp_path / "planted-at").read_text()) < 5
    assert done.returncode not in (0, 2)
    assert done.stderr.count("Traceback (most recent call last)") == 1
    assert "rank 1 of 3 failed" in done.stderr and "RuntimeError: planted" in done.stderr


def test_an_exception_on_the_predicting_rank_ends_the_job(tmp_path):
    program = tmp_path / "planted.py"
    program.write_text(PLANT)
    done = launch(
        3, 2, "predict", 2, "--run-dir", tmp_path / "run", "--score", "predicted-loss", "--seconds", 60,
        program=(program,), timeout=60, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode not in (0, 2)
    assert done.stderr.count("Traceback (most recent call last)") == 1 and "rank 2 of 3 failed" in done.stderr


@pytest.mark.parametrize("ranks", [2, 3])
def test_a_signal_to_the_predicting_rank_stops_all(tmp_path, ranks):
    process = start_and_wait_for_training(tmp_path / "run", "--score", "predicted-loss", ranks=ranks)
    os.kill(max(rank_pids(process).values()), signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 75 and "SIGTERM" in errors


@pytest.mark.parametrize(
    ("schedule", "trainers"), [("exact", 1), ("pipelined", 1), ("relaxed", 1), ("relaxed", 2), ("exact", 3)]
)
def test_ctrl_c_ends_a_run_cleanly(schedule, trainers, tmp_path):
    process = start_and_wait_for_training(tmp_path / "run", "--schedule", schedule, "--trainers", trainers)
    targets = [process.pid] if "hydra" in os.path.realpath(MPIRUN) else rank_pids(process).values()
    for pid in targets:
        os.kill(pid, signal.SIGINT)
    begin = time.monotonic()
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - begin < 10
    assert process.returncode == 75
    assert "Traceback" not in errors and "SIGINT" in errors
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["message"] == "stop: SIGINT"
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["stopped"] == "SIGINT" and summary["steps"] == lines[-1]["step"]
    assert np.isfinite(np.load(tmp_path / "run/model.npz")["params"]).all()


@pytest.mark.parametrize("options", [("--score-batch-size", 500), ("--score-batch-size", 10_000), ("--trainers", 3)])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_a_single_rank_stops_all(tmp_path, options, name):
    if signal.getsignal(signal.Signals[name]) == signal.SIG_IGN:
        pytest.skip(f"{name} is ignored here, as nohup has it")
    process = start_and_wait_for_training(tmp_path / "run", *options)  # the larger batches leave a scorer idle
    os.kill(max(rank_pids(process).values()), signal.Signals[name])
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 75 and name in errors


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
    done = launch(2, "--run-dir", tmp_path / "run", "--seconds", 60, "--hidden", 4, program=(program,), timeout=40)
    assert done.returncode == 75 and "stopped at step 0: SIGUSR1" in done.stderr
    assert (tmp_path / "run/checkpoint.npz").exists()


@pytest.mark.parametrize("trainers", [1, 2])
def test_divergence_names_step_rate_and_weight_and_keeps_no_model(tmp_path, trainers):
    done = launch(2, "--run-dir", tmp_path / "run", "--lr", 1e6, "--hidden", 16, "--trainers", trainers)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert re.search(r"stopped at step \d+: .*largest importance weight .*--lr below 1e\+06", done.stderr)
    assert not (tmp_path / "run/model.npz").exists()
    assert "not finite" in json.loads((tmp_path / "run/summary.json").read_text())["stopped"]
