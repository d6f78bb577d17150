"""A meeting of processes that share memory: each counts its arrivals in a cache line of its own, and looks at all."""

from isgd_mpi.kernels._atomics import load_acquire, pause, store_release
from isgd_mpi.kernels._jit import jit
from isgd_mpi.kernels.memory import LINE_BYTES

STRIDE = 2 * LINE_BYTES // 8
"""Numbers from one counter to the next: processors fetch lines in pairs."""


@jit
def arrive(counters, rank, number, n_looks):
    """Count an arrival at a meeting, and look for the others; return whether all are there.

    Parameters
    ----------
    counters : (n * STRIDE,) ndarray of int64
        Meetings that each process has arrived at. This process's counter is updated in place.
    rank : int
        Number of this process.
    number : int
        Number of the meeting, from 1.
    n_looks : int
        Times to look for each of the others before giving up.

    Returns
    -------
    bool
        Everything that the others wrote before they arrived can then be read.
    """
    store_release(counters, rank * STRIDE, number)
    return wait_for_all(counters, number, n_looks)


@jit
def wait_for_all(counters, number, n_looks):
    """Look for all processes at a meeting, as :func:`arrive` does; return whether they are there."""
    for place in range(0, counters.shape[0], STRIDE):
        looks = n_looks
        while load_acquire(counters, place) < number:
            looks -= 1
            if looks <= 0:
                return False
            pause()
    return True
