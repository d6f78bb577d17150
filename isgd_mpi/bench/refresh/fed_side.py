"""The trainers that a trainer 0 feeds, with a made-up learner, and the exchange that it merges from."""

import time
from dataclasses import dataclass, field

import numpy as np

from isgd_mpi.ranks.shared import Count
from isgd_mpi.training.feeder import FedWork
from isgd_mpi.training.minibatch import Answer

_BLOCK = 4096  # parameters that are changed between two looks at the clock: some 2 us


class MadeUpLearner:
    """A fed trainer's learner, whose steps take a given time: all of it passes on changing own parameters.

    Parameters
    ----------
    model : object
        Has `params` and `share`.
    optimiser : optim.SGD
    minibatch_size : int
    step_seconds : float

    Attributes
    ----------
    model, optimiser
        See above.
    seconds : float
        Time that the last step took.
    """

    def __init__(self, model, optimiser, minibatch_size, step_seconds):
        self.model, self.optimiser, self._step_seconds = model, optimiser, step_seconds
        self._own = model.params[model.share.columns(model.params.size)]
        self._place, self.seconds = 0, 0.0
        norms = np.random.default_rng(0).exponential(size=minibatch_size).astype(np.float32)
        self._answer = Answer(1.0, None, norms, np.zeros(minibatch_size, np.int32), norms)

    def descend(self, indices, weights, with_gradient):
        """Take a step; see :meth:`minibatch.Learner.descend`. Collective."""
        begin = time.perf_counter()
        self.model.share.meet()
        while (seconds := time.perf_counter() - begin) < self._step_seconds:
            self._own[self._place : self._place + _BLOCK] += np.float32(1e-3)
            self._place = (self._place + _BLOCK) % self._own.size
        self.model.share.meet()
        self.seconds = seconds
        return self._answer


class TimedWork(FedWork):
    """A fed trainer's part of the steps, which adds up the time beside the learner's.

    Parameters
    ----------
    ring : feeder.Ring
    learner : MadeUpLearner
    totals : (4,) ndarray
        Steps with a copy of the parameters, the time beside the learner's in them, and the same for the other steps.
    """

    def __init__(self, ring, learner, totals):
        super().__init__(ring, learner)
        self._totals = totals

    def step(self, signal=0):
        """Take the ordered step; see :meth:`feeder.FedWork.step`."""
        begin = time.perf_counter()
        super().step(signal)
        place = 0 if self.order["keeps_params"] else 2
        self._totals[place] += 1
        self._totals[place + 1] += time.perf_counter() - begin - self.learner.seconds


@dataclass(frozen=True)
class TimedCount(Count):
    """A count that adds up the time that this rank has waited for it."""

    seconds: np.ndarray = field(default_factory=lambda: np.zeros(1))

    def wait_for(self, number):
        """Wait until the number is as large."""
        begin = time.perf_counter()
        super().wait_for(number)
        self.seconds[0] += time.perf_counter() - begin


class ReadyExchange:
    """An exchange whose reports are there at once.

    Parameters
    ----------
    side : trainer_side.TrainerSide
        Makes the reports.
    fresh : float
        Share of each shard that is new in a refresh.

    Attributes
    ----------
    published, reports, pending
        See :class:`exchange.TrainerExchange`.
    n_refreshes : int
        Refreshes that were started.
    """

    def __init__(self, side, fresh):
        self._side, self._fresh = side, fresh
        self.published, self.reports, self.pending, self.n_refreshes = side.exchange.published, None, False, 0

    def start(self):
        """Start a refresh: make its reports."""
        self.reports, self.pending = self._side.next_reports(self._fresh), True
        self.n_refreshes += 1

    def poll(self):
        """Return True: the reports are there."""
        return True

    def wait(self):
        """Take the reports as they are."""
        self.pending = False
