"""Share a kernel's columns among threads, which run at the same time because kernels hold no interpreter lock."""

from concurrent.futures import ThreadPoolExecutor

WORTHWHILE = 10**8
"""Least operations that threads share: a millisecond, against some 50 us for another thread to begin."""

_pools = {1: None}  # one entry: the number of threads, and the pool of all but the caller's own


def set_threads(n_threads):
    """Set the number of threads that share the columns of large products; BLAS has a number of its own.

    Parameters
    ----------
    n_threads : int
        Threads of this process, the caller's own included.

    Returns
    -------
    int
        The number before.
    """
    before, pool = _pools.popitem()
    if pool:
        pool.shutdown()
    _pools[n_threads] = ThreadPoolExecutor(n_threads - 1) if n_threads > 1 else None
    return before


def on_columns(kernel, *arguments, n_columns, width, n_operations):
    """Call ``kernel(*arguments, begin, end)`` for ranges of columns that together make up all columns.

    Parameters
    ----------
    kernel : callable
        Function whose result in a column does not depend on the range.
    *arguments
        First arguments of the kernel.
    n_columns : int
        Number of all columns.
    width : int
        Ranges begin and end at a multiple of it.
    n_operations : int
        Operations in all columns: few are not worth other threads.
    """
    ((n_threads, pool),) = _pools.items()
    if pool is None or n_operations < WORTHWHILE:
        kernel(*arguments, 0, n_columns)
        return
    n_vectors = n_columns // width
    bounds = [n_vectors * k // n_threads * width for k in range(n_threads + 1)]
    others = [pool.submit(kernel, *arguments, *ends) for ends in zip(bounds[1:], bounds[2:])]
    kernel(*arguments, *bounds[:2])
    for other in others:
        other.result()
