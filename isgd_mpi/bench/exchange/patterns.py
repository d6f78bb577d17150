"""Ways to move a refresh: the package's transports, and Bcast with Gatherv as the yardstick."""

import numpy as np
from mpi4py import MPI

from isgd_mpi.ranks.exchange import ScorerExchange, TrainerExchange, gather_buffers
from isgd_mpi.ranks.states import as_bytes
from isgd_mpi.ranks.transports import Collectives, Messages, SharedMemory, Transport

TRANSPORTS = {"collectives": Collectives, "messages": Messages, "memory": SharedMemory}


class BlockingTrainer:
    """The trainer's end of Bcast and Gatherv: it stands still until all is done."""

    def __init__(self, comm, published, reports):
        self._comm = comm
        self.published = np.zeros((), published)
        self._recvbuf, self.reports = gather_buffers(reports)

    def start(self):
        """Do the whole refresh. Collective."""
        root = self._comm.Get_rank()
        self._comm.Bcast([as_bytes(self.published), MPI.BYTE], root=root)
        self._comm.Gatherv(None, self._recvbuf, root=root)

    def poll(self):
        """Return True: the refresh is complete."""
        return True


class BlockingScorer:
    """A scorer's end of Bcast and Gatherv; the trainer is rank 0."""

    def __init__(self, comm, published):
        self._comm = comm
        self.published = np.zeros((), published)

    def wait(self):
        """Wait for the parameters. Collective."""
        self._comm.Bcast([as_bytes(self.published), MPI.BYTE], root=0)

    def arrived(self):
        """Wait for the parameters, and return True. Collective."""
        self.wait()
        return True

    def report(self, record, last=False):
        """Report. Collective."""
        self._comm.Gatherv([as_bytes(record), MPI.BYTE], None, root=0)


def open_end(pattern, comm, published, report, waiter):
    """Return this rank's end of a pattern, and the transport below it; rank 0 is the trainer. Collective.

    Parameters
    ----------
    pattern : str
        ``blocking``, or one of TRANSPORTS.
    comm : mpi4py.MPI.Comm
        Private to the exchange.
    published, report : numpy.dtype
        Of the record that goes out to all scorers, and of the record that comes back from each.
    waiter : waiting.Waiter
    """
    reports = [None] + (comm.Get_size() - 1) * [report]
    trains = comm.Get_rank() == 0
    if pattern == "blocking":
        end = BlockingTrainer(comm, published, reports) if trains else BlockingScorer(comm, published)
        return end, Transport(comm)
    transport = TRANSPORTS[pattern](comm)
    if trains:
        return TrainerExchange(transport, published, reports, waiter), transport
    return ScorerExchange(transport, published, report, waiter), transport
