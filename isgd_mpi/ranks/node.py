"""Find the cores and the ranks of a node, and choose threads by them."""

import os
from contextlib import contextmanager
from dataclasses import dataclass

import threadpoolctl
from mpi4py import MPI

from isgd_mpi.kernels.threads import set_threads
from isgd_mpi.ranks.waiting import Waiter

_SHARED_MEMORY = "/dev/shm"


@dataclass(frozen=True)
class Node:
    """A rank's place on its node.

    Attributes
    ----------
    comm : mpi4py.MPI.Comm
        The ranks of this node.
    threads : int
        Threads of BLAS and kernels that this rank may use.
    n_cores : int
        Cores of the node that its ranks may use.
    crowded : bool
        Whether the node's ranks, with their threads, outnumber its cores: waiting must then be polite.
    own_session : bool
        Whether the node's ranks are in scheduling groups (sessions) of their own.
    hosts : list of str
        Host name of each rank of the job.
    blas : list of str
        BLAS libraries in use, with versions.
    niceness : int
        Niceness that this rank began with.
    n_shared_bytes : int
        Free memory that the ranks of every node may share.
    waiter : waiting.Waiter
        How this rank waits, with its timeline.
    """

    comm: MPI.Comm
    threads: int
    n_cores: int
    crowded: bool
    own_session: bool
    hosts: list[str]
    blas: list[str]
    niceness: int
    n_shared_bytes: int
    waiter: Waiter

    @contextmanager
    def first_rank_first(self):
        """Run a block on the node's first rank, then on the others. Collective on the node."""
        if self.comm.Get_rank() > 0:
            self.waiter.meet(self.comm)
        try:
            yield
        finally:
            if self.comm.Get_rank() == 0:
                self.waiter.meet(self.comm)  # also when the block failed: the others must not wait for ever


def find_node(comm, threads=None):
    """Find the ranks and cores of the node, and set the number of threads of BLAS and of kernels. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    threads : int, optional
        BLAS threads of each rank; the node's cores divided by its ranks if not given.

    Returns
    -------
    Node
    """
    node_comm = comm.Split_type(MPI.COMM_TYPE_SHARED)
    own_cores = os.sched_getaffinity(0)
    places = node_comm.allgather((sorted(own_cores), os.getsid(0)))
    cores = set().union(*(place[0] for place in places))
    sessions = {place[1] for place in places}
    n_ranks = len(places)
    threads = threads or max(1, min(len(own_cores), len(cores) // n_ranks))
    threadpoolctl.threadpool_limits(threads)
    pools = threadpoolctl.threadpool_info()
    set_threads(threads)
    crowded = n_ranks * threads > len(cores)
    return Node(
        comm=node_comm,
        threads=threads,
        n_cores=len(cores),
        crowded=crowded,
        own_session=len(sessions) == n_ranks,
        hosts=comm.allgather(MPI.Get_processor_name()),
        niceness=os.getpriority(os.PRIO_PROCESS, 0),
        blas=[f"{pool['internal_api']} {pool['version']}" for pool in pools if pool["user_api"] == "blas"],
        n_shared_bytes=comm.allreduce(_free_shared_bytes(), MPI.MIN),
        waiter=Waiter(polite=crowded),
    )


def _free_shared_bytes():
    """Return the free bytes where MPI puts shared memory: containers may have few, and using more is a bus error."""
    if not os.access(_SHARED_MEMORY, os.W_OK):
        return 0
    space = os.statvfs(_SHARED_MEMORY)
    return space.f_bavail * space.f_frsize
