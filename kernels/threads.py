"""Sharing a kernel's columns among threads: kernels hold no interpreter lock."""

from concurrent.futures import ThreadPoolExecutor

_WORTHWHILE = 10**8  # operations: a millisecond, against some 50 us for another thread to begin

_pools = {1: None}  # by the number of threads: the last is in use


def set_threads(n_threads):
    """Set how many threads share the columns of large products in this process, as BLAS has a number for its own.

    Parameters
    ----------
    n_threads : int

    Returns
    -------
    int
        What it was before.
    """
    before, pool = _pools.popitem()
    if pool:
        pool.shutdown()
    _pools[n_threads] = ThreadPoolExecutor(n_threads - 1) if n_threads > 1 else None
    return before


def on_columns(kernel, *arguments, n_columns, width, n_operations):
    """Call ``kernel(*arguments, begin, end)`` for ranges of columns that make up all.

    Parameters
    ----------
    kernel : callable
        Its result in a column must not depend on the range.
    *arguments
        Its arguments.
    n_columns, width : int
        Ranges begin and end at a multiple of `width`.
    n_operations : int
        In all columns.
    """
    ((n_threads, pool),) = _pools.items()
    if pool is None or n_operations < _WORTHWHILE:
        kernel(*arguments, 0, n_columns)
        return
    n_vectors = n_columns // width
    bounds = [n_vectors * k // n_threads * width for k in range(n_threads + 1)]
    others = [pool.submit(kernel, *arguments, *ends) for ends in zip(bounds[1:], bounds[2:])]
    kernel(*arguments, *bounds[:2])
    for other in others:
        other.result()
