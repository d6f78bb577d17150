"""The gradient of a layer that trains in bfloat16: a step along it, tile by tile, without forming it.

Factors and rounded weights are those of :mod:`isgd_mpi.kernels.bfloat16_layers`.
Index letters: `n` example, `i` input, `o` output, `r` row of a tile.
"""

from isgd_mpi.kernels._bfloat16_tiles import (
    IN_REGISTERS,
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
    rounded_pairs,
    store_first,
    store_high,
    store_low,
    store_pairs,
)
from isgd_mpi.kernels._jit import inlined, jit
from isgd_mpi.kernels._steps import adam_step, averaged, averaged_square, nesterov_step, sgd_step, velocity_after
from isgd_mpi.kernels._vectors import prefetch, width_of

_CACHED = 1 << 17  # numbers of a right factor that stay in the second-level cache
_MANY_ROWS, _NEAR = 128, 1 << 22  # with fewer examples, and fewer bytes of weights, prefetching costs what it brings
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
        Weights as the left factor of the backward pass, overwritten in this part; without rows, left out: the first
        layer has no backward pass.
    first, last : int
        Inputs of this part; `first` is even.
    begin, end : int
        Outputs of this part.
    """
    fan_in, fan_out = w.shape
    tile, block = new_tile(w), _columns_at_a_time(h_columns.shape[1])
    prefetches = h_columns.shape[1] >= _MANY_ROWS or w.nbytes > _NEAR
    for start in range(begin, end, block):
        for row in range(first, last, N_ROWS):
            column = start
            while column < min(start + block, end):
                width = panel_width(column, fan_out)
                n_columns = min(width, end - column)
                place, target = (row, column), (column * _padded(fan_in) + row * width) // 2
                if IN_REGISTERS and n_columns == WIDE and row + N_ROWS <= last:
                    if prefetches:
                        _prefetch_tile(w, moment, mean_square, place)
                    factors = h_columns, gradient_pairs
                    _step_tile(factors, w, moment, mean_square, settings, place, pairs, rows, target)
                else:
                    write_tile(h_columns, row, gradient_pairs, column, width, tile, (0, 0))
                    ends = last, n_columns, width
                    _step_edge(tile, w, moment, mean_square, settings, place, ends, pairs, rows, target)
                column += width


@jit
def _columns_at_a_time(n_rows):
    """Return the number of columns of a right factor of some rows that stay in the second-level cache."""
    return max(_CACHED // n_rows // WIDE, 1) * WIDE


@inlined
def _prefetch_tile(w, moment, mean_square, place):
    """Prefetch the weights of the tile below one, and their moments."""
    for row in range(place[0] + N_ROWS, min(place[0] + 2 * N_ROWS, w.shape[0])):
        start = row * w.shape[1] + place[1]
        prefetch(w, start)
        if moment is not None:
            prefetch(moment, start)
        if mean_square is not None:
            prefetch(mean_square, start)


@inlined
def _step_tile(factors, w, moment, mean_square, settings, place, pairs, rows, target):
    """Step along a whole tile, whose sums are in registers; with constants no store needs a mask."""
    (h_columns, gradient_pairs), (row, column), counts = factors, place, (WIDE, WIDE)
    a, b, c, d, e, f = wide_tile(h_columns, row, gradient_pairs, column)
    _step_rows(a, b, w, moment, mean_square, settings, place, counts, pairs, rows, target)
    _step_rows(c, d, w, moment, mean_square, settings, (row + 2, column), counts, pairs, rows, target + WIDE)
    _step_rows(e, f, w, moment, mean_square, settings, (row + 4, column), counts, pairs, rows, target + 2 * WIDE)


@inlined
def _step_edge(tile, w, moment, mean_square, settings, place, ends, pairs, rows, target):
    """Step along a tile in memory that may have fewer rows or columns."""
    (row, column), (last, n_columns, width) = place, ends
    for r in range(0, min(N_ROWS, last - row), 2):
        for o in range(0, n_columns, width_of(tile)):
            n_low = min(width_of(tile), n_columns - o)
            counts, part = (n_low, n_low if row + r + 1 < last else 0), (row + r, column + o)
            low, high = load_first(tile, r * WIDE + o, n_low), load_first(tile, (r + 1) * WIDE + o, counts[1])
            at = target + r // 2 * width + o
            _step_rows(low, high, w, moment, mean_square, settings, part, counts, pairs, rows, at)


@inlined
def _step_rows(low, high, w, moment, mean_square, settings, place, counts, pairs, rows, target):
    """Take the step of a part of two rows of weights, given its gradient, and round them; the second may be none."""
    (row, column), (n_low, n_high) = place, counts
    start = row * w.shape[1] + column
    low = _stepped(low, w, moment, mean_square, settings, start, n_low)
    high = _stepped(high, w, moment, mean_square, settings, start + w.shape[1], n_high)
    _write_rounded(low, high, place, counts, pairs, rows, target)


@inlined
def _write_rounded(low, high, place, counts, pairs, rows, target):
    """Write a part of two rows of weights to both factors; the second row may be none, and so may a factor's."""
    rounded, at = rounded_pairs(low, high), place[0] * rows.shape[1] + place[1]
    store_pairs(rounded, pairs, target, counts[0])
    if rows.shape[0]:
        store_low(rounded, rows, at, counts[0])
        store_high(rounded, rows, at + rows.shape[1], counts[1])


