"""Search the settings of one method by runs of equal training time, in the part of the time that it has.

As :mod:`isgd_mpi.experiment.search` has it, and besides: where the best trial of a round lies at the border of what was
tried, the round goes on beyond it. The last round but one goes on with all neighbours of its best: trials are cheaper
there than in the last one, which has three at first. Of uniform sampling the number of trainers changes the speed
alone: what goes on to the next round has the number that took the most steps a second with that minibatch.
"""

import math
from dataclasses import dataclass, replace

from isgd_mpi.experiment.search import KEPT, LONGER, Search

_MOST_AT_LAST = 3  # trials of the last round, but for the neighbours of the best


@dataclass(frozen=True)
class Trained:
    """The result of a run.

    Attributes
    ----------
    allowed_seconds : float
        Training time.
    judged, loss : float or None
        On the validation set, or on the training set if there is none; None if it is not finite.
    steps : int
    cost_seconds : float
        Wall-clock time of all that belongs to the run.
    problem : str or None
        The reason why it failed.
    """

    allowed_seconds: float
    judged: float | None = None
    loss: float | None = None
    steps: int = 0
    cost_seconds: float = 0.0
    problem: str | None = None

    seconds = None  # of the goal, which such a run has not

    @property
    def is_usable(self):
        """Return whether the run came to an end that was measured."""
        return self.problem is None and self.judged is not None and self.loss is not None

    @property
    def order(self):
        """Return a key that sorts the better run first, among those of equal time."""
        return (self.judged, self.loss) if self.is_usable else (math.inf, math.inf)


class MethodSearch(Search):
    """A search of one method; see the module.

    Parameters
    ----------
    space, budget, clock
        See :class:`isgd_mpi.experiment.search.Search`.
    only_speed : bool
        Whether the number of trainers changes the speed alone.
    """

    def __init__(self, space, budget, clock, only_speed):
        super().__init__(space, budget, clock)
        self._only_speed = only_speed

    @property
    def best(self):
        """Return the best of the trials that trained longest and came to an end; None before the first run."""

        def order(trial):
            found = self.arrivals[trial]
            return not found.is_usable, -found.allowed_seconds, found.order

        return min(self.arrivals, key=order, default=None)

    def is_at_border(self, trial):
        """Return whether no trial was made beyond one, in minibatch or learning rate."""
        sizes, rates = ({getattr(each, name) for each in self.arrivals} for name in ("minibatch_size", "rate"))
        at_end = trial.minibatch_size == max(sizes) or 1 < trial.minibatch_size == min(sizes)
        return at_end or trial.rate in (min(rates), max(rates))

    def _is_too_late(self, seconds):
        return self._clock() + seconds > self._end

    def _round(self, trials, seconds):
        trials = yield from super()._round(trials, seconds)
        before, best = None, self._first_of(trials)
        while best != before and self.arrivals[best].is_usable:
            for trial in self._next_to(best, seconds):
                if self._leaves_time(seconds, len(trials)):
                    yield trial, seconds
                    trials = [*trials, trial]
            before, best = best, self._first_of(trials)
        return trials

    def _first_of(self, trials):
        """Return the best of some trials, or of all if none of them was made."""
        tried = filter(self.arrivals.get, trials)
        return min(tried, key=lambda trial: self.arrivals[trial].order, default=self.best)

    def _next_to(self, best, seconds):
        """Return the trials that a round goes on with, given its best: those beyond the border first."""
        is_early = LONGER * seconds < self._budget.longest_seconds
        found = sorted(self._neighbours(best), key=self._is_within)
        return [trial for trial in found if self._is_due(trial, seconds) and not (is_early and self._is_within(trial))]

    def _neighbours(self, trial):
        """Return the neighbours of a trial; where speed is all that counts, with the fastest number of trainers."""
        found = self._space.neighbours(trial)
        if not self._only_speed:
            return found
        known = self._speeds.get(trial.minibatch_size, {})
        untried = [each for each in found if each.workers != trial.workers and each.workers not in known]
        return [each for each in dict.fromkeys([*map(self._fastest, found), *untried]) if each != trial]

    def _leaves_time(self, seconds, n_trials):
        """Return whether one more trial of a round, which has some, leaves time for the rounds that follow."""
        number, beside = n_trials + 1, self._mean_beside()
        needed = seconds + beside
        while seconds < self._budget.longest_seconds:
            seconds, number = min(LONGER * seconds, self._budget.longest_seconds), self._number_kept(number, seconds)
            needed += number * (seconds + beside)
        return self._clock() + needed < self._end

    def _mean_beside(self):
        """Return the mean time that a run took beside its training."""
        found = self.arrivals.values()
        return sum(each.cost_seconds - each.allowed_seconds for each in found) / len(found)

    def _climb(self, seconds):
        """Try the neighbours of the best trial until none of them is better; those beyond the border first."""
        before = None
        while self.complete and self.best != before:
            before = self.best
            yield from self._try_all(sorted(self._neighbours(before), key=self._is_within), seconds)

    def _is_within(self, trial):
        return not self._is_beyond(trial)

    def _is_beyond(self, trial):
        """Return whether a trial lies outside of all that was tried."""
        sizes, rates = ([getattr(each, name) for each in self.arrivals] for name in ("minibatch_size", "rate"))
        inside = min(sizes) <= trial.minibatch_size <= max(sizes) and min(rates) <= trial.rate <= max(rates)
        return not inside

    def _number_kept(self, number, seconds):
        """Return the number of trials, of some, that go on with a round of some seconds."""
        is_last = LONGER * seconds >= self._budget.longest_seconds
        return min(_MOST_AT_LAST, math.ceil(number / KEPT)) if is_last else math.ceil(number / KEPT)

    def _best_of(self, trials, seconds):
        best = super()._best_of(trials, seconds)[: self._number_kept(len(trials), seconds)]
        return list(dict.fromkeys(map(self._fastest, best))) if self._only_speed else best

    @property
    def _speeds(self):
        """Return the steps a second by minibatch and number of trainers."""
        speeds = {}
        for trial, found in self.arrivals.items():
            speeds.setdefault(trial.minibatch_size, {})[trial.workers] = found.steps / found.allowed_seconds
        return speeds

    def _fastest(self, trial):
        """Return a trial with the number of trainers that is fastest with the nearest minibatch that tells it."""
        telling = {size: speeds for size, speeds in self._speeds.items() if len(speeds) > 1}
        if not telling:
            return trial
        speeds = telling[min(telling, key=lambda size: abs(math.log(size / trial.minibatch_size)))]
        return replace(trial, workers=max(speeds, key=speeds.get))
