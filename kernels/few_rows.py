"""Products of few rows, and steps along a product without forming it: sums stay in registers, weights stream past.

Each product handles a range of columns, so that threads can share the work: the result in a column does not depend on
the range. Ranges begin and end at multiples of ``width_of(w)``: 256 or 64 bytes of numbers.
Index letters: `n` example, `i` input, `o` output.
"""

import numpy as np

from isgd_mpi.kernels._active import list_active
from isgd_mpi.kernels._jit import inlined, jit
from isgd_mpi.kernels._steps import adam_step, averaged, averaged_square, nesterov_step, sgd_step, velocity_after
from isgd_mpi.kernels._transpose import transpose
from isgd_mpi.kernels._vectors import aligned, element, load, multiply_add, prefetch, scaled, store, width_of

DEPTH = 64
"""Inputs in a block of an active list: this many vectors of 256 bytes fit into the first-level cache."""

_AHEAD = 4  # inputs by which weights are fetched before they are needed: processors do not foresee a stride of rows
_STREAMED = 256  # inputs of a dense product between two stores of the sums


@jit
def active_in_rows(h, values, indices, counts, begin=0, end=None):
    """List the inputs of each example that are not zero, in the blocks from `begin` to `end`.

    Parameters
    ----------
    h : (B, fan_in) ndarray
        Inputs, such as activations behind a ReLU. A NaN is not zero.
    values : (B, n_blocks * DEPTH) ndarray
        In each block first the inputs that are not zero, overwritten.
    indices : (B, n_blocks * DEPTH) ndarray of int32
        Places of these inputs within the block, overwritten.
    counts : (B, n_blocks) ndarray of int32
        Number of these inputs in each block, overwritten.
    begin, end : int
        Blocks; all if not given.
    """
    if end is None:
        end = counts.shape[1]
    for n in range(h.shape[0]):
        for block in range(begin, end):
            start = block * DEPTH
            counts[n, block] = list_active(h, n, start, min(DEPTH, h.shape[1] - start), values, indices)


@jit
def active_in_columns(h, values, indices, counts, begin=0, end=None):
    """List the examples for which each input is not zero, for the inputs from `begin` to `end`.

    Parameters
    ----------
    h : (B, fan_in) ndarray
        Inputs, such as activations behind a ReLU. A NaN is not zero.
    values : (fan_in, B) ndarray
        In each row first the values of an input that are not zero, overwritten.
    indices : (fan_in, B) ndarray of int32
        Examples that these values are of, overwritten.
    counts : (fan_in,) ndarray of int32
        Number of these values of each input, overwritten.
    begin, end : int
        Inputs; all if not given.

    Returns
    -------
    int
        The sum of the counts.
    """
    n_active = 0
    if end is None:
        end = h.shape[1]
    transpose(h, (0, h.shape[0]), (begin, end), values, (begin, 0))
    for i in range(begin, end):
        counts[i] = list_active(values, i, 0, values.shape[1], values, indices)
        n_active += counts[i]
    return n_active


@jit
def add_product(h, w, z, begin, end):
    """Add ``h @ w`` to `z`, in the columns from `begin` to `end`.

    Parameters
    ----------
    h : (B, fan_in) ndarray
        All arrays are C-contiguous and of one dtype; fastest if `w` and `z` begin at a multiple of 64 bytes.
    w : (fan_in, fan_out) ndarray
    z : (B, fan_out) ndarray
        Updated in place.
    begin, end : int
        Columns of `w` and `z`.
    """
    width = width_of(w)
    for first in range(0, w.shape[0], _STREAMED):
        last = min(first + _STREAMED, w.shape[0])
        for o in range(begin, end, width):
            n = 0
            while n + 4 <= h.shape[0]:
                _add_to_four_rows(h, w, z, n, first, last, o)
                n += 4
            for rest in range(n, h.shape[0]):
                _add_to_row(h, w, z, rest, first, last, o)


