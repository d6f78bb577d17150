import numpy as np
import pytest
import reference

from isgd_mpi.kernels.sampling import (
    add_by_level,
    add_drawn_moments,
    all_finite,
    counting_sort,
    cumulative_sum,
    search,
    shared_ranks,
    systematic_search,
)

pytestmark = pytest.mark.kernels
JUST_BELOW_ONE = np.nextafter(1.0, 0.0)
WEIGHTS = {
    "one": [3.0],
    "equal": [1.0] * 7,
    "zeros at the edges": [0, 0, 2, 1, 0, 3, 0, 0],
    "all in one": [0, 0, 5, 0],
    "wide range": [1e-300, 1e-8, 1, 1e8, 1e-8],
    "tenths": [0.1] * 10,
    "random": np.random.default_rng(3).exponential(size=29),
}


@pytest.fixture(params=WEIGHTS)
def weights(request):
    return np.array(WEIGHTS[request.param], float)


def found(variant, weights, points, mixture=0.0):
    out = np.full(len(points), -1, np.int64)
    variant(search)(np.cumsum(weights), mixture, np.asarray(points, float), out)
    return out


def found_systematically(variant, weights, offset, n_points, mixture=0.0):
    out = np.full(n_points, -1, np.int64)
    variant(systematic_search)(np.cumsum(weights), mixture, offset, out)
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_add_by_level(variant, rng, dtype):
    weights, sums = rng.lognormal(sigma=5, size=300).astype(np.float32), np.ones((2, 144))
    norms, weights[:3] = rng.exponential(size=300).astype(dtype), [0, 1, 1e30]
    variant(add_by_level)(norms, weights, -10, sums)
    np.testing.assert_allclose(sums, 1 + reference.add_by_level(norms, weights, -10, 144), rtol=1e-12)


@pytest.mark.parametrize("size", [1, 7, 128])
def test_add_drawn_moments(variant, rng, size):
    norms, weights = rng.exponential(size=(2, size))
    sums, products = np.ones(3), np.full((3, 3), 2.0)
    assert variant(add_drawn_moments)(norms, weights, sums, products)
    means, squares = reference.add_drawn_moments(norms, weights)
    np.testing.assert_allclose(sums, 1 + means, rtol=1e-12)
    np.testing.assert_allclose(products, 2 + squares, rtol=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_minibatch_that_is_not_finite_adds_nothing(variant, value):
    sums, products = np.ones(3), np.ones((3, 3))
    assert not variant(add_drawn_moments)(np.array([1.0, value]), np.ones(2), sums, products)
    assert (sums == 1).all() and (products == 1).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_all_finite(variant, rng, bad):
    values = rng.random(100, np.float32)
    assert variant(all_finite)(values) == reference.all_finite(values) == variant(all_finite)(values[:0])
    values[63] = bad
    assert not variant(all_finite)(values) and not reference.all_finite(values)


@pytest.mark.parametrize(("n", "n_keys"), [(0, 3), (1, 1), (2, 5), (50, 1), (1000, 7), (300, 5000)])
def test_counting_sort_is_a_stable_sort(variant, rng, n, n_keys):
    keys, order = rng.integers(0, n_keys, n, dtype=np.int32), rng.permutation(n)
    got = np.full(n, -1)
    variant(counting_sort)(keys, order, np.full(n_keys, 9), got)
    np.testing.assert_array_equal(got, np.array(reference.counting_sort(keys, order), int))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "n_values"), [(1, 1), (2, 1), (50, 9), (300, 10**6)])
def test_shared_ranks_are_places_in_the_order_and_their_means(variant, rng, n, n_values, dtype):
    scores = rng.integers(0, n_values, n).astype(dtype)
    order, got = np.argsort(scores), np.full(n, np.nan)
    variant(shared_ranks)(scores, order, got)
    np.testing.assert_array_equal(got, reference.shared_ranks(scores, order))


