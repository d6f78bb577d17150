"""Search for the settings with which a method does best, by short training runs.

The budget is dealt by successive halving, then by steps to neighbours, all with one seed:

1. some trials are drawn from the space, and each may train for a first time; the better third may train three times as
   long, and so on, until it is as long as the best arrival took;
2. all neighbours of the best trial train, also those beyond the border of the space; if one is better, its neighbours
   follow, until none is. So the best trial never lies at the border of what was tried, unless there are no more cores;
3. variants that take long to prepare are tried at the best trial only.

Where a run has a goal, no run may train for longer than the best one took so far: it is hopeless then. Trials of
promise go first.
"""

import math
import time
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

KEPT = 3
"""One in this many trials goes on to the next round."""

LONGER = 3
"""Factor from the time of a round to that of the next."""


@dataclass(frozen=True)
class Trial:
    """Settings of a run.

    Attributes
    ----------
    minibatch_size : int
    rate : float
        Learning rate.
    workers : int
        Trainers, or threads of PyTorch.
    precision : str
        f32 or bf16, of the products in training.
    variant : str
        Of the method, such as ``fused``; empty if it has none.
    """

    minibatch_size: int
    rate: float
    workers: int
    precision: str
    variant: str = ""


@dataclass(frozen=True)
class Space:
    """The values that a search begins with; trials with others may follow, see the module.

    Attributes
    ----------
    minibatch_sizes, rates, workers, precisions, variants
        Lists of the values of each field of :class:`Trial`. Beyond the ends of the first two the search may go on.
    late_variants : list of str
        Variants that are tried at the best trial only.
    rate_step : float
        Factor from a learning rate to a neighbour.
    """

    minibatch_sizes: list[int]
    rates: list[float]
    workers: list[int]
    precisions: list[str]
    variants: list[str]
    late_variants: list[str]
    rate_step: float = math.sqrt(2)

    def draw(self, n_trials):
        """Return all trials of the space, or as many of them as asked for, always the same ones."""
        axes = (self.minibatch_sizes, self.rates, self.workers, self.precisions, self.variants)
        trials = [Trial(*values) for values in product(*axes)]
        if len(trials) <= n_trials:
            return trials
        return [trials[i] for i in sorted(np.random.default_rng(0).choice(len(trials), n_trials, replace=False))]

    def neighbours(self, trial):
        """Return the trials that differ by a step in one field, or in minibatch and learning rate together."""
        size, rate = trial.minibatch_size, trial.rate
        found = [replace(trial, rate=rounded(rate * step)) for step in (self.rate_step, 1 / self.rate_step)]
        if size > 1:
            found += [replace(each, minibatch_size=size // 2) for each in (trial, found[1])]
        found += [replace(each, minibatch_size=2 * size) for each in (trial, found[0])]
        found += [replace(trial, workers=number) for number in _beside(self.workers, trial.workers)]
        found += [replace(trial, precision=name) for name in self.precisions]
        found += [replace(trial, variant=name) for name in self.variants]
        return [each for each in dict.fromkeys(found) if each != trial]


def rounded(rate):
    """Return a learning rate with two digits."""
    return float(f"{rate:.2g}")


def _beside(values, value):
    place = values.index(value)
    return values[max(place - 1, 0) : place + 2]


@dataclass(frozen=True)
class Budget:
    """The limits of a search.

    Attributes
    ----------
    trials : int
        Trials of the first round.
    first_seconds, longest_seconds : float
        Training time of a run, in the first round and at most.
    search_seconds : float
        Time after which no further run begins.
    """

    trials: int
    first_seconds: float
    longest_seconds: float
    search_seconds: float


class Search:
    """A search; see the module.

    Parameters
    ----------
    space : Space
    budget : Budget
    clock : callable
        Returns the time so far [s].

    Attributes
    ----------
    arrivals : dict of Trial to object
        The longest run of each trial: ``seconds`` until it reached its goal, or None, ``allowed_seconds``, ``problem``
        (text or None), and ``order``, which sorts the better one first.
    complete : bool
        Whether time sufficed to try all that was to be tried; else the best may lie at the border of the space.
    """

    def __init__(self, space, budget, clock=time.monotonic):
        self._space = space
        self._budget = budget
        self._clock = clock
        self._end = clock() + budget.search_seconds
        self.arrivals = {}
        self.complete = True

    @property
    def best(self):
        """Return the trial that arrived first, or came nearest; None before the first run."""
        return min(self.arrivals, key=lambda trial: self.arrivals[trial].order, default=None)

    @property
    def _best_seconds(self):
        """Return the time of the best arrival, or the longest that a run may take."""
        best = self.best and self.arrivals[self.best].seconds
        return self._budget.longest_seconds if best is None else best

    def run(self, measure):
        """Search, and return the best trial.

        Parameters
        ----------
        measure : callable
            Takes a trial and the seconds that it may train; returns one of the `arrivals`.
        """
        for trial, seconds in self.steps():
            self.arrivals[trial] = measure(trial, seconds)
        return self.best

    def steps(self):
        """Yield each trial that is due, with the seconds that it may train; its arrival must be there at the next."""
        seconds = yield from self._halve(self._space.draw(self._budget.trials))
        yield from self._climb(seconds)
        yield from self._try_all([replace(self.best, variant=name) for name in self._space.late_variants], seconds)

    def _halve(self, trials):
        """Give fewer and fewer trials more and more time; return the time that the last ones had."""
        seconds = self._budget.first_seconds
        while True:
            trials = yield from self._round(trials, seconds)
            if seconds >= self._best_seconds or not self.complete:
                return seconds
            trials = self._best_of(trials, seconds)
            seconds = min(LONGER * seconds, self._budget.longest_seconds)

    def _best_of(self, trials, seconds):
        """Return those of some trials, which had some seconds, that go on."""
        tried = sorted(filter(self.arrivals.get, trials), key=lambda trial: self.arrivals[trial].order)
        return tried[: math.ceil(len(tried) / KEPT)]

    def _round(self, trials, seconds):
        """Give some trials time; return all that had it."""
        yield from self._try_all(trials, seconds)
        return trials

    def _climb(self, seconds):
        """Try the neighbours of the best trial until none of them is better."""
        before = None
        while self.best != before:
            before = self.best
            yield from self._try_all(self._space.neighbours(before), seconds)

    def _try_all(self, trials, seconds):
        for trial in trials:
            limit = min(seconds, self._best_seconds)
            if self.arrivals and self._is_too_late(limit):
                self.complete = False
                return
            if self._is_due(trial, limit):
                yield trial, limit

    def _is_too_late(self, seconds):
        """Return whether a run of some seconds may not begin any more."""
        return self._clock() > self._end

    def _is_due(self, trial, seconds):
        """Return whether a trial has neither arrived, nor failed, nor had this time."""
        before = self.arrivals.get(trial)
        return before is None or (before.seconds is None and not before.problem and before.allowed_seconds < seconds)
