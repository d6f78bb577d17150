"""Blocks that are transposed or listed in registers, beside numbers that are left over."""

import numpy as np
import pytest
import reference
from column_lists import with_zeros

from isgd_mpi.kernels._transpose import transpose
from isgd_mpi.kernels.few_rows import active_in_columns, active_in_rows

pytestmark = pytest.mark.kernels
DTYPES = [np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("part", [((0, 40), (0, 52)), ((3, 36), (5, 22)), ((0, 40), (7, 8)), ((9, 9), (0, 52))])
def test_transpose_writes_its_part_alone(variant, rng, dtype, part):
    source, target = rng.standard_normal((40, 52)).astype(dtype), np.full((60, 50), np.nan, dtype)
    variant(transpose)(source, *part, target, (2, 4))
    rows, columns = (slice(*ends) for ends in part)
    expected = np.full_like(target, np.nan)
    expected[2 : 2 + columns.stop - columns.start, 4 : 4 + rows.stop - rows.start] = source[rows, columns].T
    np.testing.assert_array_equal(target, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_lists_of_whole_vectors_and_of_the_rest(variant, rng, dtype):
    h = with_zeros(rng, rng.standard_normal((37, 70)).astype(dtype))
    h[20, 40] = np.nan  # is not zero
    values, indices, counts = np.full((70, 37), -7, dtype), np.full((70, 37), -7, np.int32), np.full(70, -7, np.int32)
    assert variant(active_in_columns)(h, values, indices, counts, 1, 69) == np.count_nonzero(h[:, 1:69])
    for i, expected in list(enumerate(reference.active_in_columns(h)))[1:69]:
        np.testing.assert_array_equal(list(zip(indices[i, : counts[i]], values[i, : counts[i]])), expected)
    for each in (values, indices, counts):
        assert (each[[0, 69]] == -7).all()


def test_lists_of_a_block_leave_the_next_one_alone(variant, rng):
    h = with_zeros(rng, rng.standard_normal((5, 128)).astype(np.float32))
    values, indices, counts = np.full((5, 128), -7, np.float32), np.full((5, 128), -7, np.int32), np.zeros((5, 2), int)
    variant(active_in_rows)(h, values, indices, counts, 0, 1)
    assert (values[:, 64:] == -7).all() and (indices[:, 64:] == -7).all()
    assert counts[:, 0].tolist() == np.count_nonzero(h[:, :64], axis=1).tolist()
