"""The gradient by a layer's inputs, where a ReLU lets it pass: dot products of rows of weights with rows of deltas.

Index letters: `n` example, `i` input, `o` output.
"""

import numpy as np

from isgd_mpi.kernels._jit import inlined, jit
from isgd_mpi.kernels._vectors import aligned, element, load, multiply_add, prefetch, product, store, total, width_of

N_VECTORS = 4
"""Vectors of columns taken at a time: that part of a row of weights stays in registers."""

_EXAMPLES = 24  # examples taken at a time: their deltas fill three quarters of the first-level cache
_INPUTS = 64  # inputs taken at a time: their weights stay in the second-level cache
_AHEAD = 3  # inputs by which weights are fetched before they are needed


@jit
def add_active_dots(indices, counts, delta, w, upstream, begin, end):
    """Add ``w @ delta.T`` to `upstream` where an input is active, for the inputs from `begin` to `end`.

    Parameters
    ----------
    indices : (fan_in, B) ndarray of int32
    counts : (fan_in,) ndarray of int32
        Lists of the layer's inputs, as :func:`few_rows.active_in_columns` writes them.
    delta : (B, fan_out) ndarray
        Gradient by the layer's pre-activations. All arrays are C-contiguous, numbers of one dtype.
    w : (fan_in, fan_out) ndarray
        Its width is a multiple of N_VECTORS vectors.
    upstream : (fan_in, B) ndarray
        Updated in place.
    begin, end : int
        Rows of `w` and `upstream`. The number that is added depends only on one row of `w` and one of `delta`.
    """
    width = N_VECTORS * width_of(w)
    tile, places = aligned(_EXAMPLES * width, w), np.empty(_INPUTS, np.int64)
    for first in range(begin, end, _INPUTS):
        last = min(first + _INPUTS, end)
        for o in range(0, w.shape[1], width):
            places[:] = 0
            for n in range(0, delta.shape[0], _EXAMPLES):
                beyond = min(n + _EXAMPLES, delta.shape[0])
                _pack(delta, n, beyond, o, tile)
                for i in range(first, last):
                    if n == 0:
                        _prefetch(w, min(i + _AHEAD, last - 1) * w.shape[1] + o)
                    ended = _first_beyond(indices, counts, i, places[i - first], beyond)
                    _add_dots(indices, i, places[i - first], ended, tile, n, w, o, upstream)
                    places[i - first] = ended


@inlined
def _pack(delta, n, beyond, o, tile):
    """Copy N_VECTORS vectors of columns of examples n to `beyond` to a tile, where they are neighbours."""
    width = width_of(delta)
    for row in range(n, beyond):
        for v in range(N_VECTORS):
            store(load(delta, row * delta.shape[1] + o + v * width), tile, ((row - n) * N_VECTORS + v) * width)


@inlined
def _prefetch(w, place):
    """Prefetch N_VECTORS vectors of a row of weights."""
    for v in range(N_VECTORS):
        prefetch(w, place + v * width_of(w))


@inlined
def _first_beyond(indices, counts, i, begun, beyond):
    """Return the place in the list of input i at which examples from `beyond` on begin."""
    count, row = counts[i], i * indices.shape[1]  # apart from _add_dots: its loop then has a known number of turns
    while begun < count and element(indices, row + begun) < beyond:
        begun += 1
    return begun


@inlined
def _add_dots(indices, i, begun, ended, tile, n, w, o, upstream):
    """Add N_VECTORS vectors' share of the dot products of input i with listed examples."""
    width, place = width_of(w), i * w.shape[1] + o
    w0, w1, w2, w3 = load(w, place), load(w, place + width), load(w, place + 2 * width), load(w, place + 3 * width)
    for k in range(i * indices.shape[1] + begun, i * indices.shape[1] + ended):
        example = element(indices, k)
        p = (example - n) * N_VECTORS * width
        sums = product(w0, load(tile, p))
        sums = multiply_add(w1, load(tile, p + width), sums)
        sums = multiply_add(w2, load(tile, p + 2 * width), sums)
        sums = multiply_add(w3, load(tile, p + 3 * width), sums)
        upstream[i, example] += total(sums)
