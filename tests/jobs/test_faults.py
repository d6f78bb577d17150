"""Errors, signals and divergence: the whole job ends, soon, with one message, and no file is left broken."""

import json
import os
import re
import signal
import subprocess
import time
from subprocess import PIPE

import numpy as np
import pytest
from launch import ENVIRONMENT, MPIRUN, command, complaint, has_refreshed, launch, metrics_of, training
from processes import Job, patience, run_to_end, wait_for

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
               "predict": (forecaster.Forecaster, "take"), "share": (co_trainers.SharedWork, "step"),
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
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SIGTERM", ("--score-batch-size", 500)), ("SIGTERM", ("--score-batch-size", 10_000)),
        ("SIGTERM", ("--trainers", 3)), ("SIGHUP", ("--trainers", 3)),
    ],
)  # fmt: skip
def test_a_signal_to_a_single_rank_stops_all(tmp_path, options, name):
    if signal.getsignal(signal.Signals[name]) == signal.SIG_IGN:
        pytest.skip(f"{name} is ignored here, as nohup has it")
    with training(tmp_path / "run", *options) as job:  # the larger batches leave a scorer idle
        os.kill(job.rank_pids()[2], signal.Signals[name])
        _, errors = job.wait_for_end()
    assert job.returncode == 75 and name in errors


# Sends a rank, or every rank (-1), a signal while it still imports the program.
EARLY = """
import os, runpy, signal, sys, time
rank, number, module = int(sys.argv[1]), signal.Signals[sys.argv[2]], sys.argv[3]
del sys.argv[1:4]
class Finder:
    def find_spec(self, name, *others):
        if name == module and rank in (-1, int(os.environ.get("PMI_RANK", 0))):
            os.kill(os.getpid(), number)
            time.sleep(0.1)
sys.meta_path.insert(0, Finder())
runpy.run_module("isgd_mpi", run_name="__main__")
"""


def launch_early(tmp_path, *arguments, **options):
    """Run a job of two ranks, of which some are sent a signal early."""
    program = tmp_path / "early.py"
    program.write_text(EARLY)
    limits = ("--run-dir", tmp_path / "run", "--seconds", 1000, "--hidden", 4)
    return launch(2, *arguments, *limits, program=(program,), **options)


def test_usr1_during_start_up_is_not_lost(tmp_path):
    done = launch_early(tmp_path, -1, "SIGUSR1", "isgd_mpi.run.cli")
    assert done.returncode == 75 and "stopped at step 0: SIGUSR1" in done.stderr
    assert (tmp_path / "run/checkpoint.npz").exists()


@pytest.mark.parametrize("rank", [-1, 0, 1])
@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("SIGINT", "isgd_mpi.run.cli"), ("SIGTERM", "isgd_mpi.run.cli"), ("SIGHUP", "isgd_mpi.run.cli"),
        ("SIGINT", "mpi4py.MPI"),
    ],
)  # fmt: skip
def test_a_signal_before_training_is_one_line_and_ends_the_job(tmp_path, name, module, rank):
    if signal.getsignal(signal.Signals[name]) == signal.SIG_IGN:
        pytest.skip(f"{name} is ignored here, as nohup has it")
    done = launch_early(tmp_path, rank, name, module)
    assert done.returncode not in (0, 2, 75) and not (tmp_path / "run").exists()
    assert "interrupted before training began" in complaint(done.stderr)
    assert "UCX" not in done.stderr


def test_under_nohup_a_hangup_changes_nothing(tmp_path):
    words = ["bash", "-c", 'trap "" HUP; exec "$@"', "bash"]
    options = ("--run-dir", tmp_path / "run", "--steps", 10_000, "--hidden", 16)
    with Job([*words, *command(2, *options)], env=ENVIRONMENT, stdout=PIPE, stderr=PIPE) as job:
        wait_for(lambda: has_refreshed(tmp_path / "run"))
        for pid in job.rank_pids().values():
            os.kill(pid, signal.SIGHUP)
        output, errors = job.wait_for_end()
    assert job.returncode == 0 and "UCX" not in output + errors


# Ends the process of a rank amidst its scoring, without Python's knowledge.
CRASH = """
import ctypes, os, runpy, sys
from isgd_mpi.ranks.start import prepare_mpi
prepare_mpi()
from mpi4py import MPI
from isgd_mpi.training.scorer import Scorer
how, calls, advance = sys.argv.pop(1), [], Scorer.advance
def crash(*args, **kwargs):
    calls.append(1)
    if len(calls) > 5 and MPI.COMM_WORLD.rank == 2:
        ctypes.string_at(8) if how == "SIGSEGV" else os._exit(int(how))
    return advance(*args, **kwargs)
Scorer.advance = crash
runpy.run_module("isgd_mpi", run_name="__main__")
"""


@pytest.mark.parametrize("how", ["SIGSEGV", "0", "3"])
def test_a_rank_that_crashes_is_named_and_rank_0_is_not_blamed(tmp_path, how):
    program = tmp_path / "crash.py"
    program.write_text(CRASH)
    done = launch(3, how, "--run-dir", tmp_path / "run", "--seconds", 1000, "--hidden", 8, program=(program,))
    assert "Traceback" not in done.stderr and "rank 0 of 3" not in done.stderr
    if how == "SIGSEGV":
        assert "Segmentation fault" in done.stderr and "in rank 2 of 3" in done.stderr and "in crash" in done.stderr
    assert "isgd_mpi: rank 2 of 3 ended without a word" in complaint(done.stderr)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_is_killed_is_named(tmp_path, rank):
    with training(tmp_path / "run") as job:
        os.kill(job.rank_pids()[rank], signal.SIGKILL)
        _, errors = job.wait_for_end()
    assert f"isgd_mpi: rank {rank} of 3 ended without a word" in complaint(errors)


@pytest.mark.parametrize("options", ["size=2m", "ro"])
def test_too_little_shared_memory_is_one_line_before_mpi_starts(tmp_path, options):
    words = ["unshare", "-m", "bash", "-c", f'mount -t tmpfs -o {options} tmpfs /dev/shm && exec "$@"', "bash"]
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounting a /dev/shm for the test is not permitted here: run as root")
    if "HYDRA" not in subprocess.run([MPIRUN, "--version"], capture_output=True, text=True, check=True).stdout:
        pytest.skip("only MPICH cannot do without")
    done = run_to_end([*words, *command(4, "--run-dir", tmp_path / "run", "--steps", 2)], env=ENVIRONMENT)
    assert done.returncode == 2 and "/dev/shm of" in complaint(done.stderr) and "UCX" not in done.stderr


@pytest.mark.parametrize("trainers", [pytest.param(1, marks=each_kind), 2])
def test_divergence_names_step_rate_and_weight_and_keeps_no_model(tmp_path, trainers):
    done = launch(2, "--run-dir", tmp_path / "run", "--lr", 1e6, "--hidden", 16, "--trainers", trainers)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert re.search(r"stopped at step \d+: .*largest importance weight .*--lr below 1e\+06", done.stderr)
    assert not (tmp_path / "run/model.npz").exists()
    assert "not finite" in json.loads((tmp_path / "run/summary.json").read_text())["stopped"]
