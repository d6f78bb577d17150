"""Compute losses with NumPy, in the way one would write it: twins of the same names, as in :mod:`twins`."""

import numpy as np

from isgd_mpi.kernels.bench.twins import squared_row_norms


def softmax_cross_entropy(logits, labels, losses, predictions, squared_norms):
    """Compute deltas, losses, classes and norms, each in passes of its own."""
    rows = np.arange(len(labels))
    logits.argmax(axis=1, out=predictions)
    logits -= logits.max(axis=1, keepdims=True)
    label_logits = logits[rows, labels]
    np.exp(logits, out=logits)
    total = logits.sum(axis=1)
    losses[:] = np.log(total) - label_logits
    logits /= total[:, None]
    logits[rows, labels] -= 1
    squared_row_norms(logits, squared_norms)


def logistic(z, labels, losses, predictions, squared_norms):
    """Compute losses, deltas, answers and norms, each in passes of its own."""
    np.sum(np.logaddexp(0, z) - labels * z, axis=1, out=losses)
    predictions[:] = ((z > 0) == (labels > 0.5)).all(axis=1)
    z[:] = 1 / (1 + np.exp(-z)) - labels
    squared_row_norms(z, squared_norms)


def squared_error(z, numbers, losses, predictions, squared_norms):
    """Compute deltas, norms, losses and signs, each in passes of its own."""
    z -= numbers
    predictions[:] = z[:, 0] >= 0
    squared_row_norms(z, squared_norms)
    losses[:] = squared_norms / 2


def huber(z, numbers, losses, predictions, squared_norms, threshold):
    """Compute residuals, losses, deltas, norms and signs, each in passes of its own."""
    residuals = z - numbers
    np.clip(residuals, -threshold, threshold, out=z)
    losses[:] = (z * (residuals - z / 2)).sum(axis=1)
    predictions[:] = z[:, 0] >= 0
    squared_row_norms(z, squared_norms)
