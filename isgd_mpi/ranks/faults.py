"""End a job when something goes wrong: all ranks together, with one message, and never by hanging."""

import atexit
import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from functools import partial

from isgd_mpi.ranks.crashes import WORDS, Witness, find_gone
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
    witness = Witness()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup leaves it
            signal.signal(number, partial(_interrupted, comm, witness))
    sys.excepthook = partial(end_job, comm, witness)
    threading.excepthook = partial(end_job_if_silent, comm, witness, threading.excepthook)
    witness.find(comm)
    witness.call(comm)
    atexit.register(witness.dismiss)  # before MPI lets any rank end


def _interrupted(comm, witness, number, frame):
    """End the job before training; rank 0 prints that, unless it was not interrupted itself."""
    rank = comm.Get_rank()
    if rank > 0:
        time.sleep(_RANK_0_PRINTS_SECONDS)
    witness.tell()
    abort(comm, f"isgd_mpi: {f'rank {rank} was ' if rank else ''}interrupted before training began\n", FAILED)


def end_job(comm, witness, kind, value, trace):
    """Print the exception of this rank, and end the whole job at once, with exit code 1.

    Bad input is one line and exit code 2; a silent rank is one line, and exit code 75 if there is a checkpoint.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        See :func:`abort_on_exception`.
    witness : crashes.Witness
    kind, value, trace
        The exception, see ``sys.exc_info``.
    """
    rank, size = comm.Get_rank(), comm.Get_size()
    if issubclass(kind, KeyboardInterrupt):
        _interrupted(comm, witness, signal.SIGINT, None)
    gone = find_gone(witness.processes) if kind.__module__.startswith("mpi4py") else []
    if gone and witness.everywhere:
        witness.wait()
        abort(comm, "", FAILED)
    witness.tell()
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


def end_job_if_silent(comm, witness, otherwise, failure):
    """Stand for ``threading.excepthook``: end the job as :func:`end_job` does if a watchdog raised Silent.

    Parameters
    ----------
    comm, witness
        See :func:`end_job`.
    otherwise : callable
        The hook for all other exceptions.
    failure : threading.ExceptHookArgs
    """
    if issubclass(failure.exc_type, Silent):
        end_job(comm, witness, failure.exc_type, failure.exc_value, failure.exc_traceback)
    otherwise(failure)


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
