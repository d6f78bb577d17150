"""The model: a multilayer perceptron with ReLU units and softmax cross-entropy.

Three passes, all without allocation: `scores` goes forward, and backward for the deltas alone; `gradient` also writes
the weighted gradient; `descend` takes a step along the gradient instead, without forming it. What happens in a layer
is in :mod:`isgd_mpi.model.layers`.
"""

import math

import numpy as np

from isgd_mpi.kernels.activations import softmax_cross_entropy
from isgd_mpi.kernels.memory import aligned_zeros
from isgd_mpi.kernels.norms import squared_row_norms
from isgd_mpi.model.few_rows import make_layers
from isgd_mpi.model.layers import FEW_ROWS, SharedBuffers


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
        The kind of an example's score: the norm of its gradient, the norm of ``softmax(z) - onehot(y)``
        (the last layer's delta, arXiv:1803.00942), or its loss. The last two need no backward pass.

    Attributes
    ----------
    most_rows_to_descend : int
        The most examples that :meth:`descend` takes.
    params : (P,) ndarray
        The parameters. May be set to another vector of the same size, which is then used in
        place, not copied.
    predictions : (B,) ndarray of int32
        Predicted classes of the last call's examples.
    losses : (B,) ndarray
        Losses of the last call's examples, nats.
    grad_norms : (B,) ndarray
        Norms of the gradients of the last call's examples, for every kind of score; only after :meth:`gradient` and
        :meth:`descend`.

    Raises
    ------
    ValueError
        By each method, if it is given more examples than it takes.

    Notes
    -----
    Arrays returned are views of buffers that the next call overwrites.
    """

    most_rows_to_descend = FEW_ROWS

    def __init__(self, widths, max_rows, dtype=np.float32, score="grad-norm"):
        self.widths = tuple(widths)
        self._score = score
        self._shared = SharedBuffers(self.widths, max_rows, dtype)
        self._layers = make_layers(self.widths, self._shared)
        self._squared_feature_norms = np.empty(max_rows)
        self._grad_norms = np.empty(max_rows, dtype)
        self._bounds = np.empty(max_rows, dtype)
        self._losses = np.empty(max_rows, dtype)
        self._predictions = np.empty(max_rows, np.int32)
        self._correct = np.empty(max_rows, bool)
        self.params = aligned_zeros(self._shared.gradient.shape, dtype)

    @property
    def params(self):
        """Set or get the parameter vector; see the class."""
        return self._params

    @params.setter
    def params(self, vector):
        if vector.shape != self._shared.gradient.shape:
            raise ValueError(f"{self._shared.gradient.size} parameters are wanted, not {vector.shape}")
        self._params = vector
        for layer in self._layers:
            layer.use(vector)

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
            Norm of the gradient of each example's own loss, not divided by B, or the kind of score that was chosen.
        losses : (B,) ndarray
            Cross-entropy in nats.
        correct : (B,) ndarray of bool
            Whether the predicted class is the true one.
        """
        delta = self._forward(x, y, self._shared.max_rows)
        if self._score == "grad-norm":
            for layer in reversed(self._layers):
                delta = layer.backward(delta)
            self._write_grad_norms()
        return self._chosen_scores(), self.losses, np.equal(self.predictions, y, out=self._correct[: len(y)])

    def gradient(self, x, y, weights):
        """Compute the weighted mean gradient of a minibatch, and its scores on the way.

        Parameters
        ----------
        x, y : ndarray
            Minibatch; see :meth:`scores`.
        weights : (B,) ndarray
            Importance weights, in the model's dtype.

        Returns
        -------
        loss : float
            ``mean(weights * losses)``, nats.
        gradient : (P,) ndarray
            Gradient of that loss.
        scores : (B,) ndarray
            Scores of the unweighted losses; see :meth:`scores`.
        """
        shares = weights / x.dtype.type(len(x))
        delta = self._forward(x, y, self._shared.max_rows)
        for layer in reversed(self._layers):
            layer.write_gradient(delta, shares)
            delta = layer.backward(delta)
        self._write_grad_norms()
        return float(shares @ self.losses), self._shared.gradient, self._chosen_scores()

    def descend(self, x, y, weights, optimiser):
        """Take a step along the weighted mean gradient of a minibatch, layer by layer and without forming it.

        Parameters
        ----------
        x, y, weights : ndarray
            Minibatch; see :meth:`gradient`. At most FEW_ROWS rows.
        optimiser : optim.SGD
            Optimiser of this model's parameters.

        Returns
        -------
        loss : float
            ``mean(weights * losses)``, nats.
        scores : (B,) ndarray
            Scores of the unweighted losses; see :meth:`scores`.

        Raises
        ------
        FloatingPointError
            If the loss or the gradient is not finite; no parameter is touched then.
        """
        shares = weights / x.dtype.type(len(x))
        delta, deltas = self._forward(x, y, self._shared.few_rows), []
        for layer in reversed(self._layers):
            deltas.append(delta)
            delta = layer.backward(delta, before_step=True)
        self._write_grad_norms()
        loss = float(shares @ self.losses)
        if not math.isfinite(loss):
            raise FloatingPointError("the loss is not finite")
        if not math.isfinite(np.abs(shares) @ self.grad_norms):  # which bounds each number of the gradient
            raise FloatingPointError("the gradient is not finite")
        for layer, delta in zip(self._layers, reversed(deltas)):
            layer.step(delta, shares, optimiser)
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
        """Gradient norms of the last call's examples."""
        return self._grad_norms[: self._n_rows]

    def _forward(self, x, y, most_rows):
        """Write losses, predictions and bounds; return the last layer's delta."""
        n_rows = self._n_rows = len(x)
        if n_rows > most_rows:
            raise ValueError(f"at most {most_rows} rows, not {n_rows}")
        self._shared.squared_grad_norms[:n_rows] = 0
        h, squared_norms = x, self._squared_feature_norms
        squared_row_norms(h, squared_norms)
        *hidden, last = self._layers
        for layer in hidden:
            h, squared_norms = layer.activate(h, squared_norms)
        z, squared_norms = last.logits(h, squared_norms), self._shared.squared_delta_norms
        softmax_cross_entropy(z, y, self._losses, self._predictions[:n_rows], squared_norms)
        if self._score == "grad-bound":
            np.sqrt(squared_norms[:n_rows], out=self._bounds[:n_rows], casting="same_kind")
        return z

    def _write_grad_norms(self):
        """Take the root of the sums over the layers."""
        squared = self._shared.squared_grad_norms[: self._n_rows]
        np.sqrt(squared, out=self._grad_norms[: self._n_rows], casting="same_kind")

    def _chosen_scores(self):
        """Return the kind of score that was asked for."""
        kinds = {"grad-norm": self._grad_norms, "grad-bound": self._bounds, "loss": self._losses}
        return kinds[self._score][: self._n_rows]
