"""A layer of few outputs, such as the last one: vectors run over its inputs, because its rows of weights are too short.

The layer's inputs are as many as fill whole vectors (:func:`_vectors.width_of`), and its weights are transposed once in
each pass forward. Each function computes a range of rows or inputs; a number does not depend on the range it is in.
Index letters: `n` example, `i` input, `o` output.
"""

import numpy as np

from isgd_mpi.kernels._jit import inlined, jit
from isgd_mpi.kernels._transpose import lanes_of, transpose_block
from isgd_mpi.kernels._vectors import load, multiply_add, total, width_of
from isgd_mpi.kernels.activations import relu_backward
from isgd_mpi.kernels.few_rows import add_product
from isgd_mpi.kernels.optim import adam_update, nesterov_update, sgd_update


def height_of(w):
    """Return the height of transposed weights, or of their gradient: outputs, up to the end of a block."""
    lanes = lanes_of(w)
    return -(-w.shape[1] // lanes) * lanes


@jit
def write_outputs(h, w, b, w_transposed, z, first, last):
    """Write ``h @ w + b`` for the examples from `first` to `last`, and all weights transposed.

    Parameters
    ----------
    h : (B, fan_in) ndarray
        Inputs. All arrays are C-contiguous and of one dtype.
    w : (fan_in, fan_out) ndarray
    b : (fan_out,) ndarray
    w_transposed : (height, fan_in) ndarray
        Overwritten. See :func:`height_of`.
    z : (B, fan_out) ndarray
        Overwritten in these rows.
    first, last : int
        Examples.
    """
    _transpose_weights(w, w_transposed)
    none = load(np.zeros(width_of(h), h.dtype), 0)
    n = first
    while n + 4 <= last:
        for o in range(z.shape[1]):
            _write_four(h, w_transposed, b, z, n, o, none)
        n += 4
    for rest in range(n, last):
        for o in range(z.shape[1]):
            z[rest, o] = b[o] + total(_products(h, rest, w_transposed, o, none))


@inlined
def _write_four(h, w_transposed, b, z, n, o, none):
    """Write one output of examples n to n + 3."""
    fan_in = h.shape[1]
    s0, s1, s2, s3 = none, none, none, none
    for i in range(0, fan_in, width_of(h)):
        weights, place = load(w_transposed, o * fan_in + i), n * fan_in + i
        s0 = multiply_add(load(h, place), weights, s0)
        s1 = multiply_add(load(h, place + fan_in), weights, s1)
        s2 = multiply_add(load(h, place + 2 * fan_in), weights, s2)
        s3 = multiply_add(load(h, place + 3 * fan_in), weights, s3)
    z[n, o], z[n + 1, o] = b[o] + total(s0), b[o] + total(s1)
    z[n + 2, o], z[n + 3, o] = b[o] + total(s2), b[o] + total(s3)


@inlined
def _products(h, n, w_transposed, o, totals):
    """Add the products of an example's inputs with an output's weights to a vector."""
    fan_in = h.shape[1]
    for i in range(0, fan_in, width_of(h)):
        totals = multiply_add(load(h, n * fan_in + i), load(w_transposed, o * fan_in + i), totals)
    return totals


@jit
def write_below(delta, w_transposed, h, below, squared_norms, begin, end):
    """Write the delta of the inputs from `begin` to `end`, zero where they are, and its squared row norms.

    Parameters
    ----------
    delta : (B, fan_out) ndarray
        Gradient of each example's own loss by the outputs.
    w_transposed : (height, fan_in) ndarray
    h : (B, fan_in) ndarray
        Inputs, behind a ReLU.
    below : (B, fan_in) ndarray
        ``delta @ w_transposed`` where `h` is not zero; overwritten in these columns.
    squared_norms : (B,) ndarray of float64
        Squared norm of these columns of each row of the result, overwritten.
    begin, end : int
        Inputs: multiples of a vector's length.
    """
    below[:, begin:end] = 0
    add_product(delta, w_transposed[: delta.shape[1]], below, begin, end)
    relu_backward(below, h, squared_norms, begin, end)


@jit
def descend_narrow(
    h, delta, shares, gradient, w, moment, mean_square, b, b_moment, b_mean_square, settings, begin, end
):
    """Take an optimiser's step along a layer's gradient, of the weights of the inputs from `begin` to `end`.

    Parameters
    ----------
    h : (B, fan_in) ndarray
        Inputs.
    delta : (B, fan_out) ndarray
    shares : (B,) ndarray
        The gradient by the weights is ``h.T @ (shares * delta)``.
    gradient : (height, fan_in) ndarray
        Room for the gradient, transposed, of the same height as `w_transposed`; overwritten in these columns.
    w, moment, mean_square : (end - begin, fan_out) ndarray, or None as in :func:`optim.update_columns`
        Weights of these inputs and their moments, updated in place.
    b, b_moment, b_mean_square : (fan_out,) ndarray, or None as above
        Biases and their moments, updated likewise; no biases: they are left alone.
    settings : tuple of float
        See :func:`optim.update_columns`.
    begin, end : int
        Inputs: multiples of a vector's length.
    """
    n_rows, fan_out = delta.shape
    weighted = _weighted(delta, shares, gradient.shape[0])
    gradient[:, begin:end] = 0
    add_product(weighted, h, gradient, begin, end)
    _update(w, moment, mean_square, _rows_of(gradient, begin, end, fan_out), settings)
    if b.shape[0] > 0:
        totals = np.zeros(fan_out, b.dtype)
        for o in range(fan_out):
            for n in range(n_rows):
                totals[o] += weighted[o, n]
        _update(b, b_moment, b_mean_square, totals, settings)


@jit
def _weighted(delta, shares, height):
    """Return deltas times shares, transposed, with zeros below them."""
    weighted = np.zeros((height, delta.shape[0]), delta.dtype)
    for n in range(delta.shape[0]):
        for o in range(delta.shape[1]):
            weighted[o, n] = shares[n] * delta[n, o]
    return weighted


@jit
def _transpose_weights(w, w_transposed):
    """Transpose weights, with zeros below them."""
    lanes, (fan_in, fan_out) = lanes_of(w), w.shape
    for i in range(0, fan_in - lanes, lanes):
        for o in range(0, fan_out, lanes):
            transpose_block(w, (i, o), w_transposed, (o, i))
    for i in range(fan_in - lanes, fan_in):  # behind the last weights may be no memory
        for o in range(fan_out):
            w_transposed[o, i] = w[i, o]
    w_transposed[fan_out:] = 0


@jit
def _rows_of(gradient, begin, end, fan_out):
    """Return some columns of a transposed gradient as flat rows of `fan_out` numbers."""
    lanes = lanes_of(gradient)
    rows = np.empty((end - begin + lanes, fan_out), gradient.dtype)
    for i in range(begin, end, lanes):
        for o in range(gradient.shape[0] - lanes, -1, -lanes):  # the first ones last: a block writes into the next rows
            transpose_block(gradient, (o, i), rows, (i - begin, o))
    return rows[: end - begin]


@jit
def _update(params, moment, mean_square, gradient, settings):
    """Take an optimiser's step of parameters of any shape; see :func:`optim.update_columns`."""
    theta, g = params.reshape(-1), gradient.reshape(-1)
    if mean_square is not None:  # decided when this is compiled
        adam_update(theta, moment.reshape(-1), mean_square.reshape(-1), g, *settings)
    elif moment is not None:
        nesterov_update(theta, moment.reshape(-1), g, settings[0], settings[1], settings[2])
    else:
        sgd_update(theta, g, settings[0], settings[2])
