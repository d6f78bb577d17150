import numpy as np
import pytest
import reference
from column_lists import PRECISIONS, matrices, with_zeros

from isgd_mpi.kernels.few_rows import width_of
from isgd_mpi.kernels.narrow import descend_narrow, height_of, write_below, write_outputs
from isgd_mpi.kernels.optim import adam_settings

pytestmark = pytest.mark.kernels
# without `variant`: compiled parts of a kernel hand vectors on; without compilation all of it is plain Python
SHAPES = [(1, 1, 1), (3, 2, 2), (6, 2, 10), (9, 3, 21)]  # rows, vectors of inputs, outputs


def layer(rng, shape, dtype):
    """Return inputs, deltas, weights with the biases behind them, and room for transposed weights."""
    n_rows, n_vectors, fan_out = shape
    fan_in = n_vectors * width_of(np.empty(0, dtype))
    h, delta, w = matrices(rng, dtype, (n_rows, fan_in), (n_rows, fan_out), (fan_in, fan_out))
    return with_zeros(rng, h), delta, w, np.full((height_of(w), fan_in), np.nan, dtype)


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_passes_of_a_narrow_layer(rng, shape, dtype, tolerance):
    h, delta, w, transposed = layer(rng, shape, dtype)
    (b,) = rng.standard_normal((1, shape[2])).astype(dtype)
    (n_rows, fan_in), width = h.shape, width_of(h)
    z, below, norms = np.full_like(delta, np.nan), np.full_like(h, 7), np.full(n_rows, np.nan)
    bounds = {"rtol": tolerance, "atol": tolerance * fan_in**0.5}
    for ends in [(0, n_rows // 2), (n_rows // 2, n_rows)]:
        write_outputs(h, w, b, transposed, z, *ends)
    np.testing.assert_allclose(z, reference.add_product(h, w, np.tile(b, (n_rows, 1))), **bounds)
    np.testing.assert_array_equal(transposed[: shape[2]], w.T)
    write_below(delta, transposed, h, below, norms, fan_in - width, fan_in)
    expected = reference.add_product(delta, w.T[:, -width:], np.zeros((n_rows, width))) * (h[:, -width:] > 0)
    np.testing.assert_allclose(below[:, -width:], expected, **bounds)
    np.testing.assert_allclose(norms, (expected**2).sum(axis=1), **bounds)
    assert (below[:, :-width] == 7).all()


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_moments", [0, 1, 2])
def test_the_step_of_a_narrow_layer(rng, shape, dtype, tolerance, n_moments):
    h, delta, w, gradient = layer(rng, shape, dtype)
    fan_in, width, shares = h.shape[1], width_of(h), rng.random(shape[0]).astype(dtype)
    weights, biases = ([w, *rng.random((2, *w.shape)).astype(dtype)] for w in (w, w[0]))
    settings = adam_settings(0.1, 3, 0.01) if n_moments == 2 else (0.1, 0.9 * n_moments, 0.01)
    got = [[array.copy() for array in arrays[: 1 + n_moments]] for arrays in (weights, biases)]
    none = [None] * (2 - n_moments)
    for begin, end in [(0, width), (width, fan_in)]:
        own = [array[begin:end] for array in got[0]], [array if begin == 0 else array[:0] for array in got[1]]
        descend_narrow(h, delta, shares, gradient, *own[0], *none, *own[1], *none, settings, begin, end)
    weighted = shares[:, None].astype(float) * delta
    for arrays, before, along in zip(got, (weights, biases), (h.T.astype(float) @ weighted, weighted.sum(axis=0))):
        before = [array.astype(float) for array in before]
        if n_moments == 2:
            expected = reference.adam_update(*before, along, 0.1, 3, 0.01)
        else:
            expected = reference.nesterov_update(before[0], before[1] * n_moments, along, 0.1, 0.9 * n_moments, 0.01)
        for array, exact in zip(arrays, expected):
            np.testing.assert_allclose(array, exact, rtol=10 * tolerance, atol=10 * tolerance)
