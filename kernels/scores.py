"""Keep the newest score of each example, and count what is kept."""

import numpy as np

from isgd_mpi.kernels._jit import inlined, jit

STEPS_BLOCK = 256  # examples whose smallest step is kept: a refresh of a few must not look at all


@jit
def keep_newer(scores, steps, bounds, new_scores, new_steps, counts, changed):
    """Write the scores of some runs of examples over those that are not newer, and the steps behind them.

    Parameters
    ----------
    scores : (N,) ndarray
        Updated in place.
    steps : (N,) ndarray of int
        Step of the parameters behind each score, negative where there is none, updated in place.
    bounds : (n, 2) ndarray of int
        First example of each run, and the one behind its last.
    new_scores : (B,) ndarray
        Of one run after the other.
    new_steps : (n,) ndarray of int
        Steps of the parameters behind the new scores of each run.
    counts : (3,) ndarray of int64
        Examples that have a score, those whose score is finite, and the sum of the steps, updated in place.
    changed : (n_blocks,) ndarray of bool
        Becomes true for the blocks of the runs; see :func:`lowest_steps`.
    """
    start = 0
    for k in range(bounds.shape[0]):
        begin, end = bounds[k, 0], bounds[k, 1]
        stop = start + end - begin
        _keep_newer(scores[begin:end], steps[begin:end], new_scores[start:stop], new_steps[k], counts)
        for block in range(begin // STEPS_BLOCK, (end + STEPS_BLOCK - 1) // STEPS_BLOCK):
            changed[block] = True
        start = stop


@inlined
def _keep_newer(scores, steps, new_scores, step, counts):
    """Write the scores of one run."""
    # narrow types: the loop is four times as fast as with the counts of a table in int64
    zero, one, step, infinity = np.int32(0), np.int32(1), np.int32(step), np.float32(np.inf)
    known, usable, total = zero, zero, np.int64(0)
    for n in range(scores.shape[0]):
        before, score = steps[n], scores[n]
        is_known, newer = before >= zero, before <= step
        known += zero if is_known else one
        usable -= one if is_known & (abs(score) < infinity) else zero
        total -= before if is_known else zero
        score = new_scores[n] if newer else score
        after = step if newer else before
        scores[n], steps[n] = score, after
        usable += one if abs(score) < infinity else zero
        total += after
    counts[0] += known
    counts[1] += usable
    counts[2] += total


@jit
def keep_newer_at(scores, steps, rows, new_scores, step, counts, changed):
    """Do what :func:`keep_newer` does to some rows of a table; of equal rows the last one wins.

    Parameters
    ----------
    scores, steps : (N,) ndarray
    rows : (M,) ndarray of int
    new_scores : (M,) ndarray
    step : int
        Step of the parameters behind all of them.
    counts
        See :func:`keep_newer`.
    changed : (n_blocks,) ndarray of bool
        Becomes true for the blocks of the rows; see :func:`lowest_steps`.
    """
    for m in range(rows.shape[0]):
        n = rows[m]
        if steps[n] > step:
            continue
        known = steps[n] >= 0
        counts[0] += not known
        counts[1] += int(np.isfinite(new_scores[m])) - (known and np.isfinite(scores[n]))
        counts[2] += step - max(steps[n], 0)
        scores[n] = new_scores[m]
        steps[n] = step
        changed[n // STEPS_BLOCK] = True


@jit
def lowest_steps(steps, changed, lowest):
    """Find the smallest step of each block of STEPS_BLOCK examples that has changed.

    Parameters
    ----------
    steps : (N,) ndarray of int32
        Negative where an example has no score: these are left out.
    changed : (n_blocks,) ndarray of bool
        Becomes false.
    lowest : (n_blocks,) ndarray of int32
        The largest int32 where no example of a block has a score; updated in place.
    """
    for block in range(lowest.shape[0]):
        if changed[block]:
            least = np.int32(2147483647)
            for n in range(block * STEPS_BLOCK, min((block + 1) * STEPS_BLOCK, steps.shape[0])):
                least = min(least, steps[n] if steps[n] >= 0 else np.int32(2147483647))
            lowest[block] = least
            changed[block] = False
