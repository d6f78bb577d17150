"""Losses of labels and of numbers, forward and backward, each in one pass over the data.

The loss of classes is :func:`activations.softmax_cross_entropy`. All take the same arguments and turn the outputs z of
the last layer into deltas, the gradient of each example's own loss by z, of which the per-example gradient norms need
the row norms. Index letters: `n` example, `o` output.
"""

import math

from isgd_mpi.kernels._jit import jit


@jit
def logistic(z, labels, losses, predictions, squared_norms):
    """Turn the logits of labels into deltas; write each example's loss, and whether all its labels are right.

    Parameters
    ----------
    z : (B, n_labels) ndarray
        Logits on entry, ``delta = sigmoid(z) - label`` on return, in place.
    labels : (B, n_labels) ndarray of float
        1 where a label holds, 0 where it does not.
    losses : (B,) ndarray
        Nats, the sum over the labels of ``log(1 + exp(z)) - label z``, overwritten.
    predictions : (B,) ndarray of int
        1 where ``z > 0`` for all labels that hold and for no other, else 0; overwritten.
    squared_norms : (B,) ndarray of float64
        ``|delta[n]|^2``, overwritten.
    """
    zero, one = z.dtype.type(0), z.dtype.type(1)
    for n in range(z.shape[0]):
        row, total, squared, is_right = z[n], zero, zero, True
        for o in range(row.shape[0]):
            holds = labels[n, o] > 0.5
            is_right = is_right and (row[o] > zero) == holds
            margin = row[o] if holds else -row[o]
            small = math.exp(-abs(margin))
            # the probability of the wrong answer itself: 1 - sigmoid(margin) would cancel for easy examples
            wrong = (small if margin > zero else one) / (one + small)
            total += math.log1p(small) + (zero if margin > zero else -margin)
            squared += wrong * wrong
            row[o] = -wrong if holds else wrong
        losses[n] = total
        predictions[n] = is_right
        squared_norms[n] = squared


@jit
def squared_error(z, numbers, losses, predictions, squared_norms):
    """Turn predicted numbers into deltas; write each example's loss, and the sign of its first residual.

    Parameters
    ----------
    z : (B, n_numbers) ndarray
        Predictions on entry, ``delta = z - number`` on return, in place.
    numbers : (B, n_numbers) ndarray of float
        The true numbers.
    losses : (B,) ndarray
        ``0.5 |z - number|^2``, overwritten.
    predictions : (B,) ndarray of int
        0 where the first number is predicted too small, else 1; overwritten.
    squared_norms : (B,) ndarray of float64
        ``|delta[n]|^2``, overwritten.
    """
    zero, half = z.dtype.type(0), z.dtype.type(0.5)
    for n in range(z.shape[0]):
        row, squared = z[n], zero
        for o in range(row.shape[0]):
            row[o] -= numbers[n, o]
            squared += row[o] * row[o]
        losses[n] = half * squared
        predictions[n] = not row[0] < zero
        squared_norms[n] = squared


@jit
def huber(z, numbers, losses, predictions, squared_norms, threshold):
    """Turn predicted numbers into deltas of Huber's loss [1]_; write the loss, and the sign of the first residual.

    Parameters
    ----------
    z : (B, n_numbers) ndarray
        Predictions on entry; on return, in place, ``delta = z - number``, clipped to -threshold and threshold.
    numbers, predictions, squared_norms : ndarray
        See :func:`squared_error`.
    losses : (B,) ndarray
        Sum over the numbers of ``0.5 r^2`` where the residual ``r = z - number`` is at most the threshold, else of
        ``threshold (|r| - 0.5 threshold)``; overwritten.
    threshold : float
        Positive.

    References
    ----------
    .. [1] P. J. Huber, "Robust estimation of a location parameter", Ann. Math. Statist. 35(1), 1964.
    """
    zero, half, bound = z.dtype.type(0), z.dtype.type(0.5), z.dtype.type(threshold)
    for n in range(z.shape[0]):
        row, total, squared = z[n], zero, zero
        for o in range(row.shape[0]):
            residual = row[o] - numbers[n, o]
            clipped = bound if residual > bound else (-bound if residual < -bound else residual)  # a NaN passes
            total += clipped * (residual - half * clipped)
            squared += clipped * clipped
            row[o] = clipped
        losses[n] = total
        predictions[n] = not row[0] < zero
        squared_norms[n] = squared
