"""The three products of a layer that trains in bfloat16, each with the pass behind it, tile by tile: sums stay near.

A matrix is a factor of two products, which sum over different indices of it. So it is kept twice, rounded to bfloat16:
as a left factor, in rows, or as a right factor, in panels (see :mod:`isgd_mpi.kernels.bfloat16_products`):

* activations: `rows` (n, o), left in the layer above; `columns` (o, n), left in the gradient;
* deltas: `backward_pairs`, sums over o, right in the backward pass; `gradient_pairs`, sums over n, right in
  the gradient, times each example's share;
* weights: `pairs`, sums over i, right in the forward pass; `rows` (i, o), left in the backward pass.

Whoever computes a number writes both, so that nothing is packed again before a product. Arrays are as wide as
:func:`padded` says, a left factor has at least N_ROWS rows more than are used, and padding holds zeros. Each
function works on a part of a layer, in arrays that several processes may share: a range of columns, which begins at
a multiple of 64, or of rows, which begins at an even number. Index letters: `n` example, `i` input, `o` output, `r`
row of a tile.
"""

import numpy as np

from isgd_mpi.kernels._bfloat16_tiles import LANES, N_ROWS, WIDE, padded, panel_width, write_tile
from isgd_mpi.kernels._bfloat16_vectors import (
    load_first,
    load_widened,
    relu_of_sum,
    rounded,
    store_first,
    store_paired,
    store_rounded,
    where_active,
)
from isgd_mpi.kernels._jit import inlined, jit
from isgd_mpi.kernels._steps import adam_step, averaged, averaged_square, nesterov_step, sgd_step, velocity_after
from isgd_mpi.kernels._vectors import aligned, multiply_add, prefetch, product, total, width_of
from isgd_mpi.kernels.bfloat16 import bfloat16_bits

_CACHED = 1 << 17  # numbers of a right factor that stay in the second-level cache
_BLOCK = 16  # features whose columns are written side by side
_padded = jit(padded)


@jit
def _new_tile(like):
    """Return room for a tile, in the type of an array."""
    return aligned(N_ROWS * WIDE, like).reshape(N_ROWS, WIDE)


