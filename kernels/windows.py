"""Find the longest window of minibatches over which means agree."""

import numpy as np

from isgd_mpi.kernels._jit import inlined, jit

N_PROBES = 13
"""Columns of a block: minibatches, sums of three means, sums of their products; from here on of the probes."""


@jit
def longest_window(blocks, lengths, least, agree, means, covariance):
    """Find the longest window whose means agree with those over each shorter one.

    The intervals of one window after the other are intersected, until nothing is left.

    Parameters
    ----------
    blocks : (n_blocks, 16) ndarray of float64
        The newest block first. Of each: its minibatches; the sums of three means, and of the products of these, by
        row; the number of probes, the sums of their values and of the variances of these.
    lengths : (L,) ndarray of int
        Lengths of the windows in blocks, rising, the first one 1. Those longer than blocks are known are left out.
    least : float
        Minibatches of a window whose means and covariance are known.
    agree : float
        Standard errors on each side of a mean that make its interval.
    means : (4,) ndarray of float64
        Of the window: the three means, and that of the probes; NaN where unknown. Overwritten.
    covariance : (4, 4) ndarray of float64
        Of these means; NaN where unknown. Overwritten.

    Returns
    -------
    float
        Minibatches of the window.

    Notes
    -----
    A probe comes back a refresh later, when the next block is full. Shorter windows therefore take the newest there is,
    which may have changed by as much as itself.
    """
    n_windows, first = _windows(blocks, lengths)
    probes, sums, lowest, highest = _filled(3, 0.0), _filled(N_PROBES, 0.0), _filled(4, -np.inf), _filled(4, np.inf)
    _add(blocks, 0, lengths[first], N_PROBES, probes)
    own, own_covariance = np.empty(4), _filled(16, 0.0).reshape((4, 4))
    start, n = 0, 0.0
    for k in range(n_windows):
        _add(blocks, start, lengths[k], 0, sums)
        if k > first:
            _add(blocks, start, lengths[k], N_PROBES, probes)
        start = lengths[k]
        _estimate(sums, probes, least, k < first, own, own_covariance)
        if not _agrees(own, own_covariance, agree, lowest, highest):
            break
        n = sums[0]
        _copy(own, own_covariance, means, covariance)
    return n


@inlined
def _filled(n, value):
    """Return an array of n numbers of one value."""
    out = np.empty(n)
    for i in range(n):
        out[i] = value
    return out


@inlined
def _copy(means, covariance, out_means, out_covariance):
    """Copy means and covariance, by loops: assignments of whole arrays take seconds to compile."""
    for i in range(4):
        out_means[i] = means[i]
        for j in range(4):
            out_covariance[i, j] = covariance[i, j]


@inlined
def _windows(blocks, lengths):
    """Return the number of windows that are not too long, and the shortest one with a probe, or the first one."""
    n_blocks = 0
    for b in range(blocks.shape[0]):
        n_blocks += blocks[b, 0] > 0
    n_windows = 1
    while n_windows < lengths.shape[0] and lengths[n_windows] <= n_blocks:
        n_windows += 1
    for k in range(n_windows):
        for b in range(lengths[k]):
            if blocks[b, N_PROBES] > 0:
                return n_windows, k
    return n_windows, 0


@inlined
def _add(blocks, start, stop, column, out):
    """Add the sums of some blocks, from a column on."""
    for b in range(start, stop):
        for i in range(out.shape[0]):
            out[i] += blocks[b, column + i]


@inlined
def _estimate(sums, probes, least, borrowed, means, covariance):
    """Write means and covariance of a window, given its sums; its probes may be those of a longer one."""
    n, n_probes = sums[0], probes[0]
    known = n >= least
    for i in range(3):
        means[i] = sums[1 + i] / n if known else np.nan
    for i in range(3):
        for j in range(3):
            scatter = sums[4 + 3 * i + j] / n - means[i] * means[j] if known else np.nan
            covariance[i, j] = scatter / (n - 1) if known else np.nan
    means[3] = probes[1] / n_probes if n_probes > 0 else np.nan
    variance = probes[2] / (n_probes * n_probes) if n_probes > 0 else np.nan
    covariance[3, 3] = variance + means[3] * means[3] if borrowed else variance


@inlined
def _agrees(means, covariance, agree, lowest, highest):
    """Return whether the intervals of the means meet those so far, which are narrowed to what they share."""
    for i in range(4):
        radius = agree * np.sqrt(max(covariance[i, i], 0.0))  # rounding may leave a negative one
        if np.isfinite(means[i] + radius):
            lowest[i] = max(lowest[i], means[i] - radius)
            highest[i] = min(highest[i], means[i] + radius)
        if lowest[i] > highest[i]:
            return False
    return True
