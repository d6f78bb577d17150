"""Start real MPI jobs from a test, with a timeout: an MPI bug is a hang."""

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from processes import Job, run_to_end, wait_for

from isgd_mpi.experiment.launcher import environment, find_mpirun
from isgd_mpi.run.record.checkpoint_file import read_checkpoint

MPIRUN, ENVIRONMENT = find_mpirun(), environment()
MPICH = "HYDRA" in subprocess.run([MPIRUN, "--version"], capture_output=True, text=True, check=False).stdout
MODULE = ("-m", "isgd_mpi")


def command(ranks, *options, program=MODULE):
    """Return the command line of a job."""
    return [MPIRUN, "-n", ranks, sys.executable, *program, *options]


def launch(ranks, *options, program=MODULE, env=ENVIRONMENT, **kwargs):
    """Run a job to its end; return it with its output as text."""
    return run_to_end(command(ranks, *options, program=program), env=env, **kwargs)


def train(folder, ranks, *options, **kwargs):
    """Run a training job that must succeed; return what it left behind."""
    return succeeded(launch(ranks, "--run-dir", folder, *options, **kwargs), folder)


def resume(folder, ranks, *options, **kwargs):
    """Resume a run, which must succeed; return what it left behind."""
    return succeeded(launch(ranks, "--resume", folder, *options, **kwargs), folder)


def succeeded(done, folder):
    """Assert that a job succeeded; return what it left behind."""
    assert done.returncode == 0, done.stdout + done.stderr
    return Run(folder)


@contextmanager
def training(folder, *options, ranks=3, until="metrics.jsonl"):
    """Start a long run, and wait until it trains, or until it has written another file; end it with the block."""
    words = command(ranks, "--run-dir", folder, "--seconds", 1000, "--hidden", 16, *options)
    with Job(words, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as job:
        wait_for(lambda: job.poll() is not None or (has_refreshed(folder) and (folder / until).exists()))
        assert job.poll() is None, job.wait_for_end()
        yield job


def complaint(errors):
    """Return the one line in which the program says why it ended; there is no other, and no traceback."""
    assert "Traceback" not in errors, errors
    (line,) = [line for line in errors.splitlines() if line.startswith("isgd_mpi:") and "converting" not in line]
    return line


def has_refreshed(folder):
    """Return whether a run has used scores: it trains, and its scorers answer."""
    metrics = folder / "metrics.jsonl"
    return metrics.exists() and '"refresh"' in metrics.read_text()


def metrics_of(folder):
    """Return the lines of a run's metrics, also while it runs."""
    whole_lines = (folder / "metrics.jsonl").read_text().split("\n")[:-1]
    return [json.loads(line) for line in whole_lines]


def saved_step(folder):
    """Return the step of a run's checkpoint, which must be whole; None if there is none."""
    path = folder / "checkpoint.npz"
    return int(read_checkpoint(path)["run/trainer/step"]) if path.exists() else None


class Run:
    """The files of a run."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.summary = json.loads((self.folder / "summary.json").read_text())
        self.lines = metrics_of(self.folder)
        with np.load(self.folder / "model.npz", allow_pickle=False) as model:
            self.params = model["params"]

    def of_kind(self, kind):
        """Return the metrics of one kind."""
        return [line for line in self.lines if line["kind"] == kind]
