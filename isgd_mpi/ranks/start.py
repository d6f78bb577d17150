"""Initialise MPI, and find out if the launcher and the MPI library did not understand each other."""

import os

import mpi4py


def prepare_mpi():
    """Set the options that MPI is initialised with. Has no effect once it is."""
    # MPICH's default Ibcast needs the trainer to look at it dozens of times, this algorithm about four.
    os.environ.setdefault("MPIR_CVAR_IBCAST_INTRA_ALGORITHM", "tsp_tree")
    # of the trees this one crosses from node to node once, where ranks fill one node after the other
    os.environ.setdefault("MPIR_CVAR_IBCAST_TREE_TYPE", "knomial_2")
    # Open MPI's UCX component for windows prints warnings; windows within a node, as those here, need another one
    os.environ.setdefault("OMPI_MCA_osc", "^ucx")
    mpi4py.rc.thread_level = "funneled"  # one thread calls MPI: no locks on its way


_LAUNCHERS = (
    # number of processes, this one's rank, what started them; the innermost launcher first: an mpirun inside of a
    # SLURM job starts one process a node as a step of its own, whose variables its ranks inherit
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "Open MPI's mpirun"),
    ("PMI_SIZE", "PMI_RANK", "mpirun or srun, through PMI,"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun"),
)


def find_split(size, environment):
    """Find out if the launcher started several processes that MPI sees as separate jobs of one rank.

    This happens where the launcher speaks another protocol than the MPI library, or none: all processes would
    do the same work.

    Parameters
    ----------
    size : int
        Ranks of the job, by MPI.
    environment : mapping of str to str
        The process's environment variables. A plain process in the shell of a SLURM job is in no job step,
        and is meant to be alone.

    Returns
    -------
    problem : str or None
        One line that describes the problem, None if there is none.
    rank : int
        Number of this process by the launcher.
    """
    for count, rank, launcher in _LAUNCHERS:
        n_processes = environment.get(count, "")
        if n_processes.isdigit():
            problem = _describe(int(n_processes), count, launcher) if size == 1 < int(n_processes) else None
            return problem, int(environment.get(rank) or 0)
    return None, 0


def _describe(n_processes, count, launcher):
    return (
        f"{launcher} started {n_processes} processes ({count}), and MPI makes {n_processes} jobs of one rank of them: "
        "with MPICH use its own mpirun or srun --mpi=pmi2, with Open MPI its own mpirun or srun --mpi=pmix"
    )
