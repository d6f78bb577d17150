"""Compute one layer of the MLP in bfloat16 where MKL multiplies: a product a pass, and one pass of our own behind it.

The numbers are those of :mod:`isgd_mpi.model.bfloat16.rounded_layer`: products of rounded factors with float32 sums,
master weights in float32. MKL reads a factor as it is or transposed, and packs it itself. So weights, activations and
deltas are kept once, in rows; deltas times shares besides. Whoever computes numbers writes them rounded: the step those
of the weights.
"""

import numpy as np

from isgd_mpi.kernels.bfloat16 import bias_relu_rounded, relu_backward_weighted, round_rows
from isgd_mpi.kernels.bfloat16_descent import update_and_round
from isgd_mpi.kernels.memory import LINE_BYTES, aligned_zeros
from isgd_mpi.model.bfloat16 import mkl
from isgd_mpi.model.layers import matrix, squared_norm
from isgd_mpi.model.params import layer_slices

_LINE = LINE_BYTES // 2  # bfloat16 numbers in a cache line: parts of a factor begin where one does


def make_layers(widths, buffers):
    """Return the layers of a model that computes in bfloat16 by MKL; see :func:`few_rows.make_layers`."""
    factors = Factors(widths, buffers)
    return [MKLLayer(k, widths, buffers, factors) for k in range(len(widths) - 1)]


