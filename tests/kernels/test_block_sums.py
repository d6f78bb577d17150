import numpy as np
import pytest
import reference

from isgd_mpi.kernels.block_sums import BLOCK, put, put_runs, search_blocks, sum_blocks, weights_at, weights_of_runs

pytestmark = pytest.mark.kernels
SIZES = [1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 3]
JUST_BELOW_ONE = np.nextafter(1.0, 0.0)


def laid(scores):
    """Scores with zeros behind them, and room for the sums of their blocks."""
    n_blocks = -(-len(scores) // BLOCK)
    along = np.append(scores, np.zeros(n_blocks * BLOCK - len(scores))).astype(np.float32)
    return along, np.ones(n_blocks, bool), *np.empty((2, n_blocks))


@pytest.fixture(params=["random", "wide range", "zeros"])
def scores(request, rng):
    def scores(n):
        drawn = rng.exponential(size=n).astype(np.float32)
        if request.param == "wide range":
            return drawn ** np.float32(9)
        return drawn * (rng.random(n) < 0.2) if request.param == "zeros" and n > 9 else drawn

    return scores


@pytest.mark.parametrize("n", SIZES)
def test_put_writes_scores_and_marks_their_blocks(variant, rng, n):
    along, changed, *_ = laid(rng.random(n))
    places = rng.permutation(n)[: n // 2].astype(np.int32)
    new, changed[:] = rng.random(len(places), np.float32), False
    expected = reference.put(new, places, along)
    variant(put)(new, places, along, changed)
    np.testing.assert_array_equal(along, expected)
    np.testing.assert_array_equal(np.flatnonzero(changed), np.unique(places // BLOCK))


@pytest.mark.parametrize("bounds", [[], [(0, 1)], [(3, 40), (40, 41), (60, 77)]], ids=str)
def test_runs_are_put_and_weighed_as_their_examples_are(variant, rng, bounds):
    bounds, new, places = np.array(bounds, np.int64).reshape(-1, 2), rng.random(77, np.float32), rng.permutation(77)
    (along, changed, *_), scores, rows = laid(rng.random(77)), rng.random(77, np.float32), reference.rows_of(bounds)
    expected, changed[:] = reference.put_runs(new, bounds, scores, places, along), False
    variant(put_runs)(new, bounds, scores, places, along, changed)
    for got, wanted in zip((scores, along), expected):
        np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(np.flatnonzero(changed), np.unique(places[rows] // BLOCK))
    weights = np.empty(len(rows))
    variant(weights_of_runs)(new, bounds, (0.9, 0.1), weights)
    np.testing.assert_allclose(weights, reference.weights_of_runs(new, bounds, (0.9, 0.1)), rtol=1e-15)


@pytest.mark.parametrize("n", SIZES)
def test_sum_blocks_are_the_sums_of_blocks_and_running_ones(variant, scores, n):
    along, changed, sums, running = laid(scores(n))
    variant(sum_blocks)(along, changed, sums, running)
    expected = reference.sum_blocks(along, BLOCK)
    np.testing.assert_allclose([sums, running], expected, rtol=1e-13)
    assert not changed.any()


def test_sums_are_bitwise_the_same_whatever_has_changed_since_when(variant, scores, rng):
    n = 40 * BLOCK + 5
    old, new = laid(scores(n)), laid(scores(n))
    variant(sum_blocks)(*old)
    for places in np.array_split(rng.permutation(n), 7):
        variant(put)(new[0][places], places, old[0], old[1])
        variant(sum_blocks)(*old)
    variant(sum_blocks)(*new)
    for part, expected in zip(old, new):
        np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize("affine", [(1.0, 0.0), (0.3, 0.0), (0.9, 0.2), (0.0, 1.0)])
@pytest.mark.parametrize("n", SIZES)
def test_search_blocks_is_a_search_in_the_sums_of_all_weights(variant, scores, rng, n, affine):
    along, changed, sums, running = laid(scores(n))
    variant(sum_blocks)(along, changed, sums, running)
    points = np.concatenate([rng.random(99), [0.0, 0.5]])
    got, weights = np.full(len(points), -1), np.empty(len(points))
    variant(search_blocks)(along, running, affine, n, points, got, weights)
    np.testing.assert_array_equal(got, reference.search_blocks(along[:n], affine, points))
    np.testing.assert_allclose(weights, reference.weights_at(along, got, affine), rtol=1e-15)


@pytest.mark.parametrize("n", SIZES)
def test_a_place_of_weight_zero_is_never_found(variant, scores, n):
    along, changed, sums, running = laid(scores(n))
    variant(sum_blocks)(along, changed, sums, running)
    edges = np.cumsum(along[:n].astype(float)) / running[-1]
    points = np.concatenate([np.nextafter(edges, 0), edges, np.nextafter(edges, 1), [0.0, JUST_BELOW_ONE]])
    points = points[points < 1]
    got, weights = np.full(len(points), -1), np.empty(len(points))
    variant(search_blocks)(along, running, (0.7, 0.0), n, points, got, weights)
    assert (got >= 0).all() and (got < n).all() and (along[got] > 0).all()


def test_weights_at(variant, rng):
    scores, rows, got = rng.random(50, np.float32), rng.integers(50, size=9), np.empty(9)
    variant(weights_at)(scores, rows, (0.7, 0.2), got)
    np.testing.assert_allclose(got, reference.weights_at(scores, rows, (0.7, 0.2)), rtol=1e-15)