@inlined
def _stepped(gradient, w, moment, mean_square, settings, start, count):
    """Take the step of a vector of weights along its gradient; return them."""
    theta = load_first(w, start, count)
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
            target = (column * _padded(fan_in) + row * width) // 2
            for o in range(0, n_columns, width_of(w)):
                n_low = min(width_of(w), n_columns - o)
                counts, start = (n_low, n_low if row + 1 < last else 0), row * fan_out + column + o
                low, high = load_first(w, start, n_low), load_first(w, start + fan_out, counts[1])
                _write_rounded(low, high, (row, column + o), counts, pairs, rows, target + o)
        column += width


@jit
def update_and_round(w, moment, mean_square, gradient, settings, rows, begin, end):
    """Take an optimiser's step in the columns from `begin` to `end` of weights, and round them to bfloat16.

    Parameters
    ----------
    w, moment, mean_square, settings
        See :func:`descend`.
    gradient : (fan_in, at least end - begin) ndarray of float32
        Its first columns are the gradient by these weights, and finite. C-contiguous.
    rows : (fan_in, at least fan_out) ndarray of uint16
        Weights after the step; overwritten in these columns.
    begin, end : int
        Columns.
    """
    n_columns, lanes = end - begin, width_of(w)
    for i in range(0, w.shape[0], 2):
        for o in range(0, n_columns, lanes):
            n_low = min(lanes, n_columns - o)
            n_high = n_low if i + 1 < w.shape[0] else 0
            place = i, o, begin + o
            if n_high == lanes:  # with constants loads and stores need no masks
                _step_along(gradient, w, moment, mean_square, settings, rows, place, lanes, lanes)
            else:
                _step_along(gradient, w, moment, mean_square, settings, rows, place, n_low, n_high)


@inlined
def _step_along(gradient, w, moment, mean_square, settings, rows, place, n_low, n_high):
    """Take the step of a part of two rows of weights along a gradient, and round them; the second may be none."""
    i, source, target = place
    source, start = i * gradient.shape[1] + source, i * w.shape[1] + target
    low, high = load_first(gradient, source, n_low), load_first(gradient, source + gradient.shape[1], n_high)
    low = _stepped(low, w, moment, mean_square, settings, start, n_low)
    high = _stepped(high, w, moment, mean_square, settings, start + w.shape[1], n_high)
    rounded, at = rounded_pairs(low, high), i * rows.shape[1] + target
    store_low(rounded, rows, at, n_low)
    store_high(rounded, rows, at + rows.shape[1], n_high)


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
