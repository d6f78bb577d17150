"""Multiply few rows faster than BLAS: weights stream past once, and a step along their gradient does not form it."""

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
from isgd_mpi.model.layers import FEW_ROWS, Layer, matrix

_PACKED_ROWS = 64  # least rows for which zeros are skipped: that copies weights into the first-level cache
_ACTIVE = 0.75  # largest share of inputs that are not zero for which skipping the others is faster
_ACTIVE_BACKWARD = 0.6  # the same share for the backward product


def make_layers(widths, buffers):
    """Return the layers of a model. Those are streamed whose rows of weights are whole vectors, as the kernels need.

    Parameters
    ----------
    widths : sequence of int
        Features, hidden widths, classes.
    buffers : layers.Buffers

    Returns
    -------
    list of layers.Layer
    """
    width = width_of(buffers.gradient)
    kinds = [Layer if fan_out % width else StreamedLayer for fan_out in widths[1:]]
    return [kind(k, widths, buffers) for k, kind in enumerate(kinds)]


class StreamedLayer(Layer):
    """One layer, which streams its weights past few rows, and multiplies many rows by BLAS.

    Parameters
    ----------
    k, widths, buffers
        See :class:`layers.Layer`.
    """

    def __init__(self, k, widths, buffers):
        super().__init__(k, widths, buffers)
        self._width = width_of(buffers.gradient)
        n_rows, n_blocks = buffers.few_rows, -(-self._fan_in // DEPTH)
        self._n_operations = 2 * n_rows * self._fan_in * self._fan_out
        listed = self._behind_relu and n_rows >= _PACKED_ROWS
        rows = n_rows if listed else 0
        self._in_rows = buffers.share.allocate(*_lists((rows, n_blocks * DEPTH), (rows, n_blocks), buffers.dtype))
        self._in_columns = buffers.share.allocate(*_lists((n_rows * self._fan_in,), (self._fan_in,), buffers.dtype))
        self._is_listed = False

    def list_rows(self, h, rows, columns):
        """List a part of the inputs that are not zero, by rows; see :class:`layers.Layer`."""
        if _PACKED_ROWS <= len(h) <= FEW_ROWS:
            lists = [part[rows] for part in self._in_rows]
            active_in_rows(h[rows], *lists, columns.start // DEPTH, -(-columns.stop // DEPTH))

    def list_columns(self, h):
        """List those of this trainer's columns of the inputs that are not zero; see :class:`layers.Layer`."""
        if len(h) <= FEW_ROWS:
            active_in_columns(h, *self._lists(len(h)), self._own_inputs.start, self._own_inputs.stop)

    def backward(self, delta, before_step=False):
        """Compute the delta below; before a step, list the inputs and skip those that are zero."""
        self._is_listed = before_step and len(delta) <= FEW_ROWS
        if self._is_listed and self._behind_relu:
            self.list_columns(self._inputs)
        return super().backward(delta, before_step)

    def _step_weights(self, weighted, optimiser):
        if not self._is_listed:
            super()._step_weights(weighted, optimiser)
            return
        inputs = self._cut.rows(self._fan_in)
        lists = [part[inputs] for part in self._lists(len(weighted))]
        arguments = optimiser.step_arguments(self._weights_of(inputs), (-1, self._fan_out))
        self._run(descend_along_product, *lists, weighted, *arguments, columns=self._columns)

    def _multiply(self, h, z, rows, columns):
        if len(h) > FEW_ROWS:
            super()._multiply(h, z, rows, columns)
            return
        z[rows, columns] = 0
        if self._behind_relu and len(h) >= _PACKED_ROWS:
            values, indices, counts = (part[: len(h)] for part in self._in_rows)
            if counts.sum() <= _ACTIVE * h.size:
                lists = values[rows], indices[rows], counts[rows]
                self._run(add_active_product, *lists, self._w, z[rows], columns=columns)
                return
        self._run(add_product, h[rows], self._w, z[rows], columns=columns)

    def _multiply_back(self, delta, upstream):
        if self._is_listed and self._fan_out % (N_VECTORS * self._width) == 0:
            own = self._own_inputs
            _, indices, counts = (part[own] for part in self._lists(len(delta)))
            if counts.sum() <= _ACTIVE_BACKWARD * indices.size:
                upstream[:] = 0
                arguments = indices, counts, delta, self._w[own], upstream
                self._run(add_active_dots, *arguments, columns=slice(0, len(upstream)), width=1)
                return
        super()._multiply_back(delta, upstream)

    def _lists(self, n_rows):
        """Return values, examples and counts of the lists by columns."""
        *lists, counts = self._in_columns
        return *(matrix(flat, (self._fan_in, n_rows)) for flat in lists), counts

    def _run(self, kernel, *arguments, columns, width=None):
        """Run a kernel on a range of columns, which a trainer alone shares among its threads."""
        if self._buffers.share.n > 1:
            kernel(*arguments, columns.start, columns.stop)
        else:
            whole = {"n_columns": columns.stop, "width": width or self._width}
            on_columns(kernel, *arguments, **whole, n_operations=self._n_operations)


def _lists(shape, counts_shape, dtype):
    """Return shapes and dtypes of buffers for values, indices and counts."""
    return (shape, dtype), (shape, np.int32), (counts_shape, np.int32)
