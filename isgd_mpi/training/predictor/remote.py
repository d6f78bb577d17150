"""The loss predictor on another rank: its state, as the trainer asks for it and hands it back."""

from mpi4py import MPI

from isgd_mpi.ranks.records import SAVE
from isgd_mpi.ranks.states import pack, send_state, unpack
from isgd_mpi.ranks.waiting import wait


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
