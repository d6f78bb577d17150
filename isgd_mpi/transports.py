"""How the bytes of a refresh travel: collectives, or messages from rank to rank.

Both ends of a communicator use the same one. `python -m isgd_mpi.bench exchange` compares them, and
docs/performance.md has what was measured.
"""

from mpi4py import MPI


def transport_between(n_ranks, n_on_node):
    """Return the transport for a job.

    Parameters
    ----------
    n_ranks, n_on_node : int
        Ranks of the job, and of them on this rank's node.
    """
    # from another node each message would come through the trainer's own network card
    return Messages if n_on_node == n_ranks else Collectives


_PUBLISHED, _REPORT = 1, 2  # tags


class Collectives:
    """Ibcast and Igatherv: the work is shared by the ranks, each of which passes on only when it looks."""

    @staticmethod
    def refresh(comm, outgoing, recvbuf):
        """Start a refresh at the root; return its requests. Collective.

        Parameters
        ----------
        comm : mpi4py.MPI.Comm
        outgoing : (n,) ndarray of uint8
        recvbuf : list
            As of :func:`exchange.gather_buffers`.
        """
        root = comm.Get_rank()
        return [comm.Ibcast([outgoing, MPI.BYTE], root=root), comm.Igatherv(None, recvbuf, root=root)]

    @staticmethod
    def receive(comm, buffer, root):
        """Start to receive what the root publishes; return the request. Collective."""
        return comm.Ibcast([buffer, MPI.BYTE], root=root)

    @staticmethod
    def send(comm, report, root):
        """Start to send a report to the root; return the request. Collective."""
        return comm.Igatherv([report, MPI.BYTE], None, root=root)


class Messages:
    """Isend and Irecv between the root and each rank: nobody waits for a third one.

    On one node a large message is copied by the rank that receives it, while the root computes.
    """

    @staticmethod
    def refresh(comm, outgoing, recvbuf):
        """Start a refresh at the root; return its requests. Not collective; parameters as of :class:`Collectives`."""
        received, counts, displs, _ = recvbuf
        others = [rank for rank in range(comm.Get_size()) if rank != comm.Get_rank()]
        blocks = [received[displs[rank] : displs[rank] + counts[rank]] for rank in others]
        return [
            *(comm.Irecv([block, MPI.BYTE], rank, _REPORT) for rank, block in zip(others, blocks)),
            *(comm.Isend([outgoing, MPI.BYTE], rank, _PUBLISHED) for rank in others),
        ]

    @staticmethod
    def receive(comm, buffer, root):
        """Start to receive what the root publishes; return the request. Not collective."""
        return comm.Irecv([buffer, MPI.BYTE], root, _PUBLISHED)

    @staticmethod
    def send(comm, report, root):
        """Start to send a report to the root; return the request. Not collective."""
        return comm.Isend([report, MPI.BYTE], root, _REPORT)
