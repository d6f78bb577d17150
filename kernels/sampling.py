"""Cumulative sums of probability weights, and searches in them.

Sums are float64: a float32 cumulative sum over 574 168 probabilities ends at 0.99997.
"""

from kernels._jit import jit


@jit
def cumulative_sum(prob_weights, order, out):
    """Write the running sum of the weights, taken in the given order.

    Parameters
    ----------
    prob_weights : (N,) ndarray of float64
        Unnormalised, not negative.
    order : (N,) ndarray of int
        A permutation of 0..N-1.
    out : (N,) ndarray of float64
        ``out[k] = sum of prob_weights[order[:k + 1]]``, overwritten.
    """
    total = 0.0
    for k in range(order.shape[0]):
        total += prob_weights[order[k]]
        out[k] = total


@jit
def search(cumulative, points, out):
    """Find, for each point, the first position whose cumulative sum exceeds it.

    Parameters
    ----------
    cumulative : (N,) ndarray of float64
        Not decreasing, its last element positive.
    points : (M,) ndarray of float64
        Fractions of the total in [0, 1), in any order.
    out : (M,) ndarray of int
        Positions in `cumulative`, overwritten. A position of weight zero is never found.
    """
    total = cumulative[-1]
    for m in range(points.shape[0]):
        out[m] = _first_above(cumulative, points[m] * total, 0)


@jit
def systematic_search(cumulative, offset, out):
    """Find the positions of M equidistant points, ``(offset + m) / M`` of the total.

    Parameters
    ----------
    cumulative : (N,) ndarray of float64
        Not decreasing, its last element positive.
    offset : float
        In [0, 1). Uniform: position k is then found M q_k times on average, exactly.
    out : (M,) ndarray of int
        Positions in `cumulative`, not decreasing, overwritten.
    """
    n_points = out.shape[0]
    total = cumulative[-1]
    position = 0
    for m in range(n_points):
        position = _first_above(cumulative, (offset + m) / n_points * total, position)
        out[m] = position


@jit
def _first_above(cumulative, value, low):
    """Binary search for the first position at or behind `low` whose sum exceeds `value`."""
    high = cumulative.shape[0] - 1
    if not cumulative[high] > value:  # rounding put the point on the total: take the last weight above zero
        value = cumulative[high]
        while high > low and cumulative[high - 1] == value:
            high -= 1
        return high
    while low < high:
        middle = (low + high) // 2
        if cumulative[middle] > value:
            high = middle
        else:
            low = middle + 1
    return low
