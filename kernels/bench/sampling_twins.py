"""Keep, search and sum scores with NumPy, in the way one would write it: twins, as in :mod:`twins`."""

import numpy as np

from isgd_mpi.kernels.block_sums import BLOCK
from isgd_mpi.kernels.scores import STEPS_BLOCK
from isgd_mpi.kernels.windows import N_PROBES


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


def keep_newer(scores, steps, bounds, new_scores, new_steps, counts, changed):
    """Go from run to run."""
    parts = np.split(new_scores, np.cumsum(bounds[:, 1] - bounds[:, 0])[:-1])
    for (begin, end), own, step in zip(bounds, parts, new_steps):
        _keep_newer(scores[begin:end], steps[begin:end], own, step, counts)
        changed[begin // STEPS_BLOCK : -(-end // STEPS_BLOCK)] = True


def _keep_newer(scores, steps, new_scores, step, counts):
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
    _keep_newer(own_scores, own_steps, new_scores, step, counts)
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


def put_runs(new, bounds, scores, places, along, changed):
    """Put run after run."""
    for begin, end in bounds:
        scores[begin:end] = new[begin:end]
        put(new[begin:end], places[begin:end], along, changed)


def weights_of_runs(scores, bounds, affine, out):
    """Join the runs."""
    joined = np.concatenate([scores[begin:end] for begin, end in bounds])
    out[: len(joined)] = affine[0] * joined.astype(float) + affine[1]


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


def longest_window(blocks, lengths, least, agree, means, covariance):
    """Form all windows by cumulative sums, and the intersections of their intervals by cumulative extremes."""
    last = lengths[: np.searchsorted(lengths, max(1, np.count_nonzero(blocks[:, 0])), side="right")] - 1
    sums = np.cumsum(blocks, axis=0)[last]
    n, probes = sums[:, 0], sums[:, N_PROBES:]
    all_means, all_covariance = np.full((len(last), 4), np.nan), np.full((len(last), 4, 4), np.nan)
    all_covariance[:, 3] = all_covariance[:, :, 3] = 0
    known = n >= least
    m = n[known, None]
    all_means[known, :3] = mean = sums[known, 1:4] / m
    scatter = sums[known, 4:N_PROBES].reshape(-1, 3, 3) / m[:, None] - mean[:, :, None] * mean[:, None]
    all_covariance[known, :3, :3] = scatter / (m[:, None] - 1)
    first = int(np.argmax(probes[:, 0] > 0))
    if probes[first, 0] > 0:
        probes[:first] = probes[first]
        all_means[:, 3], all_covariance[:, 3, 3] = probes[:, 1] / probes[:, 0], probes[:, 2] / probes[:, 0] ** 2
        all_covariance[:first, 3, 3] += all_means[:first, 3] ** 2
    else:
        all_covariance[:, 3, 3] = np.nan
    radius = agree * np.sqrt(np.maximum(np.diagonal(all_covariance, axis1=1, axis2=2), 0))
    told = np.isfinite(all_means + radius)
    lowest = np.maximum.accumulate(np.where(told, all_means - radius, -np.inf))
    highest = np.minimum.accumulate(np.where(told, all_means + radius, np.inf))
    agrees = (lowest <= highest).all(axis=1)
    longest = len(agrees) - 1 if agrees.all() else int(np.argmin(agrees)) - 1
    means[:], covariance[:] = all_means[longest], all_covariance[longest]
    return float(n[longest])
