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

from isgd_mpi.kernels._bfloat16_tiles import (
    IN_REGISTERS,
    LANES,
    N_ROWS,
    WIDE,
    new_tile,
    padded,
    panel_width,
    wide_tile,
    write_tile,
)
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
from isgd_mpi.kernels._transpose import transpose
from isgd_mpi.kernels._vectors import multiply_add, product, total, width_of

_GROUP = LANES * N_ROWS  # rows between two transposes: whole tiles, and whole blocks of their pairs
_padded = jit(padded)

TILE_PAIRS = N_ROWS // 2 * WIDE
"""Pairs of rows in a tile."""


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
    in_pairs, columns_in_pairs = np.empty((LANES, WIDE), np.uint32), columns.view(np.uint32)
    for start in range(first, last, 2 * LANES):
        stop = min(start + 2 * LANES, last)
        for column in range(0, x.shape[1], WIDE):
            n_columns = min(WIDE, x.shape[1] - column)
            for n in range(start, stop, 2):
                if n_columns == WIDE and n + 1 < stop:  # with constants loads and stores need no masks
                    _round_features(x, n, column, rows, in_pairs, n - start, WIDE, WIDE)
                else:
                    _round_features(x, n, column, rows, in_pairs, n - start, n_columns, n_columns * (n + 1 < stop))
            place = column, start // 2
            transpose(in_pairs, (0, (stop - start + 1) // 2), (0, n_columns), columns_in_pairs, place)


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
    columns_in_pairs = columns.view(np.uint32)
    squared_norms[first:last] = 0
    column = begin
    while column < end:
        width = panel_width(column, bias.shape[0])
        n_columns = min(width, end - column)
        for start in range(first, last, _GROUP):
            stop = min(start + _GROUP, last)
            for row in range(start, stop, N_ROWS):
                place, target = (row, column), (row - start) // 2 * WIDE
                if IN_REGISTERS and n_columns == WIDE and row + N_ROWS <= stop:
                    _activate_tile(h, pairs, bias, place, rows, squared_norms, in_pairs, target)
                else:
                    write_tile(h, row, pairs, column, width, tile, (0, 0))
                    _activate_edge(tile, bias, place, (stop, n_columns), rows, squared_norms, in_pairs, target)
            place = column, start // 2
            transpose(in_pairs, (0, (stop - start + 1) // 2), (0, n_columns), columns_in_pairs, place)
        column += width


@inlined
def _activate_tile(h, pairs, bias, place, rows, squared_norms, in_pairs, target):
    """Write the activations of a whole tile, whose sums are in registers; with constants no store needs a mask."""
    (row, column), counts = place, (WIDE, WIDE)
    a, b, c, d, e, f = wide_tile(h, row, pairs, column)
    _activate_rows(a, b, bias, place, counts, rows, squared_norms, in_pairs, target)
    _activate_rows(c, d, bias, (row + 2, column), counts, rows, squared_norms, in_pairs, target + WIDE)
    _activate_rows(e, f, bias, (row + 4, column), counts, rows, squared_norms, in_pairs, target + 2 * WIDE)


@inlined
def _activate_edge(tile, bias, place, end, rows, squared_norms, in_pairs, target):
    """Write the activations of a tile in memory that may have fewer rows or columns."""
    (row, column), (stop, n_columns) = place, end
    for r in range(0, min(N_ROWS, stop - row), 2):
        for o in range(0, n_columns, width_of(tile)):
            n_low = min(width_of(tile), n_columns - o)
            counts, part = (n_low, n_low if row + r + 1 < stop else 0), (row + r, column + o)
            low, high = load_first(tile, r * WIDE + o, n_low), load_first(tile, (r + 1) * WIDE + o, counts[1])
            _activate_rows(low, high, bias, part, counts, rows, squared_norms, in_pairs, target + r // 2 * WIDE + o)


# arrays that are written to by an index are arguments by themselves: Numba drops such writes to arrays out of a tuple
@inlined
def _activate_rows(low, high, bias, place, counts, rows, squared_norms, in_pairs, target):
    """Write the activations of a part of two rows, given their products; the second row may be none."""
    (row, column), (n_low, n_high) = place, counts
    low = relu_of_sum(low, load_first(bias, column, n_low))
    high = relu_of_sum(high, load_first(bias, column, n_high))
    rounded, start = rounded_pairs(low, high), row * rows.shape[1] + column
    store_pairs(rounded, in_pairs, target, n_low)
    store_low(rounded, rows, start, n_low)
    squared_norms[row] += total(product(low, low))
    if n_high:
        store_high(rounded, rows, start + rows.shape[1], n_high)
        squared_norms[row + 1] += total(product(high, high))


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
        Deltas of the units, in pairs of units: a right factor of B columns, overwritten in this part. Those that no
        layer below needs take the place of each other, in TILE_PAIRS numbers.
    gradient_pairs : ndarray of uint32
        Deltas times shares, in pairs of examples: a right factor of a column for each unit, overwritten likewise.
    bias_gradient : (n_units,) ndarray of float32
        Sum of each unit's deltas times shares, overwritten likewise.
    squared_norms : (>= B,) ndarray of float64
        Squared norm of the deltas of these units before rounding, overwritten.
    begin, end : int
        Units of this part; `begin` is a multiple of 16.
    """
    n_rows, n_units = shares.shape[0], bias_gradient.shape[0]
    tile, squared = new_tile(shares), np.zeros(n_rows, np.float32)
    weighted = np.empty((_GROUP, WIDE), np.uint16)  # deltas times shares
    in_pairs = weighted.view(np.uint32)
    bias_gradient[begin:end] = 0
    factors, outputs = (h_columns, shares), (backward_pairs, weighted)
    kept = backward_pairs.shape[0] >= _padded(n_units) * _padded(n_rows) // 2
    for start in range(begin, end, _GROUP):  # weights are read once, deltas once for each group: they are fewer
        stop, column = min(start + _GROUP, end), 0
        while column < n_rows:
            width = panel_width(column, n_rows)
            n_columns = min(width, n_rows - column)
            for row in range(start, stop, N_ROWS):
                place = row, column
                targets = kept * ((column * _padded(n_units) + row * width) // 2), (row - start) * WIDE
                if IN_REGISTERS and n_columns == WIDE and row + N_ROWS <= stop:
                    _propagate_tile(w_rows, delta_pairs, factors, place, outputs, targets, bias_gradient, squared)
                else:
                    write_tile(w_rows, row, delta_pairs, column, width, tile, (0, 0))
                    ends = stop, n_columns, width
                    _propagate_edge(tile, factors, place, ends, outputs, targets, bias_gradient, squared)
            for unit in range(start, stop, LANES):
                panel, first = _panel_of(unit, gradient_pairs, n_units, n_rows)
                units, examples = (unit - start, min(unit + LANES, stop) - start), (0, (n_columns + 1) // 2)
                transpose(in_pairs, units, examples, panel, (column // 2, unit - first))
            column += width
    for n in range(n_rows):
        squared_norms[n] = squared[n]


@inlined
def _propagate_tile(w_rows, delta_pairs, factors, place, outputs, targets, bias_gradient, squared):
    """Write the deltas of a whole tile, whose sums are in registers; with constants no store needs a mask."""
    (unit, column), (target, at), counts = place, targets, (WIDE, WIDE)
    a, b, c, d, e, f = wide_tile(w_rows, unit, delta_pairs, column)
    _propagate_units(a, b, factors, place, counts, outputs, targets, bias_gradient, squared)
    place, targets = (unit + 2, column), (target + WIDE, at + 2 * WIDE)
    _propagate_units(c, d, factors, place, counts, outputs, targets, bias_gradient, squared)
    place, targets = (unit + 4, column), (target + 2 * WIDE, at + 4 * WIDE)
    _propagate_units(e, f, factors, place, counts, outputs, targets, bias_gradient, squared)


@inlined
def _propagate_edge(tile, factors, place, ends, outputs, targets, bias_gradient, squared):
    """Write the deltas of a tile in memory that may have fewer rows or columns."""
    (unit, column), (stop, n_columns, width) = place, ends
    for r in range(0, min(N_ROWS, stop - unit), 2):
        for n in range(0, n_columns, width_of(tile)):
            n_low = min(width_of(tile), n_columns - n)
            counts, part = (n_low, n_low if unit + r + 1 < stop else 0), (unit + r, column + n)
            low, high = load_first(tile, r * WIDE + n, n_low), load_first(tile, (r + 1) * WIDE + n, counts[1])
            there = targets[0] + r // 2 * width + n, targets[1] + r * WIDE + n
            _propagate_units(low, high, factors, part, counts, outputs, there, bias_gradient, squared)


@inlined
def _propagate_units(low, high, factors, place, counts, outputs, targets, bias_gradient, squared):
    """Write the deltas of two units for some examples, given their products; the second unit may be none."""
    (h_columns, shares), (unit, column), (n_low, n_high) = factors, place, counts
    (backward_pairs, weighted), (target, at) = outputs, targets
    active = unit * h_columns.shape[1] + column
    low = where_active(low, h_columns, active, n_low)
    high = where_active(high, h_columns, active + h_columns.shape[1], n_high)
    store_pairs(rounded_pairs(low, high), backward_pairs, target, n_low)
    squares = multiply_add(high, high, multiply_add(low, low, load_first(squared, column, n_low)))
    store_first(squares, squared, column, n_low)
    share = load_first(shares, column, n_low)
    low, high = product(low, share), product(high, share)
    rounded = rounded_pairs(low, high)
    # one number more than there are is zero: an odd last example's partner
    store_low(rounded, weighted, at, n_low + n_low % 2)
    bias_gradient[unit] += total(low)
    if n_high:
        store_high(rounded, weighted, at + WIDE, n_high + n_high % 2)
        bias_gradient[unit + 1] += total(high)


@jit
def _panel_of(unit, pairs, n_units, n_rows):
    """Return the panel of a right factor that a unit is in, a row for each pair of rows, and the panel's first unit."""
    first = unit - unit % WIDE
    width = panel_width(first, n_units)
    if width == LANES:
        first = unit - unit % LANES
    start, size = first * _padded(n_rows) // 2, _padded(n_rows) * width // 2
    return pairs[start : start + size].reshape(-1, width), first
