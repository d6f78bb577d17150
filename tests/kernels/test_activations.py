import math

import numpy as np
import pytest
import reference

from isgd_mpi.kernels.activations import bias_relu, relu_backward, relu_backward_transposed, softmax_cross_entropy

pytestmark = pytest.mark.kernels
DTYPES = [np.float32, np.float64]
RTOL = {np.float32: 2e-5, np.float64: 1e-12}
SHAPES = [(5, 33), (1, 7), (4, 1), (1, 1), (3, 100)]


def softmax(variant, logits, labels):
    """Call the kernel; return the deltas, losses, predictions and squared norms that it writes."""
    n_rows = len(labels)
    delta, losses = logits.copy(), np.full(n_rows, np.nan, logits.dtype)
    predictions, squared_norms = np.full(n_rows, -1, np.int32), np.full(n_rows, np.nan)
    variant(softmax_cross_entropy)(delta, labels, losses, predictions, squared_norms)
    return delta, losses, predictions, squared_norms


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_bias_relu(variant, rng, dtype, shape):
    z, bias = rng.standard_normal(shape).astype(dtype), rng.standard_normal(shape[1]).astype(dtype)
    got, squared_norms = z.copy(), np.full(shape[0], np.nan)
    variant(bias_relu)(got, bias, squared_norms)
    np.testing.assert_array_equal(got, reference.bias_relu(z, bias))
    np.testing.assert_allclose(squared_norms, reference.squared_row_norms(got), rtol=RTOL[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_relu_backward(variant, rng, dtype, shape):
    delta = rng.standard_normal(shape).astype(dtype)
    activation = np.maximum(rng.standard_normal(shape), 0).astype(dtype)
    got, squared_norms = delta.copy(), np.full(shape[0], np.nan)
    variant(relu_backward)(got, activation, squared_norms)
    np.testing.assert_array_equal(got, reference.relu_backward(delta, activation))
    np.testing.assert_allclose(squared_norms, reference.squared_row_norms(got), rtol=RTOL[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_relu_backward_transposed(variant, rng, dtype, shape):
    upstream = rng.standard_normal(shape[::-1]).astype(dtype)
    activation = np.maximum(rng.standard_normal(shape), 0).astype(dtype)
    got, squared_norms = np.full(shape, np.nan, dtype), np.full(shape[0], np.nan)
    variant(relu_backward_transposed)(upstream, activation, got, squared_norms)
    np.testing.assert_array_equal(got, reference.relu_backward_transposed(upstream, activation))
    np.testing.assert_allclose(squared_norms, reference.squared_row_norms(got), rtol=RTOL[dtype])


@pytest.mark.parametrize(("begin", "end"), [(0, 70), (16, 48), (33, 70), (5, 5)])
def test_a_range_of_columns(variant, rng, begin, end):
    z, bias, upstream = rng.standard_normal((4, 70)), rng.standard_normal(70), rng.standard_normal((70, 4))
    own, norms = slice(begin, end), np.full(4, np.nan)

    def check(got, expected, before):
        np.testing.assert_array_equal(got[:, own], expected[:, own])
        np.testing.assert_allclose(norms, reference.squared_row_norms(got[:, own]), rtol=1e-13)
        got[:, own] = before[:, own]
        np.testing.assert_array_equal(got, before)

    got, activation = z.copy(), reference.bias_relu(z, bias)
    variant(bias_relu)(got, bias[own], norms, begin)
    check(got, activation, z)
    got = z.copy()
    variant(relu_backward)(got, activation, norms, begin, end)
    check(got, reference.relu_backward(z, activation), z)
    got = z.copy()
    variant(relu_backward_transposed)(upstream[own], activation, got, norms, begin)
    check(got, reference.relu_backward_transposed(upstream, activation), z)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("label_dtype", [np.int32, np.int64])
def test_softmax_cross_entropy(variant, rng, dtype, shape, label_dtype):
    logits = (3 * rng.standard_normal(shape)).astype(dtype)
    labels = rng.integers(0, shape[1], shape[0]).astype(label_dtype)
    delta, losses, predictions, squared_norms = softmax(variant, logits, labels)
    expected_delta, expected_losses, expected_predictions = reference.softmax_cross_entropy(logits, labels)
    atol = RTOL[dtype] / 10
    np.testing.assert_allclose(delta, expected_delta, rtol=RTOL[dtype], atol=atol)
    np.testing.assert_allclose(losses, expected_losses, rtol=RTOL[dtype], atol=atol)
    np.testing.assert_array_equal(predictions, expected_predictions)
    np.testing.assert_allclose(squared_norms, (expected_delta**2).sum(axis=1), rtol=RTOL[dtype], atol=atol)


def test_deltas_of_an_example_sum_to_zero(variant, rng):
    logits = rng.standard_normal((6, 9))
    delta, *_ = softmax(variant, logits, np.arange(6))
    np.testing.assert_allclose(delta.sum(axis=1), 0, atol=1e-15)


def test_delta_is_the_derivative_of_the_loss(variant, rng):
    logits, labels, step = rng.standard_normal((2, 5)), np.array([3, 0]), 1e-6
    delta, *_ = softmax(variant, logits, labels)
    for o in range(5):
        shift = step * (np.arange(5) == o)
        _, above, _, _ = softmax(variant, logits + shift, labels)
        _, below, _, _ = softmax(variant, logits - shift, labels)
        np.testing.assert_allclose(delta[:, o], (above - below) / (2 * step), atol=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shift", [-1e4, 0, 1e4])
def test_large_logits_neither_overflow_nor_lose_the_loss(variant, dtype, shift):
    logits = np.array([[0, 50, -50]], dtype) + dtype(shift)
    _, losses, predictions, _ = softmax(variant, logits, np.array([0]))
    assert predictions[0] == 1
    np.testing.assert_allclose(losses, 50, rtol=1e-6)


def test_the_delta_of_an_easy_example_does_not_cancel(variant):
    # in float32, softmax - 1 of this example is 0; its norm is sqrt(2) exp(-20)
    delta, _, _, squared_norms = softmax(variant, np.array([[20, 0]], np.float32), np.array([0]))
    np.testing.assert_allclose(delta, [[-math.exp(-20), math.exp(-20)]], rtol=1e-5)
    np.testing.assert_allclose(squared_norms, 2 * math.exp(-40), rtol=1e-5)


def test_the_first_of_equal_logits_is_predicted(variant):
    _, losses, predictions, _ = softmax(variant, np.zeros((1, 4)), np.array([2]))
    assert predictions[0] == 0
    np.testing.assert_allclose(losses, math.log(4))


def test_one_class_has_no_loss_and_no_gradient(variant):
    delta, losses, _, squared_norms = softmax(variant, np.array([[3.0], [-1.0]]), np.array([0, 0]))
    np.testing.assert_array_equal([delta[:, 0], losses, squared_norms], np.zeros((3, 2)))


@pytest.mark.parametrize("column", range(4))
def test_nan_in_nan_out_of_softmax(variant, column):
    logits = np.zeros((3, 4), np.float32)
    logits[1, column] = np.nan
    _, losses, _, squared_norms = softmax(variant, logits, np.array([0, 1, 2]))
    np.testing.assert_array_equal(np.isnan([losses, squared_norms]), [[False, True, False]] * 2)


def test_nan_in_nan_out_of_relu(variant):
    z = np.ones((2, 3), np.float32)
    z[1, 2] = np.nan
    squared_norms = np.empty(2)
    variant(bias_relu)(z, np.zeros(3, np.float32), squared_norms)
    np.testing.assert_array_equal(z, [[1, 1, 1], [1, 1, np.nan]])
    np.testing.assert_array_equal(squared_norms, [3, np.nan])


@pytest.mark.parametrize("where", ["delta", "activation"])
def test_nan_in_nan_out_of_relu_backward(variant, where):
    arrays = {"delta": np.ones((2, 3)), "activation": np.ones((2, 3))}
    arrays[where][1, 2] = np.nan
    arrays["delta"][1, 2] = np.nan  # a unit that is NaN has such a delta as well
    squared_norms = np.empty(2)
    variant(relu_backward)(arrays["delta"], arrays["activation"], squared_norms)
    np.testing.assert_array_equal(squared_norms, [3, np.nan])
