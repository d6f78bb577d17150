"""The products of a layer that trains in bfloat16, each with the pass behind it, tile by tile: sums stay near.

A matrix is a factor of two products, which sum over different indices of it. So it is kept twice, rounded to bfloat16:
as a left factor, in rows, or as a right factor, in panels (see :mod:`isgd_mpi.kernels.bfloat16_products`):

* activations: `rows` (n, o), left in the layer above; `columns` (o, n), left in the gradient;
* deltas: `backward_pairs`, sums over o, right in the backward pass; `gradient_pairs`, sums over n, right in
  the gradient, times each example's share;
* weights: `pairs`, sums over i, right in the forward pass; `rows` (i, o), left in the backward pass.

Whoever computes a number writes both, so that nothing is packed again before a product: transposed in registers where
the other form is across. The product of the gradient is in :mod:`isgd_mpi.kernels.bfloat16_descent`. Arrays are as wide
as :func:`padded` says, a left factor has at least N_ROWS rows more than are used, and padding holds zeros. Each
function works on a part of a layer, in arrays that several processes may share: a range of columns, which begins at
a multiple of 64, or of rows, which begins at an even number. Index letters: `n` example, `i` input, `o` output, `r`
row of a tile.
"""

import numpy as np

from isgd_mpi.kernels._bfloat16_tiles import LANES, N_ROWS, WIDE, new_tile, padded, panel_width, write_tile
from isgd_mpi.kernels._bfloat16_vectors import (
    load_first,
    relu_of_sum,
    rounded_pairs,
    store_first,
    store_high,
    store_low,
    store_pairs,
    where_active,
)
from isgd_mpi.kernels._jit import inlined, jit
from isgd_mpi.kernels._transposes import SIDE, transpose
from isgd_mpi.kernels._vectors import multiply_add, product, total, width_of

