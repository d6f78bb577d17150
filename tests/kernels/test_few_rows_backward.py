import numpy as np
import pytest
import reference
from column_lists import PRECISIONS, column_lists, matrices, with_zeros

from isgd_mpi.kernels.few_rows import width_of
from isgd_mpi.kernels.few_rows_backward import N_VECTORS, add_active_dots

pytestmark = pytest.mark.kernels
SHAPES = [(1, 1, 1), (3, 70, 1), (24, 5, 1), (55, 67, 2)]  # rows, inputs, sets of N_VECTORS vectors of columns


def arguments(rng, shape, dtype):
    n_rows, fan_in, n_sets = shape
    fan_out = n_sets * N_VECTORS * width_of(np.empty(0, dtype))
    h, delta = matrices(rng, dtype, (n_rows, fan_in), (n_rows, fan_out))
    return with_zeros(rng, h), delta, *matrices(rng, dtype, (fan_in, fan_out), (fan_in, n_rows))


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_active_dots(rng, shape, dtype, tolerance):
    h, delta, w, upstream = arguments(rng, shape, dtype)
    expected = reference.add_active_dots(h, delta, w, upstream)
    _, indices, counts = column_lists(h)
    add_active_dots(indices, counts, delta, w, upstream, 0, len(w))
    np.testing.assert_allclose(upstream, expected, atol=tolerance * w.shape[1] ** 0.5, rtol=tolerance)


def test_a_dot_depends_on_its_two_rows_only(rng):
    h, delta, w, whole = arguments(rng, (30, 70, 2), np.float32)
    parts, few = whole.copy(), whole[:, 7:12].copy()
    _, indices, counts = column_lists(h)
    add_active_dots(indices, counts, delta, w, whole, 0, 70)
    for ends in [(0, 3), (3, 69), (69, 70)]:
        add_active_dots(indices, counts, delta, w, parts, *ends)
    np.testing.assert_array_equal(parts, whole)
    _, indices, counts = column_lists(np.ascontiguousarray(h[7:12]))
    add_active_dots(indices, counts, np.ascontiguousarray(delta[7:12]), w, few, 0, 70)
    np.testing.assert_array_equal(few, whole[:, 7:12])
