import numpy as np
import pytest
import reference

from isgd_mpi.kernels.bfloat16 import bias_relu_rounded, relu_backward_rounded, relu_backward_weighted, round_rows

pytestmark = pytest.mark.kernels
SHAPES = [(5, 33), (1, 7), (4, 1), (1, 1), (3, 100)]


def widened(bits):
    """Return bfloat16 numbers as float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def rounded(variant, x):
    out, squared_norms = np.full(x.shape, 7, np.uint16), np.full(len(x), np.nan)
    variant(round_rows)(x, out, squared_norms)
    return widened(out), squared_norms


@pytest.mark.parametrize("lower_half", [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF])
def test_every_number_goes_to_the_nearest_and_ties_to_the_even_one(variant, lower_half):
    upper_halves = np.arange(0, 2**16, 37, dtype=np.uint32) << 16
    x = (upper_halves | lower_half).view(np.float32)[:, None]
    x = x[np.isfinite(x[:, 0]) & (np.abs(x[:, 0]) < 1e15)]  # so that the squares are finite
    np.testing.assert_array_equal(rounded(variant, x)[0], reference.bfloat16(x))


def test_the_largest_numbers_go_to_the_largest_bfloat16_or_to_infinity(variant):
    x = np.array([[0x7F7F7FFF, 0x7F7F8000, 0x7F800000, 0xFF7FFFFF]], np.uint32).view(np.float32)
    with np.errstate(over="ignore"):  # of the squares
        got, squared_norms = rounded(variant, x)
    np.testing.assert_array_equal(got, [[255 * 2.0**120, np.inf, np.inf, -np.inf]])
    np.testing.assert_array_equal(got, reference.bfloat16(x))
    assert squared_norms[0] == np.inf


@pytest.mark.parametrize("bits", [0x7F800001, 0x7FFFFFFF, 0xFF800001, 0xFFFFFFFF, 0x7FC00000])
def test_nan_stays_nan_whatever_its_payload(variant, bits):
    x = np.array([[bits, 0x3F800000], [0x3F800000] * 2], np.uint32).view(np.float32)
    with np.errstate(invalid="ignore"):  # raised by signalling NaNs
        got, squared_norms = rounded(variant, x)
    np.testing.assert_array_equal(np.isnan(got), [[True, False], [False, False]])
    np.testing.assert_array_equal(squared_norms, [np.nan, 2])


@pytest.mark.parametrize("shape", SHAPES)
def test_norms_are_those_before_rounding(variant, rng, shape):
    x = rng.standard_normal(shape, dtype=np.float32)
    np.testing.assert_allclose(rounded(variant, x)[1], reference.squared_row_norms(x), rtol=1e-5)


def surrounded(part, begin):
    """Return an array of 7 that is wider than a part, and the columns of it that the part has from one on."""
    whole = np.full((len(part), begin + part.shape[1] + 2 * (begin > 0)), 7, np.uint16)
    return whole, whole[:, begin : begin + part.shape[1]]


@pytest.mark.parametrize("begin", [0, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_bias_relu_rounded(variant, rng, shape, begin):
    z, bias = rng.standard_normal(shape, dtype=np.float32), rng.standard_normal(shape[1], dtype=np.float32)
    (whole, out), squared_norms = surrounded(z, begin), np.full(shape[0], np.nan)
    wide = np.hstack([z, z[:, : begin > 0]])  # products may be wider than the biases
    variant(bias_relu_rounded)(wide, bias, whole, squared_norms, begin)
    expected = reference.bias_relu(z, bias)
    np.testing.assert_array_equal(widened(out), reference.bfloat16(expected))
    np.testing.assert_allclose(squared_norms, reference.squared_row_norms(expected), rtol=1e-5)
    assert (whole == 7).sum() >= whole.size - out.size


@pytest.mark.parametrize("shape", SHAPES)
def test_relu_backward_rounded(variant, rng, shape):
    upstream, activation = rng.standard_normal((2, *shape), dtype=np.float32)
    activation = reference.bfloat16(np.maximum(activation, 0)).astype(np.float32)
    out, squared_norms = np.full(shape, 7, np.uint16), np.full(shape[0], np.nan)
    variant(relu_backward_rounded)(upstream, (activation.view(np.uint32) >> 16).astype(np.uint16), out, squared_norms)
    expected = reference.relu_backward(upstream, activation)
    np.testing.assert_array_equal(widened(out), reference.bfloat16(expected))
    np.testing.assert_allclose(squared_norms, reference.squared_row_norms(expected), rtol=1e-5)


@pytest.mark.parametrize("begin", [0, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_relu_backward_weighted(variant, rng, shape, begin):
    upstream, activation = rng.standard_normal((2, *shape), dtype=np.float32)
    activation, shares = reference.bfloat16(np.maximum(activation, 0)), rng.standard_normal(shape[0], np.float32)
    (active, own), (whole, out), (weighted, own_weighted) = (surrounded(upstream, begin) for _ in range(3))
    own[:] = activation.astype(np.float32).view(np.uint32) >> 16
    sums, squared_norms, upstream_now = np.empty(shape[1], np.float32), np.empty(shape[0]), upstream.copy()
    variant(relu_backward_weighted)(upstream_now, active, shares, whole, weighted, sums, squared_norms, begin)
    expected = reference.relu_backward(upstream, activation)
    products = expected * shares[:, None]
    np.testing.assert_array_equal(widened(out), reference.bfloat16(expected))
    np.testing.assert_array_equal(widened(own_weighted), reference.bfloat16(products))
    np.testing.assert_allclose(sums, products.sum(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(squared_norms, reference.squared_row_norms(expected), rtol=1e-5)
    assert (whole == 7).sum() >= whole.size - out.size and (weighted == 7).sum() >= whole.size - out.size


def test_a_unit_at_minus_zero_is_inactive(variant):
    out, squared_norms = np.empty((1, 3), np.uint16), np.empty(1)
    activation = np.array([[0, 0x8000, 0x0001]], np.uint16)
    variant(relu_backward_rounded)(np.ones((1, 3), np.float32), activation, out, squared_norms)
    np.testing.assert_array_equal(widened(out), [[0, 0, 1]])
    ones, sums = np.ones((1, 3), np.float32), np.empty(3, np.float32)
    variant(relu_backward_weighted)(ones, activation, np.ones(1, np.float32), out, out.copy(), sums, squared_norms, 0)
    np.testing.assert_array_equal([widened(out)[0], sums], [[0, 0, 1]] * 2)


def test_nan_in_nan_out_of_all_passes(variant):
    z, bits, squared_norms = np.ones((2, 3), np.float32), np.empty((2, 3), np.uint16), np.empty(2)
    z[1, 2] = np.nan
    variant(bias_relu_rounded)(z, np.zeros(3, np.float32), bits, squared_norms)
    np.testing.assert_array_equal(widened(bits), z)
    np.testing.assert_array_equal(squared_norms, [3, np.nan])
    active = bits.copy()
    variant(relu_backward_rounded)(z, active, bits, squared_norms)
    np.testing.assert_array_equal(widened(bits), z)
    np.testing.assert_array_equal(squared_norms, [3, np.nan])
    weighted, sums = bits.copy(), np.empty(3, np.float32)
    variant(relu_backward_weighted)(z, active, np.ones(2, np.float32), bits, weighted, sums, squared_norms, 0)
    np.testing.assert_array_equal([widened(bits), widened(weighted)], [z, z])
    np.testing.assert_array_equal(sums, [2, 2, np.nan])
