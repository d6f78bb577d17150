"""One layer's products with few rows: weights stream past once, and no gradient is formed."""

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
"""Beyond, BLAS is as fast: it copies what it multiplies into a better order, and that pays with many rows."""

_PACKED_ROWS = 64  # from here on it pays to copy weights into the first-level cache, which skipping zeros takes
_ACTIVE = 0.75  # share of inputs up to which skipping the others is faster
_ACTIVE_BACKWARD = 0.6  # and for the backward product


def streams(fan_out, dtype):
    """Return whether a layer's weights are whole vectors, which the kernels want."""
    return fan_out % width_of(np.empty(0, dtype)) == 0


class Stream:
    """The products of an affine layer's weights with a minibatch, and descent along its gradient.

    Parameters
    ----------
    fan_in, fan_out : int
        Of the layer; see :func:`streams`.
    max_rows : int
        The most rows of a product.
    dtype : numpy dtype
    behind_relu : bool
        Whether about half of the inputs are zero.
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
        """List what is not zero in the layer's inputs, for the methods below.

        Parameters
        ----------
        h : (B, fan_in) ndarray
        """
        active_in_columns(h, *self._lists_in_columns(len(h)))

    def multiply_back(self, delta, w, upstream):
        """Write ``w @ delta.T`` to `upstream` where the listed inputs are not zero.

        Parameters
        ----------
        delta : (B, fan_out) ndarray
        w : (fan_in, fan_out) ndarray
        upstream : (fan_in, B) ndarray
            Overwritten: what is where an input is zero has no meaning.
        """
        _, indices, counts = self._lists_in_columns(len(delta))
        if self._fan_out % (N_VECTORS * self._width) or counts.sum() > _ACTIVE_BACKWARD * indices.size:
            np.matmul(w, delta.T, out=upstream)
            return
        upstream[:] = 0
        self._run(add_active_dots, indices, counts, delta, w, upstream, n_columns=self._fan_in, width=1)

    def descend(self, delta, w, velocity, rate, momentum, weight_decay):
        """Take a step of SGD along ``h.T @ delta``, h being the listed inputs.

        Arguments are as of :func:`isgd_mpi.kernels.few_rows.descend_along_product`.
        """
        lists = self._lists_in_columns(len(delta))
        self._run(descend_along_product, *lists, delta, w, velocity, rate, momentum, weight_decay)

    def _lists_in_columns(self, n_rows):
        """Return the buffers of so many examples' lists."""
        *lists, counts = self._in_columns
        shape = (self._fan_in, n_rows)
        return *(flat.reshape(-1)[: self._fan_in * n_rows].reshape(shape) for flat in lists), counts

    def _run(self, kernel, *arguments, n_columns=None, width=None):
        """Run a kernel on all columns, those of the weights if nothing else is said."""
        whole = {"n_columns": n_columns or self._fan_out, "width": width or self._width}
        on_columns(kernel, *arguments, **whole, n_operations=self._n_operations)


def _lists(n_rows, n_columns, counts_shape, dtype):
    """Return buffers of values, indices and counts."""
    shape = (n_rows, n_columns)
    return np.empty(shape, dtype), np.empty(shape, np.int32), np.empty(counts_shape, np.int32)
