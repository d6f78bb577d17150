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
from isgd_mpi.model.layers import FEW_ROWS, Layer

_PACKED_ROWS = 64  # least rows for which zeros are skipped: that copies weights into the first-level cache
_ACTIVE = 0.75  # largest share of inputs that are not zero for which skipping the others is faster
_ACTIVE_BACKWARD = 0.6  # the same share for the backward product


def make_layers(widths, shared):
    """Return the layers of a model. Those are streamed whose rows of weights are whole vectors, as the kernels need.

    Parameters
    ----------
    widths : sequence of int
        Features, hidden widths, classes.
    shared : layers.SharedBuffers

    Returns
    -------
    list of layers.Layer
    """
    width = width_of(shared.gradient)
    kinds = [Layer if fan_out % width else StreamedLayer for fan_out in widths[1:]]
    return [kind(k, widths, shared) for k, kind in enumerate(kinds)]


class StreamedLayer(Layer):
    """One layer, which streams its weights past few rows, and multiplies many rows by BLAS.

    Parameters
    ----------
    k, widths, shared
        See :class:`layers.Layer`.
    """

    def __init__(self, k, widths, shared):
        super().__init__(k, widths, shared)
        self._width = width_of(shared.gradient)
        n_rows, n_blocks = shared.few_rows, -(-self._fan_in // DEPTH)
        self._n_operations = 2 * n_rows * self._fan_in * self._fan_out
        self._in_rows = _lists((n_rows, n_blocks * DEPTH), (n_rows, n_blocks), shared.dtype)
        self._in_columns = _lists((n_rows * self._fan_in,), (self._fan_in,), shared.dtype)

    def backward(self, delta, before_step=False):
        """Add the layer's share of the norms, and compute the delta below; before a step, skip inputs that are zero."""
        self._lists = self._listed_inputs() if before_step else None
        return super().backward(delta)

    def step(self, delta, shares, optimiser):
        """Take the optimiser's step of the layer's parameters, without forming the gradient of the weights."""
        arguments = optimiser.step_arguments(self._weights, self._w.shape)
        self._run(descend_along_product, *self._lists, self._shared.weighted(delta, shares), *arguments)
        np.matmul(shares, delta, out=self._bias_gradient)
        optimiser.step_part(self._biases, self._bias_gradient)

    def _multiply(self, h, z):
        if len(h) > FEW_ROWS:
            super()._multiply(h, z)
            return
        z[:] = 0
        if self._behind_relu and len(h) >= _PACKED_ROWS:
            values, indices, counts = (part[: len(h)] for part in self._in_rows)
            active_in_rows(h, values, indices, counts)
            if counts.sum() <= _ACTIVE * h.size:
                self._run(add_active_product, values, indices, counts, self._w, z)
                return
        self._run(add_product, h, self._w, z)

    def _multiply_back(self, delta, upstream):
        if self._lists and self._fan_out % (N_VECTORS * self._width) == 0:
            _, indices, counts = self._lists
            if counts.sum() <= _ACTIVE_BACKWARD * indices.size:
                upstream[:] = 0
                self._run(add_active_dots, indices, counts, delta, self._w, upstream, n_columns=self._fan_in, width=1)
                return
        super()._multiply_back(delta, upstream)

    def _listed_inputs(self):
        """List the examples for which each input is not zero; return values, examples and counts."""
        shape = self._inputs.shape[::-1]
        *lists, counts = self._in_columns
        values, indices = (flat[: self._inputs.size].reshape(shape) for flat in lists)
        active_in_columns(self._inputs, values, indices, counts)
        return values, indices, counts

    def _run(self, kernel, *arguments, n_columns=None, width=None):
        """Run a kernel on all columns of the weights, or on `n_columns` others."""
        whole = {"n_columns": n_columns or self._fan_out, "width": width or self._width}
        on_columns(kernel, *arguments, **whole, n_operations=self._n_operations)


def _lists(shape, counts_shape, dtype):
    """Return buffers for values, indices and counts."""
    return np.empty(shape, dtype), np.empty(shape, np.int32), np.empty(counts_shape, np.int32)
