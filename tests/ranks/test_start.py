"""Launches that became N jobs of one rank are found, and no others; a real SLURM had set the variables used here."""

import os

import pytest

from isgd_mpi.ranks.launchers import find_foreign_launcher, find_split
from isgd_mpi.ranks.start import find_shared_memory_shortage

STEP_OF_FOUR = {"SLURM_NTASKS": "4", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2"}
IN_A_BATCH_SHELL = {"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}
HYDRA_ON_TWO_NODES = {"SLURM_NTASKS": "2", "SLURM_STEP_ID": "3", "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1"}


@pytest.mark.parametrize(
    ("environment", "rank", "named"),
    [
        (STEP_OF_FOUR, 2, "srun started 4 processes (SLURM_STEP_NUM_TASKS)"),  # MPICH, --mpi=none
        (STEP_OF_FOUR | {"PMI_SIZE": "4", "PMI_RANK": "3"}, 3, "4 processes (PMI_SIZE)"),  # Open MPI, --mpi=pmi2
        (HYDRA_ON_TWO_NODES | {"PMI_SIZE": "4", "PMI_RANK": "3"}, 3, "4 processes (PMI_SIZE)"),
        ({"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "1"}, 1, "4 processes (OMPI_COMM_WORLD_SIZE)"),
    ],
)
def test_processes_that_should_have_been_ranks_are_found(environment, rank, named):
    problem, process = find_split(1, environment)
    assert named in problem and process == rank and "\n" not in problem


@pytest.mark.parametrize(
    ("size", "environment"),
    [
        (1, {}),
        (1, IN_A_BATCH_SHELL),  # a plain process in the shell of sbatch or salloc
        (4, STEP_OF_FOUR | {"PMI_SIZE": "4", "PMI_RANK": "0"}),
        (4, STEP_OF_FOUR),  # Open MPI, --mpi=pmix
        (1, STEP_OF_FOUR | {"SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "1"}),
        (4, HYDRA_ON_TWO_NODES | {"PMI_SIZE": "4", "PMI_RANK": "2"}),
        (2, HYDRA_ON_TWO_NODES | {"PMI_SIZE": "2", "PMI_RANK": "0"}),  # two ranks in an allocation of four tasks
        (1, HYDRA_ON_TWO_NODES | {"PMI_SIZE": "1", "PMI_RANK": "0"}),
        (1, HYDRA_ON_TWO_NODES | {"OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"}),
        (3, {"OMPI_COMM_WORLD_SIZE": "3", "OMPI_COMM_WORLD_RANK": "1"}),
    ],
)
def test_what_is_meant_is_let_through(size, environment):
    assert find_split(size, environment)[0] is None


PARTS = {"SLURM_HET_SIZE": "2", "SLURM_NTASKS_HET_GROUP_0": "1", "SLURM_NTASKS_HET_GROUP_1": "3"}


def test_the_first_part_of_a_heterogeneous_job_is_refused_and_the_whole_is_not():
    one_of_four = {"PMI_SIZE": "1", "PMI_RANK": "0", **PARTS}
    assert "a heterogeneous job of 4 tasks" in find_split(1, one_of_four)[0]
    assert find_split(4, STEP_OF_FOUR | PARTS)[0] is None
    assert find_split(2, {"PMI_SIZE": "2", "PMI_RANK": "0", **PARTS})[0] is None
    assert find_split(1, PARTS)[0] is None  # a plain process in the shell


def test_an_mpich_without_pmix_that_was_started_through_it_is_refused():
    pmix = {"PMIX_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}
    assert "started through PMIx" in find_foreign_launcher("MPICH Version: 5.0.2 --with-pm=hydra", pmix)
    assert find_foreign_launcher("MPICH Version: 5.0.2 --with-pmix=/usr", pmix) is None
    assert find_foreign_launcher("Open MPI v5.0.11", pmix) is None
    assert find_foreign_launcher("MPICH Version: 5.0.2", pmix | {"PMI_FD": "8"}) is None  # mpirun within another's job
    assert find_foreign_launcher("MPICH Version: 5.0.2", {"PMI_SIZE": "2"}) is None


def test_too_little_shared_memory_is_found_for_mpich(tmp_path, small_disk):
    def found(folder, library="MPICH Version: 5.0", n_ranks="4"):
        return find_shared_memory_shortage(library, {"MPI_LOCALNRANKS": n_ranks}, folder)

    disk = small_disk("2m")
    assert find_shared_memory_shortage("MPICH", {}, "/proc") is None  # without a size it has no limit
    assert "has 2.1 MB free, and MPI needs 4.4 MB there for 4 ranks: give the container more" in found(disk)
    assert found(disk, n_ranks="1") is None and found(disk, library="Open MPI v5") is None
    assert "cannot be written" in found("/proc/nowhere") and "\n" not in found("/proc/nowhere")
    (disk / "left").write_bytes(bytes(2**20))
    os.utime(disk / "left", (0, 0))
    assert "has 1.05 MB free" in found(disk, n_ranks="1")
    (disk / "left").touch()  # now, perhaps by another rank of this job
    assert found(disk, n_ranks="1") is None


def test_shared_memory_of_this_machine_is_enough():
    assert find_shared_memory_shortage("MPICH", {"MPI_LOCALNRANKS": "2"}) is None
