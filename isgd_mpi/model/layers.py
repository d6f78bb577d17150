"""Compute one layer of the MLP: its part of each pass.

A layer maps its inputs h to ``z = h W + b``. Its inputs are the features, or ``max(z, 0)`` of the layer below. Its
delta is the gradient of each example's own loss by z, not divided by the number of examples.

* forward: ``z = h W + b``;
* backward: the delta of the layer below is ``delta W^T``, zero where h is;
* gradient of ``sum over n of shares[n] * losses[n]``: ``h^T (shares * delta)`` by W, ``shares delta`` by b;
* squared norm of an example's own gradient: the sum over the layers of ``(|h|^2 + 1) |delta|^2``;
* product of two examples' gradients: the sum over the layers of ``(h_i . h_j + 1) (delta_i . delta_j)``.

Where several trainers compute a model together, each call computes this trainer's part. Forward, and in the step, that
is its part of the layer's cut (:class:`share.Cut`); backward it is its own columns of the delta below. The
caller lets the trainers meet between calls.

A :class:`Layer` multiplies by BLAS. For minibatches of few rows, :class:`few_rows.StreamedLayer` and, where a layer has
few outputs, :class:`narrow.NarrowLayer` have ways of their own.
"""

import numpy as np

from isgd_mpi.kernels.activations import bias_relu, relu_backward, relu_backward_transposed
from isgd_mpi.kernels.memory import aligned_zeros
from isgd_mpi.model.params import layer_slices, n_parameters
from isgd_mpi.model.share import WHOLE

FEW_ROWS = 512
"""The most rows that streaming pays for. With more, BLAS is as fast: it copies its factors into a better order."""

_FEW_ROWS_OF_LARGE = 256  # the same for layers with more weights than this
_SMALL = 2**19

_NORMS_IN_A_LINE = 8


