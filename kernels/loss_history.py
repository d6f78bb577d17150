"""Record observed losses: a short history of each example, moving averages of each class.

Losses are taken one by one, in the order in which they were observed: an example may be among them several times.
"""

from isgd_mpi.kernels._jit import jit


@jit
def append_losses(history, lengths, rows, losses):
    """Append losses to the histories of their examples.

    Parameters
    ----------
    history : (N, T) ndarray
        The last T entries of each example, the newest in the last column. Updated in place.
    lengths : (N,) ndarray of int
        Number of valid entries, at most T: the last ones of a row. Updated in place.
    rows : (B,) ndarray of int
        Examples, perhaps repeated.
    losses : (B,) ndarray
        In the order in which they were observed.
    """
    last = history.shape[1] - 1
    for k in range(rows.shape[0]):
        entries = history[rows[k]]
        for t in range(last):
            entries[t] = entries[t + 1]
        entries[last] = losses[k]
        lengths[rows[k]] = min(lengths[rows[k]] + 1, last + 1)


@jit
def average_by_class(moments, classes, losses, kept):
    """Update the moving averages of each class's loss and squared loss.

    Parameters
    ----------
    moments : (n_classes, 2) ndarray of float64
        Averages of the loss and of its square, updated in place.
    classes : (B,) ndarray of int
        Class of each loss.
    losses : (B,) ndarray
        In the order in which they were observed.
    kept : float
        Factor of the old average at each loss of the class, in [0, 1).
    """
    for k in range(losses.shape[0]):
        moment, loss = moments[classes[k]], losses[k]
        moment[0] = kept * moment[0] + (1 - kept) * loss
        moment[1] = kept * moment[1] + (1 - kept) * loss * loss
