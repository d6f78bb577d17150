"""The pointwise part of an LSTM cell, forward and backward, over a batch; the products are left to BLAS.

The four gates lie side by side in a row: input, forget, candidate, output. Rows of a batch may be
masked: their state stays zero, and no gradient passes. Index letters: `n` example, `u` unit.
"""

import math

from kernels._jit import jit


@jit
def lstm_forward(gates, bias, previous_cell, active, cell, squashed_cell, hidden):
    """Turn pre-activations into gates, cells and hidden states.

    Parameters
    ----------
    gates : (B, 4 U) ndarray
        ``x W + h' R`` on entry, the gates on return, in place; zero in masked rows.
    bias : (4 U,) ndarray
        Same dtype, as all arrays but `active`.
    previous_cell : (B, U) ndarray
    active : (B,) ndarray of bool
        False in masked rows.
    cell, squashed_cell, hidden : (B, U) ndarray
        Overwritten; zero in masked rows.

    Notes
    -----
    ``c = f c' + i g``, ``h = o tanh(c)`` with the logistic function for i, f and o, and tanh for
    the candidate g [1]_. `squashed_cell` is tanh(c), which the way back needs.

    References
    ----------
    .. [1] F. Gers, J. Schmidhuber, F. Cummins, "Learning to forget", Neural Computation 12, 2000.
    """
    n_units = cell.shape[1]
    zero, one = cell.dtype.type(0), cell.dtype.type(1)
    for n in range(gates.shape[0]):
        if not active[n]:
            gates[n] = zero
            cell[n] = zero
            squashed_cell[n] = zero
            hidden[n] = zero
            continue
        for u in range(4 * n_units):
            value = gates[n, u] + bias[u]
            if 2 * n_units <= u < 3 * n_units:
                gates[n, u] = math.tanh(value)
            else:
                gates[n, u] = one / (one + math.exp(-value))
        for u in range(n_units):
            value = gates[n, n_units + u] * previous_cell[n, u] + gates[n, u] * gates[n, 2 * n_units + u]
            cell[n, u] = value
            squashed_cell[n, u] = math.tanh(value)
            hidden[n, u] = gates[n, 3 * n_units + u] * squashed_cell[n, u]


@jit
def lstm_backward(gates, previous_cell, squashed_cell, hidden_delta, cell_delta):
    """Turn the deltas of hidden states and cells into those of pre-activations and previous cells.

    Parameters
    ----------
    gates : (B, 4 U) ndarray
        What :func:`lstm_forward` left there on entry, the deltas of its pre-activations on return.
    previous_cell, squashed_cell : (B, U) ndarray
        As of :func:`lstm_forward`.
    hidden_delta : (B, U) ndarray
        Gradient by the hidden states.
    cell_delta : (B, U) ndarray
        Gradient by the cells as far as it comes from later times on entry, by the previous cells on
        return, in place.
    """
    n_units = cell_delta.shape[1]
    one = cell_delta.dtype.type(1)
    for n in range(gates.shape[0]):
        gate, squashed, before = gates[n], squashed_cell[n], previous_cell[n]
        for u in range(n_units):
            i, f = gate[u], gate[n_units + u]
            g, o = gate[2 * n_units + u], gate[3 * n_units + u]
            d_hidden = hidden_delta[n, u]
            d_cell = cell_delta[n, u] + d_hidden * o * (one - squashed[u] * squashed[u])
            gate[u] = d_cell * g * i * (one - i)
            gate[n_units + u] = d_cell * before[u] * f * (one - f)
            gate[2 * n_units + u] = d_cell * i * (one - g * g)
            gate[3 * n_units + u] = d_hidden * squashed[u] * o * (one - o)
            cell_delta[n, u] = d_cell * f
