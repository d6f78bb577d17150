"""Find out from a process's surroundings if the launcher and the MPI library did not understand each other."""

import os
from contextlib import suppress
from pathlib import Path

_LAUNCHERS = (
    # number of processes, this one's rank, what started them; the innermost launcher first: an mpirun inside of a
    # SLURM job starts one process a node as a step of its own, whose variables its ranks inherit
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "Open MPI's mpirun"),
    ("PMI_SIZE", "PMI_RANK", "mpirun or srun, through PMI,"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun"),
)

_DAEMONS = ("hydra_pmi_proxy", "prterun", "prted", "orterun", "orted", "slurmstepd")
"""Programs whose children are the processes of a job."""

_OWN_LAUNCHERS = "with MPICH use its own mpirun or srun --mpi=pmi2, with Open MPI its own mpirun or srun --mpi=pmix"


def launched(environment):
    """Return the number of processes that a launcher started, this one's number, its name and variable, or Nones."""
    for count, rank, launcher in _LAUNCHERS:
        n_processes = environment.get(count, "")
        if n_processes.isdigit():
            return int(n_processes), int(environment.get(rank) or 0), launcher, count
    return None, None, None, None


def find_foreign_launcher(library, environment):
    """Return one line if MPICH would give up because it knows only PMI, and was started through PMIx; or None.

    Parameters
    ----------
    library : str
        Version and configuration of the MPI library.
    environment : mapping of str to str
    """
    pmix_alone = "PMIX_RANK" in environment and not {"PMI_FD", "PMI_PORT"} & set(environment)
    if pmix_alone and library.startswith("MPICH") and "pmix" not in library:
        return (
            f"started through PMIx, by Open MPI's mpirun or srun --mpi=pmix, which this MPICH lacks: {_OWN_LAUNCHERS}"
        )
    return None


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
    n_processes, process, launcher, variable = launched(environment)
    if n_processes is None:
        return _find_stripped(os.getpid()) if size == 1 else (None, 0)
    if size == 1 < n_processes:
        return (
            f"{launcher} started {n_processes} processes ({variable}), and MPI makes {n_processes} jobs of one rank of "
            f"them: {_OWN_LAUNCHERS}"
        ), process
    return _find_parts(size, environment), process


def _find_parts(size, environment):
    """Return one line if this is a heterogeneous job of SLURM's, and only its first part was started; or None."""
    n_parts = int(environment.get("SLURM_HET_SIZE") or 1)
    n_tasks = [int(environment.get(f"SLURM_NTASKS_HET_GROUP_{part}") or 0) for part in range(n_parts)]
    if n_parts == 1 or size != n_tasks[0]:
        return None
    return (
        f"a heterogeneous job of {sum(n_tasks)} tasks, of which only the first part's {size} were started: all ranks "
        f"are alike, so ask for a single --ntasks={sum(n_tasks)}; a role gets more cores by more ranks"
    )


def _find_stripped(below):
    """Return one line if a launcher started this process and others, and its variables are gone; and the number."""
    while (parent := _parent(below)) > 1:
        name = _read(parent, "comm").strip()
        if name in _DAEMONS:
            children = sorted(
                pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _parent(pid) == parent
            )
            if len(children) > 1:
                return _describe_stripped(name, len(children)), children.index(below)
        below = parent
    return None, 0


def _describe_stripped(launcher, n_processes):
    return (
        f"{launcher} started {n_processes} processes here, and each is a job of one rank: the environment in which MPI "
        "finds the others is lost on the way (env -i, sudo, su?); give variables to the launcher instead "
        "(mpirun -genv or -x, srun --export)"
    )


def _parent(pid):
    """Return the parent of a process, or 0 if it has ended."""
    return int(_read(pid, "stat").rpartition(")")[2].split()[1] or 0) if _read(pid, "stat") else 0


def _read(pid, name):
    """Return a file that describes a process, or nothing if it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_text()
    return ""
