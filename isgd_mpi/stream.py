"""One layer's products with few rows: weights stream past once, and no gradient is formed."""

import numpy as np

from isgd_mpi.threads import on_columns
from kernels.streams import (
    DEPTH,
    active_in_columns,
    active_in_rows,
    add_active_product,
    add_product,
    descend_along_product,
    width_of,
)

MOST_ROWS = 256
"""Beyond, BLAS is as fast: it copies what it multiplies into a better order, and that pays with many rows."""

_PACKED_ROWS = 64  # from here on it pays to copy weights into the first-level cache, which skipping zeros takes
_ACTIVE = 0.75  # share of inputs up to which skipping the others is faster


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

    def descend(self, h, delta, w, velocity, rate, momentum, weight_decay):
        """Take a step of SGD along ``h.T @ delta``; arguments as of :func:`kernels.streams.descend_along_product`."""
        *lists, counts = self._in_columns
        values, indices = (flat.reshape(-1)[: h.size].reshape(self._fan_in, len(h)) for flat in lists)
        active_in_columns(h, values, indices, counts)
        self._run(descend_along_product, values, indices, counts, delta, w, velocity, rate, momentum, weight_decay)

    def _run(self, kernel, *arguments):
        """Run a kernel on all columns."""
        on_columns(kernel, *arguments, n_columns=self._fan_out, width=self._width, n_operations=self._n_operations)


def _lists(n_rows, n_columns, counts_shape, dtype):
    """Return buffers of values, indices and counts."""
    shape = (n_rows, n_columns)
    return np.empty(shape, dtype), np.empty(shape, np.int32), np.empty(counts_shape, np.int32)
