"""Multiply a layer's weights with few rows, and step along their gradient: weights stream past once."""

import numpy as np

from isgd_mpi.kernels.few_rows import (
    DEPTH,
    active_in_columns,
    active_in_rows,
    add_active_product,
    add_product,
    descend_along_product,
    width_of,
)
from isgd_mpi.kernels.few_rows_backward import N_VECTORS, add_active_dots
from isgd_mpi.kernels.threads import on_columns

FEW_ROWS = 256
"""The most rows that streaming pays for. With more, BLAS is as fast: it copies its factors into a better order."""

_PACKED_ROWS = 64  # least rows for which zeros are skipped: that copies weights into the first-level cache
_ACTIVE = 0.75  # largest share of inputs that are not zero for which skipping the others is faster
_ACTIVE_BACKWARD = 0.6  # the same share for the backward product


def streams(fan_out, dtype):
    """Return whether the rows of a layer's weights are whole vectors, which the kernels need."""
    return fan_out % width_of(np.empty(0, dtype)) == 0


class Stream:
    """The products of a layer's weights with few rows, and steps along the gradient of the weights.

    Parameters
    ----------
    fan_in, fan_out : int
        Shape of the weights; :func:`streams` says which ones will do.
    max_rows : int
        The most rows of a product.
    dtype : numpy dtype
    behind_relu : bool
        Whether the inputs come from a ReLU: then about half of them are zero.
    """

    def __init__(self, fan_in, fan_out, max_rows, dtype, behind_relu):
        self._fan_in, self._fan_out = fan_in, fan_out
        self._behind_relu = behind_relu
        self._width = width_of(np.empty(0, dtype))
        self._n_operations = 2 * max_rows * fan_in * fan_out
        n_blocks = -(-fan_in // DEPTH)
        self._in_rows = _lists(max_rows, n_blocks * DEPTH, (max_rows, n_blocks), dtype)
        self._in_columns = _lists(max_rows, fan_in, (fan_in,), dtype)

    def multiply(self, h, w, z):
        """Write ``h @ w`` to `z`.

        Parameters
        ----------
        h : (B, fan_in) ndarray
        w : (fan_in, fan_out) ndarray
        z : (B, fan_out) ndarray
            Overwritten.
        """
        z[:] = 0
        if self._behind_relu and len(h) >= _PACKED_ROWS:
            values, indices, counts = (part[: len(h)] for part in self._in_rows)
            active_in_rows(h, values, indices, counts)
            if counts.sum() <= _ACTIVE * h.size:
                self._run(add_active_product, values, indices, counts, w, z)
                return
        self._run(add_product, h, w, z)

    def list_inputs(self, h):
        """List the inputs that are not zero, for :meth:`multiply_back` and :meth:`descend`.

        Parameters
        ----------
        h : (B, fan_in) ndarray
            Inputs of the layer.
        """
        active_in_columns(h, *self._lists_in_columns(len(h)))

    def multiply_back(self, delta, w, upstream):
        """Write ``w @ delta.T`` to `upstream` where the listed inputs are not zero.

        Parameters
        ----------
        delta : (B, fan_out) ndarray
        w : (fan_in, fan_out) ndarray
        upstream : (fan_in, B) ndarray
            Overwritten; undefined where an input is zero.
        """
        _, indices, counts = self._lists_in_columns(len(delta))
        if self._fan_out % (N_VECTORS * self._width) or counts.sum() > _ACTIVE_BACKWARD * indices.size:
            np.matmul(w, delta.T, out=upstream)
            return
        upstream[:] = 0
        self._run(add_active_dots, indices, counts, delta, w, upstream, n_columns=self._fan_in, width=1)

    def descend(self, delta, w, velocity, rate, momentum, weight_decay):
        """Take a step of SGD along ``h.T @ delta``, where h is the listed inputs.

        Parameters
        ----------
        delta : (B, fan_out) ndarray
            Gradient of the minibatch's loss by the layer's pre-activations.
        w : (fan_in, fan_out) ndarray
            Weights, updated in place.
        velocity : (fan_in, fan_out) ndarray or None
            Updated in place; None without momentum.
        rate, momentum, weight_decay : float
            Settings; see :func:`isgd_mpi.kernels.optim.nesterov_update`.
        """
        lists = self._lists_in_columns(len(delta))
        self._run(descend_along_product, *lists, delta, w, velocity, rate, momentum, weight_decay)

    def _lists_in_columns(self, n_rows):
        """Return the buffers for the lists of a number of examples."""
        *lists, counts = self._in_columns
        shape = (self._fan_in, n_rows)
        return *(flat.reshape(-1)[: self._fan_in * n_rows].reshape(shape) for flat in lists), counts

    def _run(self, kernel, *arguments, n_columns=None, width=None):
        """Run a kernel on all columns of the weights, or on `n_columns` others."""
        whole = {"n_columns": n_columns or self._fan_out, "width": width or self._width}
        on_columns(kernel, *arguments, **whole, n_operations=self._n_operations)


def _lists(n_rows, n_columns, counts_shape, dtype):
    """Return buffers for values, indices and counts."""
    shape = (n_rows, n_columns)
    return np.empty(shape, dtype), np.empty(shape, np.int32), np.empty(counts_shape, np.int32)
