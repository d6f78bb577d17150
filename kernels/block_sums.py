"""Keep scores along an order of the examples, sum them block by block, and search in the sums.

New scores of a few examples change few blocks. What else a search needs, the running sums of the blocks, is a pass over
a sixteenth of the examples. Sums are float64: a float32 cumulative sum over 574 168 probabilities ends at 0.99997.
"""

import numpy as np

from isgd_mpi.kernels._jit import inlined, jit

BLOCK = 16  # float32 scores that fill a line of the cache


@jit
def put(scores, places, along, changed):
    """Write scores to their places along an order.

    Parameters
    ----------
    scores : (B,) ndarray
    places : (B,) ndarray of int
    along : (n_blocks BLOCK,) ndarray of float32
        All scores in the order; updated in place.
    changed : (n_blocks,) ndarray of bool
        Becomes true for the blocks of these places.
    """
    for n in range(scores.shape[0]):
        along[places[n]] = scores[n]
        changed[places[n] // BLOCK] = True


@jit
def put_runs(new, bounds, scores, places, along, changed):
    """Write scores of some runs of examples by example, and to their places along an order.

    Parameters
    ----------
    new : (N,) ndarray
        Scores of all examples.
    bounds : (n, 2) ndarray of int
        First example of each run, and the one behind its last.
    scores : (N,) ndarray of float32
        By example; updated in place.
    places : (N,) ndarray of int
        Of all examples.
    along, changed
        See :func:`put`.
    """
    for k in range(bounds.shape[0]):
        for n in range(bounds[k, 0], bounds[k, 1]):
            scores[n] = new[n]
            along[places[n]] = new[n]
            changed[places[n] // BLOCK] = True


@jit
def sum_blocks(along, changed, sums, running):
    """Sum the blocks that have changed, and all blocks up to each one.

    Parameters
    ----------
    along : (n_blocks BLOCK,) ndarray of float32
        Scores in the order, followed by zeros.
    changed : (n_blocks,) ndarray of bool
        Becomes false.
    sums, running : (n_blocks,) ndarray of float64
        Updated in place. They depend on `along` alone, bit by bit, and not on what has changed.
    """
    total = 0.0
    for block in range(sums.shape[0]):
        if changed[block]:
            own = np.float64(0)
            for k in range(block * BLOCK, (block + 1) * BLOCK):
                own += along[k]
            sums[block] = own
            changed[block] = False
        total += sums[block]
        running[block] = total


@jit
def search_blocks(along, running, affine, n_examples, points, out, weights):
    """Find, for each point, the first place up to which the weights sum to more.

    Parameters
    ----------
    along, running
        See :func:`sum_blocks`.
    affine : (float, float)
        Scale and shift, not negative: the weight of a score s is ``scale s + shift``.
    n_examples : int
        Scores, without the zeros behind them.
    points : (M,) ndarray of float64
        Fractions of the sum of all weights in [0, 1), in any order.
    out : (M,) ndarray of int
        Places, overwritten. A place of weight zero is never found.
    weights : (M,) ndarray of float64
        The weights at these places, overwritten.
    """
    total = affine[0] * running[-1] + affine[1] * n_examples
    below = np.nextafter(total, 0.0)  # a point that is rounded to the total finds the last weight above zero
    out[:] = 0
    # all searches descend together: the processor waits for their loads at the same time, not one after the other
    left = running.shape[0]
    while left > 0:
        half = max(1, left // 2)
        for m in range(points.shape[0]):
            sum_below = _up_to(running, affine, out[m] + half - 1)
            out[m] += half * (sum_below <= min(points[m] * total, below))
        left = left - half if left > 1 else 0
    for m in range(points.shape[0]):
        out[m] = _search_block(along, running, affine, n_examples, out[m], min(points[m] * total, below))
        weights[m] = _weight(along, affine, out[m])


@jit
def weights_at(scores, rows, affine, out):
    """Write the weights of some examples, (B,) ndarray of float64, given the scores of all and their rows."""
    for m in range(rows.shape[0]):
        out[m] = _weight(scores, affine, rows[m])


@jit
def weights_of_runs(scores, bounds, affine, out):
    """Write the weights of some runs of examples, (B,) ndarray of float64; see :func:`put_runs`, :func:`weights_at`."""
    start = 0
    for k in range(bounds.shape[0]):
        begin, end = bounds[k, 0], bounds[k, 1]
        own = scores[begin:end]
        for n in range(end - begin):
            out[start + n] = _weight(own, affine, n)
        start += end - begin


@inlined
def _weight(scores, affine, n):
    return affine[0] * np.float64(scores[n]) + affine[1]


@inlined
def _up_to(running, affine, block):
    """Return the sum of the weights up to the end of a block, as if the last one had no fewer than the others."""
    return affine[0] * running[block] + affine[1] * (BLOCK * (block + 1))


@inlined
def _search_block(along, running, affine, n_examples, block, sum_below):
    """Return the place in a block up to which the weights sum to more than `sum_below`."""
    start, stop = block * BLOCK, min((block + 1) * BLOCK, n_examples)
    total = _up_to(running, affine, block - 1) if block else 0.0
    place = start
    for k in range(start, stop):
        total += _weight(along, affine, k)
        place += total <= sum_below
    if place == stop:  # by rounding: the last one above zero
        place -= 1
        while place > start and _weight(along, affine, place) == 0:
            place -= 1
    return place
