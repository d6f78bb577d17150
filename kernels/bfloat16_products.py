"""Matrix products of bfloat16 numbers with float32 sums: twice as fast as float32 products on some processors.

A bfloat16 is a uint16, and two that are multiplied together stand in one uint32, the first in its lower half.
The right factor is packed so that the inner loop reads it in the order in which it lies: panels of 64 columns, then
of 16, and in each panel one row of pairs after another.
"""

import numpy as np

from isgd_mpi.kernels._bfloat16_tiles import N_ROWS, padded, panel_width, write_tile
from isgd_mpi.kernels._jit import jit
from isgd_mpi.kernels.bfloat16 import bfloat16_bits

TILE_ROWS = N_ROWS
"""The number of rows of a left factor is a multiple of this."""

_BLOCK = 32  # pairs: that many rows of a panel stay in the nearest cache while columns are written to them
_padded = jit(padded)


@jit
def _pair(low, high):
    """Return two numbers, rounded, in one uint32."""
    return np.uint32(bfloat16_bits(low)) | (np.uint32(bfloat16_bits(high)) << 16)


@jit
def pack(w, pairs):
    """Round a right factor to bfloat16 and pack it.

    Parameters
    ----------
    w : (fan_in, fan_out) ndarray of float32
        C-contiguous.
    pairs : (padded(fan_in) * padded(fan_out) / 2,) ndarray of uint32
        Overwritten where `w` has rows and columns; the padding is left alone, and must be zero.
    """
    fan_in, fan_out = w.shape
    depth, column = _padded(fan_in), 0
    while column < fan_out:
        width = panel_width(column, fan_out)
        columns = slice(column, min(column + width, fan_out))
        panel = pairs[column * depth // 2 :]
        for p in range(fan_in // 2):
            low, high, row = w[2 * p, columns], w[2 * p + 1, columns], panel[p * width :]
            for o in range(low.shape[0]):
                row[o] = _pair(low[o], high[o])
        if fan_in % 2:
            low, row = w[fan_in - 1, columns], panel[fan_in // 2 * width :]
            for o in range(low.shape[0]):
                row[o] = bfloat16_bits(low[o])
        column += width


@jit
def pack_transposed(w, pairs):
    """Round the transpose of a matrix to bfloat16 and pack it as a right factor.

    Parameters
    ----------
    w : (fan_in, fan_out) ndarray of float32
        C-contiguous.
    pairs : (padded(fan_in) * padded(fan_out) / 2,) ndarray of uint32
        Written to as by :func:`pack`.
    """
    fan_in, fan_out = w.shape
    depth, n_pairs, column = _padded(fan_out), fan_out // 2, 0
    while column < fan_in:
        width = panel_width(column, fan_in)
        panel = pairs[column * depth // 2 :]
        for start in range(0, n_pairs, _BLOCK):
            for i in range(min(width, fan_in - column)):
                row = w[column + i]
                for p in range(start, min(start + _BLOCK, n_pairs)):
                    panel[p * width + i] = _pair(row[2 * p], row[2 * p + 1])
        if fan_out % 2:
            for i in range(min(width, fan_in - column)):
                panel[n_pairs * width + i] = bfloat16_bits(w[column + i, fan_out - 1])
        column += width


@jit
def pack_weighted(delta, shares, pairs, totals):
    """Round deltas times shares to bfloat16 and pack them as a right factor; sum them over the examples before.

    Parameters
    ----------
    delta : (B, fan_out) ndarray of float32
        C-contiguous.
    shares : (B,) ndarray of float32
    pairs : (padded(B) * padded(fan_out) / 2,) ndarray of uint32
        Written to as by :func:`pack`.
    totals : (fan_out,) ndarray of float32
        Overwritten: ``shares @ delta``.
    """
    weighted = np.empty_like(delta)
    totals[:] = 0
    for n in range(delta.shape[0]):
        for o in range(delta.shape[1]):
            weighted[n, o] = shares[n] * delta[n, o]
            totals[o] += weighted[n, o]
    pack(weighted, pairs)


@jit
def multiply(h, pairs, out):
    """Multiply matrices of bfloat16 numbers, with float32 sums.

    Parameters
    ----------
    h : (B, fan_in) ndarray of uint16
        Left factor, C-contiguous; B a multiple of TILE_ROWS, fan_in of 16.
    pairs : (fan_in * fan_out / 2,) ndarray of uint32
        Right factor, as :func:`pack` writes it.
    out : (B, fan_out) ndarray of float32
        Their product, C-contiguous, overwritten; fan_out a multiple of 16.

    Notes
    -----
    The bits of a row of the result depend on that row of `h` and on `pairs` alone.
    """
    fan_out = out.shape[1]
    column = 0
    while column < fan_out:
        width = panel_width(column, fan_out)
        for row in range(0, h.shape[0], TILE_ROWS):
            write_tile(h, row, pairs, column, width, out, (row, column))
        column += width
