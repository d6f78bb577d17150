"""Ways to move a refresh that ``python -m isgd_mpi.bench exchange`` compares with those of the exchange.

Each has the two ends of :mod:`isgd_mpi.ranks.exchange`, as far as the bench calls them.
"""

from functools import partial

import numpy as np
from mpi4py import MPI

from isgd_mpi.ranks.exchange import ScorerExchange, TrainerExchange, gather_buffers
from isgd_mpi.ranks.transports import Collectives, Messages, SharedMemory, as_bytes


class BlockingTrainer:
    """The trainer's end of Bcast and Gatherv: it stands still until all is done."""

    def __init__(self, comm, published, reports, polite):
        self._comm = comm
        self.published = np.zeros((), published)
        self._recvbuf, self.reports = gather_buffers(reports)

    def start(self):
        """Do the whole refresh. Collective."""
        root = self._comm.Get_rank()
        self._comm.Bcast([as_bytes(self.published), MPI.BYTE], root=root)
        self._comm.Gatherv(None, self._recvbuf, root=root)

    def look(self):
        """Return True: it is done."""
        return True

    def close(self):
        """Do nothing."""


class BlockingScorer:
    """A scorer's end of Bcast and Gatherv."""

    def __init__(self, comm, published, report, polite, root=0):
        self._comm, self._root = comm, root
        self.published = np.zeros((), published)

    def arrived(self):
        """Wait for what is published. Collective."""
        self._comm.Bcast([as_bytes(self.published), MPI.BYTE], root=self._root)
        return True

    def report(self, record, last=False):
        """Report. Collective."""
        self._comm.Gatherv([as_bytes(record), MPI.BYTE], None, root=self._root)

    def close(self):
        """Do nothing."""


def _window_dtype(published, reports):
    """Return the dtype of the trainer's window: a count of publications, one of each rank's reports, all records."""
    flat = [(f"report{rank}", "u1", (dtype.itemsize if dtype else 0,)) for rank, dtype in enumerate(reports)]
    return np.dtype([("n_published", "i8"), ("n_reported", "i8", (len(reports),)), ("published", published), *flat])


class WindowTrainer:
    """The trainer's end of a window in its memory: scorers get and put, it makes no call. Collective to construct."""

    def __init__(self, comm, published, reports, polite):
        dtype = _window_dtype(published, reports)
        self._window = MPI.Win.Allocate(dtype.itemsize, comm=comm)
        self._memory = np.frombuffer(self._window.tomemory(), dtype)[0:1].reshape(())
        self._memory["n_published"] = self._memory["n_reported"] = 0
        self.published = self._memory["published"]
        self.reports = [
            self._memory[f"report{rank}"].view(reports[rank]).reshape(())
            for rank in range(len(reports))
            if reports[rank]
        ]
        self._senders = [rank for rank, report in enumerate(reports) if report]
        comm.Barrier()
        self._window.Lock_all()

    def start(self):
        """Show what is published. Not collective."""
        self._window.Sync()
        self._memory["n_published"] += 1
        self._window.Sync()

    def look(self):
        """Return whether all have reported. Not collective."""
        self._window.Sync()
        return bool((self._memory["n_reported"][self._senders] == self._memory["n_published"]).all())

    def close(self):
        """Give the window back. Collective."""
        self._window.Unlock_all()
        self._memory = self.published = self.reports = None
        self._window.Free()


class WindowScorer:
    """A scorer's end of the window. Collective to construct."""

    def __init__(self, comm, published, report, polite, root=0, reports=()):
        dtype = _window_dtype(published, reports)
        offsets = {name: dtype.fields[name][1] for name in dtype.names}
        self._root = root
        self._own = offsets["n_reported"] + 8 * comm.Get_rank(), offsets[f"report{comm.Get_rank()}"]
        self._source = offsets["published"]
        self._count, self._n_seen = np.zeros(1, np.int64), 0
        self.published = np.zeros((), published)
        self._window = MPI.Win.Allocate(0, comm=comm)
        comm.Barrier()
        self._window.Lock_all()

    def _move(self, method, array, displacement):
        method([array.view(np.uint8), MPI.BYTE], self._root, [displacement, array.nbytes, MPI.BYTE])
        self._window.Flush(self._root)

    def arrived(self):
        """Get what is published, if it is new. Not collective."""
        self._move(self._window.Get, self._count, 0)
        if self._count[0] == self._n_seen:
            return False
        self._n_seen = int(self._count[0])
        self._move(self._window.Get, as_bytes(self.published), self._source)
        return True

    def report(self, record, last=False):
        """Put a report, then count it. Not collective."""
        count, place = self._own
        self._move(self._window.Put, as_bytes(record), place)
        self._move(self._window.Put, np.array([self._n_seen]), count)

    def close(self):
        """Give the window back. Collective."""
        self._window.Unlock_all()
        self._window.Free()


def ends(name, reports, n_tests):
    """Return what makes the trainer's and a scorer's end of a pattern.

    Parameters
    ----------
    name : str
        ``blocking``, ``collectives``, ``messages``, ``memory`` or ``window``.
    reports : list of (numpy.dtype or None)
        Of each rank.
    n_tests : int
        Tests at each look, where there are any.
    """
    if name == "blocking":
        return BlockingTrainer, BlockingScorer
    if name == "window":
        return WindowTrainer, partial(WindowScorer, reports=reports)
    transport = {"collectives": Collectives, "messages": Messages, "memory": SharedMemory}[name]
    return tuple(partial(end, transport=transport, n_tests=n_tests) for end in (TrainerExchange, ScorerExchange))
