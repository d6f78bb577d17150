"""The model: a multilayer perceptron with ReLU units and softmax cross-entropy.

Two passes, both without allocation: `scores` (forward, and backward for the deltas alone) and
`gradient` (the same, and the weighted gradient). Index letters: `k` layer.
"""

import numpy as np

from isgd_mpi.params import layer_views, n_parameters
from kernels.activations import bias_relu, relu_backward, relu_backward_transposed, softmax_cross_entropy
from kernels.norms import add_squared_grad_norms, squared_row_norms

FEW_ROWS = 256
"""Up to here ``W @ delta.T`` is faster than ``delta @ W.T``: 1.8 times at 16 rows, 1.2 at 128 of 2048 units."""


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
    score : str
        What the scores are: ``"grad-norm"``, ``"grad-bound"`` (norm of the last layer's delta) or
        ``"loss"``; for the last two :meth:`scores` needs no backward pass.

    Attributes
    ----------
    params : (P,) ndarray
        The parameters. May be set to another vector of the same size, which is then used in
        place, not copied.
    predictions : (B,) ndarray of int32
        Predicted classes of the last call's examples.
    losses : (B,) ndarray
        Their losses, nats.
    grad_norms : (B,) ndarray
        Norms of their gradients; after a call of :meth:`gradient` whatever the score.

    Raises
    ------
    ValueError
        By either method, if it is given more than `max_rows` examples.

    Notes
    -----
    Arrays returned are views of buffers that the next call overwrites.
    """

    def __init__(self, widths, max_rows, dtype=np.float32, score="grad-norm"):
        self.widths = tuple(widths)
        self._score = score
        self._gradient = np.zeros(n_parameters(widths), dtype)
        self._weight_gradients, self._bias_gradients = layer_views(self._gradient, widths)
        self.params = np.zeros(n_parameters(widths), dtype)
        self._outputs = [np.empty((max_rows, width), dtype) for width in widths[1:]]
        hidden = max(widths[1:-1], default=0)
        self._deltas = [np.empty(max_rows * hidden, dtype) for _ in range(2)]  # used in turn
        self._upstream = np.empty(min(max_rows, FEW_ROWS) * hidden, dtype)
        self._weighted_delta = np.empty(max_rows * max(widths[1:]), dtype)
        self._squared_input_norms = np.empty((len(widths) - 1, max_rows))
        self._squared_delta_norms = np.empty(max_rows)
        self._squared_grad_norms = np.empty(max_rows)
        self._grad_norms = np.empty(max_rows, dtype)
        self._grad_bounds = np.empty(max_rows, dtype)
        self._losses = np.empty(max_rows, dtype)
        self._predictions = np.empty(max_rows, np.int32)
        self._correct = np.empty(max_rows, bool)

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
            Of each example; of its own loss, not divided by B.
        losses : (B,) ndarray
            Cross-entropy in nats.
        correct : (B,) ndarray of bool
            Whether the predicted class is the true one.
        """
        delta = self._forward(x, y)
        if self._score == "grad-norm":
            for k in reversed(range(len(self._weights))):
                delta = self._next_delta(k, delta)
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
        return float(shares @ self._losses[:n_rows]), self._gradient, self._chosen_scores()

    @property
    def predictions(self):
        """Predicted classes of the last call's examples."""
        return self._predictions[: self._n_rows]

    @property
    def losses(self):
        """Losses of the last call's examples, nats."""
        return self._losses[: self._n_rows]

    @property
    def grad_norms(self):
        """Gradient norms of the last call's examples; the square root is taken here, after the last layer."""
        squared = self._squared_grad_norms[: self._n_rows]
        return np.sqrt(squared, out=self._grad_norms[: self._n_rows], casting="same_kind")

    def _forward(self, x, y):
        """Fill the outputs and their row norms; return the last layer's delta."""
        n_rows = self._n_rows = len(x)
        if n_rows > len(self._losses):
            raise ValueError(f"at most {len(self._losses)} rows, not {n_rows}")
        h, last = x, len(self._weights) - 1
        squared_row_norms(x, self._squared_input_norms[0])
        self._squared_grad_norms[:n_rows] = 0
        for k, (w, b) in enumerate(zip(self._weights, self._biases)):
            z = np.matmul(h, w, out=self._outputs[k][:n_rows])
            if k < last:
                bias_relu(z, b, self._squared_input_norms[k + 1])
            h = z
        h += self._biases[last]
        softmax_cross_entropy(h, y, self._losses, self._predictions[:n_rows], self._squared_delta_norms)
        np.sqrt(self._squared_delta_norms[:n_rows], out=self._grad_bounds[:n_rows], casting="same_kind")
        return h

    def _next_delta(self, k, delta):
        """Add layer k's share of the norms; return the delta of the layer below, if any."""
        n_rows = len(delta)
        add_squared_grad_norms(
            self._squared_input_norms[k], self._squared_delta_norms, self._squared_grad_norms[:n_rows]
        )
        if k == 0:
            return None
        w = self._weights[k]
        below = self._deltas[k % 2][: n_rows * w.shape[0]].reshape(n_rows, w.shape[0])
        activation = self._outputs[k - 1][:n_rows]
        if n_rows <= FEW_ROWS:
            upstream = self._upstream[: below.size].reshape(w.shape[0], n_rows)
            np.matmul(w, delta.T, out=upstream)
            relu_backward_transposed(upstream, activation, below, self._squared_delta_norms)
        else:
            np.matmul(delta, w.T, out=below)
            relu_backward(below, activation, self._squared_delta_norms)
        return below

    def _write_layer_gradient(self, k, x, delta, shares):
        """Write layer k's weighted gradient into the gradient vector."""
        weighted = self._weighted_delta[: delta.size].reshape(delta.shape)
        np.multiply(delta, shares[:, None], out=weighted)
        h = self._outputs[k - 1][: len(x)] if k else x
        np.matmul(h.T, weighted, out=self._weight_gradients[k])
        np.matmul(shares, delta, out=self._bias_gradients[k])

    def _chosen_scores(self):
        """Return the scores that were asked for."""
        if self._score == "loss":
            return self.losses
        return self.grad_norms if self._score == "grad-norm" else self._grad_bounds[: self._n_rows]

    def _correctness(self, y):
        return np.equal(self.predictions, y, out=self._correct[: len(y)])
