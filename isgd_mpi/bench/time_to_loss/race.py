"""Fair comparisons: two sides take turns in blocks, so that a slow minute of the machine hits both."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BLOCK_SECONDS = 0.1
"""Length of a block; one call at least."""

_WARM_UP_CALLS = 2  # compilation, caches, lazily allocated buffers


@dataclass(frozen=True)
class Contest:
    """What two sides do, and how each does it."""

    net: str
    name: str
    unit: str
    n_items: int  # of that unit in a call
    ours: Callable
    theirs: Callable
    check: Callable  # raises AssertionError unless both compute the same


@dataclass(frozen=True)
class Row:
    """What came of a contest: median, lower and upper quartile over the blocks."""

    net: str
    name: str
    unit: str
    ours: tuple[float, float, float]  # a second
    theirs: tuple[float, float, float]
    ratio: tuple[float, float, float]  # ours / theirs of neighbouring blocks; above 1: ours is faster


def race(contest, n_blocks):
    """Time both sides of a contest, then check that they compute the same.

    Parameters
    ----------
    contest : Contest
    n_blocks : int
        Of each side.

    Returns
    -------
    Row

    Raises
    ------
    AssertionError
        They do not.
    """
    seconds = alternate((contest.ours, contest.theirs), n_blocks, BLOCK_SECONDS)
    contest.check()
    ours, theirs = (contest.n_items / seconds).T
    return Row(contest.net, contest.name, contest.unit, *map(quartiles, (ours, theirs, ours / theirs)))


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
    """Warm up, and return how many calls a block takes."""
    for _ in range(_WARM_UP_CALLS):
        seconds = _seconds_a_call(call, 1)
    return max(1, round(block_seconds / seconds))


def _seconds_a_call(call, n_calls):
    begin = time.perf_counter()
    for _ in range(n_calls):
        call()
    return (time.perf_counter() - begin) / n_calls


def quartiles(values):
    """Return the median, the lower and the upper quartile.

    Parameters
    ----------
    values : (n,) ndarray

    Returns
    -------
    median, lower, upper : float
    """
    lower, median, upper = np.percentile(values, [25, 50, 75])
    return float(median), float(lower), float(upper)
