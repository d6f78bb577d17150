import numpy as np
import pytest

from isgd_mpi.kernels.few_rows import width_of
from isgd_mpi.kernels.few_rows_backward import N_VECTORS
from isgd_mpi.model.few_rows import StreamedLayer
from isgd_mpi.model.layers import Buffers
from isgd_mpi.model.params import n_parameters

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize("before_step", [False, True])
@pytest.mark.parametrize("share", [0, 0.4, 1])
@pytest.mark.parametrize("n_vectors", [N_VECTORS, N_VECTORS + 1])
@pytest.mark.parametrize("n_rows", [9, 70])
def test_products_are_the_same_whether_zeros_are_skipped_or_not(rng, n_rows, n_vectors, share, before_step):
    widths = (1, 70, n_vectors * width_of(np.empty(0)))
    h, delta = rng.random((n_rows, 70)), rng.standard_normal((n_rows, widths[2]))
    h *= h < share
    params = rng.standard_normal(n_parameters(widths))
    layer = StreamedLayer(1, widths, Buffers(widths, n_rows + 1, np.float64))
    layer.use(params)
    layer.plan(n_rows)
    layer.list_rows(h, slice(0, n_rows), slice(0, 70))
    w, b = params[-71 * widths[2] : -widths[2]].reshape(70, -1), params[-widths[2] :]
    np.testing.assert_allclose(layer.logits(h), h @ w + b, rtol=1e-11, atol=1e-12)
    below = layer.backward(delta, before_step)
    np.testing.assert_allclose(below, (h > 0) * (delta @ w.T), rtol=1e-11, atol=1e-12)
