"""States that travel between ranks: when a run is resumed, and when the loss predictor's is saved."""

import numpy as np
from mpi4py import MPI

from isgd_mpi.messages import SAVE
from isgd_mpi.state import pack, unpack
from isgd_mpi.transports import as_bytes
from isgd_mpi.waiting import wait


def send_state(comm, state, dest, polite):
    """Send a state to one rank. Waits until it is on its way.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    state : dict
        See :mod:`isgd_mpi.state`.
    dest : int
    polite : bool
        See :func:`waiting.wait`.
    """
    wait([comm.Isend([pack(state), MPI.BYTE], dest)], polite)


def receive_state(comm, like, source, polite):
    """Receive the state that :func:`send_state` sends; `like` is one of the same names, dtypes and shapes."""
    packed = pack(like)
    wait([comm.Irecv([packed, MPI.BYTE], source)], polite)
    return unpack(packed, like)


def send_reports(comm, first, reports, params, polite):
    """Give each scorer back the report that it once made, as :func:`receive_report` takes it.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    first : int
        The first scorer; the others follow.
    reports : list of () ndarray of messages.report_dtype
    params : (P,) ndarray or None
        That are being evaluated.
    polite : bool
    """
    for dest, report in enumerate(reports, first):
        buffers = [as_bytes(report)] + ([] if params is None else [as_bytes(params)])
        wait([comm.Isend([buffer, MPI.BYTE], dest) for buffer in buffers], polite)


def receive_report(comm, dtype, params, polite):
    """Receive a report, and parameters in their place unless they are None; return the report."""
    report = np.zeros((), dtype)
    buffers = [as_bytes(report)] + ([] if params is None else [as_bytes(params)])
    wait([comm.Irecv([buffer, MPI.BYTE], 0) for buffer in buffers], polite)
    return report


def share(comm, array, polite):
    """Send an array of rank 0 to all, in its place. Collective."""
    wait([comm.Ibcast([as_bytes(array), MPI.BYTE], root=0)], polite)


class RemoteForecaster:
    """The loss predictor's state, where the predictor is another rank: has the state of :class:`forecaster.Forecaster`.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Private to this.
    rank : int
        The predictor's.
    exchange : exchange.TrainerExchange
        With the predictor.
    mirror : forecaster.Forecaster
        Made as the predictor's is.
    polite : bool
        See :func:`waiting.wait`.

    Attributes
    ----------
    record : () ndarray
        As of the predictor, when its state was last saved or restored.
    """

    def __init__(self, comm, rank, exchange, mirror, polite):
        self._comm = comm
        self._rank = rank
        self._exchange = exchange
        self._mirror = mirror
        self._polite = polite
        self.record = mirror.record
        self._connected = self._restored = False

    def connect(self):
        """Let the predictor begin with what was restored, if anything was. Collective, with its role."""
        self._connected = True
        if self._restored:
            send_state(self._comm, self._mirror.state(), self._rank, self._polite)

    def state(self):
        """Ask the predictor for its state, once it is there. No exchange may be under way."""
        if not self._connected:
            return self._mirror.state()
        packed = pack(self._mirror.state())
        receiving = self._comm.Irecv([packed, MPI.BYTE], self._rank)
        self._ask()
        wait([receiving], self._polite)
        return unpack(packed, self._mirror.state())

    def _ask(self):
        """Exchange a record without losses, and leave the exchange as it was."""
        exchange = self._exchange
        pending = exchange.pending
        exchange.published["n"], exchange.published["command"] = 0, SAVE
        exchange.start()
        exchange.wait()
        exchange.pending = pending

    def restore(self, state):
        """Take back what :meth:`state` returned, for :meth:`connect` to hand on."""
        self._mirror.restore(state)
        self._restored = True
