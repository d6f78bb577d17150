import numpy as np
import pytest
import reference

from isgd_mpi.kernels.lstm import lstm_backward, lstm_forward

pytestmark = pytest.mark.kernels
PRECISIONS = [(np.float64, 1e-12), (np.float32, 2e-6)]
SIZES = [(1, 1), (5, 3), (4, 32)]


def make(rng, n, units, dtype):
    """Draw pre-activations, previous cells, and the mask of active rows."""
    active = rng.random(n) < 0.7
    return *(rng.standard_normal(shape).astype(dtype) for shape in ((n, 4 * units), (n, units))), active


def run_forward(forward, z, previous, active):
    """Call the kernel as the predictor does; return gates and cells."""
    gates, cell = z.copy(), np.full_like(previous, np.nan)
    for k in (0, 1, 3):
        np.split(gates, 4, axis=1)[k][:] /= 2
    np.tanh(gates, out=gates)
    forward(gates, previous, active, cell)
    return gates, cell


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("size", SIZES)
def test_lstm_forward(variant, rng, size, dtype, tolerance):
    case = make(rng, *size, dtype)
    for got, wanted in zip(run_forward(variant(lstm_forward), *case), reference.lstm_forward(*case)):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("size", SIZES)
def test_lstm_backward_is_the_derivative(variant, rng, size):
    z, previous, _ = make(rng, *size, np.float64)
    gates, cell = run_forward(lstm_forward, z, previous, np.ones(size[0], bool))
    hidden_delta, cell_delta = rng.standard_normal((2, *size))
    got = [np.full_like(gates, np.nan), cell_delta.copy()]
    variant(lstm_backward)(gates, previous, np.tanh(cell), hidden_delta, got[1], got[0])
    for each, wanted in zip(got, reference.lstm_backward(z, previous, hidden_delta, cell_delta)):
        np.testing.assert_allclose(each, wanted, atol=1e-8)


def test_no_gradient_passes_a_masked_row(variant, rng):
    z, previous, active = make(rng, 6, 3, np.float32)
    active[:] = [True, False] * 3
    gates, cell = run_forward(lstm_forward, z, previous, active)
    hidden_delta, cell_delta = rng.standard_normal((2, 6, 3)).astype(np.float32)
    gate_delta = np.empty_like(gates)
    variant(lstm_backward)(gates, previous, np.tanh(cell), hidden_delta, cell_delta, gate_delta)
    assert not gate_delta[1::2].any() and not cell_delta[1::2].any() and cell_delta[::2].all()


def test_a_nan_stays_in_its_row(variant, rng):
    z, previous, active = make(rng, 4, 3, np.float32)
    active[:] = True
    z[2, 1] = np.nan
    _, cell = run_forward(variant(lstm_forward), z, previous, active)
    np.testing.assert_array_equal(np.isnan(cell).any(axis=1), [False, False, True, False])
