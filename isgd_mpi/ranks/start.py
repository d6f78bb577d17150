"""Initialise MPI, or say in one line why that would fail."""

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

import mpi4py

from isgd_mpi.ranks.launchers import find_foreign_launcher, launched
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import BAD_INPUT
from isgd_mpi.settings.uncaught import tell_if_uncaught

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
    signal.signal(signal.SIGINT, partial(_interrupted, launched(os.environ)[1] or 0))
    problem, process = _find_problem()
    if problem:
        refuse(problem, process)
        sys.exit(BAD_INPUT)
    with _told_if_late(*launched(os.environ)[:2]):
        _initialise()


def start_mpi_or_raise():
    """Initialise MPI, unless it is, in a program that is not ours. Collective.

    Raises
    ------
    InputError
        MPI would fail or hang. If nobody catches it, the first of the processes concerned prints one line.
    """
    if not mpi4py.rc.initialize:  # the caller wants to do that, in a way of its own
        return
    problem, process = _find_problem()
    if problem:
        if process > 0:
            time.sleep(_FIRST_PRINTS_AT_ONCE_SECONDS)
        raise tell_if_uncaught(InputError(problem), told=process == 0)
    _initialise()


def _find_problem():
    """Load MPI; return one line if it cannot be initialised, and the number of this process among those concerned."""
    prepare_mpi()
    mpi4py.rc.initialize = False
    from mpi4py import MPI

    mpi4py.rc.initialize = True
    if MPI.Is_initialized():  # by whoever runs this program
        return None, 0
    library = MPI.Get_library_version()
    if problem := find_foreign_launcher(library, os.environ):
        return problem, int(os.environ["PMIX_RANK"])
    return find_shared_memory_shortage(library, os.environ), int(os.environ.get("MPI_LOCALRANKID") or 0)


def _initialise():
    """Initialise MPI, unless it is, and finalise it at the end of the process. Collective."""
    from mpi4py import MPI

    if not MPI.Is_initialized():
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
