"""The tally against sums over a list of all that was measured."""

import numpy as np
import pytest

from isgd_mpi.sampling.tally import Tally

N = 11


def test_draws_and_mean_scores_are_those_of_all_measurements(rng):
    tally, scores_of, draws = Tally(N), [[] for _ in range(N)], np.zeros(N)
    for _ in range(40):
        indices, scores = rng.integers(0, N - 1, 6), rng.random(6)  # the last one is never measured
        scores[0] = np.nan
        tally.add_drawn(indices, scores)
        draws += np.bincount(indices, minlength=N)
        rows, swept = slice(2, 7), rng.random(5).astype(np.float32)
        swept[1] = np.inf
        tally.add_scored(rows, swept)
        for example, score in [*zip(indices, scores), *zip(range(2, 7), swept)]:
            scores_of[example] += [score] if np.isfinite(score) else []
    np.testing.assert_array_equal(tally.draws, draws)
    np.testing.assert_array_equal(tally.measured, list(map(len, scores_of)))
    np.testing.assert_allclose(tally.mean_scores[:-1], [np.mean(scores) for scores in scores_of[:-1]])
    assert np.isnan(tally.mean_scores[-1])


def test_a_restored_tally_goes_on_where_it_was(rng):
    whole, half = Tally(N), Tally(N)
    for part in range(2):
        scores = rng.random(N)
        for tally in (whole, half):
            tally.add_scored(slice(0, N), scores)
        if part == 0:
            state = {name: np.array(array) for name, array in half.state().items()}
            half = Tally(N)
            half.restore(state)
    np.testing.assert_array_equal(half.mean_scores, whole.mean_scores)
    with pytest.raises(ValueError, match="draws"):
        Tally(N + 1).restore(state)