@jit
def round_features(x, rows, columns, first, last):
    """Round the features of some examples to bfloat16.

    Parameters
    ----------
    x : (B, n_features) ndarray of float32
        C-contiguous.
    rows : (> B, padded n_features) ndarray of uint16
        Features, overwritten in rows from `first` to `last`.
    columns : (> n_features, padded B) ndarray of uint16
        Their transpose, overwritten in columns from `first` to `last`.
    first, last : int
        Examples.
    """
    columns_in_pairs, zero = columns.view(np.uint32), np.uint16(0)
    for n in range(first, last):
        for i in range(x.shape[1]):
            rows[n, i] = bfloat16_bits(x[n, i])
    for start in range(0, x.shape[1], _BLOCK):
        for n in range(first, last, 2):
            for i in range(start, min(start + _BLOCK, x.shape[1])):
                high = rows[n + 1, i] if n + 1 < last else zero
                columns_in_pairs[i, n // 2] = rows[n, i] | (np.uint32(high) << np.uint32(16))


@jit
def activate(h, pairs, bias, rows, columns, squared_norms, first, last, begin, end):
    """Multiply, add the bias, clip at zero, take each row's squared norm, and round to bfloat16.

    Parameters
    ----------
    h : (> B, padded fan_in) ndarray of uint16
        Inputs.
    pairs : ndarray of uint32
        Weights, as :func:`bfloat16_products.pack` writes them.
    bias : (fan_out,) ndarray of float32
    rows : (> B, padded fan_out) ndarray of uint16
        Activations, overwritten in this part.
    columns : (> fan_out, padded B) ndarray of uint16
        Their transpose, overwritten likewise.
    squared_norms : (>= B,) ndarray of float64
        Squared norms of these columns of each of these rows, before rounding; overwritten.
    first, last : int
        Examples of this part.
    begin, end : int
        Outputs of this part.
    """
    tile, in_pairs = _new_tile(bias), np.empty(N_ROWS // 2 * WIDE, np.uint32)
    columns_in_pairs = columns.view(np.uint32)
    squared_norms[first:last] = 0
    column = begin
    while column < end:
        width = panel_width(column, bias.shape[0])
        n_columns = min(width, end - column)
        for row in range(first, last, N_ROWS):
            write_tile(h, row, pairs, column, width, tile, (0, 0))
            n_valid = min(N_ROWS, last - row)
            for r in range(0, n_valid, 2):
                for o in range(0, n_columns, width_of(tile)):
                    count = min(width_of(tile), n_columns - o)
                    low = _activations(tile, r, o, bias, column, count)
                    high = _activations(tile, r + 1, o, bias, column, count if r + 1 < n_valid else 0)
                    place = (row + r) * rows.shape[1] + column + o
                    squared_norms[row + r] += _store_row(low, rows, place, count)
                    if r + 1 < n_valid:
                        squared_norms[row + r + 1] += _store_row(high, rows, place + rows.shape[1], count)
                    store_paired(rounded(low), rounded(high), in_pairs, r // 2 * WIDE + o, count)
            for o in range(n_columns):
                for r in range(0, n_valid, 2):
                    columns_in_pairs[column + o, (row + r) // 2] = in_pairs[r // 2 * WIDE + o]
        column += width


@inlined
def _activations(tile, r, o, bias, column, count):
    """Return the activations of a part of a row of a tile."""
    return relu_of_sum(load_first(tile, r * WIDE + o, count), load_first(bias, column + o, count))


@inlined
def _store_row(vector, rows, place, count):
    """Round and write a vector; return its squared norm."""
    store_rounded(rounded(vector), rows, place, count)
    return total(product(vector, vector))


@jit
def propagate(
    w_rows, delta_pairs, h_columns, shares, backward_pairs, gradient_pairs, bias_gradient, squared_norms, begin, end
):
    """Multiply back, zero the deltas of inactive units, take each example's squared norm, and round to bfloat16.

    Parameters
    ----------
    w_rows : (> n_units, padded fan_out) ndarray of uint16
        Weights of the layer whose inputs the units are.
    delta_pairs : ndarray of uint32
        Deltas of that layer, in pairs of outputs.
    h_columns : (> n_units, padded B) ndarray of uint16
        Activations of the units.
    shares : (B,) ndarray of float32
        Factor of each example's loss.
    backward_pairs : ndarray of uint32
        Deltas of the units, in pairs of units: a right factor of B columns, overwritten in this part.
    gradient_pairs : ndarray of uint32
        Deltas times shares, in pairs of examples: a right factor of a column for each unit, overwritten likewise.
    bias_gradient : (n_units,) ndarray of float32
        Sum of each unit's deltas times shares, overwritten likewise.
    squared_norms : (>= B,) ndarray of float64
        Squared norm of the deltas of these units before rounding, overwritten.
    begin, end : int
        Units of this part; `begin` is even.
    """
    tile, squared = _new_tile(shares), np.empty(WIDE, np.float32)
    weighted = np.empty((N_ROWS, WIDE // 2), np.uint32)  # in pairs of examples
    n_rows, n_units, column = shares.shape[0], bias_gradient.shape[0], 0
    depth = 2 * backward_pairs.shape[0] // _padded(n_rows)
    bias_gradient[begin:end] = 0
    while column < n_rows:
        width = panel_width(column, n_rows)
        n_columns = min(width, n_rows - column)
        squared[:] = 0
        for row in range(begin, end, N_ROWS):
            write_tile(w_rows, row, delta_pairs, column, width, tile, (0, 0))
            n_valid = min(N_ROWS, end - row)
            for r in range(0, n_valid, 2):
                place = (column * depth + (row + r) * width) // 2
                for n in range(0, n_columns, width_of(tile)):
                    count = min(width_of(tile), n_columns - n)
                    low = _deltas(tile, r, h_columns, row, column, n, count)
                    high = _deltas(tile, r + 1, h_columns, row, column, n, count if r + 1 < n_valid else 0)
                    store_paired(rounded(low), rounded(high), backward_pairs, place + n, count)
                    squares = multiply_add(high, high, multiply_add(low, low, load_first(squared, n, count)))
                    store_first(squares, squared, n, count)
                    bias_gradient[row + r] += _store_weighted(low, shares, column, n, weighted, r, count)
                    if r + 1 < n_valid:
                        bias_gradient[row + r + 1] += _store_weighted(high, shares, column, n, weighted, r + 1, count)
            for r in range(n_valid):
                _scatter(weighted, r, (n_columns + 1) // 2, column, row + r, (n_units, n_rows), gradient_pairs)
        for n in range(n_columns):
            squared_norms[column + n] = squared[n]
        column += width


@inlined
def _deltas(tile, r, h_columns, row, column, n, count):
    """Return the deltas of a part of a row of a tile, zero where units are inactive."""
    active = load_widened(h_columns, (row + r) * h_columns.shape[1] + column + n, count)
    return where_active(active, load_first(tile, r * WIDE + n, count))


@inlined
def _store_weighted(vector, shares, column, n, weighted, r, count):
    """Round and write a vector times shares to a row of pairs; return the sum of its numbers."""
    vector = product(vector, load_first(shares, column + n, count))
    # one number more than there are is zero: an odd last example's partner
    store_rounded(rounded(vector), weighted.view(np.uint16), r * WIDE + n, count + count % 2)
    return total(vector)


@jit
def _scatter(weighted, r, n_pairs, column, unit, shape, gradient_pairs):
    """Write a row of a tile, in pairs, to a column of a right factor, from its row `column` on."""
    n_units, n_rows = shape
    start = unit - unit % WIDE
    width = panel_width(start, n_units)
    if width == LANES:
        start = unit - unit % LANES
    place = (start * _padded(n_rows) + column * width) // 2 + unit - start
    for pair in range(n_pairs):
        gradient_pairs[place + pair * width] = weighted[r, pair]


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
    tile, block = _new_tile(w), _columns_at_a_time(h_columns.shape[1])
    for start in range(begin, end, block):
        for row in range(first, last, N_ROWS):
            n_valid, column = min(N_ROWS, last - row), start
            while column < min(start + block, end):
                width = panel_width(column, fan_out)
                n_columns = min(width, end - column)
                for ahead in range(row + N_ROWS, min(row + 2 * N_ROWS, last)):
                    _prefetch(w, moment, mean_square, ahead * fan_out + column)
                write_tile(h_columns, row, gradient_pairs, column, width, tile, (0, 0))
                for r in range(0, n_valid, 2):
                    place = (column * _padded(fan_in) + (row + r) * width) // 2
                    for o in range(0, n_columns, width_of(w)):
                        count = min(width_of(w), n_columns - o)
                        at, below = (row + r, column + o), (row + r + 1, column + o)
                        low = _descend(tile, r, o, w, moment, mean_square, settings, at, rows, count)
                        n_below = count if r + 1 < n_valid else 0
                        high = _descend(tile, r + 1, o, w, moment, mean_square, settings, below, rows, n_below)
                        store_paired(low, high, pairs, place + o, count)
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
def _descend(tile, r, o, w, moment, mean_square, settings, at, rows, count):
    """Take the step of the weights along a part of a row of a tile; return them, rounded."""
    place = at[0] * w.shape[1] + at[1]
    theta, gradient = load_first(w, place, count), load_first(tile, r * WIDE + o, count)
    if mean_square is not None:  # decided when this is compiled
        m = averaged(load_first(moment, place, count), gradient, theta, settings)
        square = averaged_square(load_first(mean_square, place, count), gradient, theta, settings)
        theta = adam_step(theta, m, square, settings)
        store_first(m, moment, place, count)
        store_first(square, mean_square, place, count)
    elif moment is not None:
        v = load_first(moment, place, count)
        faster = velocity_after(v, gradient, theta, settings)
        theta = nesterov_step(theta, v, faster, settings)
        store_first(faster, moment, place, count)
    else:
        theta = sgd_step(theta, gradient, settings)
    store_first(theta, w, place, count)
    store_rounded(rounded(theta), rows, at[0] * rows.shape[1] + at[1], count)
    return rounded(theta)


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
    tile, fan_out, column = _new_tile(gradient), gradient.shape[1], begin
    while column < end:
        width = panel_width(column, fan_out)
        n_columns = min(width, end - column)
        for row in range(first, last, N_ROWS):
            write_tile(h_columns, row, gradient_pairs, column, width, tile, (0, 0))
            for r in range(min(N_ROWS, last - row)):
                for o in range(n_columns):
                    gradient[row + r, column + o] = tile[r, o]
        column += width