def row_length(width, dtype):
    """Return the numbers from one row of a factor to the next: an odd number of cache lines.

    Rows that are a power of two apart would fall into few sets of the caches, and push each other out.
    """
    line = LINE_BYTES // np.dtype(dtype).itemsize
    return (-(-width // line) | 1) * line


class Factors:
    """Rounded activations and deltas of all layers, and room for a product.

    Parameters
    ----------
    widths : sequence of int
    buffers : layers.Buffers

    Attributes
    ----------
    activations : list of (max_rows, row length) ndarray of uint16
        Inputs of each layer; features first.
    deltas, weighted : list of (max_rows, row length) ndarray of uint16
        Deltas of each layer's outputs, and their products with the examples' shares.
    bias_gradients : list of (fan_out,) ndarray of float32
        Sums of these products before rounding.
    sums : ndarray of float32
        For the product of a hidden layer, or of a backward pass: one works at a time.
    """

    def __init__(self, widths, buffers):
        n_rows, allocate = buffers.max_rows, buffers.share.allocate
        shapes = [((n_rows, row_length(width, np.uint16)), np.uint16) for width in widths]
        self.activations = allocate(*shapes[:-1])
        sums = [((width,), np.float32) for width in widths[1:]]
        # those of the last layer, which has few units, each trainer computes for itself
        self.deltas, self.weighted, self.bias_gradients = (
            [*allocate(*kinds[:-1]), aligned_zeros(*kinds[-1])] for kinds in (shapes[1:], shapes[1:], sums)
        )
        self.sums = aligned_zeros((n_rows * row_length(max(widths[1:]), np.float32),), np.float32)

    def room(self, n_rows, width):
        """Return room for a product."""
        return matrix(self.sums, (n_rows, row_length(width, np.float32)))


class MKLLayer:
    """One layer, with the methods of :class:`layers.Layer`.

    Activations and deltas between layers lie in `factors`. Weights that are not set by :meth:`step` are rounded at the
    next forward pass: after :meth:`use`, and after :meth:`write_gradient`, which an optimiser's step follows.

    Parameters
    ----------
    k, widths, buffers
        See :class:`layers.Layer`.
    factors : Factors

    Attributes
    ----------
    part : (slice, slice)
        See :class:`layers.Layer`.
    """

    def __init__(self, k, widths, buffers, factors):
        self._k, self._buffers, self._factors, share = k, buffers, factors, buffers.share
        self._fan_in, self._fan_out = widths[k : k + 2]
        self._is_first, self._is_last = k == 0, k + 2 == len(widths)
        self._weights, self._biases = layer_slices(widths)[k]
        self._cut = share.cut_by_rows(self._fan_out) if self._is_last else share.cut(self._fan_out, buffers.max_rows)
        self._columns, self._own_inputs = self._cut.columns, share.columns(self._fan_in, _LINE)
        self._inputs_to_step = self._cut.rows(self._fan_in, _LINE)
        self._weight_gradient, self._bias_gradient = self._views(buffers.gradient)
        n_inputs, n_columns = (part.stop - part.start for part in (self._inputs_to_step, self._columns))
        self._formed = aligned_zeros((n_inputs, row_length(n_columns, np.float32)), np.float32)
        (self._rounded_w,) = share.allocate(((self._fan_in, row_length(self._fan_out, np.uint16)), np.uint16))
        self._own_rounded_w = self._rounded_w[self._inputs_to_step]
        self._own_bias_gradient = factors.bias_gradients[k][self._columns if self._cut.leads else slice(0)]
        if self._is_last:
            (self._z,) = share.allocate(((buffers.max_rows, self._fan_out), np.float32))
        self._norms = np.empty(max(self._fan_in, buffers.max_rows))  # those of rows that are only rounded

    def use(self, vector):
        """Use the weights and biases in a parameter vector, in place."""
        self._w, self._b = self._views(vector)
        self._own_b = self._b[self._columns]
        self._is_rounded, self._optimiser = False, None

    def plan(self, n_rows):
        """Cut all buffers for the next calls, of `n_rows` examples, and fix the arguments of the products."""
        self.part = rows, columns = self._cut.rows(n_rows), self._columns
        self._shares = self._buffers.shares[:n_rows]
        self._inputs = self._factors.activations[self._k][:n_rows]
        self._delta, self._weighted = (
            each[self._k][:n_rows] for each in (self._factors.deltas, self._factors.weighted)
        )
        inputs, weights = self._inputs[:, : self._fan_in], self._rounded_w[:, : self._fan_out]
        weighted = self._weighted[:, : self._fan_out]
        self._plan_forward(inputs[rows], weights[:, columns])
        if not self._is_first:
            self._plan_backward(self._delta[:, : self._fan_out], weights[self._own_inputs])
        self._form_part = mkl.Product(
            inputs[:, self._inputs_to_step].T, weighted[:, columns], self._formed[:, : columns.stop - columns.start]
        )
        self._form_whole = mkl.Product(inputs.T, weighted, self._weight_gradient)

    def _plan_forward(self, inputs, weights):
        """Plan the product of own rows of the inputs, and the pass behind it."""
        (rows, columns), n_rows = self.part, len(inputs)
        if self._is_last:
            self._sums = self._z[rows]
            self._multiply = mkl.Product(inputs, weights, self._sums)
            return
        self._sums = self._factors.room(n_rows, columns.stop - columns.start)
        self._multiply = mkl.Product(inputs, weights, self._sums[:, : weights.shape[1]])
        self._outputs = self._factors.activations[self._k + 1][rows]
        self._output_norms = self._buffers.squared_input_norms[self._k + 1, self._cut.column_part, rows]

    def _plan_backward(self, delta, weights):
        """Plan the product of the deltas with the weights of own inputs, and the pass behind it."""
        below, own, factors, n_rows = self._k - 1, self._own_inputs, self._factors, len(delta)
        self._upstream = factors.room(n_rows, len(weights))
        self._multiply_back = mkl.Product(delta, weights.T, self._upstream[:, : len(weights)])
        self._below = (
            *(factors.deltas[below][:n_rows], factors.weighted[below][:n_rows], factors.bias_gradients[below][own]),
            *(self._buffers.squared_delta_norms[below, self._buffers.share.rank, :n_rows], own.start),
        )

    def activate(self, h):
        """Compute the outputs of a hidden layer; see :meth:`layers.Layer.activate`.

        Parameters
        ----------
        h : (B, fan_in) ndarray of float32, or of uint16
            Features, in the first layer; else the inputs that the layer below wrote to the factors.
        """
        self._prepare(h)
        self._multiply()
        bias_relu_rounded(self._sums, self._own_b, self._outputs, self._output_norms, self._columns.start)
        return self._factors.activations[self._k + 1]

    def logits(self, h):
        """Compute the outputs of the last layer, (B, fan_out), of this trainer's rows; see :meth:`activate`."""
        self._prepare(h)
        self._multiply()
        self._sums += self._b
        return self._z[: len(self._shares)]

    def list_rows(self, h, rows, columns):
        """Do nothing: inputs need no preparation."""

    def list_columns(self, h):
        """Do nothing: inputs need no preparation."""

    def backward(self, delta, before_step=False):
        """Compute the delta of the layer below, and its squared row norms; see :meth:`layers.Layer.backward`.

        Parameters
        ----------
        delta : (B, fan_out) ndarray of float32, or of uint16
            Delta of this layer: in the last one an array, else that in the factors.
        before_step : bool
            Makes no difference.

        Returns
        -------
        ndarray or None
            The delta below, of which this trainer's columns are written. None if no layer is below.
        """
        self._is_formed = False
        if self._is_first:
            return None
        if self._is_last:
            round_rows(delta, self._delta, self._norms)
        self._multiply_back()
        relu_backward_weighted(self._upstream, self._inputs, self._shares, *self._below)
        return self._below[0]

    def write_gradient(self, delta, shares):
        """Write the layer's part of the gradient to its buffer; see :meth:`layers.Layer.write_gradient`."""
        self._weigh(delta, shares)
        self._form_whole()
        self._bias_gradient[:] = self._factors.bias_gradients[self._k]
        self._is_rounded = False

    def squared_gradient_norm(self, delta, shares):
        """Return this trainer's part of the squared norm of the gradient; see :class:`layers.Layer`."""
        return sum(map(squared_norm, self.own_gradient(delta, shares)))

    def own_gradient(self, delta, shares):
        """Form this trainer's part of the gradient once, and let the step use it; see :class:`layers.Layer`."""
        if not self._is_formed:
            self._is_formed = True
            self._weigh(delta, shares)
            self._form_part()
        return self._formed[:, : self._columns.stop - self._columns.start], self._own_bias_gradient

    def step(self, delta, shares, optimiser):
        """Take the optimiser's step of the layer's parameters; see :meth:`layers.Layer.step`."""
        inputs, columns = self._inputs_to_step, self._columns
        if optimiser is not self._optimiser:
            self._optimiser = optimiser
            whole = optimiser.part(self._weights, self._w.shape)
            self._steps = tuple(None if each is None else each[inputs] for each in whole)
            own = slice(self._biases.start + columns.start, self._biases.start + columns.stop)
            self._bias_steps = optimiser.part(own)
        self.own_gradient(delta, shares)
        update_and_round(
            *(*self._steps, self._formed, optimiser.settings, self._own_rounded_w, columns.start, columns.stop)
        )
        if self._cut.leads:
            optimiser.step_part(self._bias_steps, self._own_bias_gradient)

    def _prepare(self, h):
        """Round the weights if they are new, and features."""
        if not self._is_rounded:
            round_rows(self._w, self._rounded_w, self._norms)
            self._is_rounded = True
        if self._is_first:
            own = self._buffers.share.rows(len(h))
            round_rows(h[own], self._inputs[own], self._norms)
            self._buffers.share.meet()

    def _weigh(self, delta, shares):
        """Round the last layer's products of deltas with shares, and sum them; those below have been written."""
        if self._is_last:
            weighted = np.multiply(delta, shares[:, None], out=self._buffers.weighted(delta.shape))
            round_rows(weighted, self._weighted, self._norms)
            np.matmul(shares, delta, out=self._factors.bias_gradients[self._k])

    def _views(self, vector):
        """Return the layer's weights and biases as views into a vector of all parameters."""
        return vector[self._weights].reshape(self._fan_in, self._fan_out), vector[self._biases]
