"""Compute one layer of the MLP: its part of each pass.

A layer maps its inputs h to ``z = h W + b``. Its inputs are the features, or ``max(z, 0)`` of the layer below. Its
delta is the gradient of each example's own loss by z, not divided by the number of examples.

* forward: ``z = h W + b``;
* backward: the delta of the layer below is ``delta W^T``, zero where h is;
* gradient of ``sum over n of shares[n] * losses[n]``: ``h^T (shares * delta)`` by W, ``shares delta`` by b;
* squared norm of an example's own gradient: the sum over the layers of ``(|h|^2 + 1) |delta|^2``.

A :class:`Layer` multiplies by BLAS; :class:`few_rows.StreamedLayer` has a way of its own for minibatches of few rows.
"""

import numpy as np

from isgd_mpi.kernels.activations import bias_relu, relu_backward, relu_backward_transposed
from isgd_mpi.kernels.memory import aligned_zeros
from isgd_mpi.kernels.norms import add_squared_grad_norms
from isgd_mpi.model.params import layer_slices, n_parameters

FEW_ROWS = 256
"""The most rows that streaming pays for. With more, BLAS is as fast: it copies its factors into a better order."""


class SharedBuffers:
    """The buffers that a model's layers share, because one layer works at a time.

    Parameters
    ----------
    widths : sequence of int
        Features, hidden widths, classes.
    max_rows : int
        The most examples that one call may hold.
    dtype : numpy dtype

    Attributes
    ----------
    few_rows : int
        The smaller one of `max_rows` and FEW_ROWS.
    gradient : (P,) ndarray
        The gradient, in the order of the parameters.
    squared_delta_norms : (max_rows,) ndarray of float64
        Squared row norms of the delta written last.
    squared_grad_norms : (max_rows,) ndarray of float64
        Sums over the layers that the backward pass has been through.
    """

    def __init__(self, widths, max_rows, dtype):
        self.max_rows, self.dtype = max_rows, dtype
        self.few_rows = min(max_rows, FEW_ROWS)
        hidden = max(widths[1:-1], default=0)
        self.gradient = aligned_zeros(n_parameters(widths), dtype)
        self.squared_delta_norms = np.empty(max_rows)
        self.squared_grad_norms = np.empty(max_rows)
        self.upstream = np.empty(self.few_rows * hidden, dtype)  # transposed products of the backward pass of few rows
        self.deltas = [aligned_zeros(max_rows * hidden, dtype) for _ in range(2)]  # of many rows, used in turn
        self._weighted = aligned_zeros(max_rows * max(widths[1:]), dtype)

    def weighted(self, delta, shares):
        """Return each example's delta times its share, in a buffer."""
        return np.multiply(delta, shares[:, None], out=_matrix(self._weighted, delta.shape))


