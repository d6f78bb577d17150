"""Average over runs that differ in their seed only: quartiles of numbers, and of curves on a common grid."""

import math
from typing import NamedTuple

import numpy as np

GRID_POINTS = 300


class Quartiles(NamedTuple):
    """Quartiles of the known values, and how many are known; the quartiles are NaN if none is."""

    low: float
    median: float
    high: float
    n: int


class Band(NamedTuple):
    """Quartiles of several curves on a common grid."""

    grid: np.ndarray
    low: np.ndarray
    median: np.ndarray
    high: np.ndarray


def quartiles(values):
    """Return the quartiles of some numbers; NaN and infinite ones are left out."""
    known = np.asarray(list(values), float)
    known = known[np.isfinite(known)]
    if not len(known):
        return Quartiles(math.nan, math.nan, math.nan, 0)
    return Quartiles(*map(float, np.quantile(known, [0.25, 0.5, 0.75])), len(known))


def trimmed(x, y):
    """Return a curve from its first to its last known value; unknown values between them stay, as gaps."""
    known = np.flatnonzero(np.isfinite(y))
    inside = slice(known[0], known[-1] + 1) if len(known) else slice(0)
    return x[inside], y[inside]


def band(curves, n_points=GRID_POINTS):
    """Return the quartiles of several curves, from where all have begun to where the first one ends.

    Parameters
    ----------
    curves : list of (x, y)
        Arrays of one length, x ascending; y may be NaN, which leaves a gap around it. Curves without any
        known value are left out.
    n_points : int
        Points of the grid.

    Returns
    -------
    Band or None
        None if the curves have no x in common. NaN where fewer than half of the curves are known.
    """
    curves = [(x, y) for x, y in (trimmed(*curve) for curve in curves) if len(x)]
    if not curves:
        return None
    begin, end = max(x[0] for x, _ in curves), min(x[-1] for x, _ in curves)
    if begin > end:
        return None
    grid = np.linspace(begin, end, n_points if end > begin else 1)
    values = np.array([np.interp(grid, x, y) for x, y in curves])
    low, median, high = np.full((3, len(grid)), np.nan)
    enough = 2 * np.isfinite(values).sum(axis=0) >= len(values)
    low[enough], median[enough], high[enough] = np.nanquantile(values[:, enough], [0.25, 0.5, 0.75], axis=0)
    return Band(grid, low, median, high)


def last_tenth(values):
    """Return the mean of the last 10 % of some values, at least of one value; NaN if there are none."""
    return float(np.mean(values[-math.ceil(len(values) / 10) :])) if len(values) else math.nan


def first_at_or_below(x, y, target):
    """Return the x at which a curve first reaches a target from above, along straight lines; NaN if it never does."""
    x, y = trimmed(x, y)
    reached = np.flatnonzero(y <= target)
    if not len(reached):
        return math.nan
    i = reached[0]
    if i == 0 or not np.isfinite(y[i - 1]):
        return float(x[i])
    return float(x[i - 1] + (x[i] - x[i - 1]) * (y[i - 1] - target) / (y[i - 1] - y[i]))


def value_at(x, y, at):
    """Return the y of a curve at some x, along straight lines; NaN before its begin and after its end."""
    x, y = trimmed(x, y)
    return float(np.interp(at, x, y, left=np.nan, right=np.nan)) if len(x) else math.nan
