"""The gradient of a layer that trains in bfloat16: a step along it, tile by tile, without forming it.

Factors and rounded weights are those of :mod:`isgd_mpi.kernels.bfloat16_layers`.
Index letters: `n` example, `i` input, `o` output, `r` row of a tile.
"""

import numpy as np

from isgd_mpi.kernels._bfloat16_tiles import N_ROWS, WIDE, new_tile, padded, panel_width, write_tile
from isgd_mpi.kernels._bfloat16_vectors import (
    load_first,
    rounded_pairs,
    store_first,
    store_high,
    store_low,
    store_pairs,
)
from isgd_mpi.kernels._jit import inlined, jit
from isgd_mpi.kernels._steps import adam_step, averaged, averaged_square, nesterov_step, sgd_step, velocity_after
from isgd_mpi.kernels._vectors import prefetch, width_of
from isgd_mpi.kernels.bfloat16 import bfloat16_bits

_CACHED = 1 << 17  # numbers of a right factor that stay in the second-level cache
_padded = jit(padded)


@jit
def descend(h_columns, gradient_pairs, w, moment, mean_square, settings, pairs, rows, first, last, begin, end):
    """Take an optimiser's step along a product of bfloat16 numbers without forming it, and round the weights anew.

    Parameters
    ----------
    h_columns : (> fan_in, padded B) ndarray of uint16
        Inputs of the layer.
    gradient_pairs : ndarray of uint32
        Deltas times shares, in pairs of examples.
    w : (fan_in, fan_out) ndarray of float32
        Weights, updated in place in this part.
    moment, mean_square : (fan_in, fan_out) ndarray of float32 or None
    settings : tuple of float
        Moments, updated in place in this part, and settings: those of :func:`optim.update_columns`, which writes the
        same from a gradient.
    pairs : ndarray of uint32
        Weights as the right factor of the forward pass, overwritten in this part.
    rows : (> fan_in, padded fan_out) ndarray of uint16
        Weights as the left factor of the backward pass, overwritten in this part.
    first, last : int
        Inputs of this part; `first` is even.
    begin, end : int
        Outputs of this part.
    """
    fan_in, fan_out = w.shape
    tile, block = new_tile(w), _columns_at_a_time(h_columns.shape[1])
    for start in range(begin, end, block):
        for row in range(first, last, N_ROWS):
            column = start
            while column < min(start + block, end):
                width = panel_width(column, fan_out)
                n_columns = min(width, end - column)
                for ahead in range(row + N_ROWS, min(row + 2 * N_ROWS, last)):
                    _prefetch(w, moment, mean_square, ahead * fan_out + column)
                write_tile(h_columns, row, gradient_pairs, column, width, tile, (0, 0))
                for r in range(0, min(N_ROWS, last - row), 2):
                    n_below, place = n_columns if row + r + 1 < last else 0, (row + r, column)
                    target = (column * _padded(fan_in) + (row + r) * width) // 2
                    if n_below == WIDE:  # with constants loads and stores need no masks
                        _descend(tile, r, place, w, moment, mean_square, settings, pairs, target, rows, WIDE, WIDE)
                    else:
                        counts = n_columns, n_below
                        _descend(tile, r, place, w, moment, mean_square, settings, pairs, target, rows, *counts)
                column += width


@jit
def _columns_at_a_time(n_rows):
    """Return the number of columns of a right factor of some rows that stay in the second-level cache."""
    return max(_CACHED // n_rows // WIDE, 1) * WIDE


@inlined
def _prefetch(w, moment, mean_square, place):
    """Prefetch a vector of the weights, and of their moments."""
    prefetch(w, place)
    if moment is not None:
        prefetch(moment, place)
    if mean_square is not None:
        prefetch(mean_square, place)


@inlined
def _descend(tile, r, place, w, moment, mean_square, settings, pairs, target, rows, count, n_below):
    """Take the step of two rows of weights along those of a tile, and round them; the second row may be none."""
    row, column = place
    for o in range(0, count, width_of(w)):
        n_low, n_high = min(width_of(w), count - o), min(width_of(w), n_below - o)
        start, gradient, at = row * w.shape[1] + column + o, r * WIDE + o, row * rows.shape[1] + column + o
        low = _stepped(tile, gradient, w, moment, mean_square, settings, start, n_low)
        high = _stepped(tile, gradient + WIDE, w, moment, mean_square, settings, start + w.shape[1], n_high)
        rounded = rounded_pairs(low, high)
        store_low(rounded, rows, at, n_low)
        store_high(rounded, rows, at + rows.shape[1], n_high)
        store_pairs(rounded, pairs, target + o, n_low)


@inlined
def _stepped(tile, place, w, moment, mean_square, settings, start, count):
    """Take the step of a vector of weights along one of a tile; return them."""
    theta, gradient = load_first(w, start, count), load_first(tile, place, count)
    if mean_square is not None:  # decided when this is compiled
        m = averaged(load_first(moment, start, count), gradient, theta, settings)
        square = averaged_square(load_first(mean_square, start, count), gradient, theta, settings)
        theta = adam_step(theta, m, square, settings)
        store_first(m, moment, start, count)
        store_first(square, mean_square, start, count)
    elif moment is not None:
        v = load_first(moment, start, count)
        faster = velocity_after(v, gradient, theta, settings)
        theta = nesterov_step(theta, v, faster, settings)
        store_first(faster, moment, start, count)
    else:
        theta = sgd_step(theta, gradient, settings)
    store_first(theta, w, start, count)
    return theta


@jit
def round_weights(w, pairs, rows, first, last, begin, end):
    """Round a part of the weights to bfloat16, as :func:`descend` does with those that it moves.

    Parameters
    ----------
    w : (fan_in, fan_out) ndarray of float32
    pairs, rows : ndarray
        Overwritten in this part; see :func:`descend`.
    first, last, begin, end : int
        Inputs and outputs of this part, as in :func:`descend`.
    """
    fan_in, fan_out = w.shape
    column = begin
    while column < end:
        width = panel_width(column, fan_out)
        n_columns = min(width, end - column)
        for row in range(first, last, 2):
            place = (column * _padded(fan_in) + row * width) // 2
            low, high = rows[row], rows[row + 1]  # a left factor has rows behind its last one
            for o in range(column, column + n_columns):
                low[o] = bfloat16_bits(w[row, o])
            if row + 1 < last:
                for o in range(column, column + n_columns):
                    high[o] = bfloat16_bits(w[row + 1, o])
            for o in range(n_columns):
                pairs[place + o] = low[column + o] | (np.uint32(high[column + o]) << np.uint32(16))
        column += width


@jit
def form_gradient(h_columns, gradient_pairs, gradient, first, last, begin, end):
    """Write the product that :func:`descend` takes a step along.

    Parameters
    ----------
    h_columns, gradient_pairs
        See :func:`descend`.
    gradient : (fan_in, fan_out) ndarray of float32
        Overwritten in this part.
    first, last, begin, end : int
        Inputs and outputs of this part, as in :func:`descend`.
    """
    tile, fan_out, column = new_tile(gradient), gradient.shape[1], begin
    while column < end:
        width = panel_width(column, fan_out)
        n_columns = min(width, end - column)
        for row in range(first, last, N_ROWS):
            write_tile(h_columns, row, gradient_pairs, column, width, tile, (0, 0))
            for r in range(min(N_ROWS, last - row)):
                for o in range(n_columns):
                    gradient[row + r, column + o] = tile[r, o]
        column += width
