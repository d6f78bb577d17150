"""Compute one layer of the MLP in bfloat16: products of rounded factors with float32 sums, master weights in float32.

Rounded copies of the weights lie as the products read them. The step writes them anew while it updates the weights, and
each pass rounds what it computes, so that nothing is packed before a product (see
:mod:`isgd_mpi.kernels.bfloat16_layers`). Norms are those of the numbers before rounding.
"""

import numpy as np

from isgd_mpi.kernels.bfloat16_descent import descend, form_gradient, round_weights
from isgd_mpi.kernels.bfloat16_layers import TILE_PAIRS, WIDE, activate, propagate, round_features
from isgd_mpi.kernels.bfloat16_products import TILE_ROWS, multiply, pack_transposed, pack_weighted, padded
from isgd_mpi.kernels.memory import aligned_zeros
from isgd_mpi.model.layers import matrix, squared_norm
from isgd_mpi.model.params import layer_slices

_PAIR = 2  # numbers that stand in 32 bits together: parts begin at even ones


def make_layers(widths, buffers):
    """Return the layers of a model that computes in bfloat16; see :func:`few_rows.make_layers`."""
    return [RoundedLayer(k, widths, buffers) for k in range(len(widths) - 1)]


class Activations:
    """Outputs of a layer, or features, as a left factor of two products.

    Parameters
    ----------
    width : int
        Units.
    buffers : layers.Buffers

    Attributes
    ----------
    rows : (> max_rows, padded width) ndarray of uint16
    columns : (> width, padded B) ndarray of uint16
        Their transpose, after :meth:`plan`.
    """

    def __init__(self, width, buffers):
        self._height, n_columns = padded(width) + TILE_ROWS, padded(buffers.max_rows)
        self.rows, self._columns = buffers.share.allocate(
            ((buffers.max_rows + TILE_ROWS, padded(width)), np.uint16), ((self._height * n_columns,), np.uint16)
        )

    def plan(self, n_rows):
        """Cut the buffers for `n_rows` examples; padding is zero again."""
        self._columns[:] = 0
        self.columns = matrix(self._columns, (self._height, padded(n_rows)))


