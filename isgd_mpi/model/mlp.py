"""The model: a multilayer perceptron with ReLU units, and a loss (:mod:`isgd_mpi.model.losses`).

Three passes, without allocation: `scores` goes forward, and backward for the deltas alone; `gradient` also writes
the weighted gradient; `descend` takes a step along the gradient instead, without forming it. A fourth one is rare:
`gradient_products` multiplies the gradients of all examples with each other. What happens in a layer is in
:mod:`isgd_mpi.model.layers`. Several trainers can `descend` together: see :mod:`isgd_mpi.model.share`.
"""

import math
from itertools import chain

import numpy as np

from isgd_mpi.kernels.norms import squared_row_norms, sum_grad_norms, sum_weighted
from isgd_mpi.model.few_rows import make_layers
from isgd_mpi.model.layers import Buffers
from isgd_mpi.model.losses import CrossEntropy
from isgd_mpi.model.share import WHOLE

_ROUNDING = 1.01  # the most that rounding both factors of a product to bfloat16 can add to it


class MLP:
    """A multilayer perceptron behind the three methods that the trainer and the scorers use.

    Parameters
    ----------
    widths : sequence of int
        Features, hidden widths (none: a linear model), outputs.
    max_rows : int
        The most examples that one call may hold; decides the size of the buffers.
    dtype : numpy dtype
        float32, or float64 for tests.
    score : "grad-norm", "grad-bound" or "loss"
        The kind of an example's score: the norm of its gradient, the norm of the last layer's delta, such as
        ``softmax(z) - onehot(y)`` (arXiv:1803.00942), or its loss. The last two need no backward pass.
    share : share.Share
        This trainer's share of the model, if several compute it together. They construct it and call :meth:`descend`
        together, and call nothing else.
    loss : losses.Loss, optional
        Cross-entropy if not given.

    Attributes
    ----------
    loss : losses.Loss
    params : (P,) ndarray
        The parameters. May be set to another vector of the same size, which is then used in
        place, not copied.
    predictions : (B,) ndarray of int32
        Predicted classes of the last call's examples; of other targets see :meth:`losses.Loss.write`.
    losses : (B,) ndarray
        Losses of the last call's examples.
    grad_norms : (B,) ndarray
        Norms of the gradients of the last call's examples, for every kind of score; only after :meth:`gradient` and
        :meth:`descend`.

    Raises
    ------
    ValueError
        By each method, if it is given more examples than the buffers hold.

    Notes
    -----
    Arrays returned are views of buffers that the next call overwrites.
    """

    _make_layers = staticmethod(make_layers)

    def __init__(self, widths, max_rows, dtype=np.float32, score="grad-norm", share=WHOLE, loss=None):
        self.widths, self.share = tuple(widths), share
        self.loss = loss or CrossEntropy(self.widths[-1])
        self._score, self._n_rows = score, -1
        self._largest = float(np.finfo(dtype).max)
        self._buffers = Buffers(self.widths, max_rows, dtype, share)
        self._layers = self._make_layers(self.widths, self._buffers)
        self._grad_norms, self._bounds = np.empty((2, max_rows), dtype)
        self._correct = np.empty(max_rows, bool)
        self._losses, self._predictions, self._squared_parts, self.params = share.allocate(
            *(((max_rows,), dtype), ((max_rows,), np.int32), ((share.n,), np.float64)),
            (self._buffers.gradient.shape, dtype),
        )

    @property
    def params(self):
        """Set or get the parameter vector; see the class."""
        return self._params

    @params.setter
    def params(self, vector):
        if vector.shape != self._buffers.gradient.shape:
            raise ValueError(f"{self._buffers.gradient.size} parameters are wanted, not {vector.shape}")
        self._params = vector
        for layer in self._layers:
            layer.use(vector)

    def scores(self, x, y):
        """Compute each example's score, loss and correctness.

        Parameters
        ----------
        x : (B, n_features) ndarray
            Standardised features, C-contiguous, in the model's dtype.
        y : (B,) ndarray of int, or (B, n_outputs) ndarray of float32
            Targets, as the loss takes them.

        Returns
        -------
        scores : (B,) ndarray
            Norm of the gradient of each example's own loss, not divided by B, or the kind of score that was chosen.
        losses : (B,) ndarray
        correct : (B,) ndarray of bool
            Whether the predicted class is the true one, or all labels are right; True for numbers.
        """
        self._check_alone()
        delta = self._forward(x, y)
        if self._score == "grad-norm":
            for layer in reversed(self._layers):
                delta = layer.backward(delta)
            self._write_grad_norms()
        return self._chosen_scores(), self.losses, self.loss.mark_correct(self.predictions, y, self._correct[: len(y)])

    def evaluate(self, x, y):
        """Compute each example's loss, and what else its loss measures.

        Parameters
        ----------
        x, y : ndarray
            Examples; see :meth:`scores`.

        Returns
        -------
        losses : (B,) ndarray
        measures : (B, len(loss.measures)) ndarray of float64
            See :meth:`losses.Loss.measure`.
        """
        self._check_alone()
        z = self._outputs(x)
        outputs = z.copy()
        self._write_delta(z, y)
        return self.losses, self.loss.measure(outputs, y, self.predictions)

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
            ``mean(weights * losses)``.
        gradient : (P,) ndarray
            Gradient of that loss.
        scores : (B,) ndarray
            Scores of the unweighted losses; see :meth:`scores`.
        """
        self._check_alone()
        shares = weights / x.dtype.type(len(x))
        delta = self._forward(x, y)
        self._buffers.shares[: len(x)] = shares
        for layer in reversed(self._layers):
            layer.write_gradient(delta, shares)
            delta = layer.backward(delta)
        self._write_grad_norms()
        return float(shares @ self.losses), self._buffers.gradient, self._chosen_scores()

    def gradient_products(self, x, y, weights):
        """Compute the products of the gradients of all examples with each other, without forming a gradient.

        Parameters
        ----------
        x, y : ndarray
            Examples; see :meth:`scores`.
        weights : (B,) ndarray
            Importance weights, in the model's dtype.

        Returns
        -------
        (B, B) ndarray
            ``weights[i] weights[j] g_i . g_j``.
        """
        self._check_alone()
        delta, products = self._forward(x, y), 0
        for layer in reversed(self._layers):
            products = products + layer.gradient_products(delta)
            delta = layer.backward(delta)
        return products * weights[:, None] * weights

    def descend(self, x, y, weights, optimiser):
        """Take a step along the weighted mean gradient of a minibatch, layer by layer and without forming it.

        Parameters
        ----------
        x, y, weights : ndarray
            Minibatch; see :meth:`gradient`.
        optimiser : optim.Optimiser
            Optimiser of this model's parameters. Trainers that compute together share its moments too.

        Returns
        -------
        loss : float
            ``mean(weights * losses)``.
        scores : (B,) ndarray
            Scores of the unweighted losses; see :meth:`scores`.

        Raises
        ------
        FloatingPointError
            If the loss or the gradient is not finite; no parameter is touched then.
        """
        meet = self.share.meet
        self._plan(len(x))
        first, *others = self._layers
        first.list_columns(x)
        deltas = [self._forward(x, y)]
        shares = np.divide(weights, x.dtype.type(len(x)), out=self._shares)
        for layer in reversed(others):
            deltas.append(layer.backward(deltas[-1], before_step=True))
            meet()
        first.backward(deltas[-1], before_step=True)
        self._write_grad_norms()
        loss, bound = self._loss_and_bound(shares)
        if not math.isfinite(loss):
            raise FloatingPointError("the loss is not finite")
        if not bound <= self._largest:
            raise FloatingPointError("the gradient is not finite")
        deltas.reverse()
        if self.share.sum_over_nodes is not None:
            parts = [layer.own_gradient(delta, shares) for layer, delta in zip(self._layers, deltas)]
            self.share.sum_over_nodes(*chain(*parts))
        if bound > optimiser.clip_norm:
            optimiser.clip(self._squared_gradient_norm(deltas, shares))
        for layer, delta in zip(self._layers, deltas):
            layer.step(delta, shares, optimiser)
        optimiser.advance()
        meet()
        return loss, self._chosen_scores()

    @property
    def predictions(self):
        """Predictions of the last call's examples."""
        return self._predictions[: self._n_rows]

    @property
    def losses(self):
        """Losses of the last call's examples."""
        return self._losses[: self._n_rows]

    @property
    def grad_norms(self):
        """Gradient norms of the last call's examples."""
        return self._grad_norms[: self._n_rows]

    def _loss_and_bound(self, shares):
        """Return the weighted mean loss, and a bound of its gradient's norm and of each number of the gradient."""
        loss, bound = sum_weighted(shares, self.losses, self.grad_norms)
        if self.share.sum_over_nodes is not None:
            numbers = np.array([loss, bound])
            self.share.sum_over_nodes(numbers)
            loss, bound = numbers.tolist()
        return loss, _ROUNDING * bound

    def _squared_gradient_norm(self, deltas, shares):
        """Return the squared norm of the weighted mean gradient, given the deltas of all layers."""
        parts = self._squared_parts
        parts[self.share.rank] = sum(
            layer.squared_gradient_norm(delta, shares) for layer, delta in zip(self._layers, deltas)
        )
        self.share.meet()
        return float(parts.sum())

    def _check_alone(self):
        """Refuse to compute what only a whole model can."""
        if self.share.n > 1:
            raise ValueError(f"this model is that of one of {self.share.n} trainers: together they can only descend")

    def _forward(self, x, y):
        """Write losses, predictions and norms; return the last layer's delta."""
        return self._write_delta(self._outputs(x), y)

    def _outputs(self, x):
        """Write norms, and return the outputs of the last layer."""
        self._plan(len(x))
        rows = self._rows
        squared_row_norms(x[rows], self._feature_norms)
        h = x
        for layer, above in zip(self._layers, self._layers[1:]):
            h = layer.activate(h)
            above.list_rows(h, *layer.part)
            self.share.meet()
        return self._layers[-1].logits(h)

    def _write_delta(self, z, y):
        """Turn outputs into the last layer's delta, which is returned; write losses, predictions and norms."""
        self.loss.write(z[self._rows], y[self._rows], *self._last_buffers)
        self.share.meet()
        return z

    def _plan(self, n_rows):
        """Cut the buffers for calls of `n_rows` rows; nothing is done if the last call was of as many."""
        buffers = self._buffers
        if n_rows == self._n_rows:
            return
        if n_rows > buffers.max_rows:
            raise ValueError(f"at most {buffers.max_rows} rows, not {n_rows}")
        for layer in self._layers:
            layer.plan(n_rows)
        self._n_rows, self._rows = n_rows, self.share.rows(n_rows)
        self._shares = buffers.shares[:n_rows]
        self._feature_norms = buffers.squared_input_norms[0, 0, self._rows]
        parts = self._losses, self._predictions, buffers.squared_delta_norms[-1, 0]
        self._last_buffers = [part[self._rows] for part in parts]

    def _write_grad_norms(self):
        """Take the roots of the sums over the layers."""
        buffers = self._buffers
        sum_grad_norms(buffers.squared_input_norms, buffers.squared_delta_norms, self.grad_norms)

    def _chosen_scores(self):
        """Return the kind of score that was asked for."""
        if self._score == "grad-bound":
            squared = self._buffers.squared_delta_norms[-1, 0, : self._n_rows]
            np.sqrt(squared, out=self._bounds[: self._n_rows], casting="same_kind")
        kinds = {"grad-norm": self._grad_norms, "grad-bound": self._bounds, "loss": self._losses}
        return kinds[self._score][: self._n_rows]
