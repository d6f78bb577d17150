"""Launches that cannot give the job that was meant end soon, with one line that says what to start instead."""

import sys

import pytest
from launch import ENVIRONMENT, MPICH, MPIRUN, complaint, launch
from processes import run_to_end

pytestmark = pytest.mark.any_mpi

PROGRAM = (sys.executable, "-m", "isgd_mpi")
SMALL = ("--hidden", 4, "--steps", 5, "--run-dir", "run")


def start(folder, *words):
    """Run a command line of mpirun in a folder; return it with its output."""
    return run_to_end([MPIRUN, *words], env=ENVIRONMENT, cwd=folder)


@pytest.mark.parametrize("others", [("--lr", 0.2), ("--nonsense",)])
def test_ranks_with_other_options_are_refused(tmp_path, others):
    done = start(tmp_path, "-n", 1, *PROGRAM, *SMALL, ":", "-n", 2, *PROGRAM, *SMALL, *others)
    assert done.returncode == 2 and list(tmp_path.iterdir()) == []
    line = complaint(done.stderr)
    assert "rank 1 (" in line and str(others[0]) in line and "mpirun -n 3 python -m isgd_mpi OPTIONS" in line


def test_processes_without_the_launchers_environment_are_refused(tmp_path):
    kept = [
        f"{name}={ENVIRONMENT[name]}"
        for name in ("HOME", "PATH", "PYTHONPATH", "NUMBA_CACHE_DIR")
        if name in ENVIRONMENT
    ]
    done = start(tmp_path, "-n", 3, "env", "-i", *kept, *PROGRAM, *SMALL)
    assert done.returncode != 0 and list(tmp_path.iterdir()) == []
    line = complaint(done.stderr)
    assert "started 3 processes" in line and "env -i" in line
    alone = start(tmp_path, "-n", 1, "env", "-i", *kept, *PROGRAM, *SMALL)
    assert alone.returncode == 0, alone.stderr


@pytest.mark.skipif(not MPICH, reason="Open MPI knows PMIx")
def test_an_mpich_under_pmix_is_refused_before_it_gives_up(tmp_path):
    done = run_to_end([*PROGRAM, *SMALL], env={**ENVIRONMENT, "PMIX_RANK": "0", "PMIX_NAMESPACE": "x"}, cwd=tmp_path)
    assert done.returncode == 2 and "use its own mpirun or srun --mpi=pmi2" in complaint(done.stderr)
    assert done.stderr.count("\n") == 1


# One rank never comes to MPI, where the others wait.
LATE = """
import os, runpy, time
from isgd_mpi.ranks import start
start._LATE_SECONDS, start._LOST_SECONDS = {0: 1.0, 1: 1.5}, 3.0
if os.environ.get("PMI_RANK", os.environ.get("OMPI_COMM_WORLD_RANK")) == "2":
    time.sleep(1000)
runpy.run_module("isgd_mpi", run_name="__main__")
"""


def test_a_rank_that_never_starts_is_told_of_and_the_job_ends(tmp_path):
    program = tmp_path / "late.py"
    program.write_text(LATE)
    done = launch(3, *SMALL, program=(program,), cwd=tmp_path)
    assert done.returncode != 0 and not (tmp_path / "run").exists()
    told = [line for line in done.stderr.splitlines() if line.startswith("isgd_mpi: rank 0 (")]
    assert len(told) == 1 and "waits for MPI to start on all 3 ranks" in told[0]
