"""Order and rank examples by scores, search in cumulative sums, sum second moments under mixed weights.

Sums are float64: a float32 cumulative sum over 574 168 probabilities ends at 0.99997.
"""

import numpy as np

from isgd_mpi.kernels._jit import inlined, jit


@jit
def counting_sort(keys, order, ends, out):
    """Sort an order of the examples by their keys; examples with the same key stay in the given order.

    Parameters
    ----------
    keys : (N,) ndarray of int
        In 0..K-1.
    order : (N,) ndarray of int
        A permutation of 0..N-1.
    ends : (K,) ndarray of int
        Room to count in; overwritten.
    out : (N,) ndarray of int
        The sorted permutation, overwritten.
    """
    ends[:] = 0
    for n in range(keys.shape[0]):
        ends[keys[n]] += 1
    total = 0
    for key in range(ends.shape[0]):
        count = ends[key]
        ends[key] = total
        total += count
    for k in range(order.shape[0]):
        n = order[k]
        place = ends[keys[n]]
        out[place] = n
        ends[keys[n]] = place + 1


@jit
def shared_ranks(scores, order, out):
    """Write the place of each score in an order, where equal scores share the mean of their places.

    Parameters
    ----------
    scores : (N,) ndarray
        Finite.
    order : (N,) ndarray of int
        A permutation of 0..N-1 in which equal scores follow each other.
    out : (N,) ndarray of float64
        Overwritten: ``out[order[k]] = k`` where no scores are equal.
    """
    start = 0
    while start < order.shape[0]:
        stop = start + 1
        while stop < order.shape[0] and scores[order[stop]] == scores[order[start]]:
            stop += 1
        for k in range(start, stop):
            out[order[k]] = (start + stop - 1) / 2
        start = stop


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
def search(cumulative, mixture, points, out):
    """Find, for each point, the first position whose cumulative sum exceeds it.

    Parameters
    ----------
    cumulative : (N,) ndarray of float64
        Not decreasing, its last element positive.
    mixture : float
        In [0, 1]: the sums searched are ``(1 - mixture) * cumulative[k] + mixture * (k + 1)``, those of weights mixed
        with weights of one.
    points : (M,) ndarray of float64
        Fractions of the total in [0, 1), in any order.
    out : (M,) ndarray of int
        Positions in `cumulative`, overwritten. A position of weight zero is never found.
    """
    total = _mixed(cumulative, mixture, cumulative.shape[0] - 1)
    below = np.nextafter(total, 0.0)  # a point that is rounded to the total finds the last weight above zero
    out[:] = 0
    # all searches descend together: the processor waits for their loads at the same time, not one after the other
    left = cumulative.shape[0]
    while left > 0:
        half = max(1, left // 2)
        for m in range(points.shape[0]):
            out[m] += half * (_mixed(cumulative, mixture, out[m] + half - 1) <= min(points[m] * total, below))
        left = left - half if left > 1 else 0


@jit
def systematic_search(cumulative, mixture, offset, out):
    """Find the positions of M equidistant points, ``(offset + m) / M`` of the total.

    Parameters
    ----------
    cumulative, mixture
        Sums to search, and their uniform part; see :func:`search`.
    offset : float
        In [0, 1). Uniform: position k is then found M q_k times on average, exactly.
    out : (M,) ndarray of int
        Positions in `cumulative`, not decreasing, overwritten.
    """
    n_points = out.shape[0]
    points = np.empty(n_points)
    for m in range(n_points):
        points[m] = (offset + m) / n_points
    search(cumulative, mixture, points, out)


@inlined
def _mixed(cumulative, mixture, k):
    """Return the sum of the first k + 1 mixed weights."""
    return (1 - mixture) * cumulative[k] + mixture * (k + 1)


@jit
def add_second_moments(squared_norms, base_weights, shares, mixtures, out):
    """Add each example's share of the second moment that the gradient would have under mixed weights.

    Parameters
    ----------
    squared_norms : (B,) ndarray of float64
        Fresh squared gradient norms. An example with norm zero adds nothing, whatever its weight.
    base_weights : (B,) ndarray of float64
        Probability weights w of the examples, without uniform part, of mean one over the training set.
    shares : (B,) ndarray of float64
        Number of examples that each one stands for.
    mixtures : (L,) ndarray of float64
        Uniform parts lambda, in [0, 1].
    out : (L,) ndarray of float64
        Sums of ``share |g|^2 / ((1 - lambda) w + lambda)`` over the examples, for each lambda; updated in place.
    """
    for n in range(squared_norms.shape[0]):
        squared = shares[n] * squared_norms[n]
        if squared == 0:
            continue
        weight = base_weights[n]
        for k in range(mixtures.shape[0]):
            # w + lambda (1 - w): one multiplication less, and exactly 1 for lambda = 1 up to rounding
            out[k] += squared / (weight + mixtures[k] * (1.0 - weight))


@jit
def add_by_level(norms, base_weights, lowest, sums):
    """Add squared norms to the sums of the levels that the weights lie in, eight in each octave.

    Parameters
    ----------
    norms : (B,) ndarray of float
        Gradient norms, finite.
    base_weights : (B,) ndarray of float32
        Their probability weights, not negative.
    lowest : int
        Binary exponent of the lowest level, in which all smaller weights lie, too; the highest one has all larger.
    sums : (2, L) ndarray of float64
        Sums of ``|g|^2`` and of ``|g|^2 w`` of each level; updated in place, example after example.
    """
    levels = base_weights.view(np.int32)
    first = (127 + lowest) << 3
    for n in range(norms.shape[0]):
        level = (levels[n] >> 20) - first  # exponent and leading bits of the mantissa
        level = min(max(level, 0), sums.shape[1] - 1)
        squared = np.float64(norms[n]) * np.float64(norms[n])
        sums[0, level] += squared
        sums[1, level] += squared * base_weights[n]


@jit
def add_drawn_moments(norms, importance_weights, sums, products):
    """Add a minibatch's means of r |g|, r |g|^2 and r^2 |g|^2, and the products of these, unless one is not finite.

    Parameters
    ----------
    norms : (M,) ndarray
    importance_weights : (M,) ndarray of float64
        The norms |g| and the weights r of the drawn examples.
    sums : (3,) ndarray of float64
        Updated in place.
    products : (3, 3) ndarray of float64
        Updated in place.

    Returns
    -------
    bool
        Whether the means are finite, and were added.
    """
    means = np.zeros(3)
    for m in range(norms.shape[0]):
        norm = np.float64(norms[m])
        weighted = norm * importance_weights[m]
        means[0] += weighted
        means[1] += weighted * norm
        means[2] += weighted * weighted
    means /= norms.shape[0]
    if not np.isfinite(means).all():
        return False
    for i in range(3):
        sums[i] += means[i]
        for j in range(3):
            products[i, j] += means[i] * means[j]
    return True


@jit
def all_finite(values):
    """Return whether all values, (B,) ndarray, are finite."""
    bad = 0
    for n in range(values.shape[0]):
        bad += not np.isfinite(values[n])
    return bad == 0
