"""Activations and loss, forward and backward, each in one pass over the data.

The passes that write a layer's output or delta also take its row norm, which the per-example
gradient norms need. Index letters: `n` example, `o` output.
"""

import math

from isgd_mpi.kernels._jit import jit
from isgd_mpi.kernels._transpose import transpose


@jit
def bias_relu(z, bias, squared_norms, begin=0):
    """Add the bias, clip at zero, and take each row's squared norm, in the columns from `begin` on.

    Parameters
    ----------
    z : (B, fan_out) ndarray
        ``h W`` on entry, ``max(h W + bias, 0)`` on return, in place. A NaN stays one.
    bias : (n_columns,) ndarray
        Biases of the columns to be handled. Same dtype as `z`.
    squared_norms : (B,) ndarray of float64
        Squared norm of these columns of each row of the result, overwritten.
    begin : int
        First column.
    """
    zero, end = z.dtype.type(0), begin + bias.shape[0]
    for n in range(z.shape[0]):
        row, total = z[n, begin:end], zero
        for o in range(row.shape[0]):
            value = row[o] + bias[o]
            value = zero if value < zero else value  # this way round a NaN passes
            row[o] = value
            total += value * value
        squared_norms[n] = total


@jit
def relu_backward(delta, activation, squared_norms, begin=0, end=None):
    """Zero the deltas of inactive units and take each row's squared norm, in the columns from `begin` to `end`.

    Parameters
    ----------
    delta : (B, fan_out) ndarray
        Gradient by the activations on entry, by the pre-activations on return, in place.
    activation : (B, fan_out) ndarray
        Activations, as :func:`bias_relu` writes them.
    squared_norms : (B,) ndarray of float64
        Squared norm of these columns of each row of the result, overwritten.
    begin, end : int
        Columns; all if not given.
    """
    zero = delta.dtype.type(0)
    if end is None:
        end = delta.shape[1]
    for n in range(delta.shape[0]):
        row, active, total = delta[n, begin:end], activation[n, begin:end], zero
        for o in range(row.shape[0]):
            value = zero if active[o] <= zero else row[o]
            row[o] = value
            total += value * value
        squared_norms[n] = total


@jit
def relu_backward_transposed(upstream, activation, delta, squared_norms, begin=0):
    """Zero the deltas of inactive units and take each row's squared norm, from a transposed gradient.

    Parameters
    ----------
    upstream : (n_columns, B) ndarray
        Gradient by the activations in the columns to be handled, transposed, as ``W @ delta.T`` gives it.
    activation : (B, fan_out) ndarray
        Activations, as :func:`bias_relu` writes them.
    delta : (B, fan_out) ndarray
        Gradient by the pre-activations, overwritten in these columns. Must not share memory with `upstream`.
    squared_norms : (B,) ndarray of float64
        Squared norm of these columns of each row of the result, overwritten.
    begin : int
        First column.
    """
    transpose(upstream, (0, upstream.shape[0]), (0, delta.shape[0]), delta, (0, begin))
    relu_backward(delta, activation, squared_norms, begin, begin + upstream.shape[0])


@jit
def softmax_cross_entropy(logits, labels, losses, predictions, squared_norms):
    """Turn logits into deltas; write each example's loss, predicted class and squared norm of delta.

    Parameters
    ----------
    logits : (B, n_classes) ndarray
        Logits z on entry, ``delta = softmax(z) - onehot(label)`` on return, in place.
    labels : (B,) ndarray of int
        True classes.
    losses : (B,) ndarray
        Cross-entropy in nats, ``log sum exp(z) - z[label]``, overwritten.
    predictions : (B,) ndarray of int
        Class of the largest logit, the first of equals, overwritten.
    squared_norms : (B,) ndarray of float64
        ``|delta[n]|^2``, overwritten.
    """
    for n in range(logits.shape[0]):
        z = logits[n]
        label = labels[n]
        best = 0
        for o in range(1, z.shape[0]):
            if z[o] > z[best]:
                best = o
        largest = z[best]
        label_logit = z[label] - largest
        total = z.dtype.type(0)
        for o in range(z.shape[0]):
            z[o] = math.exp(z[o] - largest)
            total += z[o]
        losses[n] = math.log(total) - label_logit
        predictions[n] = best
        squared_norms[n] = _delta_of_exponentials(z, total, label)


@jit
def _delta_of_exponentials(z, total, label):
    """Turn exponentials into ``softmax - onehot`` in place; return the squared norm."""
    # 1 - p[label] cancels for easy examples: take the others' sum instead
    others = z.dtype.type(0)
    squared = z.dtype.type(0)
    for o in range(z.shape[0]):
        if o != label:
            z[o] /= total
            others += z[o]
            squared += z[o] * z[o]
    z[label] = -others
    return squared + others * others