@inlined
def _add_to_four_rows(h, w, z, n, first, last, o):
    """Add inputs `first` to `last` of a vector of columns to rows n to n + 3."""
    fan_in, fan_out = w.shape
    p0 = n * fan_out + o
    p1, p2, p3 = p0 + fan_out, p0 + 2 * fan_out, p0 + 3 * fan_out
    s0, s1, s2, s3 = load(z, p0), load(z, p1), load(z, p2), load(z, p3)
    q = n * fan_in
    for i in range(first, last):
        row = load(w, i * fan_out + o)
        s0 = multiply_add(element(h, q + i), row, s0)
        s1 = multiply_add(element(h, q + fan_in + i), row, s1)
        s2 = multiply_add(element(h, q + 2 * fan_in + i), row, s2)
        s3 = multiply_add(element(h, q + 3 * fan_in + i), row, s3)
    store(s0, z, p0)
    store(s1, z, p1)
    store(s2, z, p2)
    store(s3, z, p3)


@inlined
def _add_to_row(h, w, z, n, first, last, o):
    """Add inputs `first` to `last` of a vector of columns to row n."""
    fan_in, fan_out = w.shape
    total = load(z, n * fan_out + o)
    for i in range(first, last):
        total = multiply_add(element(h, n * fan_in + i), load(w, i * fan_out + o), total)
    store(total, z, n * fan_out + o)


@jit
def add_active_product(values, indices, counts, w, z, begin, end):
    """Add ``h @ w`` to `z`, in the columns from `begin` to `end`, skipping the zeros of h.

    Parameters
    ----------
    values, indices, counts : ndarray
        Lists of h, as :func:`active_in_rows` writes them.
    w, z, begin, end
        Weights, sums and columns; see :func:`add_product`.
    """
    width = width_of(w)
    tile = aligned(DEPTH * width, w)
    for o in range(begin, end, width):
        for block in range(counts.shape[1]):
            start = block * DEPTH
            _pack(w, start, min(start + DEPTH, w.shape[0]), o, tile)
            for n in range(z.shape[0]):
                place = n * z.shape[1] + o
                first = n * values.shape[1] + start
                store(_add_listed(values, indices, first, counts[n, block], tile, load(z, place)), z, place)


@inlined
def _pack(matrix, first, last, o, tile):
    """Copy a vector of columns of rows `first` to `last` to a tile, where they are neighbours.

    In a matrix whose width is a power of two, rows compete for the same few lines of a cache.
    """
    width = width_of(matrix)
    for i in range(first, last):
        store(load(matrix, i * matrix.shape[1] + o), tile, (i - first) * width)


@inlined
def _add_listed(values, indices, first, count, tile, total):
    """Add listed multiples of the tile's rows to a vector."""
    width = width_of(tile)
    for k in range(first, first + count):
        total = multiply_add(element(values, k), load(tile, element(indices, k) * width), total)
    return total


@jit
def descend_along_product(
    values, indices, counts, delta, shares, w, moment, mean_square, b, b_moment, b_mean_square, settings, begin, end
):
    """Take an optimiser's step along a layer's gradient without forming it, in the columns from `begin` to `end`.

    Parameters
    ----------
    values, indices, counts : ndarray
        Lists of h, the layer's inputs, as :func:`active_in_columns` writes them.
    delta : (B, fan_out) ndarray
        Gradient of each example's own loss by the layer's pre-activations.
    shares : (B,) ndarray
        Factor of each example's loss: the gradient by the weights is ``h.T @ (shares * delta)``.
    w : (fan_in, fan_out) ndarray
        Weights, updated in place.
    moment, mean_square : (fan_in, fan_out) ndarray or None
        Moments, updated in place: those of :func:`optim.update_columns`, which writes the same from a gradient.
    b, b_moment, b_mean_square : (fan_out,) ndarray, or None as above
        Biases and their moments, updated likewise; no biases: they are left alone.
    settings : tuple of float
        See :func:`optim.update_columns`.
    begin, end : int
        Columns of all these.

    Notes
    -----
    The gradient of a vector of columns and of four inputs exists in registers only; weights and moments are read and
    written once.
    """
    width = width_of(w)
    tile, none = aligned(delta.shape[0] * width, w), np.zeros(width, w.dtype)
    for o in range(begin, end, width):
        _pack_weighted(delta, shares, o, tile)
        if b.shape[0] > 0:
            _descend(_total_of_rows(tile, delta.shape[0], load(none, 0)), b, b_moment, b_mean_square, o, settings)
        i = 0
        while i < w.shape[0]:
            _prefetch(w, moment, mean_square, i + _AHEAD, o)
            if _all_are_active(counts, i, delta.shape[0]):
                _descend_in_four_rows(values, tile, load(none, 0), w, moment, mean_square, settings, i, o)
                i += 4
            else:
                gradient = _add_listed(values, indices, i * values.shape[1], counts[i], tile, load(none, 0))
                _descend(gradient, w, moment, mean_square, i * w.shape[1] + o, settings)
                i += 1


