"""Find when a training run reached a loss: copy parameters on the way, evaluate them once the run has ended."""

import math
import time
from dataclasses import dataclass

import numpy as np

from isgd_mpi.bench.time_to_loss.arrival import Arrival
from isgd_mpi.model.mlp import MLP

_ROWS = 512  # evaluated at a time: the hardest ones alone often show that a loss is too large
_WINDOW = 4096  # examples over which the minibatches' losses are averaged
_SURELY_BELOW = 0.75  # of the target, by that average, at which a run ends: it lags, and the loss was lower already


@dataclass(frozen=True)
class Limits:
    """The end of a run, and its snapshots.

    Attributes
    ----------
    seconds : float
        Training time; copying parameters takes none of it.
    target : float
        Mean loss over the training set to reach, nats.
    first_step : int
        Step of the first snapshot.
    growth : float
        Step of a snapshot by that of the one before: above 1.
    """

    seconds: float
    target: float
    first_step: int
    growth: float


class Descent:
    """Watches a training run: takes snapshots, and says when it is over.

    Parameters
    ----------
    limits : Limits
    minibatch_size : int

    Attributes
    ----------
    taken : list of (int, float, ndarray)
        Step, seconds since the first step, and parameters of each snapshot.
    """

    def __init__(self, limits, minibatch_size):
        self._limits = limits
        self._share = min(1.0, minibatch_size / _WINDOW)
        self._next = limits.first_step
        self._begin = self._mean = None
        self.taken = []

    def is_over(self, step, loss, params, goes_on=False):
        """Take a snapshot if it is time; to be called after each step.

        Parameters
        ----------
        step : int
            Steps done. The clock starts at the first.
        loss : float
            Weighted mean loss of the step's minibatch, nats.
        params : callable
            Returns the parameters.
        goes_on : bool
            Whether training goes on while they are copied, so that the clock must, too.

        Returns
        -------
        bool
            Whether the run is over: time is up, the loss was surely reached, or it is not finite.
        """
        now = time.perf_counter()
        if self._begin is None:
            self._begin, self._mean = now, loss
        self._mean += self._share * (loss - self._mean)
        over = now - self._begin >= self._limits.seconds or not self._mean > _SURELY_BELOW * self._limits.target
        if step >= self._next or over:
            self.taken.append((step, now - self._begin, np.array(params(), np.float32)))
            self._next = max(step + 1, math.ceil(step * self._limits.growth))
            self._begin += 0.0 if goes_on else time.perf_counter() - now
        return over


class Evaluation:
    """Mean losses over a training set; examples that were hard come first, so that a large mean shows early.

    Parameters
    ----------
    dataset : datasets.Dataset
    widths : sequence of int
        Of the net.
    """

    def __init__(self, dataset, widths):
        self._dataset = dataset
        self._model = MLP(widths, _ROWS, score="loss")
        self._images = np.empty((_ROWS, dataset.n_features), np.float32)
        self._labels = np.empty(_ROWS, np.int32)
        self._losses = np.empty(dataset.n_train)
        self._order = np.arange(dataset.n_train)

    def mean_loss(self, params, enough=math.inf):
        """Return the mean loss, or once it is certain to be above `enough` a smaller number above that.

        Parameters
        ----------
        params : (P,) ndarray
        enough : float
            Nats.
        """
        self._model.params = params
        n_examples, total = self._dataset.n_train, 0.0
        for start in range(0, n_examples, _ROWS):
            rows = self._order[start : start + _ROWS]
            images, labels = self._images[: len(rows)], self._labels[: len(rows)]
            self._dataset.gather(rows, images, labels)
            self._losses[rows] = self._model.scores(images, labels)[1]
            total += float(self._losses[rows].sum())  # of numbers that are not negative
            if total > enough * n_examples:
                return total / n_examples
        self._order = np.argsort(-self._losses, kind="stable")
        return total / n_examples

    def first_below(self, snapshots, limits):
        """Return the arrival at the first snapshot whose training loss is at most the target.

        Parameters
        ----------
        snapshots : list
            See :attr:`Descent.taken`.
        limits : Limits
        """
        if not snapshots:
            return Arrival(limits.seconds)
        last_step, last_seconds, params = snapshots[-1]
        loss, seconds, steps = self.mean_loss(params), None, None
        for step, at, params in snapshots:
            found = self.mean_loss(params, limits.target)
            if found <= limits.target:
                loss, seconds, steps = found, at, step
                break
        rate = (last_step - 1) / last_seconds if last_seconds else None
        return Arrival(limits.seconds, seconds, steps, loss if math.isfinite(loss) else None, rate)
