import numpy as np
import pytest
import reference

from isgd_mpi.kernels.scores import STEPS_BLOCK, keep_newer, keep_newer_at, lowest_steps

pytestmark = pytest.mark.kernels


def counts_of(scores, steps):
    known = steps >= 0
    return [known.sum(), (known & np.isfinite(scores)).sum(), steps[known].sum()]


def table(rng, n, dtype):
    """Scores with some that are not finite, and their steps."""
    scores, steps = rng.random(n).astype(dtype), rng.integers(-1, 9, n, dtype=np.int32)
    scores[n // 2] = scores[n // 3] = np.nan
    return scores, steps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "several"), [(1, False), (50, False), (50, True)])
def test_keep_newer_at_leaves_newer_scores_and_counts(variant, rng, n, several, dtype):
    (scores, steps), changed = table(rng, n, dtype), np.zeros(1, bool)
    rows = rng.integers(0, n, 2 * n) if several else np.arange(n)
    counts, new = np.array(counts_of(scores, steps)), rng.random(len(rows)).astype(dtype)
    new[0] = np.nan
    expected = reference.keep_newer_at(scores, steps, rows, new, 4)
    assert (changed_rows := (steps[rows] <= 4).any()) or n == 1
    variant(keep_newer_at)(scores, steps, rows, new, 4, counts, changed)
    np.testing.assert_array_equal((scores, steps), expected)
    np.testing.assert_array_equal(counts, counts_of(scores, steps))
    assert changed[0] == changed_rows


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bounds", [[], [(0, 1)], [(3, 7), (7, 9), (300, 513)], [(0, 600), (2, 5)]], ids=str)
def test_keep_newer_leaves_newer_scores_of_each_run_and_counts(variant, rng, bounds, dtype):
    scores, steps = table(rng, 600, dtype)
    bounds = np.array(bounds, np.int64).reshape(-1, 2)
    rows, new_steps = reference.rows_of(bounds), 4 + np.arange(len(bounds))
    counts, changed, new = np.array(counts_of(scores, steps)), np.zeros(3, bool), rng.random(len(rows)).astype(dtype)
    new[-1:] = np.inf
    expected = reference.keep_newer(scores, steps, bounds, new, new_steps)
    variant(keep_newer)(scores, steps, bounds, new, new_steps, counts, changed)
    np.testing.assert_array_equal((scores, steps), expected)
    np.testing.assert_array_equal(counts, counts_of(scores, steps))
    np.testing.assert_array_equal(np.flatnonzero(changed), np.unique(rows // STEPS_BLOCK))


def test_lowest_steps_are_those_of_the_blocks_that_changed(variant, rng):
    steps, changed = rng.integers(0, 99, 4 * STEPS_BLOCK + 3, dtype=np.int32), np.array([1, 1, 0, 1, 1], bool)
    steps[rng.random(len(steps)) < 0.5] = steps[3 * STEPS_BLOCK : -3] = -1
    lowest, expected = np.full(5, 777, np.int32), reference.lowest_steps(steps, STEPS_BLOCK)
    variant(lowest_steps)(steps, changed, lowest)
    assert lowest.tolist() == [*expected[:2], 777, *expected[3:]] and not changed.any()
    changed[2] = True
    variant(lowest_steps)(steps, changed, lowest)
    assert lowest.tolist() == expected