@inlined
def _pack_weighted(delta, shares, o, tile):
    """Copy a vector of columns of all rows to a tile, each times its share."""
    width = width_of(delta)
    for n in range(delta.shape[0]):
        store(scaled(shares[n], load(delta, n * delta.shape[1] + o)), tile, n * width)


@inlined
def _total_of_rows(tile, n_rows, total):
    """Add the rows of a tile to a vector."""
    width = width_of(tile)
    for n in range(n_rows):
        total = multiply_add(tile.dtype.type(1), load(tile, n * width), total)
    return total


@inlined
def _prefetch(w, moment, mean_square, i, o):
    """Prefetch a vector of row i of the weights, and of their moments."""
    place = min(i, w.shape[0] - 1) * w.shape[1] + o
    prefetch(w, place)
    if moment is not None:
        prefetch(moment, place)
    if mean_square is not None:
        prefetch(mean_square, place)


@inlined
def _all_are_active(counts, i, n_rows):
    """Return whether inputs i to i + 3 are active in every example."""
    n_everywhere = 0
    for k in range(i, min(i + 4, counts.shape[0])):
        n_everywhere += counts[k] == n_rows
    return n_everywhere == 4


@inlined
def _descend_in_four_rows(values, tile, none, w, moment, mean_square, settings, i, o):
    """Form the gradient of inputs i to i + 3, which are active in every example, and take the step."""
    for ahead in range(i + 1, i + 4):
        _prefetch(w, moment, mean_square, ahead + _AHEAD, o)
    n_rows, fan_out = values.shape[1], w.shape[1]
    width = width_of(w)
    g0, g1, g2, g3 = none, none, none, none
    q = i * n_rows
    for n in range(n_rows):
        row = load(tile, n * width)
        g0 = multiply_add(element(values, q + n), row, g0)
        g1 = multiply_add(element(values, q + n_rows + n), row, g1)
        g2 = multiply_add(element(values, q + 2 * n_rows + n), row, g2)
        g3 = multiply_add(element(values, q + 3 * n_rows + n), row, g3)
    place = i * fan_out + o
    _descend(g0, w, moment, mean_square, place, settings)
    _descend(g1, w, moment, mean_square, place + fan_out, settings)
    _descend(g2, w, moment, mean_square, place + 2 * fan_out, settings)
    _descend(g3, w, moment, mean_square, place + 3 * fan_out, settings)


@inlined
def _descend(gradient, w, moment, mean_square, place, settings):
    """Take the step of one vector of weights."""
    theta = load(w, place)
    if mean_square is not None:  # decided when this is compiled
        m = averaged(load(moment, place), gradient, theta, settings)
        square = averaged_square(load(mean_square, place), gradient, theta, settings)
        store(m, moment, place)
        store(square, mean_square, place)
        store(adam_step(theta, m, square, settings), w, place)
    elif moment is not None:
        v = load(moment, place)
        faster = velocity_after(v, gradient, theta, settings)
        store(faster, moment, place)
        store(nesterov_step(theta, v, faster, settings), w, place)
    else:
        store(sgd_step(theta, gradient, settings), w, place)
