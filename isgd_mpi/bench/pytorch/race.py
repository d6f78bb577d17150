"""Time two sides in turn, in short blocks, so that a slow minute of the machine hits both."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isgd_mpi.bench.output import quartiles

_WARM_UP_CALLS = 2  # compilation, caches, lazily allocated buffers


@dataclass(frozen=True)
class Contest:
    """Two ways to do the same.

    Attributes
    ----------
    net, name, unit : str
    n_items : int
        Of that unit in a call.
    ours, theirs : callable
    check : callable
        Raises AssertionError unless both compute the same.
    """

    net: str
    name: str
    unit: str
    n_items: int
    ours: Callable
    theirs: Callable
    check: Callable


def race(contest, n_blocks, block_seconds):
    """Time both sides of a contest, then check that they compute the same.

    Parameters
    ----------
    contest : Contest
    n_blocks : int
        Of each side.
    block_seconds : float
        Length of a block; one call at least.

    Returns
    -------
    dict
        ``net``, ``name``, ``unit``, and quartiles over the blocks: ``ours`` and ``theirs`` a second, and their
        ``ratio`` in neighbouring blocks; above 1 ours is faster.

    Raises
    ------
    AssertionError
        They do not compute the same.
    """
    seconds = alternate((contest.ours, contest.theirs), n_blocks, block_seconds)
    contest.check()
    ours, theirs = (contest.n_items / seconds).T
    figures = {"ours": ours, "theirs": theirs, "ratio": ours / theirs}
    names = {name: getattr(contest, name) for name in ("net", "name", "unit")}
    return names | {name: quartiles(values) for name, values in figures.items()}


def alternate(calls, n_blocks, block_seconds):
    """Time callables in alternating blocks.

    Parameters
    ----------
    calls : sequence of callable
        Take no arguments.
    n_blocks : int
        Blocks of each callable. Every other round runs backwards.
    block_seconds : float
        Length of a block; one call at least.

    Returns
    -------
    seconds : (n_blocks, len(calls)) ndarray of float64
        Mean time of a call in each block.
    """
    sizes = [_calls_that_fill(call, block_seconds) for call in calls]
    seconds = np.empty((n_blocks, len(calls)))
    for block in range(n_blocks):
        for i in range(len(calls))[:: 1 if block % 2 == 0 else -1]:
            seconds[block, i] = _seconds_a_call(calls[i], sizes[i])
    return seconds


def _calls_that_fill(call, block_seconds):
    """Warm up, and return the number of calls in a block."""
    for _ in range(_WARM_UP_CALLS):
        seconds = _seconds_a_call(call, 1)
    return max(1, round(block_seconds / seconds))


def _seconds_a_call(call, n_calls):
    begin = time.perf_counter()
    for _ in range(n_calls):
        call()
    return (time.perf_counter() - begin) / n_calls
