"""Per-example squared gradient norms of affine layers, without forming a gradient.

Index letters: `n` example, `i` input, `o` output.
"""

import math

import numpy as np

from isgd_mpi.kernels._jit import jit


@jit
def squared_row_norms(x, out):
    """Write the squared norm of each row of `x` to `out`.

    Parameters
    ----------
    x : (B, fan_in) ndarray
        C-contiguous, float32 or float64.
    out : (B,) ndarray of float64
        ``|x[n]|^2``, overwritten.
    """
    for n in range(x.shape[0]):
        total = x.dtype.type(0)  # in x's own precision: a float64 sum would halve the vector width
        for i in range(x.shape[1]):
            total += x[n, i] * x[n, i]
        out[n] = total


@jit
def add_squared_grad_norms(squared_input_norms, squared_delta_norms, out):
    """Add one affine layer's share of each squared gradient norm to `out`.

    Parameters
    ----------
    squared_input_norms : (B,) ndarray of float64
        ``|x[n]|^2`` of the layer's inputs.
    squared_delta_norms : (B,) ndarray of float64
        ``|delta[n]|^2``, delta being the gradient of each example's own loss by the layer's
        pre-activations. Not divided by B: a mean loss would shrink every norm by B.
    out : (B,) ndarray of float64
        Accumulator, updated in place.

    Notes
    -----
    The gradient of an affine layer is the outer product of ``delta[n]`` and ``[x[n], 1]``, so its
    squared norm is ``(|x[n]|^2 + 1) |delta[n]|^2`` [1]_. The two norms come for free from the
    passes that write x and delta (:mod:`isgd_mpi.kernels.activations`); no gradient is formed.

    References
    ----------
    .. [1] I. Goodfellow, "Efficient per-example gradient computations", arXiv:1510.01799, 2015.
    """
    for n in range(out.shape[0]):
        out[n] += (squared_input_norms[n] + 1.0) * squared_delta_norms[n]


@jit
def sum_grad_norms(squared_input_norms, squared_delta_norms, out):
    """Add up each squared gradient norm over layers, whose squared norms are given in parts; write the roots.

    Parameters
    ----------
    squared_input_norms, squared_delta_norms : (n_layers, n_parts, max_rows) ndarray of float64
        Sums of squares over parts of the columns; see :func:`add_squared_grad_norms`.
    out : (B,) ndarray
        Gradient norms, overwritten. The last layer's share is added first, and the first part of each norm.
    """
    for n in range(out.shape[0]):
        squared = 0.0
        for layer in range(squared_input_norms.shape[0] - 1, -1, -1):
            squared_input_norm, squared_delta_norm = squared_input_norms[layer, 0, n], squared_delta_norms[layer, 0, n]
            for part in range(1, squared_input_norms.shape[1]):
                squared_input_norm += squared_input_norms[layer, part, n]
                squared_delta_norm += squared_delta_norms[layer, part, n]
            squared += (squared_input_norm + 1.0) * squared_delta_norm
        out[n] = math.sqrt(squared)


@jit
def sum_weighted(shares, losses, grad_norms):
    """Sum losses and gradient norms of a minibatch, each example times its share.

    Parameters
    ----------
    shares, losses, grad_norms : (B,) ndarray

    Returns
    -------
    loss : float
        ``sum(shares * losses)``.
    bound : float
        ``sum(|shares| * grad_norms)``: the norm of the weighted gradient is at most this.
    """
    loss, bound = 0.0, 0.0
    for n in range(shares.shape[0]):
        loss += np.float64(shares[n]) * np.float64(losses[n])
        bound += abs(np.float64(shares[n])) * np.float64(grad_norms[n])
    return loss, bound
