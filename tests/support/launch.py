"""Start real MPI jobs from a test, with a timeout: an MPI bug is a hang."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

MPIRUN = str(Path(sys.executable).with_name("mpirun"))
if not os.path.exists(MPIRUN):
    MPIRUN = "mpirun"  # the site's

ENVIRONMENT = {
    **os.environ,
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
}


def command(ranks, *options, program=("-m", "isgd_mpi")):
    """The command line of a job."""
    return [MPIRUN, "-n", str(ranks), sys.executable, *program, *map(str, options)]


def launch(ranks, *options, program=("-m", "isgd_mpi"), timeout=120, env=ENVIRONMENT, **kwargs):
    """Run a job to its end; return it with its output as text."""
    return subprocess.run(
        command(ranks, *options, program=program),
        capture_output=True, text=True, timeout=timeout, env=env, check=False, **kwargs,
    )  # fmt: skip


def train(folder, ranks, *options, **kwargs):
    """Run a training job that must succeed; return what it left behind."""
    done = launch(ranks, "--run-dir", folder, *options, **kwargs)
    assert done.returncode == 0, done.stdout + done.stderr
    return Run(folder)


def start_and_wait_for_training(folder, *options, ranks=3):
    """Start a long run; return its mpirun once it trains."""
    process = subprocess.Popen(
        command(ranks, "--run-dir", folder, "--seconds", 100, "--hidden", 16, *options),
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    metrics = folder / "metrics.jsonl"
    while not (metrics.exists() and '"refresh"' in metrics.read_text()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    return process


class Run:
    """The files of a run."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.summary = json.loads((self.folder / "summary.json").read_text())
        self.lines = [json.loads(line) for line in (self.folder / "metrics.jsonl").read_text().splitlines()]
        with np.load(self.folder / "model.npz", allow_pickle=False) as model:
            self.params = model["params"]

    def of_kind(self, kind):
        """The metrics of one kind."""
        return [line for line in self.lines if line["kind"] == kind]
