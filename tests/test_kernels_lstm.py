import numpy as np
import pytest
import reference

from kernels.lstm import lstm_backward, lstm_forward

pytestmark = pytest.mark.kernels
PRECISIONS = [(np.float64, 1e-12), (np.float32, 2e-6)]
SIZES = [(1, 1), (5, 3), (4, 32)]


def make(rng, n, units, dtype):
    """Pre-activations, bias, previous cells, and which rows are active."""
    active = rng.random(n) < 0.7
    return *(rng.standard_normal(shape).astype(dtype) for shape in ((n, 4 * units), 4 * units, (n, units))), active


def run_forward(forward, z, bias, previous, active):
    """Gates, cells, tanh of the cells, hidden states."""
    gates = z.copy()
    outputs = [np.full_like(previous, np.nan) for _ in range(3)]
    forward(gates, bias, previous, active, *outputs)
    return gates, *outputs


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("size", SIZES)
def test_lstm_forward(variant, rng, size, dtype, tolerance):
    z, bias, previous, active = make(rng, *size, dtype)
    gates, cell, squashed, hidden = run_forward(variant(lstm_forward), z, bias, previous, active)
    expected = reference.lstm_forward(z, bias, previous, active)
    for got, wanted in zip((gates, cell, hidden), expected):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(squashed, np.tanh(expected[1]), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("size", SIZES)
def test_lstm_backward_is_the_derivative(variant, rng, size):
    z, bias, previous, _ = make(rng, *size, np.float64)
    gates, _, squashed, _ = run_forward(lstm_forward, z, np.zeros_like(bias), previous, np.ones(size[0], bool))
    hidden_delta, cell_delta = rng.standard_normal((2, *size))
    got = cell_delta.copy()
    variant(lstm_backward)(gates, previous, squashed, hidden_delta, got)
    expected = reference.lstm_backward(z, previous, hidden_delta, cell_delta)
    for each, wanted in zip((gates, got), expected):
        np.testing.assert_allclose(each, wanted, atol=1e-8)


def test_no_gradient_passes_a_masked_row(variant, rng):
    z, bias, previous, active = make(rng, 6, 3, np.float32)
    active[:] = [True, False] * 3
    gates, _, squashed, _ = run_forward(lstm_forward, z, bias, previous, active)
    hidden_delta, cell_delta = rng.standard_normal((2, 6, 3)).astype(np.float32)
    variant(lstm_backward)(gates, previous, squashed, hidden_delta, cell_delta)
    assert not gates[1::2].any() and not cell_delta[1::2].any() and cell_delta[::2].all()


def test_a_nan_stays_in_its_row(variant, rng):
    z, bias, previous, active = make(rng, 4, 3, np.float32)
    active[:] = True
    z[2, 1] = np.nan
    *_, hidden = run_forward(variant(lstm_forward), z, bias, previous, active)
    np.testing.assert_array_equal(np.isnan(hidden).any(axis=1), [False, False, True, False])