class Deltas:
    """Deltas of some units, as a right factor of two products.

    Parameters
    ----------
    width : int
        Units.
    buffers : layers.Buffers
    allocate : callable
        Takes shapes and dtypes as :attr:`share.Share.allocate` does.
    end_here : bool
        Whether no layer below needs them.

    Attributes
    ----------
    backward_pairs, gradient_pairs : ndarray of uint32
        Deltas, unless they end here, and deltas times shares; after :meth:`plan`.
    bias_gradient : (width,) ndarray of float32
        Sums of deltas times shares.
    """

    def __init__(self, width, buffers, allocate, end_here=False):
        self._width = width
        pairs = (padded(buffers.max_rows) * padded(width) // 2,), np.uint32
        gradient_pairs, self.bias_gradient = allocate(pairs, ((width,), np.float32))
        (backward_pairs,) = [aligned_zeros((TILE_PAIRS,), np.uint32)] if end_here else allocate(pairs)
        self._pairs = backward_pairs, gradient_pairs

    def plan(self, n_rows):
        """Cut the buffers for `n_rows` examples; padding is zero again."""
        for pairs in self._pairs:
            pairs[:] = 0
        n_pairs = padded(n_rows) * padded(self._width) // 2
        self.backward_pairs, self.gradient_pairs = (pairs[:n_pairs] for pairs in self._pairs)


class RoundedLayer:
    """One layer, with the methods of :class:`layers.Layer`.

    Between layers, :class:`Activations` and :class:`Deltas` take the place of arrays. Weights that are not set by
    :meth:`step` are rounded at the next forward pass: after :meth:`use`, and after :meth:`write_gradient`, which an
    optimiser's step follows.

    Parameters
    ----------
    k, widths, buffers
        See :class:`layers.Layer`.

    Attributes
    ----------
    part : (slice, slice)
        See :class:`layers.Layer`.
    """

    def __init__(self, k, widths, buffers):
        self._buffers, share = buffers, buffers.share
        self._fan_in, self._fan_out = widths[k : k + 2]
        self._is_first, self._is_last = k == 0, k + 2 == len(widths)
        self._weights, self._biases = layer_slices(widths)[k]
        self._cut = share.cut_by_rows(self._fan_out) if self._is_last else share.cut(self._fan_out, buffers.max_rows)
        self._own_inputs = share.columns(self._fan_in)
        self._own_weights, self._leads = (self._cut.rows(self._fan_in, _PAIR), self._cut.columns), self._cut.leads
        if self._is_last and self._fan_out < WIDE:
            self._own_weights = share.rows_to_step(self._fan_in, _PAIR), self._cut.columns
            self._leads = share.steps_biases
        self._weight_ends = _ends(*self._own_weights)
        self._weight_gradient, self._bias_gradient = self._views(buffers.gradient)
        self._pairs, self._rows = share.allocate(
            ((padded(self._fan_in) * padded(self._fan_out) // 2,), np.uint32),
            ((0 if self._is_first else padded(self._fan_in) + TILE_ROWS, padded(self._fan_out)), np.uint16),
        )
        self._prepare_inputs(k)
        self._prepare_outputs(k)

    def _prepare_inputs(self, k):
        """Make the buffers of the layer's inputs."""
        if self._is_first:
            self._features = Activations(self._fan_in, self._buffers)
            self._below = None
        else:
            self._below = Deltas(self._fan_in, self._buffers, self._buffers.share.allocate, end_here=k == 1)
            self._below_norms = self._buffers.squared_delta_norms[k - 1, self._buffers.share.rank]

    def _prepare_outputs(self, k):
        """Make the buffers of the layer's outputs."""
        n_rows = self._buffers.max_rows
        if self._is_last:
            (self._z,) = self._buffers.share.allocate(((n_rows, self._fan_out), np.float32))
            self._sums = aligned_zeros((n_rows + TILE_ROWS, padded(self._fan_out)), np.float32)
            self._outputs = Deltas(
                self._fan_out, self._buffers, lambda *kinds: [aligned_zeros(*kind) for kind in kinds]
            )
        else:
            self._outputs = Activations(self._fan_out, self._buffers)
            self._output_norms = self._buffers.squared_input_norms[k + 1, self._cut.column_part]

    def use(self, vector):
        """Use the weights and biases in a parameter vector, in place."""
        self._w, self._b = self._views(vector)
        self._is_rounded, self._optimiser = False, None

    def plan(self, n_rows):
        """Cut all buffers for the next calls, of `n_rows` examples."""
        share = self._buffers.share
        self.part = self._cut.rows(n_rows, 1 if self._is_last else _PAIR), self._cut.columns
        self._ends = _ends(*self.part)
        self._shares = self._buffers.shares[:n_rows]
        for buffers in (self._features if self._is_first else self._below, self._outputs):
            buffers.plan(n_rows)
        if self._is_first:
            self._own_examples = share.cut_by_rows(self._fan_in).rows(n_rows, _PAIR)
        share.meet()  # then no buffer is cleared that another trainer has begun to write to

    def activate(self, h):
        """Compute the outputs of a hidden layer; see :meth:`layers.Layer.activate`.

        Parameters
        ----------
        h : Activations, or (B, fan_in) ndarray of float32
            Inputs; features in the first layer.

        Returns
        -------
        Activations
        """
        inputs, out = self._prepare(h), self._outputs
        activate(inputs.rows, self._pairs, self._b, out.rows, out.columns, self._output_norms, *self._ends)
        return out

    def logits(self, h):
        """Compute the outputs of the last layer, (B, fan_out), of this trainer's rows; see :meth:`activate`."""
        inputs, z, (rows, _) = self._prepare(h), self._z, self.part
        n_rows = rows.stop - rows.start
        within_tiles = padded(n_rows, TILE_ROWS)
        multiply(inputs.rows[rows.start : rows.start + within_tiles], self._pairs, self._sums[:within_tiles])
        np.add(self._sums[:n_rows, : self._fan_out], self._b, out=z[rows])
        return z[: len(self._shares)]

    def list_rows(self, h, rows, columns):
        """Do nothing: inputs need no preparation."""

    def list_columns(self, h):
        """Do nothing: inputs need no preparation."""

    def backward(self, delta, before_step=False):
        """Compute the delta of the layer below, and its squared row norms; see :meth:`layers.Layer.backward`.

        Parameters
        ----------
        delta : Deltas, or (B, fan_out) ndarray of float32
            Delta of this layer; an array in the last layer.
        before_step : bool
            Makes no difference.

        Returns
        -------
        Deltas or None
        """
        self._is_formed = False
        if self._is_first:
            return None
        if self._is_last:
            pack_transposed(delta, self._outputs.backward_pairs)
            delta = self._outputs
        below, own = self._below, self._own_inputs
        propagate(
            *(self._rows, delta.backward_pairs, self._inputs.columns, self._shares),
            *(below.backward_pairs, below.gradient_pairs, below.bias_gradient, self._below_norms),
            *(own.start, own.stop),
        )
        return below

    def write_gradient(self, delta, shares):
        """Write the layer's part of the gradient to its buffer; see :meth:`layers.Layer.write_gradient`."""
        delta = self._weighted(delta, shares)
        self._form_gradient(delta, slice(0, self._fan_in), slice(0, self._fan_out))
        self._bias_gradient[:] = delta.bias_gradient
        self._is_rounded = False

    def squared_gradient_norm(self, delta, shares):
        """Return this trainer's part of the squared norm of the gradient; see :class:`layers.Layer`."""
        return sum(map(squared_norm, self.own_gradient(delta, shares)))

    def own_gradient(self, delta, shares):
        """Form this trainer's part of the gradient once, and let the step use it; see :class:`layers.Layer`."""
        inputs, columns = self._own_weights
        biases = self._bias_gradient[columns if self._leads else slice(0)]
        if not self._is_formed:
            self._is_formed = True
            delta = self._weighted(delta, shares)
            self._form_gradient(delta, inputs, columns)
            biases[:] = delta.bias_gradient[columns][: len(biases)]
        return self._weight_gradient[inputs, columns], biases

    def step(self, delta, shares, optimiser):
        """Take the optimiser's step of the layer's parameters; see :meth:`layers.Layer.step`."""
        inputs, columns = self._own_weights
        if inputs.start == inputs.stop and not self._leads:
            return
        if optimiser is not self._optimiser:
            self._optimiser = optimiser
            own = slice(self._biases.start + columns.start, self._biases.start + columns.stop)
            self._steps, self._bias_steps = optimiser.part(self._weights, self._w.shape), optimiser.part(own)
        part = self._pairs, self._rows, *self._weight_ends
        if self._is_formed:
            steps = [vectors if vectors is None else vectors[inputs] for vectors in self._steps]
            optimiser.step_part(steps, self._weight_gradient[inputs], columns)
            round_weights(self._w, *part)
            bias_gradient = self._bias_gradient
        else:
            delta = self._weighted(delta, shares)
            descend(self._inputs.columns, delta.gradient_pairs, *self._steps, optimiser.settings, *part)
            bias_gradient = delta.bias_gradient
        if self._leads:
            optimiser.step_part(self._bias_steps, bias_gradient[columns])

    def _form_gradient(self, delta, inputs, columns):
        """Write a part of the gradient by the weights to its buffer."""
        form_gradient(
            *(self._inputs.columns, delta.gradient_pairs, self._weight_gradient),
            *(inputs.start, inputs.stop, columns.start, columns.stop),
        )

    def _prepare(self, h):
        """Return the inputs of a forward pass, rounded, and hold them for the backward pass; round the weights."""
        if not self._is_rounded:
            round_weights(self._w, self._pairs, self._rows, 0, self._fan_in, 0, self._fan_out)
            self._is_rounded = True
        if self._is_first:
            own = self._own_examples
            round_features(h, self._features.rows, self._features.columns, own.start, own.stop)
            self._buffers.share.meet()
            h = self._features
        self._inputs = h
        return h

    def _weighted(self, delta, shares):
        """Return deltas with their products with shares; where this is the last layer, compute these."""
        if not self._is_last:
            return delta
        pack_weighted(delta, shares, self._outputs.gradient_pairs, self._outputs.bias_gradient)
        return self._outputs

    def _views(self, vector):
        """Return the layer's weights and biases as views into a vector of all parameters."""
        return vector[self._weights].reshape(self._fan_in, self._fan_out), vector[self._biases]


def _ends(rows, columns):
    """Return the ends of a part of a matrix, as kernels take them."""
    return rows.start, rows.stop, columns.start, columns.stop
