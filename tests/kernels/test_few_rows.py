import numpy as np
import pytest
import reference
from column_lists import PRECISIONS, column_lists, matrices, with_zeros

from isgd_mpi.kernels.few_rows import (
    DEPTH,
    active_in_columns,
    active_in_rows,
    add_active_product,
    add_product,
    descend_along_product,
    width_of,
)
from isgd_mpi.kernels.optim import adam_settings

pytestmark = pytest.mark.kernels
# without `variant`: compiled parts of a kernel hand vectors on; without compilation all of it is plain Python
SHAPES = [(1, 1, 1), (3, 7, 1), (4, 64, 2), (6, 70, 1), (9, 131, 2)]  # rows, inputs, vectors of columns


def row_lists(h, variant=lambda kernel: kernel):
    n_blocks = -(-h.shape[1] // DEPTH)
    shape = (len(h), n_blocks * DEPTH)
    lists = np.full(shape, -7, h.dtype), np.full(shape, -7, np.int32), np.full((len(h), n_blocks), -7, np.int32)
    variant(active_in_rows)(h, *lists)
    return lists


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_active_in_rows(variant, rng, shape, dtype):
    h = with_zeros(rng, rng.standard_normal(shape[:2]).astype(dtype))
    values, indices, counts = row_lists(h, variant)
    for n, blocks in enumerate(reference.active_in_rows(h, DEPTH)):
        for block, expected in enumerate(blocks):
            listed = slice(block * DEPTH, block * DEPTH + counts[n, block])
            assert list(zip(indices[n, listed], values[n, listed])) == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_active_in_columns(variant, rng, shape, dtype):
    h = with_zeros(rng, rng.standard_normal(shape[:2]).astype(dtype))
    values, indices, counts = column_lists(h, variant)
    for i, expected in enumerate(reference.active_in_columns(h)):
        assert list(zip(indices[i, : counts[i]], values[i, : counts[i]])) == expected


def test_lists_are_made_in_parts(variant, rng):
    h = with_zeros(rng, rng.standard_normal((6, 150)))
    rows, columns = row_lists(h), column_lists(h)
    parts = [np.full_like(each, -7) for each in rows], [np.full_like(each, -7) for each in columns]
    for begin, end in [(0, 2), (2, 3)]:
        variant(active_in_rows)(h, *parts[0], begin, end)
        n_active = variant(active_in_columns)(h, *parts[1], begin * 50, end * 50)
        assert n_active == np.count_nonzero(h[:, begin * 50 : end * 50])
    for got, expected in zip([*parts[0], *parts[1]], [*rows, *columns]):
        np.testing.assert_array_equal(got, expected)


def test_a_nan_is_active(variant):
    h = np.array([[0.0, np.nan, -0.0]])
    assert column_lists(h, variant)[2].tolist() == [0, 1, 0]
    assert row_lists(h, variant)[2].tolist() == [[1]]


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_products(rng, shape, dtype, tolerance):
    n_rows, fan_in, n_vectors = shape
    fan_out = n_vectors * width_of(np.empty(0, dtype))
    h, w, z = matrices(rng, dtype, (n_rows, fan_in), (fan_in, fan_out), (n_rows, fan_out))
    h = with_zeros(rng, h)
    expected = reference.add_product(h, w, z)
    dense, active = z.copy(), z.copy()
    add_product(h, w, dense, 0, fan_out)
    add_active_product(*row_lists(h), w, active, 0, fan_out)
    np.testing.assert_allclose(dense, expected, atol=tolerance * fan_in**0.5, rtol=tolerance)
    np.testing.assert_allclose(active, expected, atol=tolerance * fan_in**0.5, rtol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("momentum", [0.0, 0.3, 0.95])
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_descent(rng, shape, dtype, tolerance, momentum, decay):
    n_rows, fan_in, n_vectors = shape
    fan_out = n_vectors * width_of(np.empty(0, dtype))
    h, delta = matrices(rng, dtype, (n_rows, fan_in), (n_rows, fan_out))
    before = matrices(rng, dtype, *[(fan_in, fan_out)] * 2, *[(1, fan_out)] * 2)
    h, shares = with_zeros(rng, h), rng.random(n_rows).astype(dtype)
    expected = [  # of the weights and of the biases, which are weights on an input of one
        reference.descend_along_product(inputs, shares[:, None] * delta, w, v * (momentum > 0), 0.1, momentum, decay)
        for inputs, w, v in [(h, *before[:2]), (np.ones((n_rows, 1)), *before[2:])]
    ]
    w, velocity, (b,), (b_velocity,) = got = [array.copy() for array in before]
    own = (w, velocity, None, b, b_velocity, None) if momentum else (w, None, None, b, None, None)
    descend_along_product(*column_lists(h), delta, shares, *own, (0.1, momentum, decay), 0, fan_out)
    for array, exact in zip(
        got[:: 1 if momentum else 2], (each[k] for each in expected for k in range(1 + (momentum > 0)))
    ):
        np.testing.assert_allclose(array, exact, rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("decays", [(0.0, 0.0), (0.01, 0.0), (0.0, 0.1)])
@pytest.mark.parametrize("shape", SHAPES)
def test_descent_with_adam(rng, shape, dtype, tolerance, decays):
    n_rows, fan_in, n_vectors = shape
    fan_out = n_vectors * width_of(np.empty(0, dtype))
    h, delta = matrices(rng, dtype, (n_rows, fan_in), (n_rows, fan_out))
    w, mean, root = matrices(rng, dtype, *[(fan_in + 1, fan_out)] * 3)  # the last row is the biases'
    h, before = with_zeros(rng, h), (w, mean, root**2)
    got = [array.copy() for array in before]
    own = (*(array[:-1] for array in got), *(array[-1] for array in got))
    ones = np.ones(n_rows, dtype)
    descend_along_product(*column_lists(h), delta, ones, *own, adam_settings(0.1, 3, *decays), 0, fan_out)
    gradient = np.column_stack([h, ones]).astype(float).T @ delta.astype(float)
    expected = reference.adam_update(*(array.astype(float) for array in before), gradient, 0.1, 3, *decays)
    for each, exact in zip(got, expected):
        np.testing.assert_allclose(each, exact, rtol=10 * tolerance, atol=10 * tolerance)


def test_descent_without_biases_leaves_them_alone(rng):
    fan_out = width_of(np.empty(0, np.float32))
    h, delta, w, (b,) = matrices(rng, np.float32, (4, 6), (4, fan_out), (6, fan_out), (1, fan_out))
    before = b.copy()
    none = (None, None)
    descend_along_product(*column_lists(h), delta, b[:4], w, *none, b[:0], *none, (0.1, 0.0, 0.0), 0, fan_out)
    np.testing.assert_array_equal(b, before)


def test_a_column_does_not_depend_on_the_range_it_is_in(rng):
    width = width_of(np.empty(0, np.float32))
    fan_out = 3 * width
    h, w, z, delta, (b,) = matrices(rng, np.float32, (6, 70), (70, fan_out), (6, fan_out), (6, fan_out), (1, fan_out))
    h = with_zeros(rng, h)
    calls = [
        (add_product, (h, w), z, ()),
        (add_active_product, (*row_lists(h), w), z, ()),
        (descend_along_product, (*column_lists(h), delta, b[:6]), w, (None, None, b[:0], None, None, (0.1, 0.0, 0.0))),
    ]
    for kernel, before, result, after in calls:
        whole, parts = result.copy(), result.copy()
        kernel(*before, whole, *after, 0, fan_out)
        kernel(*before, parts, *after, width, fan_out)
        np.testing.assert_array_equal(parts[:, :width], result[:, :width])
        kernel(*before, parts, *after, 0, width)
        np.testing.assert_array_equal(parts, whole)
