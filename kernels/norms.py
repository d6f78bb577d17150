"""Per-example squared gradient norms of affine layers, without forming a gradient.

Index letters: `n` example, `i` input, `o` output.
"""

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
def sum_squared_grad_norms(squared_input_norms, squared_delta_norms, out):
    """Add up each squared gradient norm over layers, whose squared norms are given in parts.

    Parameters
    ----------
    squared_input_norms, squared_delta_norms : (n_layers, n_parts, max_rows) ndarray of float64
        Sums of squares over parts of the columns; see :func:`add_squared_grad_norms`.
    out : (B,) ndarray of float64
        Overwritten. The last layer's share is added first, and the first part of each norm.
    """
    out[:] = 0
    for layer in range(squared_input_norms.shape[0] - 1, -1, -1):
        inputs, deltas = squared_input_norms[layer], squared_delta_norms[layer]
        for n in range(out.shape[0]):
            squared_input_norm, squared_delta_norm = inputs[0, n], deltas[0, n]
            for part in range(1, inputs.shape[0]):
                squared_input_norm += inputs[part, n]
                squared_delta_norm += deltas[part, n]
            out[n] += (squared_input_norm + 1.0) * squared_delta_norm