class Layer:
    """One layer, which multiplies by BLAS.

    Parameters
    ----------
    k : int
        Number of the layer, from 0.
    widths : sequence of int
        Features, hidden widths, classes.
    shared : SharedBuffers

    Notes
    -----
    The backward pass needs the inputs of the forward pass: it holds them by reference, not as a copy. Arrays returned
    are views of buffers that the next pass overwrites.
    """

    def __init__(self, k, widths, shared):
        self._shared = shared
        self._fan_in, self._fan_out = widths[k : k + 2]
        self._behind_relu = k > 0
        self._weights, self._biases = layer_slices(widths)[k]
        self._weight_gradient, self._bias_gradient = self._views(shared.gradient)
        self._output = aligned_zeros((shared.max_rows, self._fan_out), shared.dtype)
        self._squared_output_norms = np.empty(shared.max_rows)
        n_few = shared.few_rows * self._fan_in if self._behind_relu else 0
        self._few_deltas = aligned_zeros(n_few, shared.dtype)  # not shared: a step needs the deltas of all layers
        self._many_deltas = shared.deltas[k % 2]

    def use(self, vector):
        """Use the weights and biases in a parameter vector, in place."""
        self._w, self._b = self._views(vector)

    def activate(self, h, squared_norms):
        """Compute the outputs of a hidden layer, behind its ReLU: the inputs of the layer above.

        Parameters
        ----------
        h : (B, fan_in) ndarray
            Inputs.
        squared_norms : (max_rows,) ndarray of float64
            Squared row norms of the inputs.

        Returns
        -------
        activations : (B, fan_out) ndarray
        squared_norms : (max_rows,) ndarray of float64
            Squared row norms of the activations.
        """
        z = self._products(h, squared_norms)
        bias_relu(z, self._b, self._squared_output_norms)
        return z, self._squared_output_norms

    def logits(self, h, squared_norms):
        """Compute the outputs of the last layer, (B, fan_out), from the same parameters as :meth:`activate`."""
        z = self._products(h, squared_norms)
        z += self._b
        return z

    def backward(self, delta, before_step=False):
        """Add the layer's share of the squared gradient norms, and compute the delta of the layer below.

        Parameters
        ----------
        delta : (B, fan_out) ndarray
            Delta of this layer. The shared buffer holds its squared row norms, and gets those of the result.
        before_step : bool
            Whether :meth:`step` follows.

        Returns
        -------
        (B, fan_in) ndarray or None
            None if no layer is below.
        """
        shared, n_rows = self._shared, len(delta)
        add_squared_grad_norms(
            self._squared_input_norms, shared.squared_delta_norms, shared.squared_grad_norms[:n_rows]
        )
        if not self._behind_relu:
            return None
        if n_rows <= FEW_ROWS:
            below = _matrix(self._few_deltas, (n_rows, self._fan_in))
            upstream = _matrix(shared.upstream, (self._fan_in, n_rows))
            self._multiply_back(delta, upstream)
            relu_backward_transposed(upstream, self._inputs, below, shared.squared_delta_norms)
        else:
            below = _matrix(self._many_deltas, (n_rows, self._fan_in))
            np.matmul(delta, self._w.T, out=below)
            relu_backward(below, self._inputs, shared.squared_delta_norms)
        return below

    def write_gradient(self, delta, shares):
        """Write the layer's part of the gradient to the shared buffer.

        Parameters
        ----------
        delta : (B, fan_out) ndarray
            Delta of this layer.
        shares : (B,) ndarray
            Factor of each example's loss.
        """
        np.matmul(self._inputs.T, self._shared.weighted(delta, shares), out=self._weight_gradient)
        np.matmul(shares, delta, out=self._bias_gradient)

    def step(self, delta, shares, optimiser):
        """Take the optimiser's step of the layer's parameters, after :meth:`backward` with `before_step`; for few rows.

        Parameters
        ----------
        delta, shares : ndarray
            See :meth:`write_gradient`.
        optimiser : optim.SGD
        """
        self.write_gradient(delta, shares)
        whole = slice(self._weights.start, self._biases.stop)
        optimiser.step_part(whole, self._shared.gradient[whole])

    def _views(self, vector):
        """Return the layer's weights and biases as views into a vector of all parameters."""
        return vector[self._weights].reshape(self._fan_in, self._fan_out), vector[self._biases]

    def _products(self, h, squared_norms):
        """Return ``h W``; hold the inputs for the backward pass."""
        self._inputs, self._squared_input_norms = h, squared_norms
        z = self._output[: len(h)]
        self._multiply(h, z)
        return z

    def _multiply(self, h, z):
        """Write ``h W`` to `z`."""
        np.matmul(h, self._w, out=z)

    def _multiply_back(self, delta, upstream):
        """Write ``W delta^T`` to `upstream`, which is read only where the inputs are not zero; for few rows.

        This way round is faster than ``delta W^T``: 1.8 times at 16 rows, 1.2 at 128 of 2048 units.
        """
        np.matmul(self._w, delta.T, out=upstream)


def _matrix(buffer, shape):
    """Return the first numbers of a flat buffer as a matrix."""
    return buffer[: shape[0] * shape[1]].reshape(shape)
