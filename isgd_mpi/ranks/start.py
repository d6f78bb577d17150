"""Initialise MPI, and find out if the launcher and the MPI library did not understand each other."""

import atexit
import math
import os
import platform
import select
import signal
import sys
import time
import warnings
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import mpi4py

from isgd_mpi.settings.exit_codes import BAD_INPUT

_FIRST_PRINTS_SECONDS = 5.0  # srun may kill all processes as soon as one has ended
_LATE_SECONDS = {0: 60.0, 1: 90.0}  # by rank: rank 1 tells, too, because rank 0 may be the one that is missing
_LOST_SECONDS = 600.0
_FIRST_PRINTS_AT_ONCE_SECONDS = 1.0
_RECENT_SECONDS = 60.0
_SHARED_BYTES_A_RANK = 1_100_000  # of MPICH 5: 1 061 440 are taken, more are used where they are free

SHARED_MEMORY = "/dev/shm"
"""The folder that MPI takes shared memory from."""


def prepare_mpi():
    """Set the options that MPI is initialised with. Has no effect once it is."""
    # MPICH's default Ibcast needs the trainer to look at it dozens of times, this algorithm about four.
    os.environ.setdefault("MPIR_CVAR_IBCAST_INTRA_ALGORITHM", "tsp_tree")
    # of the trees this one crosses from node to node once, where ranks fill one node after the other
    os.environ.setdefault("MPIR_CVAR_IBCAST_TREE_TYPE", "knomial_2")
    # Open MPI's UCX component for windows prints warnings; windows within a node, as those here, need another one
    os.environ.setdefault("OMPI_MCA_osc", "^ucx")
    # UCX would take SIGHUP for itself, with hundreds of lines, and the signals of crashes from faulthandler
    os.environ.setdefault("UCX_DEBUG_SIGNO", "0")
    os.environ.setdefault("UCX_HANDLE_ERRORS", "none")
    mpi4py.rc.thread_level = "funneled"  # one thread calls MPI: no locks on its way
    # mpi4py's three lines on the launcher of another MPI; find_split says it in one
    warnings.filterwarnings("ignore", "suspicious MPI execution environment", RuntimeWarning)


def start_mpi():
    """Initialise MPI, or end this process with one line where it would fail or hang. Collective.

    A launch of which another rank does not come to this call is told of after a minute, and ended after ten.
    """
    signal.signal(signal.SIGINT, partial(_interrupted, _launched(os.environ)[1] or 0))
    prepare_mpi()
    mpi4py.rc.initialize = False
    from mpi4py import MPI

    if MPI.Is_initialized():  # by whoever runs this program
        return
    if problem := find_foreign_launcher(MPI.Get_library_version(), os.environ):
        refuse(problem, int(os.environ["PMIX_RANK"]))
        sys.exit(BAD_INPUT)
    if problem := find_shared_memory_shortage(MPI.Get_library_version(), os.environ):
        refuse(problem, int(os.environ.get("MPI_LOCALRANKID") or 0))
        sys.exit(BAD_INPUT)
    with _told_if_late(*_launched(os.environ)[:2]):
        MPI.Init_thread(MPI.THREAD_FUNNELED)
    atexit.register(lambda: MPI.Is_finalized() or MPI.Finalize())


def _interrupted(process, number, frame):
    """End this process with one line before MPI could end all; the first process prints, unless it was not meant."""
    if process > 0:
        time.sleep(_FIRST_PRINTS_AT_ONCE_SECONDS)
    os.write(2, f"isgd_mpi: {f'rank {process} was ' if process else ''}interrupted before training began\n".encode())
    # by the signal: a rank that exits before MPI has started would leave the others waiting
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def find_shared_memory_shortage(library, environment, folder=SHARED_MEMORY):
    """Return one line if MPICH would find too little shared memory on this node; or None.

    Parameters
    ----------
    library : str
        Version of the MPI library.
    environment : mapping of str to str
    folder : str
    """
    n_ranks = int(environment.get("MPI_LOCALNRANKS") or 1)
    if not library.startswith("MPICH"):
        return None
    needed = n_ranks * _SHARED_BYTES_A_RANK
    if not os.access(folder, os.W_OK):
        state = "cannot be written"
    elif (free := _free_bytes(folder)) < needed:
        state = f"has {free / 1e6:.3g} MB free"
    else:
        return None
    return (
        f"{folder} of {platform.node()} {state}, and MPI needs {needed / 1e6:.3g} MB there for {n_ranks} ranks: give "
        "the container more (docker run --shm-size=1g), or remove what killed jobs left there (mpich_shm_*, ucx_shm_*)"
    )


def _free_bytes(folder):
    """Return the free bytes of a folder, with those that other ranks of this job may just have taken."""
    space, taken = os.statvfs(folder), 0
    if space.f_blocks == 0:  # a file system without a limit
        return math.inf
    for entry in os.scandir(folder):
        with suppress(OSError):
            status = entry.stat(follow_symlinks=False)
            if status.st_uid == os.geteuid() and time.time() - status.st_mtime < _RECENT_SECONDS:
                taken += 512 * status.st_blocks
    return space.f_bavail * space.f_frsize + taken


@contextmanager
def _told_if_late(n_processes, rank):
    """Tell from a process of its own if the block takes too long: it holds Python's lock all the time."""
    if rank not in _LATE_SECONDS:
        yield
        return
    end, own_end = os.pipe()
    watcher = os.fork()
    if watcher == 0:
        os.close(own_end)
        try:
            _watch_start(end, n_processes, rank)
        finally:
            os._exit(0)
    os.close(end)
    try:
        yield
    finally:
        os.close(own_end)
        os.waitpid(watcher, 0)


def _watch_start(end, n_processes, rank):
    """Tell if the other end of a pipe stays open for too long; end the parent process if it is far too long."""
    if not select.select([end], [], [], _LATE_SECONDS[rank])[0]:
        text = (
            f"isgd_mpi: rank {rank} ({platform.node()}) waits for MPI to start on all {n_processes} ranks, for "
            f"{_LATE_SECONDS[rank]:g} s now: a rank has not started, or cannot be reached; at {_LOST_SECONDS:g} s the "
            "job is ended\n"
        )
        os.write(2, text.encode())
        if not select.select([end], [], [], _LOST_SECONDS - _LATE_SECONDS[rank])[0]:
            os.kill(os.getppid(), signal.SIGKILL)


def refuse(problem, process):
    """Print, once, why several processes cannot be ranks of a job, and wait until that can be read.

    Parameters
    ----------
    problem : str
    process : int
        Number of this process: the first one prints.
    """
    if process == 0:
        print(f"isgd_mpi: {problem}", file=sys.stderr, flush=True)
    time.sleep(_FIRST_PRINTS_SECONDS)


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


def _launched(environment):
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
    n_processes, process, launcher, variable = _launched(environment)
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
