"""Small models that predict an example's loss from the losses observed so far [1]_.

All have the same two methods, know neither MPI nor the model that is trained, and keep their state
in flat arrays:

``observe(rows, losses)`` learns from losses (float32, nats) in the order in which they were observed, and returns the
earlier predictions for them; an example may come several times.
``predict(rows)`` returns the scores (float32) of examples, a slice or an array of rows.

The attribute ``operations`` tells how many operations of a training step take the time of a prediction.

References
----------
.. [1] A. Katharopoulos, F. Fleuret, "Biased importance sampling for deep neural network training",
   arXiv:1706.00043, 2017.
"""

import math
from functools import partial

import numpy as np

from isgd_mpi.kernels.loss_history import append_losses, average_by_class
from isgd_mpi.model.optim import Adam
from isgd_mpi.settings.saved import Saved
from isgd_mpi.training.predictor.lstm import LossNetwork, initial_params, tensor_views

FLOOR = np.float32(1e-6)
"""Smallest score predicted: every example can be drawn."""

HISTORY_SIZE = 10
"""Number of an example's last losses that the LSTM reads."""

# Operations in the time of a prediction: 8 us by the LSTM with full histories, at 40 GFLOP/s. To look one up takes less
# than to merge it, 20 ns of the trainer's own time, of which a tenth may go there.
_LSTM_OPERATIONS, _LOOKUP_OPERATIONS = 320_000, 8_000
_TRAINING_BATCH = 128  # observations behind a step of Adam
_CLASS_KEPT = 0.9  # share of a class's moving average that remains after another loss


class LSTMPredictor(Saved):
    """Predicts by an LSTM over the example's last losses, and its target; see :mod:`isgd_mpi.training.predictor.lstm`.

    Parameters
    ----------
    labels : (N,) ndarray of int, or (N, K) ndarray of float32
        Targets of the training set: classes; or labels or standardised numbers.
    n_classes : int
        Number of the classes, labels or numbers.
    rng : numpy.random.Generator
        For the initial parameters.
    log_space : bool
        Whether the network sees and predicts logarithms of losses: those of easy examples then count
        as much as those of hard ones, and no prediction falls to the floor.

    Attributes
    ----------
    history : (N, 10) ndarray of float32
        What the network sees, the newest entry in the last column. Each begins with a loss of 1.
    lengths : (N,) ndarray of int8
        Number of entries. Those before them are masked; an entry of value 0 is not: it is a loss of 0,
        or the logarithm of 1.
    optimiser : optim.Adam
    """

    operations = _LSTM_OPERATIONS
    saved = ("history", "lengths", "_params", "optimiser")

    def __init__(self, labels, n_classes, rng, log_space=False):
        self._labels = labels
        self._log_space = log_space
        self.history = np.full((len(labels), HISTORY_SIZE), 0 if log_space else 1, np.float32)
        self.lengths = np.ones(len(labels), np.int8)
        params = initial_params(n_classes, rng)
        self._params = params
        self._network = LossNetwork(params, n_classes)
        self._output_bias = tensor_views(params, n_classes)["output_bias"]
        self.optimiser = Adam(params)

    def observe(self, rows, losses):
        """Train on losses, 128 at a time, and then add them to the histories; see the module's docstring.

        Raises
        ------
        FloatingPointError
            If losses are so large that the gradient of their square is not finite.
        """
        starts = range(0, len(rows), _TRAINING_BATCH)
        batches = [slice(start, start + _TRAINING_BATCH) for start in starts]
        predictions = [self._train(rows[batch], losses[batch]) for batch in batches]
        return np.concatenate(predictions) if batches else np.empty(0, np.float32)

    def predict(self, rows):
        """Predict losses with the network; see the module's docstring."""
        return self._scores(self._network.predict(*self._inputs(rows)))

    def restore(self, state):
        """Take the state back; raises ValueError if it is no such state."""
        super().restore(state)
        if not (self.lengths.min() >= 1 and self.lengths.max() <= HISTORY_SIZE):
            raise ValueError(f"lengths must lie in 1..{HISTORY_SIZE}")

    def _train(self, rows, losses):
        targets = np.log(np.maximum(losses, FLOOR)) if self._log_space else losses
        if not self.optimiser.n_done:
            self._output_bias[0] = targets.mean()  # from 0, Adam would take some hundred steps to get there
        predictions, gradient = self._network.gradient(*self._inputs(rows), targets)
        self.optimiser.step(gradient)
        append_losses(self.history, self.lengths, rows, targets)
        return self._scores(predictions)

    def _inputs(self, rows):
        return self.history[rows], self.lengths[rows], self._labels[rows]

    def _scores(self, predictions):
        return np.maximum(np.exp(predictions) if self._log_space else predictions, FLOOR)


