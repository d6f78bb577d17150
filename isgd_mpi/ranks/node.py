"""Find the cores and the ranks of a node, and choose threads by them."""

import os
import platform
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import threadpoolctl
from mpi4py import MPI

from isgd_mpi.kernels.limits import MACHINE, core_limits, free_address_space, memory_limits
from isgd_mpi.kernels.threads import set_threads
from isgd_mpi.ranks.agreement import on_all_ranks
from isgd_mpi.ranks.start import SHARED_MEMORY
from isgd_mpi.ranks.waiting import Waiter
from isgd_mpi.settings.errors import InputError


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
    nodes : list of int
        The node of each rank of the job: the first rank there.
    threads_of_ranks : list of int
        The `threads` of each rank of the job.
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
    nodes: list[int]
    threads_of_ranks: list[int]
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

    def use_one_thread(self):
        """Give BLAS and kernels one thread, whatever `threads` is: other ranks take part in this one's work."""
        threadpoolctl.threadpool_limits(1)
        set_threads(1)


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

    Raises
    ------
    InputError
        On every rank: there are more threads than cores on any.
    """
    node_comm = comm.Split_type(MPI.COMM_TYPE_SHARED)
    own_cores, limits = os.sched_getaffinity(0), core_limits()
    places = node_comm.allgather((sorted(own_cores), os.getsid(0), limits))
    n_cores = _count_cores([place[0] for place in places], [place[2] for place in places])
    sessions = {place[1] for place in places}
    n_ranks = len(places)
    on_all_ranks(comm, partial(_check_threads, threads, n_cores))
    threads = threads or max(1, min(len(own_cores), *map(int, limits.values()), n_cores // n_ranks))
    threadpoolctl.threadpool_limits(threads)
    pools = threadpoolctl.threadpool_info()
    set_threads(threads)
    crowded = n_ranks * threads > n_cores
    return Node(
        comm=node_comm,
        threads=threads,
        n_cores=n_cores,
        crowded=crowded,
        own_session=len(sessions) == n_ranks,
        hosts=comm.allgather(MPI.Get_processor_name()),
        nodes=comm.allgather(node_comm.bcast(comm.Get_rank(), root=0)),
        threads_of_ranks=comm.allgather(threads),
        niceness=os.getpriority(os.PRIO_PROCESS, 0),
        blas=[f"{pool['internal_api']} {pool['version']}" for pool in pools if pool["user_api"] == "blas"],
        n_shared_bytes=comm.allreduce(_free_shared_bytes(), MPI.MIN),
        waiter=Waiter(polite=crowded),
    )


def _count_cores(affinities, limits):
    """Return the number of cores that a node's ranks may use, by affinity and by the quotas of control groups.

    Parameters
    ----------
    affinities : list of list of int
        The cores of each rank.
    limits : list of dict
        For each rank, see :func:`limits.core_limits`.
    """
    tightest = [min(found, key=found.get, default=None) for found in limits]
    n_cores = 0
    for group in dict.fromkeys(tightest):
        own = set().union(*(cores for cores, its in zip(affinities, tightest) if its == group))
        quota = limits[tightest.index(group)].get(group, len(own))
        n_cores += min(len(own), int(quota))
    return max(1, min(n_cores, len(set().union(*affinities))))


def _check_threads(threads, n_cores):
    if threads and threads > n_cores:
        cores = f"{n_cores} core{'s' * (n_cores > 1)}"
        raise InputError(f"--threads {threads}: the ranks of {platform.node()} may use {cores}, by affinity and quota")


def memory_shortage(node_comm, n_bytes, n_shared_bytes=0):
    """Return what the ranks of a node lack if each allocates this much, or None. Collective.

    Parameters
    ----------
    node_comm : mpi4py.MPI.Comm
        The ranks of a node.
    n_bytes : int
        Bytes that this rank needs for itself.
    n_shared_bytes : int
        Bytes that it maps besides, which ``ulimit -v`` counts for each rank.

    Returns
    -------
    str or None
        A sentence with what they need, what they have, and where.
    """
    places = node_comm.allgather((n_bytes, memory_limits()))
    for group in dict.fromkeys(group for _, found in places for group in found):
        sharing = [(needed, found[group]) for needed, found in places if group in found]
        needed, limit = sum(needed for needed, _ in sharing), min(limit for _, limit in sharing)
        if needed > limit:
            ranks = f"{len(sharing)} ranks" if len(sharing) > 1 else "a rank"
            place = platform.node() if group == MACHINE else f"a control group of {platform.node()}"
            return f"{ranks} would need {needed / 1e9:.3g} GB, and {place} has {limit / 1e9:.3g} GB"
    n_bytes += n_shared_bytes
    if n_bytes > (free := free_address_space()):
        return f"a rank would need {n_bytes / 1e9:.3g} GB more, and ulimit -v leaves {free / 1e9:.3g} GB"
    return None


def _free_shared_bytes():
    """Return the free bytes where MPI puts shared memory: containers may have few, and using more is a bus error."""
    if not os.access(SHARED_MEMORY, os.W_OK):
        return 0
    space = os.statvfs(SHARED_MEMORY)
    return space.f_bavail * space.f_frsize
