import math

import numpy as np
import pytest
import reference

from isgd_mpi.kernels.losses import huber, logistic, squared_error

pytestmark = pytest.mark.kernels
RTOL = {np.float32: 2e-5, np.float64: 1e-12}
SHAPES = [(5, 7), (1, 3), (4, 1), (1, 1)]
KERNELS = [(logistic, ()), (squared_error, ()), (huber, (1.0,)), (huber, (0.3,))]
by_kernel = pytest.mark.parametrize(
    ("kernel", "more"), KERNELS, ids=["logistic", "squared_error", "huber", "huber-at-0.3"]
)


def call(kernel, z, targets, more=()):
    """Call a kernel; return the deltas, losses, predictions and squared norms that it writes."""
    n_rows = len(z)
    delta, losses = z.copy(), np.full(n_rows, np.nan, z.dtype)
    predictions, squared_norms = np.full(n_rows, -1, np.int32), np.full(n_rows, np.nan)
    kernel(delta, targets, losses, predictions, squared_norms, *more)
    return delta, losses, predictions, squared_norms


def targets_of(kernel, rng, shape):
    targets = rng.integers(0, 2, shape) if kernel is logistic else rng.standard_normal(shape)
    return targets.astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@by_kernel
def test_kernel_is_its_twin(variant, rng, dtype, shape, kernel, more):
    z, targets = (2 * rng.standard_normal(shape)).astype(dtype), targets_of(kernel, rng, shape)
    delta, losses, predictions, squared_norms = call(variant(kernel), z, targets, more)
    expected, *others = getattr(reference, kernel.__name__)(z, targets, *more)
    close = {"rtol": RTOL[dtype], "atol": RTOL[dtype] / 10}
    np.testing.assert_allclose(delta, expected, **close)
    np.testing.assert_allclose(losses, others[0], **close)
    np.testing.assert_array_equal(predictions, others[1])
    np.testing.assert_allclose(squared_norms, (expected**2).sum(axis=1), **close)


@by_kernel
def test_delta_is_the_derivative_of_the_loss(variant, rng, kernel, more):
    z, targets, step = 2 * rng.standard_normal((4, 5)), targets_of(kernel, rng, (4, 5)), 1e-6
    delta, *_ = call(variant(kernel), z, targets, more)
    for o in range(5):
        shift = step * (np.arange(5) == o)
        above, below = (call(variant(kernel), z + sign * shift, targets, more)[1] for sign in (1, -1))
        np.testing.assert_allclose(delta[:, o], (above - below) / (2 * step), atol=1e-8)


@by_kernel
def test_nan_in_nan_out(variant, kernel, more):
    z = np.zeros((3, 2), np.float32)
    z[1, 1] = np.nan
    _, losses, _, squared_norms = call(variant(kernel), z, np.zeros((3, 2), np.float32), more)
    np.testing.assert_array_equal(np.isnan([losses, squared_norms]), [[False, True, False]] * 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_logits_neither_overflow_nor_lose_the_loss(variant, dtype):
    z, labels = np.array([[1e4, -1e4], [1e4, -1e4]], dtype), np.array([[1, 0], [0, 1]], np.float32)
    delta, losses, predictions, _ = call(variant(logistic), z, labels)
    np.testing.assert_allclose(losses, [0, 2e4], rtol=1e-6)
    np.testing.assert_array_equal(delta, [[0, 0], [1, -1]])
    np.testing.assert_array_equal(predictions, [1, 0])


def test_the_delta_of_an_easy_label_does_not_cancel(variant):
    # in float32, sigmoid(20) - 1 is 0
    delta, losses, *_ = call(variant(logistic), np.array([[20, -20]], np.float32), np.array([[1, 0]], np.float32))
    np.testing.assert_allclose(delta, [[-math.exp(-20), math.exp(-20)]], rtol=1e-5)
    np.testing.assert_allclose(losses, 2 * math.exp(-20), rtol=1e-5)


def test_huber_is_the_squared_error_up_to_its_threshold_and_linear_beyond(variant):
    z, numbers = np.array([[1.0], [-1.0], [3.0], [-5.0]]), np.zeros((4, 1), np.float32)
    delta, losses, *_ = call(variant(huber), z, numbers, (1.0,))
    np.testing.assert_array_equal(delta[:, 0], [1, -1, 1, -1])
    np.testing.assert_array_equal(losses, [0.5, 0.5, 2.5, 4.5])