class ClassPredictor(Saved):
    """Predicts the mean loss of the example's class plus its standard deviation.

    Parameters
    ----------
    labels : (N,) ndarray of int
        Classes, or other strata, of the training set.
    n_classes : int
    rng : numpy.random.Generator
        Nothing is drawn.
    guess : float, optional
        Loss of a model that knows nothing; that of a uniform guess of the class if not given.

    Attributes
    ----------
    moments : (n_classes, 2) ndarray of float64
        Moving averages of the loss and of its square; at first those of the guess.
    """

    operations = _LOOKUP_OPERATIONS
    saved = ("moments",)

    def __init__(self, labels, n_classes, rng, guess=None):
        self._labels = labels
        guess = math.log(n_classes) if guess is None else guess
        self.moments = np.tile([guess, guess**2], (n_classes, 1))

    def observe(self, rows, losses):
        """Update the averages, loss after loss; see the module's docstring."""
        predictions = self.predict(rows)
        average_by_class(self.moments, self._labels[rows], losses, _CLASS_KEPT)
        return predictions

    def predict(self, rows):
        """Look up the class; see the module's docstring."""
        mean, mean_square = self.moments.T
        scores = mean + np.sqrt(np.maximum(mean_square - mean**2, 0))
        return np.maximum(scores, FLOOR).astype(np.float32)[self._labels[rows]]


class LastPredictor(Saved):
    """Predicts the last loss of each example; for an example without one, the mean of all last losses.

    Parameters
    ----------
    labels, n_classes, rng, guess
        See :class:`ClassPredictor`.

    Attributes
    ----------
    last : (N,) ndarray of float32
        Last losses, floored; 0 where none was observed.
    """

    operations = _LOOKUP_OPERATIONS
    saved = ("last", "_mean")

    def __init__(self, labels, n_classes, rng, guess=None):
        self.last = np.zeros(len(labels), np.float32)
        self._mean = float(np.float32(math.log(n_classes) if guess is None else guess))

    def observe(self, rows, losses):
        """Remember the losses; see the module's docstring."""
        predictions = self.predict(rows)
        self.last[rows] = np.maximum(losses, FLOOR)
        if len(rows):
            self._mean = float(self.last[self.last > 0].mean(dtype=np.float64).astype(np.float32))
        return predictions

    def predict(self, rows):
        """Look up the example; see the module's docstring."""
        last = self.last[rows]
        return np.where(last > 0, last, np.float32(self._mean))


PREDICTORS = {
    "lstm": LSTMPredictor,
    "lstm-log": partial(LSTMPredictor, log_space=True),
    "class": ClassPredictor,
    "last": LastPredictor,
}
"""Loss predictors by the values of ``--predictor``."""


def make_predictor(name, dataset, guess, rng):
    """Make a loss predictor for the training set of a data set.

    Parameters
    ----------
    name : str
        A key of PREDICTORS.
    dataset : datasets.Dataset
        Its targets, or strata, are used.
    guess : float
        Loss of a model that knows nothing.
    rng : numpy.random.Generator
        For the initial parameters.
    """
    if name in ("class", "last"):
        return PREDICTORS[name](dataset.strata, dataset.n_strata, rng, guess)
    return PREDICTORS[name](dataset.splits["train"].labels, dataset.target.n_outputs, rng)


class RunningCorrelation(Saved):
    """Pearson's correlation of two series of numbers, with a memory.

    Parameters
    ----------
    memory : float
        Pairs over which the moments are averaged.
    """

    saved = ("_moments", "_n_pairs")

    def __init__(self, memory):
        self._memory = memory
        self._moments = np.zeros(5)  # of x, y, x^2, y^2, x y
        self._n_pairs = 0

    def observe(self, x, y):
        """Update the moments with B pairs of numbers: x and y are (B,)."""
        if not len(x):
            return
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        self._n_pairs += len(x)
        share = min(1.0, len(x) / min(self._n_pairs, self._memory))
        fresh = np.array([x.mean(), y.mean(), (x * x).mean(), (y * y).mean(), (x * y).mean()])
        self._moments += share * (fresh - self._moments)

    @property
    def value(self):
        """The correlation, in [-1, 1]; NaN where one of the series does not vary."""
        x, y, xx, yy, xy = self._moments
        squared_scale = (xx - x * x) * (yy - y * y)
        if not squared_scale > 1e-24 * xx * yy:
            return math.nan
        return float(np.clip((xy - x * y) / math.sqrt(squared_scale), -1, 1))
