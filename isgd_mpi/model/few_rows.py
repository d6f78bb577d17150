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
from isgd_mpi.kernels.threads import WORTHWHILE, on_columns
from isgd_mpi.model.layers import Layer, matrix
from isgd_mpi.model.narrow import NarrowLayer

_PACKED_ROWS = 64  # least rows for which zeros are skipped: that copies weights into the first-level cache
_ACTIVE = 0.75  # largest share of inputs that are not zero for which skipping the others is faster
_ACTIVE_BACKWARD = 0.6  # the same share for the backward product


def make_layers(widths, buffers):
    """Return the layers of a model. Those are streamed whose rows of weights are whole vectors, as the kernels need.

    The last layer is a narrow one if it has fewer outputs than a vector, and its inputs are whole vectors.

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
    if widths[-1] < width and widths[-2] % width == 0:
        kinds[-1] = NarrowLayer
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
        n_rows, n_blocks = self._most_few_rows, -(-self._fan_in // DEPTH)
        self._n_operations = 2 * n_rows * self._fan_in * self._fan_out
        self._has_one_thread = buffers.share.n > 1 or self._n_operations < WORTHWHILE
        listed = self._behind_relu and n_rows >= _PACKED_ROWS
        rows = n_rows if listed else 0
        self._in_rows = buffers.share.allocate(*_lists((rows, n_blocks * DEPTH), (rows, n_blocks), buffers.dtype))
        self._in_columns = buffers.share.allocate(*_lists((n_rows * self._fan_in,), (self._fan_in,), buffers.dtype))
        self._is_listed = False

    def plan(self, n_rows):
        """Cut the buffers for calls of `n_rows` rows; see :class:`layers.Layer`."""
        super().plan(n_rows)
        self._packs = self._behind_relu and self._few and n_rows >= _PACKED_ROWS
        if self._packs:
            self._counts = self._in_rows[-1][:n_rows]
            self._own_in_rows = [part[self.part[0]] for part in self._in_rows]
        if self._few:
            *lists, counts = self._in_columns
            whole = [*(matrix(flat, (self._fan_in, n_rows)) for flat in lists), counts]
            self._lists, self._own_lists = whole, [part[self._own_inputs] for part in whole]
            self._lists_to_step = [part[self._own_rows] for part in whole]

    def list_rows(self, h, rows, columns):
        """List a part of the inputs that are not zero, by rows; see :class:`layers.Layer`."""
        if self._packs:
            lists = [part[rows] for part in self._in_rows]
            active_in_rows(h[rows], *lists, columns.start // DEPTH, -(-columns.stop // DEPTH))

    def list_columns(self, h):
        """List those of this trainer's columns of the inputs that are not zero; see :class:`layers.Layer`."""
        if self._few:
            own = self._own_inputs
            self._n_active = active_in_columns(h, *self._lists, own.start, own.stop)

    def backward(self, delta, before_step=False):
        """Compute the delta below; before a step, list the inputs and skip those that are zero."""
        self._is_listed = before_step and self._few
        if self._is_listed and self._behind_relu:
            self.list_columns(self._inputs)
        return super().backward(delta, before_step)

    def step(self, delta, shares, optimiser):
        """Take the optimiser's step, without forming the gradient where it is not formed; see :class:`layers.Layer`."""
        if self._is_formed or not self._is_listed:
            super().step(delta, shares, optimiser)
            return
        if optimiser is not self._optimiser:
            self._use_optimiser(optimiser)
        steps = *self._steps, *self._bias_steps, optimiser.settings
        self._run(descend_along_product, *self._lists_to_step, delta, shares, *steps, columns=self._columns)

    def _multiply(self, h):
        if not self._few:
            super()._multiply(h)
            return
        self._inputs, (rows, columns) = h, self.part
        self._own_z[:, columns] = 0
        if self._packs and self._counts.sum() <= _ACTIVE * h.size:
            self._run(add_active_product, *self._own_in_rows, self._w, self._own_z, columns=columns)
        else:
            self._run(add_product, h[rows], self._w, self._own_z, columns=columns)

    def _multiply_back(self, delta, upstream):
        if self._is_listed and self._fan_out % (N_VECTORS * self._width) == 0:
            _, indices, counts = self._own_lists
            if self._n_active <= _ACTIVE_BACKWARD * indices.size:
                upstream[:] = 0
                arguments = indices, counts, delta, self._own_inputs_w, upstream
                self._run(add_active_dots, *arguments, columns=slice(0, len(upstream)), width=1)
                return
        super()._multiply_back(delta, upstream)

    def _run(self, kernel, *arguments, columns, width=None):
        """Run a kernel on a range of columns, which a trainer alone shares among its threads."""
        if self._has_one_thread:
            kernel(*arguments, columns.start, columns.stop)
        else:
            whole = {"n_columns": columns.stop, "width": width or self._width}
            on_columns(kernel, *arguments, **whole, n_operations=self._n_operations)


def _lists(shape, counts_shape, dtype):
    """Return shapes and dtypes of buffers for values, indices and counts."""
    return (shape, dtype), (shape, np.int32), (counts_shape, np.int32)
