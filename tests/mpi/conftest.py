"""Run as: mpirun -n {1,2,3,5} python -m pytest tests/mpi. All ranks run the same tests in the same order."""

import os
import shutil
import signal
import sys
import tempfile

import pytest

from isgd_mpi.ranks.start import prepare_mpi

prepare_mpi()

from mpi4py import MPI  # noqa: E402

from isgd_mpi.ranks.waiting import POLITE  # noqa: E402
from isgd_mpi.run.cli import main  # noqa: E402
from isgd_mpi.training import trainer  # noqa: E402

SMALL = ["--hidden", "16", "--threads", "1", "--quiet", "--score-batch-size", "512"]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Give each rank a temporary folder of its own: ranks that clean up pytest's common one at once trip each other."""
    config.option.basetemp = tempfile.mkdtemp(prefix=f"isgd_mpi-test-{MPI.COMM_WORLD.rank}-")


def pytest_runtest_logreport(report):
    """Tell at once what fails on a rank alone: the others wait for it in vain, and no summary is ever printed."""
    if report.failed and "AssertionError: on ranks [" not in report.longreprtext:
        print(f"rank {MPI.COMM_WORLD.rank}: {report.nodeid}\n{report.longreprtext}", file=sys.__stderr__, flush=True)


def pytest_unconfigure(config):
    """Remove the temporary folder once no rank reads another's files any more."""
    POLITE.meet(MPI.COMM_WORLD)  # a run has left the scorers with little priority against a rank that spins
    shutil.rmtree(config.option.basetemp, ignore_errors=True)


@pytest.fixture
def comm():
    """Return a communicator of its own for each test, so that no message strays into the next."""
    POLITE.meet(MPI.COMM_WORLD)
    duplicate = MPI.COMM_WORLD.Dup()
    yield duplicate
    duplicate.Free()


@pytest.fixture
def everywhere(comm):
    """Assert through a gather, so that all ranks fail together."""

    def check(condition, message=""):
        POLITE.meet(comm)
        failed = [rank for rank, ok in enumerate(comm.allgather(bool(condition))) if not ok]
        assert not failed, f"on ranks {failed}: {message}"

    return check


@pytest.fixture
def shared_tmp_path(comm, tmp_path):
    """Return rank 0's temporary folder, on every rank."""
    return comm.bcast(tmp_path, root=0)


@pytest.fixture
def command(comm, everywhere):
    """Run a command line on all ranks; return the exit code."""

    def run_main(*options):
        code = main(list(map(str, options)))
        everywhere(code == comm.bcast(code, root=0), "exit codes differ")
        return code

    return run_main


@pytest.fixture
def run(command, shared_tmp_path):
    """Train a small net on all ranks, with a run folder of a given name; return the exit code."""
    return lambda name, *options: command(*SMALL, "--run-dir", shared_tmp_path / name, *options)


@pytest.fixture
def stop_at(monkeypatch, comm):
    """Return a function that sends a rank a signal twice as it takes a given step."""

    def plant(step, name="SIGTERM"):
        take_step = trainer.Trainer.take_step

        def planted(trainer):
            take_step(trainer)
            if trainer.step == step:
                os.kill(os.getpid(), signal.Signals[name])
                os.kill(os.getpid(), signal.Signals[name])

        monkeypatch.setattr(trainer.Trainer, "take_step", planted)

    yield plant
    monkeypatch.undo()
