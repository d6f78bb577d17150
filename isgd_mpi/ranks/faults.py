"""End a job when something goes wrong: all ranks together, with one message, and never by hanging."""

import faulthandler
import os
import signal
import sys
import time
import traceback
from functools import partial

from isgd_mpi.ranks.crashes import WORDS, call_witness, find_gone, find_processes, tell_witness
from isgd_mpi.ranks.heartbeat import Silent
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import BAD_INPUT, FAILED

_RANK_0_PRINTS_SECONDS = 1.0
_DRAIN_SECONDS = 0.2  # launchers kill on Abort without reading first what was just written


def abort_on_exception(comm):
    """Let any uncaught exception on this rank, and signals before training, end the whole job at once. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks of the job. Without this the others would wait for this rank for ever.
    """
    faulthandler.enable(all_threads=False)
    processes = find_processes(comm)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup leaves it
            signal.signal(number, partial(_interrupted, comm, processes))
    sys.excepthook = partial(end_job, comm, processes)
    watched = call_witness(comm, processes)
    sys.excepthook = partial(end_job, comm, processes, watched=watched)


def _interrupted(comm, processes, number, frame):
    """End the job before training; rank 0 prints that, unless it was not interrupted itself."""
    rank = comm.Get_rank()
    if rank > 0:
        time.sleep(_RANK_0_PRINTS_SECONDS)
    tell_witness(processes)
    abort(comm, f"isgd_mpi: {f'rank {rank} was ' if rank else ''}interrupted before training began\n", FAILED)


def end_job(comm, processes, kind, value, trace, watched=False):
    """Print the exception of this rank, and end the whole job at once, with exit code 1.

    Bad input is one line and exit code 2; a silent rank is one line, and exit code 75 if there is a checkpoint.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        See :func:`abort_on_exception`.
    processes : list of tuple
        See :func:`crashes.find_processes`.
    kind, value, trace
        The exception, see ``sys.exc_info``.
    watched : bool
        Whether witnesses name a rank that ended without a word.
    """
    rank, size = comm.Get_rank(), comm.Get_size()
    if issubclass(kind, KeyboardInterrupt):
        _interrupted(comm, processes, signal.SIGINT, None)
    gone = find_gone(processes) if kind.__module__.startswith("mpi4py") else []
    if gone and watched:
        abort(comm, "", FAILED)
    tell_witness(processes)
    if issubclass(kind, Silent):
        abort(comm, f"isgd_mpi: {value}\n", value.exit_code)
    if issubclass(kind, InputError):
        abort(comm, f"isgd_mpi: rank {rank} of {size}: {value}\n", BAD_INPUT)
    if gone:
        ranks = f"rank{'s' * (len(gone) > 1)} {', '.join(map(str, gone))}"
        text = f"isgd_mpi: {ranks} of {size} {WORDS}, the job ends\n"
    else:
        lines = traceback.format_exception(kind, value, trace)
        text = f"isgd_mpi: rank {rank} of {size} failed, the job ends\n" + "".join(lines)
    abort(comm, text, FAILED)


def tell_if_uncaught(error, told=True):
    """Let an InputError that nobody catches end this process with exit code 2 and, if it is told here, one line.

    Parameters
    ----------
    error : InputError
        About to be raised.
    told : bool
        Whether this process prints the line: of ranks that all raise the same error, one is enough.

    Returns
    -------
    InputError
        The same.
    """
    error.told = told
    if not getattr(sys.excepthook, "tells_input_errors", False):
        sys.excepthook = partial(_tell, sys.excepthook)
        sys.excepthook.tells_input_errors = True
    return error


def _tell(otherwise, kind, value, trace):
    """Stand for ``sys.excepthook``."""
    if not issubclass(kind, InputError):
        otherwise(kind, value, trace)
        return
    if value.told:
        print(f"isgd_mpi: {value}", file=sys.stderr, flush=True)
    raise SystemExit(BAD_INPUT)


def abort(comm, text, code):
    """Print a text on stderr, and end the job of all ranks of `comm` at once, with an exit code."""
    try:
        sys.stdout.flush()
        sys.stderr.write(text)
        sys.stderr.flush()
        time.sleep(_DRAIN_SECONDS)
    finally:  # whatever happened to the message
        comm.Abort(code)
        os._exit(code)  # MPICH's may return before the launcher has ended this rank


class Interruption:
    """Remembers the first signal that asks this rank to stop, so that it can stop in its own time.

    A context manager: inside of the block signals are remembered, behind it they act as before.

    Parameters
    ----------
    final : bool
        Whether the process ends after the block: signals are then ignored, since launchers send them repeatedly.

    Attributes
    ----------
    signal : int
        SIGINT, SIGTERM, SIGUSR1, SIGHUP, or 0 if none came.
    """

    def __init__(self, final=False):
        self._final = final
        self.signal = 0
        self._handlers = {}

    def __enter__(self):
        self.remember(signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup leaves it
            self.remember(signal.SIGHUP)
        return self

    def __exit__(self, *exception):
        for number, handler in self._handlers.items():
            signal.signal(number, signal.SIG_IGN if self._final else handler)

    def remember(self, *numbers):
        """Remember these signals from now on, instead of what they do otherwise."""
        for number in numbers:
            self._handlers.setdefault(number, signal.signal(number, self._remember))

    def _remember(self, number, frame):
        self.signal = self.signal or number
