import numba
import numpy as np
import pytest
import reference

from isgd_mpi.kernels import _bfloat16_tiles, bfloat16_products
from isgd_mpi.model.bfloat16.arithmetic import CompiledProducts

SHAPES = [
    (6, 16, 16),
    (9, 70, 33),
    (5, 3, 1),
    (1, 1, 10),
    (7, 64, 64),
    (13, 17, 79),
    (6, 31, 130),
    (20, 48, 200),
]  # rows, fans

pytestmark = pytest.mark.kernels


def product(make, h, w, transposed=False):
    """Round and multiply two float32 matrices; return the product, and the padding behind its columns."""
    engine = make(len(h))
    left = np.zeros((engine.n_rows, bfloat16_products.padded(h.shape[1])), np.uint16)
    left[: len(h), : h.shape[1]] = reference.bfloat16(h).astype(np.float32).view(np.uint32) >> 16
    factor = engine.factor(*w.shape)
    if transposed:
        engine.pack_transposed(np.ascontiguousarray(w.T), factor)
    else:
        engine.pack(w, factor)
    out = np.full((engine.n_rows, bfloat16_products.padded(w.shape[1])), np.nan, np.float32)
    engine.multiply(left, factor, out, len(h))
    return out[: len(h), : w.shape[1]], out[: len(h), w.shape[1] :]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("n_rows", "fan_in", "fan_out"), SHAPES)
def test_products_are_those_of_rounded_factors(make_products, rng, n_rows, fan_in, fan_out, transposed):
    h, w = (rng.standard_normal(shape, dtype=np.float32) for shape in ((n_rows, fan_in), (fan_in, fan_out)))
    got, behind = product(make_products, h, w, transposed)
    np.testing.assert_allclose(got, reference.product_of_bfloat16(h, w), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(behind, 0)  # which the next layer relies on


def test_small_integers_multiply_exactly(make_products, rng):
    h, w = rng.integers(-8, 9, (9, 33)), rng.integers(-8, 9, (33, 81))
    np.testing.assert_array_equal(product(make_products, h.astype(np.float32), w.astype(np.float32))[0], h @ w)


def test_nan_spoils_its_row_or_column_alone(make_products):
    h, w = np.ones((7, 5), np.float32), np.ones((5, 70), np.float32)
    h[2, 3] = w[4, 66] = np.nan
    expected = np.full((7, 70), 5.0)
    expected[2], expected[:, 66] = np.nan, np.nan
    np.testing.assert_array_equal(product(make_products, h, w)[0], expected)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="about compiled code")
def test_a_row_comes_out_the_same_wherever_it_stands(rng):
    h, w = rng.standard_normal((20, 50), dtype=np.float32), rng.standard_normal((50, 90), dtype=np.float32)
    whole, _ = product(CompiledProducts, h, w)
    np.testing.assert_array_equal(product(CompiledProducts, h[13:18], w)[0], whole[13:18])


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="about compiled code")
def test_without_the_instruction_the_products_are_the_same(rng, monkeypatch):
    monkeypatch.setattr(_bfloat16_tiles, "_dot_of_pairs", lambda context, module: _bfloat16_tiles._dot_of_halves)
    monkeypatch.setattr(bfloat16_products, "write_tile", numba.njit(_bfloat16_tiles.write_tile.py_func))
    monkeypatch.setattr("isgd_mpi.model.bfloat16.arithmetic.multiply", numba.njit(bfloat16_products.multiply.py_func))
    h, w = rng.standard_normal((8, 40), dtype=np.float32), rng.standard_normal((40, 90), dtype=np.float32)
    got, _ = product(CompiledProducts, h, w)
    np.testing.assert_allclose(got, reference.product_of_bfloat16(h, w), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("n_rows", "n_outputs"), [(1, 1), (9, 10), (16, 17)])
def test_weighted_deltas_are_a_right_factor_and_summed_before_rounding(variant, rng, n_rows, n_outputs):
    delta, shares = rng.standard_normal((n_rows, n_outputs), np.float32), rng.random(n_rows, np.float32)
    size = bfloat16_products.padded(n_rows) * bfloat16_products.padded(n_outputs) // 2
    got, expected, totals = np.zeros(size, np.uint32), np.zeros(size, np.uint32), np.full(n_outputs, np.nan, np.float32)
    variant(bfloat16_products.pack_weighted)(delta, shares, got, totals)
    bfloat16_products.pack(delta * shares[:, None], expected)
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_allclose(totals, shares.astype(float) @ delta, rtol=1e-5, atol=1e-6)