@pytest.mark.parametrize("order_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("n", [1, 2, 50, 1000])
def test_cumulative_sum_follows_the_order(variant, rng, n, order_dtype):
    weights, order = rng.random(n), rng.permutation(n).astype(order_dtype)
    got = np.full(n, np.nan)
    variant(cumulative_sum)(weights, order, got)
    np.testing.assert_allclose(got, reference.cumulative_sum(weights, order), rtol=1e-13)


def test_cumulative_sum_keeps_what_float32_would_lose(variant):
    n = 20_000
    got = np.empty(n)
    variant(cumulative_sum)(np.full(n, 1 / n), np.arange(n), got)
    assert abs(got[-1] - 1) < 1e-12 < abs(np.cumsum(np.full(n, 1 / n, np.float32))[-1] - 1)


def test_nan_in_nan_out_of_the_cumulative_sum(variant):
    got = np.empty(3)
    variant(cumulative_sum)(np.array([1, np.nan, 1]), np.arange(3), got)
    np.testing.assert_array_equal(got, [1, np.nan, np.nan])


@pytest.mark.parametrize("out_dtype", [np.int32, np.int64])
def test_search_is_searchsorted_to_the_right(variant, weights, rng, out_dtype):
    cumulative = np.cumsum(weights)
    points = np.concatenate([rng.random(200), [0.0, 0.5], cumulative[cumulative < cumulative[-1]] / cumulative[-1]])
    out = np.full(len(points), -1, out_dtype)
    variant(search)(cumulative, 0.0, points, out)
    np.testing.assert_array_equal(out, np.searchsorted(cumulative, points * cumulative[-1], side="right"))
    np.testing.assert_array_equal(out, reference.search_positions(cumulative, 0.0, points))


@pytest.mark.parametrize("mixture", [0.03, 0.5, 1.0])
def test_a_uniform_part_is_searched_as_if_it_were_in_the_weights(variant, weights, rng, mixture):
    weights = weights / weights.mean()
    points, mixed = rng.random(200), (1 - mixture) * weights + mixture
    np.testing.assert_array_equal(found(variant, weights, points, mixture), found(variant, mixed, points))
    for n_points in (1, 3, 16):
        got = found_systematically(variant, weights, 0.271, n_points, mixture)
        np.testing.assert_array_equal(got, reference.systematic_positions(np.cumsum(weights), mixture, 0.271, n_points))


def test_search_finds_each_position_by_any_point_of_its_own(variant, rng):
    weights = rng.integers(1, 9, 20)
    total = weights.sum()
    positions = np.repeat(np.arange(20), weights)
    np.testing.assert_array_equal(found(variant, weights, (np.arange(total) + 0.5) / total), positions)


def test_search_never_finds_a_position_of_weight_zero(variant, weights):
    edges = np.cumsum(weights) / weights.sum()
    points = np.concatenate([np.nextafter(edges, 0), edges, np.nextafter(edges, 1), [0.0, JUST_BELOW_ONE]])
    positions = found(variant, weights, points[points < 1])
    assert (weights[positions] > 0).all()


@pytest.mark.parametrize("point", [JUST_BELOW_ONE, 1.0])
def test_a_point_rounded_to_the_total_finds_the_last_weight_above_zero(variant, weights, point):
    assert found(variant, weights, [point]) == np.flatnonzero(np.diff(np.cumsum(weights), prepend=0))[-1]


@pytest.mark.parametrize("n_points", [1, 2, 3, 16, 100])
@pytest.mark.parametrize("offset", [0.271, 0.7311, 0.999])  # none where a point falls on an edge but for rounding
def test_systematic_search_scans_equidistant_points(variant, weights, offset, n_points):
    got = found_systematically(variant, weights, offset, n_points)
    np.testing.assert_array_equal(got, reference.systematic_positions(np.cumsum(weights), 0.0, offset, n_points))
    np.testing.assert_array_equal(got, found(variant, weights, (offset + np.arange(n_points)) / n_points))


@pytest.mark.parametrize("n_points", [1, 2, 5, 64, 1000])
@pytest.mark.parametrize("offset", [0.0, 1e-17, 0.5, JUST_BELOW_ONE])
def test_systematic_search_never_finds_a_position_of_weight_zero(variant, weights, offset, n_points):
    positions = found_systematically(variant, weights, offset, n_points)
    assert (positions >= 0).all() and (weights[positions] > 0).all()
    assert (np.diff(positions) >= 0).all()


@pytest.mark.parametrize("n_points", [1, 2, 7, 40])
def test_expected_counts_are_exactly_m_times_q(variant, weights, n_points):
    def counts(offset):
        return np.bincount(found_systematically(variant, weights, offset, n_points), minlength=len(weights))

    expected = reference.integrate_over_offsets(weights, n_points, counts)
    np.testing.assert_allclose(expected, n_points * weights / weights.sum(), atol=1e-9)


@pytest.mark.parametrize("offset", [0.0, 0.3, JUST_BELOW_ONE])
def test_counts_of_one_draw_are_m_times_q_rounded_down_or_up(variant, rng, offset):
    weights = rng.exponential(size=50)
    counts = np.bincount(found_systematically(variant, weights, offset, 128), minlength=50)
    expected = 128 * weights / weights.sum()
    assert (np.floor(expected) <= counts).all() and (counts <= np.ceil(expected)).all()


def test_equal_weights_and_as_many_points_draw_each_example_once(variant):
    for offset in (0.01, 0.5, 0.99):
        np.testing.assert_array_equal(found_systematically(variant, np.ones(60), offset, 60), np.arange(60))