_GROUP = SIDE * N_ROWS  # rows of tiles between two transposes: whole tiles, and whole blocks of their pairs
_UNITS = _GROUP // 2  # the same of numbers that are not paired by rows
_padded = jit(padded)


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
    in_pairs, columns_in_pairs = np.empty((SIDE, WIDE), np.uint32), columns.view(np.uint32).reshape(-1)
    stride = columns.shape[1] // 2
    for start in range(first, last, 2 * SIDE):
        stop = min(start + 2 * SIDE, last)
        for column in range(0, x.shape[1], WIDE):
            n_columns = min(WIDE, x.shape[1] - column)
            for n in range(start, stop, 2):
                if n_columns == WIDE and n + 1 < stop:  # with constants loads and stores need no masks
                    _round_features(x, n, column, rows, in_pairs, n - start, WIDE, WIDE)
                else:
                    _round_features(x, n, column, rows, in_pairs, n - start, n_columns, n_columns * (n + 1 < stop))
            place = column * stride + start // 2
            transpose(in_pairs, (stop - start + 1) // 2, n_columns, columns_in_pairs, place, stride)


@inlined
def _round_features(x, n, column, rows, in_pairs, r, count, n_below):
    """Round a part of two examples, the second of which may be none."""
    for i in range(0, count, width_of(x)):
        n_low, n_high = min(width_of(x), count - i), min(width_of(x), n_below - i)
        place, target = n * x.shape[1] + column + i, n * rows.shape[1] + column + i
        low, high = load_first(x, place, n_low), load_first(x, place + x.shape[1], n_high)
        pairs = rounded_pairs(low, high)
        store_low(pairs, rows, target, n_low)
        store_high(pairs, rows, target + rows.shape[1], n_high)
        store_pairs(pairs, in_pairs, r // 2 * WIDE + i, n_low)


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
    tile, in_pairs = new_tile(bias), np.empty((_GROUP // 2, WIDE), np.uint32)
    columns_in_pairs, stride = columns.view(np.uint32).reshape(-1), columns.shape[1] // 2
    squared_norms[first:last] = 0
    column = begin
    while column < end:
        width = panel_width(column, bias.shape[0])
        n_columns = min(width, end - column)
        for start in range(first, last, _GROUP):
            stop = min(start + _GROUP, last)
            for row in range(start, stop, N_ROWS):
                write_tile(h, row, pairs, column, width, tile, (0, 0))
                for r in range(0, min(N_ROWS, stop - row), 2):
                    n_below, place = n_columns if row + r + 1 < stop else 0, (row + r, column)
                    target = (row + r - start) // 2 * WIDE
                    if n_below == WIDE:  # with constants loads and stores need no masks
                        _activate(tile, r, bias, place, rows, squared_norms, in_pairs, target, WIDE, WIDE)
                    else:
                        _activate(tile, r, bias, place, rows, squared_norms, in_pairs, target, n_columns, n_below)
            place = column * stride + start // 2
            transpose(in_pairs, (stop - start + 1) // 2, n_columns, columns_in_pairs, place, stride)
        column += width


@inlined
def _activate(tile, r, bias, place, rows, squared_norms, in_pairs, target, count, n_below):
    """Write the activations of two rows of a tile, the second of which may be none."""
    row, column = place
    for o in range(0, count, width_of(tile)):
        n_low, n_high = min(width_of(tile), count - o), min(width_of(tile), n_below - o)
        low = relu_of_sum(load_first(tile, r * WIDE + o, n_low), load_first(bias, column + o, n_low))
        high = relu_of_sum(load_first(tile, (r + 1) * WIDE + o, n_high), load_first(bias, column + o, n_high))
        pairs, start = rounded_pairs(low, high), row * rows.shape[1] + column + o
        squared_norms[row] += total(product(low, low))
        store_low(pairs, rows, start, n_low)
        if n_below:
            squared_norms[row + 1] += total(product(high, high))
            store_high(pairs, rows, start + rows.shape[1], n_high)
        store_pairs(pairs, in_pairs, target + o, n_low)


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
        Units of this part; `begin` is a multiple of 16.
    """
    tile, squared = new_tile(shares), np.empty(WIDE, np.float32)
    weighted = np.empty((_UNITS, WIDE // 2), np.uint32)  # in pairs of examples
    n_rows, column = shares.shape[0], 0
    depth = 2 * backward_pairs.shape[0] // _padded(n_rows)
    bias_gradient[begin:end] = 0
    while column < n_rows:
        width = panel_width(column, n_rows)
        n_columns = min(width, n_rows - column)
        squared[:] = 0
        for start in range(begin, end, _UNITS):
            stop = min(start + _UNITS, end)
            for row in range(start, stop, N_ROWS):
                write_tile(w_rows, row, delta_pairs, column, width, tile, (0, 0))
                for r in range(0, min(N_ROWS, stop - row), 2):
                    n_below, places = n_columns if row + r + 1 < stop else 0, (row + r, column, row + r - start)
                    factors, sums = (tile, h_columns, shares), (bias_gradient, squared)
                    target = (column * depth + (row + r) * width) // 2
                    if n_below == WIDE:  # with constants loads and stores need no masks
                        _propagate(factors, r, places, backward_pairs, target, weighted, sums, WIDE, WIDE)
                    else:
                        _propagate(factors, r, places, backward_pairs, target, weighted, sums, n_columns, n_below)
            for unit in range(start, stop, SIDE):
                place, stride = _column_of(unit, column, (bias_gradient.shape[0], n_rows))
                block = weighted[unit - start : unit - start + SIDE]
                transpose(block, min(SIDE, stop - unit), (n_columns + 1) // 2, gradient_pairs, place, stride)
        for n in range(n_columns):
            squared_norms[column + n] = squared[n]
        column += width


@inlined
def _propagate(factors, r, places, backward_pairs, target, weighted, sums, count, n_below):
    """Write the deltas of two units, of the rows of a tile; the second one may be none."""
    (tile, h_columns, shares), (unit, column, place), (bias_gradient, squared) = factors, places, sums
    for n in range(0, count, width_of(tile)):
        n_low, n_high = min(width_of(tile), count - n), min(width_of(tile), n_below - n)
        active, start = unit * h_columns.shape[1] + column + n, place * WIDE + n
        low = where_active(load_first(tile, r * WIDE + n, n_low), h_columns, active, n_low)
        active += h_columns.shape[1]
        high = where_active(load_first(tile, (r + 1) * WIDE + n, n_high), h_columns, active, n_high)
        store_pairs(rounded_pairs(low, high), backward_pairs, target + n, n_low)
        squares = multiply_add(high, high, multiply_add(low, low, load_first(squared, n, n_low)))
        store_first(squares, squared, n, n_low)
        share = load_first(shares, column + n, n_low)
        low, high = product(low, share), product(high, share)
        pairs = rounded_pairs(low, high)
        bias_gradient[unit] += total(low)
        # one number more than there are is zero: an odd last example's partner
        store_low(pairs, weighted.view(np.uint16), start, n_low + n_low % 2)
        if n_below:
            bias_gradient[unit + 1] += total(high)
            store_high(pairs, weighted.view(np.uint16), start + WIDE, n_high + n_high % 2)


@jit
def _column_of(unit, column, shape):
    """Return where a right factor's column begins, at the row `column`, and the distance of its rows, in pairs."""
    n_units, n_rows = shape
    start = unit - unit % WIDE
    width = panel_width(start, n_units)
    if width == LANES:
        start = unit - unit % LANES
    return (start * _padded(n_rows) + column * width) // 2 + unit - start, width
