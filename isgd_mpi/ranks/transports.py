"""How a refresh travels: in memory that all ranks see, by messages from rank to rank, or by collectives.

All ends of a communicator use the same one. `python -m isgd_mpi.bench exchange` compares them, and
docs/performance.md has what was measured.
"""

import numpy as np
from mpi4py import MPI

from isgd_mpi.ranks.waiting import TRAINER_TESTS, meet

_PUBLISHED, _REPORT = 1, 2  # tags
_LINE_BYTES = 64  # of a cache
_NOTHING = np.empty(0, np.uint8)


def transport_between(n_ranks, n_on_node, n_bytes, n_shared_bytes):
    """Return the transport for a job.

    Parameters
    ----------
    n_ranks, n_on_node : int
        Ranks of the job, and of them on this rank's node.
    n_bytes : int
        Of a record that is published.
    n_shared_bytes : int
        Of free memory that the ranks of this node may share. Half of it is left to others.

    Returns
    -------
    type of Transport
    """
    if n_on_node < n_ranks:
        return Collectives  # from another node each message would come through the trainer's own network card
    return SharedMemory if 2 * N_PLACES * (n_bytes + _LINE_BYTES) <= n_shared_bytes else Messages


def as_bytes(record):
    """Return a record's (or a plain array's) memory as a flat array of bytes."""
    return record.reshape(-1).view(np.uint8)


class Transport:
    """One end of it.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Private to what travels.
    root : int
        Rank that publishes.

    Attributes
    ----------
    trainer_tests : int
        How often the trainer asks MPI at each look; see :func:`waiting.look`.
    """

    trainer_tests = TRAINER_TESTS

    def __init__(self, comm, root):
        self._comm = comm
        self._root = root

    def places(self, dtype):
        """Return the records that are published in turn, or arrive in turn. Collective.

        Parameters
        ----------
        dtype : numpy.dtype

        Returns
        -------
        list of N_PLACES () ndarray
        """
        if self._comm.Get_rank() == self._root:
            return N_PLACES * [np.zeros((), dtype)]  # once it is sent it may be filled again
        return [np.zeros((), dtype) for _ in range(N_PLACES)]

    def refresh(self, record, recvbuf):
        """Start a refresh at the root; return its requests. Collective.

        Parameters
        ----------
        record : () ndarray
            What is published.
        recvbuf : list
            As of :func:`exchange.gather_buffers`.
        """
        raise NotImplementedError

    def receive(self, record):
        """Start to receive what the root publishes; return the request. Collective."""
        raise NotImplementedError

    def send(self, report):
        """Start to send a report to the root; return the request. Collective."""
        raise NotImplementedError

    def arrive(self):
        """Make what has arrived readable."""

    def close(self):
        """Give back what is not memory of this rank: no record may be used any more. Collective."""


class Collectives(Transport):
    """Ibcast and Igatherv: the work is shared by the ranks, each of which passes on only when it looks."""

    def refresh(self, record, recvbuf):
        """As of :class:`Transport`."""
        root = self._root
        return [
            self._comm.Ibcast([as_bytes(record), MPI.BYTE], root=root),
            self._comm.Igatherv(None, recvbuf, root=root),
        ]

    def receive(self, record):
        """As of :class:`Transport`."""
        return self._comm.Ibcast([as_bytes(record), MPI.BYTE], root=self._root)

    def send(self, report):
        """As of :class:`Transport`."""
        return self._comm.Igatherv([as_bytes(report), MPI.BYTE], None, root=self._root)


class Messages(Transport):
    """Isend and Irecv between the root and each rank: nobody waits for a third one.

    On one node a large message is copied by the rank that receives it, while the root computes.
    """

    def refresh(self, record, recvbuf):
        """As of :class:`Transport`, but not collective."""
        received, counts, displs, _ = recvbuf
        others = [rank for rank in range(self._comm.Get_size()) if rank != self._root]
        blocks = [received[displs[rank] : displs[rank] + counts[rank]] for rank in others]
        outgoing = self._content(record)
        return [
            *(self._comm.Irecv([block, MPI.BYTE], rank, _REPORT) for rank, block in zip(others, blocks)),
            *(self._comm.Isend([outgoing, MPI.BYTE], rank, _PUBLISHED) for rank in others),
        ]

    def receive(self, record):
        """As of :class:`Transport`, but not collective."""
        return self._comm.Irecv([self._content(record), MPI.BYTE], self._root, _PUBLISHED)

    def send(self, report):
        """As of :class:`Transport`, but not collective."""
        return self._comm.Isend([as_bytes(report), MPI.BYTE], self._root, _REPORT)

    def _content(self, record):
        """Return what a message with a published record holds."""
        return as_bytes(record)


class SharedMemory(Messages):
    """Memory that all ranks of a node see: what is published is used where the root wrote it, and never copied.

    An empty message says that it is there.
    """

    trainer_tests = 4  # nothing large is on its way

    def __init__(self, comm, root):
        super().__init__(comm, root)
        self._window = None

    def places(self, dtype):
        """As of :class:`Transport`: the same records at all ends."""
        stride = -(-dtype.itemsize // _LINE_BYTES) * _LINE_BYTES
        at_root = self._comm.Get_rank() == self._root
        meet(self._comm, polite=True)  # to allocate is to spin until all are there
        self._window = MPI.Win.Allocate_shared(N_PLACES * stride if at_root else 0, comm=self._comm)
        self._window.Lock_all(MPI.MODE_NOCHECK)
        memory = np.frombuffer(self._window.Shared_query(self._root)[0], np.uint8)
        if at_root:
            memory[:] = 0  # where there is too little it fails here, and not hours later
        starts = range(0, N_PLACES * stride, stride)
        return [memory[start : start + dtype.itemsize].view(dtype).reshape(()) for start in starts]

    def refresh(self, record, recvbuf):
        """As of :class:`Messages`."""
        self._window.Sync()
        return super().refresh(record, recvbuf)

    def arrive(self):
        """As of :class:`Transport`."""
        self._window.Sync()

    def close(self):
        """As of :class:`Transport`."""
        meet(self._comm, polite=True)
        self._window.Unlock_all()
        self._window.Free()

    def _content(self, record):
        return _NOTHING


N_PLACES = 3
"""One for the last record, one for a record that is kept, one for the next."""


def keep_none(record):
    """Return False: a record is used until the next one comes."""
    return False


class Places:
    """Where published records lie, in turn: a new one overwrites neither the last one nor the one that is kept.

    All ends count alike, so that where they see the same memory none has to say which place is meant.

    Parameters
    ----------
    records : list of () ndarray
        So many as N_PLACES; the same one as often where nobody uses them after they were sent.
    keeps : callable
        Takes a record, returns whether it is kept until the next one that is.
    """

    def __init__(self, records, keeps):
        self._records = records
        self._keeps = keeps
        self._last = self._kept = None

    @property
    def next(self):
        """The record that may be overwritten."""
        return self._records[self._index]

    @property
    def _index(self):
        return next(i for i in range(len(self._records)) if i not in (self._last, self._kept))

    def turn(self):
        """Return the next record, which now is the last one, and complete."""
        self._last = self._index
        record = self._records[self._last]
        if self._keeps(record):
            self._kept = self._last
        return record
