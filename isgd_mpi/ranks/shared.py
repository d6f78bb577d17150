"""Memory that the ranks of a node share, and their meetings, for which no message is sent."""

import os
import time
from dataclasses import dataclass, field

import numpy as np
from mpi4py import MPI

from isgd_mpi.kernels.meeting import STRIDE, arrive, wait_for_all
from isgd_mpi.kernels.memory import LINE_BYTES
from isgd_mpi.ranks.waiting import POLITE, Waiter

_LOOKS = 1000  # some 20 to 50 us
_YIELDS = 50  # offers of this core to another rank before this one goes to sleep
_FIRST_SLEEP_SECONDS, _LONGEST_SLEEP_SECONDS = 20e-6, 1e-3


class SharedArrays:
    """Arrays that all ranks of a communicator see.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Ranks of one node.
    root : int
        Rank by which the memory is allocated.
    """

    def __init__(self, comm, root=0):
        self._comm = comm
        self._root = root
        self._windows = []

    def allocate(self, *specifications):
        """Allocate arrays of zeros, each of which begins at a cache line. Collective.

        Parameters
        ----------
        *specifications : pair of shape and dtype

        Returns
        -------
        list of ndarray
        """
        sizes = [int(np.prod(shape)) * np.dtype(dtype).itemsize for shape, dtype in specifications]
        starts = np.cumsum([0] + [-(-size // LINE_BYTES) * LINE_BYTES for size in sizes]).tolist()
        memory = self._map(starts[-1] + LINE_BYTES)
        # a lone rank's memory begins anywhere; that of several begins at the same place of a page for all
        memory = memory[-memory.ctypes.data % LINE_BYTES :]
        return [
            memory[start : start + size].view(dtype).reshape(shape)
            for start, size, (shape, dtype) in zip(starts, sizes, specifications)
        ]

    def _map(self, n_bytes):
        """Return new memory of all ranks, all zero."""
        at_root = self._comm.Get_rank() == self._root
        POLITE.meet(self._comm)  # Allocate_shared spins until all ranks are there
        window = MPI.Win.Allocate_shared(n_bytes if at_root else 0, comm=self._comm)
        window.Lock_all(MPI.MODE_NOCHECK)
        self._windows.append(window)
        memory = np.frombuffer(window.Shared_query(self._root)[0], np.uint8)
        if at_root:
            memory[:] = 0  # too little memory fails here, and not hours later
        POLITE.meet(self._comm)
        return memory

    def sync(self):
        """Make what others have written readable, and what this rank has written readable to others."""
        for window in self._windows:
            window.Sync()

    def close(self):
        """Free the memory: no array may be used afterwards. Collective."""
        POLITE.meet(self._comm)
        for window in self._windows:
            window.Unlock_all()
            window.Free()
        self._windows = []


@dataclass(frozen=True)
class Lookout:
    """A rank's way of waiting for counters in memory that it shares with others.

    Attributes
    ----------
    waiter : waiting.Waiter
        Once this rank has looked for a while it yields, and where the waiter is polite it soon sleeps.
    crowded : bool
        Whether the ranks that wait for each other alone outnumber the cores: looking would take the core from who has
        work.
    in_haste : bool
        Whether others wait for this rank in turn. If not, and the waiter is polite, it sleeps at once.
    """

    waiter: Waiter
    crowded: bool
    in_haste: bool = True

    @property
    def looks(self):
        """Times to look before giving way."""
        return 1 if self.crowded or self._sleeps_at_once else _LOOKS

    @property
    def _sleeps_at_once(self):
        return self.waiter.polite and not self.in_haste

    def wait(self, counters, number):
        """Wait until all counters are at a number at least; raises what `idle` of the waiter raises."""
        with self.waiter.timeline(self.waiter.activity):
            n_turns, pause = _YIELDS if self._sleeps_at_once else 0, _FIRST_SLEEP_SECONDS
            while not wait_for_all(counters, number, self.looks):
                n_turns += 1
                if self.waiter.idle is not None:
                    self.waiter.idle()
                if self.waiter.polite and n_turns > _YIELDS:
                    time.sleep(pause)
                    pause = min(2 * pause, _LONGEST_SLEEP_SECONDS)
                else:
                    os.sched_yield()  # nearly free on a core of its own; beside others, who spins uses up its time


@dataclass
class Meeting:
    """Lets the ranks of a node meet through counters in memory that they share.

    Attributes
    ----------
    counters : (n * STRIDE,) ndarray of int64
        Zero at first, the same memory on all ranks.
    rank : int
        Number of this rank among them.
    lookout : Lookout
    """

    counters: np.ndarray
    rank: int
    lookout: Lookout
    _number: int = field(default=0, init=False)

    @staticmethod
    def specification(n_ranks):
        """Return shape and dtype of the counters."""
        return (n_ranks * STRIDE,), np.int64

    def meet(self):
        """Wait until all have arrived. Collective; raises what `idle` of the waiter raises."""
        self._number += 1
        if not arrive(self.counters, self.rank, self._number, self.lookout.looks):
            self.lookout.wait(self.counters, self._number)


@dataclass(frozen=True)
class Count:
    """Counts in memory that ranks share: one of them raises the number, and what it wrote before can then be read.

    Attributes
    ----------
    counter : (STRIDE,) ndarray of int64
        Zero at first, the same memory on all ranks.
    lookout : Lookout
    """

    counter: np.ndarray
    lookout: Lookout

    @staticmethod
    def specification():
        """Return shape and dtype of the counter."""
        return Meeting.specification(1)

    def raise_to(self, number):
        """Set the number; it may only grow."""
        arrive(self.counter, 0, number, 1)

    def is_at(self, number):
        """Return whether the count has come to a number."""
        return wait_for_all(self.counter, number, 1)

    def wait_for(self, number):
        """Wait until the count has come to a number; raises what `idle` of the waiter raises."""
        if not wait_for_all(self.counter, number, self.lookout.looks):
            self.lookout.wait(self.counter, number)
