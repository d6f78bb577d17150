"""Numbers are small integers over powers of two: float32 sums are exact, and so must be what is rounded of them."""

import numba
import numpy as np
import pytest
import reference

from isgd_mpi.kernels import _bfloat16_tiles, bfloat16_descent
from isgd_mpi.kernels.bfloat16_descent import descend, form_gradient, round_weights, update_and_round
from isgd_mpi.kernels.bfloat16_layers import activate, propagate, round_features
from isgd_mpi.kernels.bfloat16_products import TILE_ROWS, pack, pack_transposed, padded
from isgd_mpi.kernels.optim import adam_settings, update_columns

pytestmark = pytest.mark.kernels
# without `variant`: compiled parts of a kernel hand vectors on; without compilation all of it is plain Python
SHAPES = [(1, 1, 1), (6, 16, 16), (7, 5, 10), (13, 70, 33), (9, 150, 64), (70, 33, 145), (64, 64, 130)]  # rows, fans


def integers(rng, *shape, divisor=1):
    """Draw numbers of which products, and sums of them, are exact."""
    return (rng.integers(-8, 9, shape) / divisor).astype(np.float32)


def bits(x):
    """Return numbers rounded to bfloat16, as uint16."""
    return (reference.bfloat16(x).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def widened(numbers):
    return (numbers.astype(np.uint32) << 16).view(np.float32)


def left(x):
    """Return a matrix as a left factor."""
    rows = np.zeros((padded(len(x)) + TILE_ROWS, padded(x.shape[1])), np.uint16)
    rows[: len(x), : x.shape[1]] = bits(x)
    return rows


def right(x, write=pack):
    """Return a matrix as a right factor, or with `pack_transposed` its transpose."""
    pairs = np.zeros(padded(len(x)) * padded(x.shape[1]) // 2, np.uint32)
    write(np.ascontiguousarray(x, np.float32), pairs)
    return pairs


def cuts(n, *places):
    """Return the parts of a range that is cut at places, or as a whole."""
    ends = [0, *(place for place in places if place < n), n]
    return list(zip(ends, ends[1:]))


@pytest.mark.parametrize("shape", SHAPES)
def test_features_are_rounded_both_ways(rng, shape):
    x = rng.standard_normal(shape[:2], dtype=np.float32)
    rows, columns = np.zeros_like(left(x)), np.zeros_like(left(x.T))
    for first, last in cuts(len(x), 4):
        round_features(x, rows, columns, first, last)
    np.testing.assert_array_equal(rows, left(x))
    np.testing.assert_array_equal(columns, left(x.T))


@pytest.mark.parametrize("in_parts", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_activate(rng, shape, in_parts):
    n_rows, fan_in, fan_out = shape
    h, w, bias = integers(rng, n_rows, fan_in), integers(rng, fan_in, fan_out, divisor=4), integers(rng, fan_out)
    expected = reference.bias_relu(h @ w, bias)
    rows, columns, squared_norms = np.zeros_like(left(expected)), np.zeros_like(left(expected.T)), np.zeros(n_rows)
    for begin, end in cuts(fan_out, *([64, 128] if in_parts else [])):
        part = np.full(n_rows, np.nan)
        for first, last in cuts(n_rows, *([4] if in_parts else [])):
            activate(left(h), right(w), bias, rows, columns, part, first, last, begin, end)
        squared_norms += part
    np.testing.assert_array_equal(rows, left(expected))
    np.testing.assert_array_equal(columns, left(expected.T))
    np.testing.assert_allclose(squared_norms, reference.squared_row_norms(expected), rtol=1e-5)


@pytest.mark.parametrize("in_parts", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_propagate(rng, shape, in_parts):
    n_rows, n_units, fan_out = shape
    delta, w = integers(rng, n_rows, fan_out), integers(rng, n_units, fan_out, divisor=4)
    h, shares = np.maximum(integers(rng, n_rows, n_units), 0), integers(rng, n_rows, divisor=16)
    expected = reference.relu_backward(delta @ w.T, h)
    weighted = expected * shares[:, None]
    backward, gradient = np.zeros_like(right(expected.T)), np.zeros_like(right(weighted))
    bias_gradient, squared_norms = np.full(n_units, np.nan, np.float32), np.zeros(n_rows)
    for begin, end in cuts(n_units, *([16, 32] if in_parts else [])):
        part, own = np.full(n_rows, np.nan), (backward, gradient, bias_gradient)
        propagate(left(w), right(delta, pack_transposed), left(h.T), shares, *own, part, begin, end)
        squared_norms += part
    np.testing.assert_array_equal(backward, right(expected, pack_transposed))
    np.testing.assert_array_equal(gradient, right(weighted))
    np.testing.assert_array_equal(bias_gradient, weighted.sum(axis=0))
    np.testing.assert_allclose(squared_norms, reference.squared_row_norms(expected), rtol=1e-5)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("decay", [0.0, 0.25])
@pytest.mark.parametrize("in_parts", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_descend(rng, shape, momentum, decay, in_parts):
    n_rows, fan_in, fan_out = shape
    h, delta = integers(rng, n_rows, fan_in), integers(rng, n_rows, fan_out, divisor=8)
    w, velocity = integers(rng, fan_in, fan_out, divisor=4), integers(rng, fan_in, fan_out, divisor=4)
    expected, faster = reference.descend_along_product(h, delta, w, velocity * (momentum > 0), 0.125, momentum, decay)
    pairs, rows, own = np.zeros_like(right(w)), np.zeros_like(left(w)), (w, velocity if momentum else None, None)
    for first, last in cuts(fan_in, *([4] if in_parts else [])):
        for begin, end in cuts(fan_out, *([64, 128] if in_parts else [])):
            arguments = *own, (0.125, momentum, decay), pairs, rows
            descend(left(h.T), right(delta), *arguments, first, last, begin, end)
    np.testing.assert_array_equal(w, expected)
    np.testing.assert_array_equal(rows, left(w))
    np.testing.assert_array_equal(pairs, right(w))
    if momentum:
        np.testing.assert_array_equal(velocity, faster)


@pytest.mark.parametrize("decays", [(0.0, 0.0), (0.25, 0.0), (0.0, 0.25)])
@pytest.mark.parametrize("shape", SHAPES)
def test_descend_with_adam(rng, shape, decays):
    n_rows, fan_in, fan_out = shape
    h, delta = integers(rng, n_rows, fan_in), integers(rng, n_rows, fan_out, divisor=8)
    w, mean, root = (integers(rng, fan_in, fan_out, divisor=4) for _ in range(3))
    got, pairs, rows = [w.copy(), mean.copy(), root * root], np.zeros_like(right(w)), np.zeros_like(left(w))
    for begin, end in cuts(fan_out, 64):
        arguments = *got, adam_settings(0.1, 3, *decays), pairs, rows
        descend(left(h.T), right(delta), *arguments, 0, fan_in, begin, end)
    before = (array.astype(float) for array in (w, mean, root * root))
    for each, exact in zip(got, reference.adam_update(*before, h.T.astype(float) @ delta, 0.1, 3, *decays)):
        np.testing.assert_allclose(each, exact, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(rows, left(got[0]))
    np.testing.assert_array_equal(pairs, right(got[0]))


@pytest.mark.parametrize("n_moments", [0, 1, 2])
@pytest.mark.parametrize("columns", [(0, 150), (64, 128), (3, 5)])
@pytest.mark.parametrize("fan_in", [1, 4])
def test_update_and_round(rng, n_moments, columns, fan_in):
    begin, end = columns
    vectors, gradient = rng.random((n_moments + 1, fan_in, 150), np.float32), integers(rng, fan_in, end - begin + 5)
    settings = adam_settings(0.3, 4, 0.01, 0.02) if n_moments == 2 else (0.125, 0.5 * n_moments, 0.25)
    expected, got = ([*vectors.copy(), None, None][:3] for _ in range(2))
    whole, rows = np.zeros((fan_in, 150), np.float32), np.full((fan_in, 152), 7, np.uint16)
    whole[:, begin:end] = gradient[:, : end - begin]
    update_columns(*expected, whole, settings, begin, end)
    update_and_round(*got, gradient, settings, rows, begin, end)
    for one, other in zip(got[: n_moments + 1], expected):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(rows[:, begin:end], bits(got[0][:, begin:end]))
    assert (np.delete(rows, np.arange(begin, end), axis=1) == 7).all()
    np.testing.assert_array_equal(np.delete(got[0] - vectors[0], np.arange(begin, end), axis=1), 0)


@pytest.mark.parametrize("shape", SHAPES)
def test_weights_are_rounded_part_by_part(rng, shape):
    w = rng.standard_normal(shape[1:], dtype=np.float32)
    pairs, rows = np.zeros_like(right(w)), np.zeros_like(left(w))
    for first, last in cuts(shape[1], 4):
        for begin, end in cuts(shape[2], 64, 128):
            round_weights(w, pairs, rows, first, last, begin, end)
    np.testing.assert_array_equal(rows, left(w))
    np.testing.assert_array_equal(pairs, right(w))


@pytest.mark.parametrize("shape", SHAPES)
def test_form_gradient(rng, shape):
    h, delta = integers(rng, *shape[:2]), integers(rng, *shape[::2])
    gradient, in_parts = np.full((2, *shape[1:]), np.nan, np.float32)
    form_gradient(left(h.T), right(delta), gradient, 0, shape[1], 0, shape[2])
    for first, last in cuts(shape[1], 4):
        for begin, end in cuts(shape[2], 64, 128):
            form_gradient(left(h.T), right(delta), in_parts, first, last, begin, end)
    np.testing.assert_array_equal(in_parts, gradient)
    np.testing.assert_allclose(gradient, reference.product_of_bfloat16(h.T, delta), rtol=1e-5, atol=1e-4)


def test_nan_passes_all_passes(rng):
    h, w, delta = np.ones((2, 5), np.float32), np.ones((5, 7), np.float32), np.ones((2, 7), np.float32)
    h[1, 3] = np.nan
    rows, columns, squared_norms = np.zeros_like(left(delta)), np.zeros_like(left(delta.T)), np.zeros(2)
    activate(left(h), right(w), np.zeros(7, np.float32), rows, columns, squared_norms, 0, 2, 0, 7)
    np.testing.assert_array_equal(widened(rows)[:2, :7], [[5] * 7, [np.nan] * 7])
    np.testing.assert_array_equal(widened(columns)[:7, :2].T, [[5] * 7, [np.nan] * 7])
    np.testing.assert_array_equal(squared_norms, [175, np.nan])
    backward, gradient = np.zeros_like(right(h.T)), np.zeros_like(right(h))
    arguments = backward, gradient, np.zeros(5, np.float32), squared_norms
    propagate(left(w), right(delta, pack_transposed), left(h.T), np.ones(2, np.float32), *arguments, 0, 5)
    np.testing.assert_array_equal(backward, right(np.full((2, 5), 7), pack_transposed))  # a unit at NaN is active
    w[2, 2] = np.nan
    propagate(left(w), right(delta, pack_transposed), left(h.T), np.ones(2, np.float32), *arguments, 0, 5)
    assert np.isnan(squared_norms).all() and np.isnan(arguments[2]).tolist() == [False, False, True, False, False]
    delta[1, 6] = np.nan
    step = np.ones((5, 7), np.float32), None, None, (0.5, 0.0, 0.0), np.zeros_like(right(w)), np.zeros_like(left(w))
    descend(left(np.ones((5, 2), np.float32)), right(delta), *step, 0, 5, 0, 7)
    np.testing.assert_array_equal(step[0], [[0, 0, 0, 0, 0, 0, np.nan]] * 5)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="about compiled code")
def test_without_the_instruction_the_sums_are_the_same(rng, monkeypatch):
    monkeypatch.setattr(_bfloat16_tiles, "_dot_of_pairs", lambda context, module: _bfloat16_tiles._dot_of_halves)
    anew = {"nogil": True, "error_model": "numpy"}
    monkeypatch.setattr(bfloat16_descent, "write_tile", numba.njit(_bfloat16_tiles.write_tile.py_func, **anew))
    h, delta = rng.standard_normal((9, 20), dtype=np.float32), rng.standard_normal((9, 70), dtype=np.float32)
    gradient = np.full((20, 70), np.nan, np.float32)
    numba.njit(form_gradient.py_func, **anew)(left(h.T), right(delta), gradient, 0, 20, 0, 70)
    np.testing.assert_allclose(gradient, reference.product_of_bfloat16(h.T, delta), rtol=1e-5, atol=1e-4)