class Buffers:
    """The buffers of a model: those that its trainers share, and those that its layers share.

    Parameters
    ----------
    widths : sequence of int
        Features, hidden widths, classes.
    max_rows : int
        The most examples that one call may hold.
    dtype : numpy dtype
    share : share.Share
        This trainer's share of the model.

    Attributes
    ----------
    few_rows : int
        The smaller one of `max_rows` and FEW_ROWS.
    gradient : (P,) ndarray
        The gradient, in the order of the parameters.
    squared_input_norms, squared_delta_norms : (n_layers, n_trainers, >= max_rows) ndarray of float64
        Squared row norms of each layer's inputs and deltas, in parts: each is the sum over one trainer's columns.
    shares : (max_rows,) ndarray
        Factors of the examples' losses, in a pass that computes a gradient or a step.
    upstream : ndarray
        For transposed products of the backward pass of few rows, because one layer works at a time.
    deltas : list of ndarray
        For two layers, in turn.
    """

    def __init__(self, widths, max_rows, dtype, share=WHOLE):
        self.max_rows, self.dtype, self.share = max_rows, np.dtype(dtype), share
        self.few_rows = min(max_rows, FEW_ROWS)
        hidden = max(widths[1:-1], default=0)
        self.gradient = aligned_zeros(n_parameters(widths), dtype)
        norms = (len(widths) - 1, share.n, -(-max_rows // _NORMS_IN_A_LINE) * _NORMS_IN_A_LINE)
        self.squared_input_norms, self.squared_delta_norms = share.allocate(*[(norms, np.float64)] * 2)
        self.shares = np.ones(max_rows, dtype)
        self.upstream = np.empty(self.few_rows * hidden, dtype)
        self.deltas = [aligned_zeros(max_rows * hidden, dtype) for _ in range(2)]
        self._weighted = aligned_zeros(max_rows * max(widths[1:]), dtype)

    def weighted(self, shape):
        """Return a buffer for deltas times shares."""
        return matrix(self._weighted, shape)


class Layer:
    """One layer, which multiplies by BLAS.

    Parameters
    ----------
    k : int
        Number of the layer, from 0.
    widths : sequence of int
        Features, hidden widths, classes.
    buffers : Buffers

    Attributes
    ----------
    part : (slice, slice)
        This trainer's rows and columns of the outputs, for the number of rows that :meth:`plan` was told.

    Notes
    -----
    The backward pass needs the inputs of the forward pass: it holds them by reference, not as a copy. Arrays returned
    are views of buffers that the next pass overwrites.
    """

    def __init__(self, k, widths, buffers):
        self._buffers, share = buffers, buffers.share
        self._fan_in, self._fan_out = widths[k : k + 2]
        self._behind_relu, last = k > 0, k + 2 == len(widths)
        self._weights, self._biases = layer_slices(widths)[k]
        self._weight_gradient, self._bias_gradient = self._views(buffers.gradient)
        self._cut = share.cut_by_rows(self._fan_out) if last else share.cut(self._fan_out, buffers.max_rows)
        self._columns, self._leads = self._cut.columns, self._cut.leads
        self._own_inputs, self._own_rows = share.columns(self._fan_in), self._cut.rows(self._fan_in)
        n_deltas = buffers.max_rows * self._fan_in if self._behind_relu else 0
        self._output, self._deltas = share.allocate(
            ((buffers.max_rows, self._fan_out), buffers.dtype), ((n_deltas,), buffers.dtype)
        )
        self._deltas_in_turn = buffers.deltas[k % 2]
        limit = FEW_ROWS if self._fan_in * self._fan_out <= _SMALL else _FEW_ROWS_OF_LARGE
        self._most_few_rows = min(buffers.max_rows, limit)
        self._output_norms = buffers.squared_input_norms[k + 1, self._cut.column_part] if not last else np.empty(0)
        self._below_norms = buffers.squared_delta_norms[k - 1, share.rank] if self._behind_relu else None

    def use(self, vector):
        """Use the weights and biases in a parameter vector, in place."""
        self._w, self._b = self._views(vector)
        self._own_b, self._own_inputs_w = self._b[self._columns], self._w[self._own_inputs]
        self._optimiser = None

    def plan(self, n_rows):
        """Cut the buffers for the next calls, of `n_rows` rows: it costs as much as small products."""
        self.part = rows, _ = self._cut.rows(n_rows), self._columns
        self._few = n_rows <= self._most_few_rows
        self._z = self._output[:n_rows]
        self._own_z = self._z[rows]
        self._own_norms = self._output_norms[rows]
        self._weighted = self._buffers.weighted(self._z.shape)
        self._own_weighted = self._weighted[:, self._columns]
        if self._behind_relu:
            shape, n_own = (n_rows, self._fan_in), self._own_inputs.stop - self._own_inputs.start
            self._below, self._below_in_turn = matrix(self._deltas, shape), matrix(self._deltas_in_turn, shape)
            self._upstream = matrix(self._buffers.upstream, (n_own, n_rows)) if self._few else None

    def activate(self, h):
        """Compute the outputs of a hidden layer, behind its ReLU: the inputs of the layer above.

        Parameters
        ----------
        h : (B, fan_in) ndarray
            Inputs.

        Returns
        -------
        (B, fan_out) ndarray
            This trainer's part of it is written. The squared row norms are in the buffers.
        """
        self._multiply(h)
        bias_relu(self._own_z, self._own_b, self._own_norms, self._columns.start)
        return self._z

    def logits(self, h):
        """Compute the outputs of the last layer, (B, fan_out), of this trainer's rows."""
        self._multiply(h)
        self._own_z += self._b
        return self._z

    def list_rows(self, h, rows, columns):
        """Prepare a part of the inputs, which the layer below has just written, for the forward product."""

    def list_columns(self, h):
        """Prepare this trainer's columns of the inputs for the step."""

    def backward(self, delta, before_step=False):
        """Compute the delta of the layer below, and its squared row norms.

        Parameters
        ----------
        delta : (B, fan_out) ndarray
            Delta of this layer.
        before_step : bool
            Whether :meth:`step` follows.

        Returns
        -------
        (B, fan_in) ndarray or None
            This trainer's columns of it are written. None if no layer is below.
        """
        self._is_formed = False
        if not self._behind_relu:
            return None
        own = self._own_inputs
        # a step needs the deltas of all layers
        below = self._below if before_step or self._few else self._below_in_turn
        if self._few:
            self._multiply_back(delta, self._upstream)
            relu_backward_transposed(self._upstream, self._inputs, below, self._below_norms, own.start)
        else:
            np.matmul(delta, self._own_inputs_w.T, out=below[:, own])
            relu_backward(below, self._inputs, self._below_norms, own.start, own.stop)
        return below

    def write_gradient(self, delta, shares):
        """Write the layer's part of the gradient to its buffer; for a trainer alone.

        Parameters
        ----------
        delta : (B, fan_out) ndarray
            Delta of this layer.
        shares : (B,) ndarray
            Factor of each example's loss.
        """
        np.multiply(delta, shares[:, None], out=self._weighted)
        np.matmul(self._inputs.T, self._weighted, out=self._weight_gradient)
        np.matmul(shares, delta, out=self._bias_gradient)

    def gradient_products(self, delta, rows=slice(None)):
        """Return the layer's part of the products of examples' gradients with those of all, (n_rows, B) ndarray.

        Parameters
        ----------
        delta : (B, fan_out) ndarray
            See :meth:`backward`.
        rows : slice, optional
            These examples; all if not given.
        """
        products = self._inputs[rows] @ self._inputs.T  # symmetric if all: BLAS then computes half of it
        products += 1  # the bias is a weight on a constant input of one
        products *= delta[rows] @ delta.T
        return products

    def squared_gradient_norm(self, delta, shares):
        """Return this trainer's part of the squared norm of the layer's gradient, to be summed over trainers.

        Parameters
        ----------
        delta, shares : ndarray
            See :meth:`write_gradient`.

        Returns
        -------
        float
            From products of examples' gradients, or from the gradient where it is formed or has fewer numbers to
            multiply.
        """
        if not self._is_formed and len(shares) * (self._fan_in + self._fan_out) < self._fan_in * self._fan_out:
            own = self._buffers.share.rows(len(shares))
            return float(shares[own] @ self.gradient_products(delta, own) @ shares)
        return sum(map(squared_norm, self.own_gradient(delta, shares)))

    def own_gradient(self, delta, shares):
        """Form this trainer's part of the gradient once, and let the step use it.

        Parameters
        ----------
        delta, shares : ndarray
            See :meth:`write_gradient`.

        Returns
        -------
        weights, biases : ndarray
            Views: what is changed there before :meth:`step` is changed in its gradient.
        """
        inputs, columns = self._own_rows, self._columns
        if not self._is_formed:
            self._is_formed = True
            np.multiply(delta[:, columns], shares[:, None], out=self._own_weighted)
            self._form_weight_gradient()
            self._form_bias_gradient(delta, shares)
        return self._weight_gradient[inputs, columns], self._bias_gradient[columns if self._leads else slice(0)]

    def step(self, delta, shares, optimiser):
        """Take the optimiser's step of the layer's parameters, after :meth:`backward` with `before_step`.

        Parameters
        ----------
        delta, shares : ndarray
            See :meth:`write_gradient`.
        optimiser : optim.SGD
        """
        if optimiser is not self._optimiser:
            self._use_optimiser(optimiser)
        if self._is_formed:
            gradient = self._weight_gradient[self._own_rows]
        else:
            np.multiply(delta[:, self._columns], shares[:, None], out=self._own_weighted)
            gradient = self._form_weight_gradient()
        optimiser.step_part(self._steps, gradient, self._columns)
        if self._leads:
            if not self._is_formed:
                self._form_bias_gradient(delta, shares)
            optimiser.step_part(self._own_bias_steps, self._bias_gradient[self._columns])

    def _use_optimiser(self, optimiser):
        """Hold views of the parameters, and of their moments, that this trainer steps: some rows of weights, biases."""
        self._optimiser = optimiser
        self._steps = optimiser.part(self._weights_of(self._own_rows), (-1, self._fan_out))
        self._bias_steps = optimiser.part(self._biases if self._leads else slice(0))
        self._own_bias_steps = optimiser.part(slice(*(self._biases.start + i for i in _ends(self._columns))))

    def _form_weight_gradient(self):
        """Write this trainer's columns of its rows of the gradient, along deltas times shares in the buffer."""
        gradient = self._weight_gradient[self._own_rows]
        np.matmul(self._inputs[:, self._own_rows].T, self._own_weighted, out=gradient[:, self._columns])
        return gradient

    def _form_bias_gradient(self, delta, shares):
        """Write the gradient by the biases of this trainer's columns."""
        np.matmul(shares, delta[:, self._columns], out=self._bias_gradient[self._columns])

    def _weights_of(self, inputs):
        """Return the place of the weights of some inputs, a slice, in the vector of all parameters."""
        return slice(*(self._weights.start + i * self._fan_out for i in _ends(inputs)))

    def _views(self, vector):
        """Return the layer's weights and biases as views into a vector of all parameters."""
        return vector[self._weights].reshape(self._fan_in, self._fan_out), vector[self._biases]

    def _multiply(self, h):
        """Write this trainer's part of ``h W``; hold the inputs for the backward pass."""
        self._inputs, (rows, columns) = h, self.part
        np.matmul(h[rows], self._w[:, columns], out=self._own_z[:, columns])

    def _multiply_back(self, delta, upstream):
        """Write ``W delta^T`` of own inputs to `upstream`, read only where the inputs are not zero; for few rows.

        This way round is faster than ``delta W^T``: 1.8 times at 16 rows, 1.2 at 128 of 2048 units.
        """
        np.matmul(self._own_inputs_w, delta.T, out=upstream)


def squared_norm(numbers):
    """Return the sum of the squares of an array."""
    flat = numbers.ravel()  # of a matrix's columns a copy, which BLAS makes up for
    return float(flat @ flat)


def _ends(part):
    """Return begin and end of a slice."""
    return part.start, part.stop


def matrix(buffer, shape):
    """Return the first numbers of a flat buffer as a matrix."""
    return buffer[: shape[0] * shape[1]].reshape(shape)
