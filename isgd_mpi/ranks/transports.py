"""Transports, which move records between ranks by shared memory, by messages, or by collectives.

All ranks of a communicator use the same one. `python -m isgd_mpi.bench exchange` compares them, and
docs/performance.md has the measurements.
"""

import numpy as np
from mpi4py import MPI

from isgd_mpi.kernels.memory import LINE_BYTES
from isgd_mpi.ranks.published import N_BUFFERS
from isgd_mpi.ranks.shared import SharedArrays
from isgd_mpi.ranks.states import as_bytes
from isgd_mpi.ranks.waiting import POLITE, TRAINER_TESTS

_PUBLISHED, _REPORT = 1, 2  # tags
_NOTHING = np.empty(0, np.uint8)


def transport_between(n_ranks, n_on_node, n_bytes, n_shared_bytes):
    """Choose the transport of a job.

    Parameters
    ----------
    n_ranks, n_on_node : int
        Ranks of the job, and the number of them on this rank's node.
    n_bytes : int
        Size of a published record.
    n_shared_bytes : int
        Free memory that the ranks of every node may share. Half of it is left to others.

    Returns
    -------
    type of Transport
    """
    if 2 * N_BUFFERS * (n_bytes + LINE_BYTES) <= n_shared_bytes:
        return SharedMemory
    # between nodes each message would come through the trainer's own network card
    return Messages if n_on_node == n_ranks else Collectives


class Transport:
    """One rank's end of a transport.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Private to the records.
    root : int
        Rank that publishes.

    Attributes
    ----------
    trainer_tests : int
        Tests in each of the trainer's polls; see :class:`waiting.Waiter`.
    """

    trainer_tests = TRAINER_TESTS

    def __init__(self, comm, root=0):
        self._comm = comm
        self._root = root

    def allocate(self, dtype):
        """Allocate the buffers that records are published or received in, in turn. Collective.

        Parameters
        ----------
        dtype : numpy.dtype

        Returns
        -------
        list of () ndarray
            N_BUFFERS buffers; see :mod:`isgd_mpi.ranks.published`.
        """
        if self._comm.Get_rank() == self._root:
            return N_BUFFERS * [np.zeros((), dtype)]  # once it is sent it may be filled again
        return [np.zeros((), dtype) for _ in range(N_BUFFERS)]

    def refresh(self, record, recvbuf):
        """Start a refresh at the root; return its requests. Collective.

        Parameters
        ----------
        record : () ndarray
            The record to publish.
        recvbuf : list
            See :func:`exchange.gather_buffers`.
        """
        raise NotImplementedError

    def receive(self, record):
        """Start to receive a published record; return the request. Collective."""
        raise NotImplementedError

    def send(self, report):
        """Start to send a report to the root; return the request. Collective."""
        raise NotImplementedError

    def arrive(self):
        """Make a received record readable, once its request is complete."""

    def close(self):
        """Free memory that is shared with other ranks: no record may be used afterwards. Collective."""


class Collectives(Transport):
    """Ibcast and Igatherv: the ranks pass records on to each other, but only when they poll."""

    def refresh(self, record, recvbuf):
        """See :class:`Transport`."""
        root = self._root
        return [
            self._comm.Ibcast([as_bytes(record), MPI.BYTE], root=root),
            self._comm.Igatherv(None, recvbuf, root=root),
        ]

    def receive(self, record):
        """See :class:`Transport`."""
        return self._comm.Ibcast([as_bytes(record), MPI.BYTE], root=self._root)

    def send(self, report):
        """See :class:`Transport`."""
        return self._comm.Igatherv([as_bytes(report), MPI.BYTE], None, root=self._root)


class Messages(Transport):
    """Isend and Irecv between the root and each rank: nobody waits for a third one.

    On one node a large message is copied by the rank that receives it, while the root computes.
    """

    def refresh(self, record, recvbuf):
        """See :class:`Transport`; not collective here."""
        published = [as_bytes(record), MPI.BYTE]
        sends = [self._comm.Isend(published, rank, _PUBLISHED) for rank in self._others()]
        return self._collect(recvbuf) + sends

    def receive(self, record):
        """See :class:`Transport`; not collective here."""
        return self._comm.Irecv([as_bytes(record), MPI.BYTE], self._root, _PUBLISHED)

    def send(self, report):
        """See :class:`Transport`; not collective here."""
        return self._comm.Isend([as_bytes(report), MPI.BYTE], self._root, _REPORT)

    def _collect(self, recvbuf):
        """Expect a report from each rank; return the requests."""
        received, counts, displs, _ = recvbuf
        blocks = {rank: received[displs[rank] : displs[rank] + counts[rank]] for rank in self._others()}
        return [self._comm.Irecv([block, MPI.BYTE], rank, _REPORT) for rank, block in blocks.items()]

    def _others(self):
        """Return the ranks but the root."""
        return [rank for rank in range(self._comm.Get_size()) if rank != self._root]


class SharedMemory(Messages):
    """Memory that the ranks of a node share: no rank copies a record, and it crosses the network once for each node.

    On the root's node a record is used where the root wrote it. To each other node it travels once, into memory of
    that node, by a broadcast between the nodes' leaders. An empty message announces it to the other ranks of a node.
    Its sender is the leader: the root, or the lowest rank. Reports travel as messages to the root.

    The leader of another node may expect a record while ranks beside it still read what its memory held before: they
    have received the record in between by the time that the root sends this one, which is after their reports.
    """

    def __init__(self, comm, root=0):
        super().__init__(comm, root)
        POLITE.meet(comm)  # the calls below spin until all ranks are there
        behind_root = int(comm.Get_rank() != root)
        self._node = comm.Split_type(MPI.COMM_TYPE_SHARED, behind_root)
        self._leads = self._node.Get_rank() == 0
        self._leaders = comm.Split(0 if self._leads else MPI.UNDEFINED, behind_root)
        if self._leads and self._leaders.Get_size() == 1:
            self.trainer_tests = 4  # nothing large is on its way
        self._memory = SharedArrays(self._node)
        self._announcing = []

    def allocate(self, dtype):
        """See :class:`Transport`; all ranks of a node get the same buffers."""
        return self._memory.allocate(*N_BUFFERS * [((), dtype)])

    def refresh(self, record, recvbuf):
        """See :class:`Transport`."""
        self._memory.sync()
        requests = [*self._collect(recvbuf), *self._announce()]
        return requests if self._leaders.Get_size() == 1 else [*requests, self._pass_on(record)]  # each poll tests all

    def receive(self, record):
        """See :class:`Transport`."""
        return self._pass_on(record) if self._leads else self._node.Irecv([_NOTHING, MPI.BYTE], 0, _PUBLISHED)

    def arrive(self):
        """See :class:`Transport`."""
        self._memory.sync()
        if self._leads:
            MPI.Request.Waitall(self._announcing)  # the ranks beside this one have reported since
            self._announcing = self._announce()

    def _pass_on(self, record):
        """Start to send a record from the root to the leaders of the other nodes; return the request."""
        return self._leaders.Ibcast([as_bytes(record), MPI.BYTE], root=0)

    def _announce(self):
        """Start to tell the ranks beside this one that a record is there; return the requests."""
        beside = range(1, self._node.Get_size())
        return [self._node.Isend([_NOTHING, MPI.BYTE], rank, _PUBLISHED) for rank in beside]

    def close(self):
        """See :class:`Transport`."""
        POLITE.meet(self._comm)
        MPI.Request.Waitall(self._announcing)
        self._memory.close()
        for comm in (self._node, self._leaders):
            if comm != MPI.COMM_NULL:
                comm.Free()
