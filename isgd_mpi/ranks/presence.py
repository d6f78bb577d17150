"""Wait until all ranks are there, and say after some seconds which are not: they may never come."""

import logging
import time
from dataclasses import replace

import numpy as np
from mpi4py import MPI

from isgd_mpi.ranks.waiting import POLITE

_logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0
"""Time after which a rank that waits asks who else does."""

_ANSWER_SECONDS = 1.0  # in which those who wait too answer
_TAG = 31_415  # of a user's communicator, which may be busy with other tags
_MOST_NAMED = 8


def meet_in_words(comm, call, patience_seconds=PATIENCE_SECONDS):
    """Wait until every rank has called this; after some seconds a line names those that have not. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    call : str
        What every rank must call, for the line.
    patience_seconds : float
    """
    roll = _RollCall(comm, call, patience_seconds)
    replace(POLITE, idle=roll.attend).meet(comm)
    roll.close()


class _RollCall:
    """The ranks that a waiting rank has heard of. Nothing is sent unless a rank has waited for long.

    A rank that has waited for long sends an empty message to all others. Those that wait too answer. The lowest rank
    that waits tells the user who is missing.
    """

    def __init__(self, comm, call, patience_seconds):
        self._comm, self._call = comm, call
        self._begin, self._patience = time.monotonic(), patience_seconds
        self._told, self._heard = np.zeros((2, comm.Get_size()), np.uint8)
        self._requests, self._is_said = [], False

    def attend(self):
        """Answer those who ask, ask if it is time, and say who is missing."""
        while self._comm.Iprobe(MPI.ANY_SOURCE, _TAG, status := MPI.Status()):
            self._hear(status.Get_source())
            self._tell(status.Get_source())
        waited = time.monotonic() - self._begin
        if waited > self._patience:
            for rank in np.flatnonzero(self._told == 0):
                self._tell(int(rank))
        if waited > self._patience + _ANSWER_SECONDS and not self._is_said:
            self._say(waited)

    def _tell(self, rank):
        if rank != self._comm.Get_rank() and not self._told[rank]:
            self._told[rank] = 1
            self._requests.append(self._comm.Isend(bytearray(), rank, _TAG))

    def _hear(self, rank):
        self._comm.Recv(bytearray(), rank, _TAG)
        self._heard[rank] = 1

    def _say(self, waited):
        own, heard = self._comm.Get_rank(), np.flatnonzero(self._heard)
        missing = sorted(set(range(self._comm.Get_size())) - {own, *heard.tolist()})
        self._is_said = True
        if missing and not (heard < own).any():
            names = ", ".join(map(str, missing[:_MOST_NAMED])) + (", ..." if len(missing) > _MOST_NAMED else "")
            _logger.warning(
                "isgd_mpi: rank %d of %d has waited %.0f s in %s for rank%s %s: every rank must call it",
                *(own, self._comm.Get_size(), waited, self._call, "s" * (len(missing) > 1), names),
            )

    def close(self):
        """Receive what others have sent to this rank, now that all are there. Collective."""
        sent = np.empty_like(self._told)
        self._comm.Alltoall(self._told, sent)
        for rank in np.flatnonzero(sent > self._heard):
            self._hear(int(rank))
        MPI.Request.Waitall(self._requests)
