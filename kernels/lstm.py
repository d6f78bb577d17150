"""The pointwise part of an LSTM cell, forward and backward, over a batch.

BLAS computes the products, and NumPy tanh: its tanh of an array is many times as fast as one in a loop. The four gates
lie side by side in a row: input, forget, candidate, output. Rows of a batch may be masked: their state stays zero, and
no gradient passes. Index letters: `n` example, `u` unit.
"""

from isgd_mpi.kernels._jit import jit


@jit
def lstm_forward(gates, previous_cell, active, cell):
    """Compute the gates from halved tanhs, and the cells.

    Parameters
    ----------
    gates : (B, 4 U) ndarray
        On entry the tanh of the pre-activations, which were halved before for all gates but the candidate.
        On return the gates, in place; zero in masked rows.
    previous_cell : (B, U) ndarray
        Cells at the time before; of the same dtype, as are all arrays but `active`.
    active : (B,) ndarray of bool
        False in masked rows.
    cell : (B, U) ndarray
        Overwritten; zero in masked rows.

    Notes
    -----
    ``c = f c' + i g`` with logistic gates and a candidate by tanh; the hidden state is
    ``o tanh(c)`` [1]_. The logistic function of z is ``(1 + tanh(z / 2)) / 2``.

    References
    ----------
    .. [1] F. Gers, J. Schmidhuber, F. Cummins, "Learning to forget", Neural Computation 12, 2000.
    """
    n_units = cell.shape[1]
    zero, half = cell.dtype.type(0), cell.dtype.type(0.5)
    for n in range(gates.shape[0]):
        if not active[n]:
            gates[n] = zero
            cell[n] = zero
            continue
        input_gate, forget_gate = gates[n, :n_units], gates[n, n_units : 2 * n_units]
        candidate, output_gate = gates[n, 2 * n_units : 3 * n_units], gates[n, 3 * n_units :]
        before, after = previous_cell[n], cell[n]
        for u in range(n_units):
            input_gate[u] = half + half * input_gate[u]
            forget_gate[u] = half + half * forget_gate[u]
            output_gate[u] = half + half * output_gate[u]
            after[u] = forget_gate[u] * before[u] + input_gate[u] * candidate[u]


@jit
def lstm_backward(gates, previous_cell, squashed_cell, hidden_delta, cell_delta, gate_delta):
    """Compute the deltas of pre-activations and previous cells.

    Parameters
    ----------
    gates : (B, 4 U) ndarray
        Gates, as :func:`lstm_forward` writes them.
    previous_cell : (B, U) ndarray
        Cells at the time before.
    squashed_cell : (B, U) ndarray
        tanh of the cells.
    hidden_delta : (B, U) ndarray
        Gradient by the hidden states.
    cell_delta : (B, U) ndarray
        On entry the gradient by the cells that comes from later times, on return the gradient by the previous
        cells; in place.
    gate_delta : (B, 4 U) ndarray
        Gradient by the pre-activations, overwritten.
    """
    n_units = cell_delta.shape[1]
    one = cell_delta.dtype.type(1)
    for n in range(gates.shape[0]):
        input_gate, forget_gate = gates[n, :n_units], gates[n, n_units : 2 * n_units]
        candidate, output_gate = gates[n, 2 * n_units : 3 * n_units], gates[n, 3 * n_units :]
        d_input, d_forget = gate_delta[n, :n_units], gate_delta[n, n_units : 2 * n_units]
        d_candidate, d_output = gate_delta[n, 2 * n_units : 3 * n_units], gate_delta[n, 3 * n_units :]
        before, squashed, d_hidden, d_cell = previous_cell[n], squashed_cell[n], hidden_delta[n], cell_delta[n]
        for u in range(n_units):
            i, f, g, o = input_gate[u], forget_gate[u], candidate[u], output_gate[u]
            delta = d_cell[u] + d_hidden[u] * o * (one - squashed[u] * squashed[u])
            d_input[u] = delta * g * i * (one - i)
            d_forget[u] = delta * before[u] * f * (one - f)
            d_candidate[u] = delta * i * (one - g * g)
            d_output[u] = d_hidden[u] * squashed[u] * o * (one - o)
            d_cell[u] = delta * f
