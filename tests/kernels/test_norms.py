import numpy as np
import pytest
import reference

from isgd_mpi.kernels.norms import add_squared_grad_norms, squared_row_norms, sum_grad_norms, sum_weighted

pytestmark = pytest.mark.kernels
RTOL = {np.float32: 1e-5, np.float64: 1e-13}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5, 33), (1, 7), (4, 1), (1, 1), (0, 3), (2, 300)])
def test_squared_row_norms_are_sums_of_squares(variant, rng, dtype, shape):
    x = rng.standard_normal(shape).astype(dtype)
    got = np.full(shape[0], np.nan)
    variant(squared_row_norms)(x, got)
    np.testing.assert_allclose(got, reference.squared_row_norms(x), rtol=RTOL[dtype])


def test_squared_row_norms_fill_only_the_rows_there_are(variant):
    out = np.full(5, -1.0)
    variant(squared_row_norms)(np.ones((3, 2), np.float32), out)
    np.testing.assert_array_equal(out, [2, 2, 2, -1, -1])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_row_that_is_not_finite_has_no_finite_norm_and_leaves_the_others(variant, bad):
    x = np.ones((3, 40), np.float32)
    x[1, 17] = bad
    out = np.empty(3)
    variant(squared_row_norms)(x, out)
    np.testing.assert_array_equal(out, [40, bad, 40])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n_rows", "fan_in", "fan_out"), [(6, 5, 4), (1, 3, 2), (4, 1, 3), (4, 3, 1), (1, 1, 1)])
def test_a_layers_share_is_the_squared_norm_of_its_outer_products(variant, rng, dtype, n_rows, fan_in, fan_out):
    x, delta = (rng.standard_normal((n_rows, fan)).astype(dtype) for fan in (fan_in, fan_out))
    got = np.zeros(n_rows)
    squared_x, squared_delta = reference.squared_row_norms(x), reference.squared_row_norms(delta)
    variant(add_squared_grad_norms)(squared_x, squared_delta, got)
    np.testing.assert_allclose(got, reference.squared_grad_norms(x, delta), rtol=RTOL[dtype])


def test_shares_of_layers_add_up(variant, rng):
    first, second = rng.random((2, 2, 7))
    out = np.zeros(7)
    for squared_x, squared_delta in (first, second):
        variant(add_squared_grad_norms)(squared_x, squared_delta, out)
    np.testing.assert_allclose(out, (first[0] + 1) * first[1] + (second[0] + 1) * second[1], rtol=1e-14)


def test_nan_in_nan_out_of_a_layers_share(variant):
    out = np.zeros(3)
    variant(add_squared_grad_norms)(np.array([1, np.nan, 1.0]), np.array([1, 1, np.nan]), out)
    np.testing.assert_array_equal(out, [2, np.nan, np.nan])


@pytest.mark.parametrize("n_parts", [1, 3])
def test_sums_over_layers_are_of_the_sums_over_parts(variant, rng, n_parts):
    inputs, deltas = rng.random((2, 4, n_parts, 8))
    out = np.full(7, np.nan)
    variant(sum_grad_norms)(inputs, deltas, out)
    expected = reference.sum_grad_norms(inputs, deltas)[:7]
    np.testing.assert_allclose(out, expected, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sum_weighted(variant, rng, dtype):
    shares, losses, norms = rng.standard_normal((3, 7)).astype(dtype)
    got = variant(sum_weighted)(shares, losses, norms)
    np.testing.assert_allclose(got, reference.sum_weighted(shares, losses, norms), rtol=1e-12)
    assert np.isnan(variant(sum_weighted)(np.zeros(7, dtype), np.full(7, np.nan, dtype), norms)[0])
