"""The model: a multilayer perceptron with ReLU units and softmax cross-entropy.

Three passes, all without allocation: `scores` (forward, and backward for the deltas alone), `gradient` (the
same, and the weighted gradient) and `descend` (the same, and a step along the gradient, which is not formed).
Index letters: `k` layer.
"""

import math

import numpy as np

from isgd_mpi.kernels.activations import bias_relu, relu_backward, relu_backward_transposed, softmax_cross_entropy
from isgd_mpi.kernels.memory import aligned_zeros
from isgd_mpi.kernels.norms import add_squared_grad_norms, squared_row_norms
from isgd_mpi.model.few_rows import MOST_ROWS, Stream, streams
from isgd_mpi.model.params import layer_views, n_parameters

FEW_ROWS = MOST_ROWS
"""Up to here weights are streamed, and ``W @ delta.T`` is faster than ``delta @ W.T``: 1.8 times at 16 rows, 1.2 at 128
of 2048 units."""


class MLP:
    """A multilayer perceptron behind the three methods that the trainer and the scorers use.

    Parameters
    ----------
    widths : sequence of int
        Features, hidden widths (none: a softmax regression), classes.
    max_rows : int
        The most examples that one call may hold; decides the size of the buffers.
    dtype : numpy dtype
        float32, or float64 for tests.
    score : "grad-norm", "grad-bound" or "loss"
        What an example's score is: the norm of its gradient, the norm of ``softmax(z) - onehot(y)``
        (the last layer's delta, arXiv:1803.00942), or its loss. The last two need no backward pass.

    Attributes
    ----------
    most_rows_to_descend : int
        :meth:`descend` takes no more.
    params : (P,) ndarray
        The parameters. May be set to another vector of the same size, which is then used in
        place, not copied.
    predictions : (B,) ndarray of int32
        Predicted classes of the last call's examples.
    losses : (B,) ndarray
        Their losses, nats.
    grad_norms : (B,) ndarray
        Norms of their gradients, whatever the score; after :meth:`gradient` only.

    Raises
    ------
    ValueError
        By either method, if it is given more than `max_rows` examples.

    Notes
    -----
    Arrays returned are views of buffers that the next call overwrites.
    """

    most_rows_to_descend = FEW_ROWS

    def __init__(self, widths, max_rows, dtype=np.float32, score="grad-norm"):
        self.widths = tuple(widths)
        self._score = score
        self._gradient = aligned_zeros(n_parameters(widths), dtype)
        self._weight_gradients, self._bias_gradients = layer_views(self._gradient, widths)
        self.params = aligned_zeros(n_parameters(widths), dtype)
        self._streams = _make_streams(widths, min(max_rows, FEW_ROWS), dtype)
        self._outputs = [aligned_zeros((max_rows, width), dtype) for width in widths[1:]]
        hidden = max(widths[1:-1], default=0)
        few = min(max_rows, FEW_ROWS)
        self._deltas = [aligned_zeros(max_rows * hidden, dtype) for _ in range(2)]  # used in turn
        self._kept_deltas = [aligned_zeros(few * width, dtype) for width in widths[1:-1]]
        self._upstream = np.empty(few * hidden, dtype)
        self._weighted_delta = aligned_zeros(max_rows * max(widths[1:]), dtype)
        self._squared_input_norms = np.empty((len(widths) - 1, max_rows))
        self._squared_delta_norms = np.empty(max_rows)
        self._squared_grad_norms = np.empty(max_rows)
        self._grad_norms = np.empty(max_rows, dtype)
        self._bounds = np.empty(max_rows, dtype)
        self._losses = np.empty(max_rows, dtype)
        self._predictions = np.empty(max_rows, np.int32)
        self._correct = np.empty(max_rows, bool)

        self._parts = _parts(self._weight_gradients)

    @property
    def params(self):
        """Set or get the parameter vector; see the class."""
        return self._params

    @params.setter
    def params(self, vector):
        if vector.shape != self._gradient.shape:
            raise ValueError(f"{self._gradient.size} parameters are wanted, not {vector.shape}")
        self._params = vector
        self._weights, self._biases = layer_views(vector, self.widths)

    def scores(self, x, y):
        """Compute each example's score, loss and correctness.

        Parameters
        ----------
        x : (B, n_features) ndarray
            Standardised features, C-contiguous, in the model's dtype.
        y : (B,) ndarray of int
            Classes.

        Returns
        -------
        scores : (B,) ndarray
            Norm of the gradient of each example's own loss, not divided by B, or what else was chosen.
        losses : (B,) ndarray
            Cross-entropy in nats.
        correct : (B,) ndarray of bool
            Whether the predicted class is the true one.
        """
        delta = self._forward(x, y)
        if self._score == "grad-norm":
            for k in reversed(range(len(self._weights))):
                delta = self._next_delta(k, delta)
            self._take_root()
        return self._chosen_scores(), self.losses, self._correctness(y)

    def gradient(self, x, y, weights):
        """Compute the weighted mean gradient of a minibatch, and its scores on the way.

        Parameters
        ----------
        x, y : ndarray
            As of :meth:`scores`.
        weights : (B,) ndarray
            Importance weights, in the model's dtype.

        Returns
        -------
        loss : float
            ``mean(weights * losses)``, nats.
        gradient : (P,) ndarray
            Gradient of that loss.
        scores : (B,) ndarray
            As of :meth:`scores`: of the unweighted losses.
        """
        n_rows = len(x)
        shares = weights / x.dtype.type(n_rows)
        delta = self._forward(x, y)
        for k in reversed(range(len(self._weights))):
            self._write_layer_gradient(k, x, delta, shares)
            delta = self._next_delta(k, delta)
        self._take_root()
        return float(shares @ self.losses), self._gradient, self._chosen_scores()

    def descend(self, x, y, weights, optimiser):
        """Take a step along the weighted mean gradient of a minibatch, layer by layer and without forming it.

        Parameters
        ----------
        x, y, weights : ndarray
            As of :meth:`gradient`; at most FEW_ROWS rows.
        optimiser : optim.SGD
            Of this model's parameters.

        Returns
        -------
        loss : float
            As of :meth:`gradient`.
        scores : (B,) ndarray
            As of :meth:`scores`.

        Raises
        ------
        FloatingPointError
            If the loss or the gradient is not finite; no parameter is touched then.
        """
        shares = weights / x.dtype.type(len(x))
        deltas = self._all_deltas(x, y)
        loss = float(shares @ self.losses)
        if not math.isfinite(loss):
            raise FloatingPointError("the loss is not finite")
        if not math.isfinite(np.abs(shares) @ self.grad_norms):  # which bounds each number of the gradient
            raise FloatingPointError("the gradient is not finite")
        for k, delta in enumerate(deltas):
            self._descend_in_layer(k, x, delta, shares, optimiser)
        optimiser.advance()
        return loss, self._chosen_scores()

    @property
    def predictions(self):
        """Predicted classes of the last call's examples."""
        return self._predictions[: self._n_rows]

    @property
    def losses(self):
        """Losses of the last call's examples."""
        return self._losses[: self._n_rows]

    @property
    def grad_norms(self):
        """Gradient norms of the last gradient's examples."""
        return self._grad_norms[: self._n_rows]

    def _forward(self, x, y):
        """Fill the outputs and their row norms; return the last layer's delta."""
        n_rows = self._n_rows = len(x)
        if n_rows > len(self._losses):
            raise ValueError(f"at most {len(self._losses)} rows, not {n_rows}")
        h, last = x, len(self._weights) - 1
        squared_row_norms(x, self._squared_input_norms[0])
        self._squared_grad_norms[:n_rows] = 0
        for k, (w, b) in enumerate(zip(self._weights, self._biases)):
            z = self._outputs[k][:n_rows]
            if self._streams[k] and n_rows <= FEW_ROWS:
                self._streams[k].multiply(h, w, z)
            else:
                np.matmul(h, w, out=z)
            if k < last:
                bias_relu(z, b, self._squared_input_norms[k + 1])
            h = z
        h += self._biases[last]
        softmax_cross_entropy(h, y, self._losses, self._predictions[:n_rows], self._squared_delta_norms)
        if self._score == "grad-bound":
            np.sqrt(self._squared_delta_norms[:n_rows], out=self._bounds[:n_rows], casting="same_kind")
        return h

    def _all_deltas(self, x, y):
        """Compute and return each layer's delta; take the gradient norms."""
        deltas = [self._forward(x, y)]
        for k in reversed(range(len(self._weights))):
            if self._streams[k]:
                self._streams[k].list_inputs(self._inputs(k, x))
            deltas.append(self._next_delta(k, deltas[-1], self._kept_deltas[k - 1] if k else None))
        self._take_root()
        return deltas[-2::-1]

    def _next_delta(self, k, delta, kept=None):
        """Add layer k's share of the norms; return the delta of the layer below, if any, kept where it is asked for."""
        n_rows = len(delta)
        add_squared_grad_norms(
            self._squared_input_norms[k], self._squared_delta_norms, self._squared_grad_norms[:n_rows]
        )
        if k == 0:
            return None
        w = self._weights[k]
        buffer = self._deltas[k % 2] if kept is None else kept
        below = buffer[: n_rows * w.shape[0]].reshape(n_rows, w.shape[0])
        activation = self._outputs[k - 1][:n_rows]
        if n_rows <= FEW_ROWS:
            upstream = self._upstream[: below.size].reshape(w.shape[0], n_rows)
            if self._streams[k] and kept is not None:  # the inputs are listed
                self._streams[k].multiply_back(delta, w, upstream)
            else:
                np.matmul(w, delta.T, out=upstream)
            relu_backward_transposed(upstream, activation, below, self._squared_delta_norms)
        else:
            np.matmul(delta, w.T, out=below)
            relu_backward(below, activation, self._squared_delta_norms)
        return below

    def _write_layer_gradient(self, k, x, delta, shares):
        """Write layer k's weighted gradient into the gradient vector."""
        np.matmul(self._inputs(k, x).T, self._weighted(delta, shares), out=self._weight_gradients[k])
        np.matmul(shares, delta, out=self._bias_gradients[k])

    def _descend_in_layer(self, k, x, delta, shares, optimiser):
        """Take the optimiser's step of layer k's parameters."""
        weights, biases = self._parts[k]
        if self._streams[k] is None:
            self._write_layer_gradient(k, x, delta, shares)
            whole = slice(weights.start, biases.stop)
            optimiser.step_part(whole, self._gradient[whole])
            return
        optimiser.step_along_product(weights, self._streams[k], self._weighted(delta, shares))
        np.matmul(shares, delta, out=self._bias_gradients[k])
        optimiser.step_part(biases, self._bias_gradients[k])

    def _inputs(self, k, x):
        """Return the inputs of layer k."""
        return self._outputs[k - 1][: len(x)] if k else x

    def _weighted(self, delta, shares):
        """Return each example's delta times its share."""
        weighted = self._weighted_delta[: delta.size].reshape(delta.shape)
        return np.multiply(delta, shares[:, None], out=weighted)

    def _take_root(self):
        """Take the square root, once, after the last layer."""
        squared = self._squared_grad_norms[: self._n_rows]
        np.sqrt(squared, out=self._grad_norms[: self._n_rows], casting="same_kind")

    def _chosen_scores(self):
        """Return the kind of score that was asked for."""
        kinds = {"grad-norm": self._grad_norms, "grad-bound": self._bounds, "loss": self._losses}
        return kinds[self._score][: self._n_rows]

    def _correctness(self, y):
        return np.equal(self.predictions, y, out=self._correct[: len(y)])


def _make_streams(widths, max_rows, dtype):
    """Return each layer's stream, None where its weights are not whole vectors."""
    return [
        Stream(fan_in, fan_out, max_rows, dtype, behind_relu=k > 0) if streams(fan_out, dtype) else None
        for k, (fan_in, fan_out) in enumerate(zip(widths, widths[1:]))
    ]


def _parts(weights):
    """Return where each layer's weights and biases are in the parameter vector."""
    parts, start = [], 0
    for w in weights:
        middle = start + w.size
        parts.append((slice(start, middle), slice(middle, middle + w.shape[1])))
        start = middle + w.shape[1]
    return parts
