"""Score in bfloat16 with float32 sums, a few rows at a time: the model of scorers on some processors.

Any proposal leaves the estimate of the gradient unbiased, so scorers may round where the trainer may not. The factors
of products are rounded: weights, activations and deltas. Sums, norms, outputs and losses are float32. Index
letters: `k` layer.
"""

from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np

from isgd_mpi.kernels.bfloat16 import bias_relu_rounded, relu_backward_rounded, round_rows
from isgd_mpi.kernels.bfloat16_products import padded
from isgd_mpi.kernels.memory import aligned_zeros
from isgd_mpi.kernels.norms import add_squared_grad_norms
from isgd_mpi.model.losses import CrossEntropy
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.params import layer_views, n_parameters

_PIECE_ROWS = 256  # examples that an evaluation in float32 takes at a time


class RoundedWeights:
    """The rounded weights of an MLP, packed as right factors of the products of both passes.

    Parameters
    ----------
    widths : sequence of int
    products : arithmetic.CompiledProducts or mkl.MKLProducts
    backward : bool
        Whether a backward pass will need them.

    Attributes
    ----------
    forward : list
        Factors of the forward pass, layer by layer.
    backward : list
        Factors of the backward pass, of all layers but the first.
    biases : list of (padded(fan_out),) ndarray of float32
        Biases, not rounded.
    """

    def __init__(self, widths, products, backward):
        self._widths, self._products = widths, products
        layers = list(zip(widths, widths[1:]))
        self.forward = [products.factor(fan_in, fan_out) for fan_in, fan_out in layers]
        self.backward = [products.factor(fan_out, fan_in) for fan_in, fan_out in layers[1:] if backward]
        self.biases = [np.zeros(padded(width), np.float32) for width in widths[1:]]

    def take(self, vector):
        """Round and pack a parameter vector."""
        weights, biases = layer_views(vector, self._widths)
        for w, factor in zip(weights, self.forward):
            self._products.pack(w, factor)
        for w, factor in zip(weights[1:], self.backward):
            self._products.pack_transposed(w, factor)
        for padded_bias, bias in zip(self.biases, biases):
            padded_bias[: bias.size] = bias


class Workspace:
    """The passes of one thread over the rows of one call of the products, with the buffers for them.

    Parameters
    ----------
    widths : sequence of int
    products : arithmetic.CompiledProducts or mkl.MKLProducts
    loss : losses.Loss
    """

    def __init__(self, widths, products, loss):
        self._products, self._loss = products, loss
        n_rows, sizes = products.n_rows, [padded(width) for width in widths]
        self._activations = [aligned_zeros((n_rows, size), np.uint16) for size in sizes[:-1]]
        self._deltas = [aligned_zeros((n_rows, size), np.uint16) for size in sizes[1:]]
        sums = aligned_zeros((n_rows * max(sizes),), np.float32)
        self._sums = [sums[: n_rows * size].reshape(n_rows, size) for size in sizes]
        self._outputs = np.empty((n_rows, widths[-1]), np.float32)
        self._squared_input_norms = np.empty((len(widths) - 1, n_rows))
        self._squared_delta_norms = np.empty(n_rows)

    def forward(self, weights, x, y, losses, predictions):
        """Write losses and predictions; return the norms of the last layer's deltas."""
        n_rows, last = len(x), len(weights.forward) - 1
        round_rows(x, self._activations[0], self._squared_input_norms[0])
        for k, factor in enumerate(weights.forward):
            z = self._sums[k + 1]
            self._products.multiply(self._activations[k], factor, z, n_rows)
            if k < last:
                bias_relu_rounded(
                    z[:n_rows], weights.biases[k], self._activations[k + 1], self._squared_input_norms[k + 1]
                )
        outputs, width = self._outputs[:n_rows], self._loss.n_outputs
        np.add(z[:n_rows, :width], weights.biases[last][:width], out=outputs)
        self._loss.write(outputs, y, losses, predictions, self._squared_delta_norms)
        return np.sqrt(self._squared_delta_norms[:n_rows])

    def backward(self, weights, n_rows):
        """Return the gradient norms of the rows of the last :meth:`forward`."""
        squared_grad_norms, delta_norms = np.zeros(n_rows), self._squared_delta_norms
        deltas = self._deltas[-1]
        round_rows(self._outputs[:n_rows], deltas, np.empty(n_rows))
        for k in reversed(range(len(weights.forward))):
            add_squared_grad_norms(self._squared_input_norms[k], delta_norms, squared_grad_norms)
            if k:
                upstream, below = self._sums[k], self._deltas[k - 1]
                self._products.multiply(deltas, weights.backward[k - 1], upstream, n_rows)
                relu_backward_rounded(upstream[:n_rows], self._activations[k], below, delta_norms)
                deltas = below
        return np.sqrt(squared_grad_norms)


