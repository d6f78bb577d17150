"""Keep, search and sum scores with NumPy, in the way one would write it: twins, as in :mod:`twins`."""

import numpy as np

from isgd_mpi.kernels.block_sums import BLOCK
from isgd_mpi.kernels.sampling import STEPS_BLOCK


def add_second_moments(squared_norms, base_weights, shares, mixtures, out):
    """Form all quotients as a matrix, and sum."""
    weights = np.outer(1 - mixtures, base_weights) + mixtures[:, None]
    out += (shares * squared_norms / weights).sum(axis=1)


def add_by_level(norms, base_weights, lowest, sums):
    """Count with weights."""
    levels = np.clip((base_weights.view(np.int32) >> 20) - 8 * (127 + lowest), 0, sums.shape[1] - 1)
    squared = np.square(norms, dtype=float)
    for row, weights in zip(sums, (squared, squared * base_weights)):
        row += np.bincount(levels, weights, len(row))


def add_drawn_moments(norms, importance_weights, sums, products):
    """Sum each product of norms and weights."""
    weighted = norms * importance_weights
    means = np.array([weighted.sum(), weighted @ norms, weighted @ weighted]) / len(norms)
    sums += means
    products += np.outer(means, means)
    return True


def keep_newer(scores, steps, new_scores, step, counts):
    """Choose by a mask."""
    known = steps.copy()
    counts -= _counts(scores, known)
    scores[:] = np.where(known > step, scores, new_scores)
    steps[:] = np.maximum(known, step)
    counts += _counts(scores, steps)


def _counts(scores, steps):
    known = steps >= 0
    return known.sum(), (known & np.isfinite(scores)).sum(), steps[known].sum()


def keep_newer_at(scores, steps, rows, new_scores, step, counts, changed):
    """Choose by a mask, among the rows."""
    own_scores, own_steps = scores[rows], steps[rows]
    keep_newer(own_scores, own_steps, new_scores, step, counts)
    scores[rows], steps[rows] = own_scores, own_steps
    changed[rows[own_steps == step] // STEPS_BLOCK] = True


def all_finite(values):
    """Look at each value."""
    return np.isfinite(values).all()


def lowest_steps(steps, changed, lowest):
    """Take the minimum of each block."""
    known = np.where(steps < 0, np.iinfo(np.int32).max, steps)
    lowest[:] = np.where(changed, np.minimum.reduceat(known, np.arange(0, len(steps), STEPS_BLOCK)), lowest)
    changed[:] = False


def counting_sort(keys, order, ends, out):
    """Sort the keys as ordered, stably."""
    out[:] = order[np.argsort(keys[order], kind="stable")]
    ends[:] = np.cumsum(np.bincount(keys, minlength=len(ends)))


def shared_ranks(scores, order, out):
    """Take the mean place of each distinct score."""
    ordered = scores[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    ends = np.append(starts[1:], len(scores))
    out[order] = np.repeat((starts + ends - 1) / 2, ends - starts)


def cumulative_sum(prob_weights, order, out):
    """Gather, and sum."""
    np.cumsum(prob_weights[order], out=out)


def search(cumulative, mixture, points, out):
    """Mix the sums, and search for each point."""
    sums = (1 - mixture) * cumulative + mixture * np.arange(1, len(cumulative) + 1)
    out[:] = np.searchsorted(sums, points * sums[-1], side="right")


def systematic_search(cumulative, mixture, offset, out):
    """Form the points, and search for each."""
    search(cumulative, mixture, (offset + np.arange(len(out))) / len(out), out)


def put(scores, places, along, changed):
    """Scatter."""
    along[places] = scores
    changed[places // BLOCK] = True


def sum_blocks(along, changed, sums, running):
    """Sum the rows of a matrix."""
    sums[:] = along.reshape(-1, BLOCK).sum(axis=1, dtype=float)
    running[:] = np.cumsum(sums)
    changed[:] = False


def weights_at(scores, rows, affine, out):
    """Take some scores."""
    out[:] = affine[0] * scores[rows].astype(float) + affine[1]


def search_blocks(along, running, affine, n_examples, points, out, weights):
    """Use searchsorted in the sums of all weights."""
    every = affine[0] * along[:n_examples].astype(float) + affine[1]
    cumulative = np.cumsum(every)
    out[:] = np.searchsorted(cumulative, points * cumulative[-1], side="right")
    weights[:] = every[out]