class LowPrecisionMLP:
    """A multilayer perceptron that only scores, in bfloat16.

    Parameters
    ----------
    widths : sequence of int
        Features, hidden widths, outputs.
    max_rows : int
        The most examples that one call may hold.
    make_products : callable
        Takes the most rows and returns products; such as :class:`arithmetic.CompiledProducts`.
    score : "grad-norm", "grad-bound" or "loss"
        Kind of the scores; see :class:`mlp.MLP`.
    threads : int
        Threads that share the rows of a call.
    loss : losses.Loss, optional
        Cross-entropy if not given.

    Attributes
    ----------
    params : (P,) ndarray of float32
        The parameters. May be set to another vector, which is rounded once, at the next call: it must not change
        before that call.
    predictions : (B,) ndarray of int32
        Predictions of the last call's examples; see :meth:`losses.Loss.write`.
    losses : (B,) ndarray of float32
        Losses of the last call's examples.
    """

    def __init__(self, widths, max_rows, make_products, score="grad-norm", threads=1, loss=None):
        self.widths, self._score = tuple(widths), score
        self._loss = loss or CrossEntropy(self.widths[-1])
        self._products = make_products(max_rows)
        self._weights = RoundedWeights(widths, self._products, backward=score == "grad-norm")
        self._workspaces = SimpleQueue()
        for _ in range(threads):
            self._workspaces.put(Workspace(widths, self._products, self._loss))
        # NumPy's error state is of each thread: without this, a diverging net would make other threads warn
        pool = ThreadPoolExecutor(threads, initializer=np.seterr, initargs=("ignore",)) if threads > 1 else None
        self._map = pool.map if pool else map
        self.params = np.zeros(n_parameters(widths), np.float32)
        self._scores, self._losses = (np.empty(max_rows, np.float32) for _ in range(2))
        self._predictions, self._correct = np.empty(max_rows, np.int32), np.empty(max_rows, bool)
        self._n_rows = 0

    @property
    def params(self):
        """Set or get the parameter vector; see the class."""
        return self._params

    @params.setter
    def params(self, vector):
        self._params, self._rounded = vector, False

    @property
    def predictions(self):
        """Predictions of the last call's examples."""
        return self._predictions[: self._n_rows]

    @property
    def losses(self):
        """Losses of the last call's examples."""
        return self._losses[: self._n_rows]

    def scores(self, x, y):
        """Compute each example's score, loss and correctness; see :meth:`mlp.MLP.scores`. Features are float32."""
        n_rows = self._n_rows = len(x)
        if n_rows > len(self._losses):
            raise ValueError(f"at most {len(self._losses)} rows, not {n_rows}")
        if not self._rounded:
            self._weights.take(self._params)
            self._rounded = True
        starts = range(0, n_rows, self._products.n_rows)
        for _ in self._map(lambda start: self._score_rows(x, y, slice(start, start + self._products.n_rows)), starts):
            pass  # map is lazy, and raises here the errors of other threads
        return self._scores[:n_rows], self.losses, self._loss.mark_correct(self.predictions, y, self._correct[:n_rows])

    def _score_rows(self, x, y, rows):
        """Score rows that one workspace has room for."""
        losses, predictions = self.losses[rows], self.predictions[rows]
        workspace = self._workspaces.get()
        try:
            scores = workspace.forward(self._weights, x[rows], y[rows], losses, predictions)
            if self._score == "grad-norm":
                scores = workspace.backward(self._weights, len(losses))
        finally:
            self._workspaces.put(workspace)
        self._scores[: self._n_rows][rows] = losses if self._score == "loss" else scores


class Evaluator(MLP):
    """Losses and measures in float32, a few rows at a time: it needs little memory beside a model in bfloat16.

    Parameters
    ----------
    widths : sequence of int
        Features, hidden widths, outputs.
    loss : losses.Loss, optional
        Cross-entropy if not given.
    """

    def __init__(self, widths, loss=None):
        super().__init__(widths, _PIECE_ROWS, score="loss", loss=loss)

    def scores(self, x, y):
        """Compute losses and correctness of any number of examples; see :meth:`mlp.MLP.scores`. Scores are losses."""
        return _in_pieces(super().scores, x, y)

    def evaluate(self, x, y):
        """Compute losses and measures of any number of examples; see :meth:`mlp.MLP.evaluate`."""
        return _in_pieces(super().evaluate, x, y)


def _in_pieces(method, x, y):
    """Call a method with a few examples at a time; return its answers for all."""
    pieces = [slice(start, start + _PIECE_ROWS) for start in range(0, len(x), _PIECE_ROWS)]
    answers = [[part.copy() for part in method(x[rows], y[rows])] for rows in pieces]
    return tuple(map(np.concatenate, zip(*answers)))
