"""Divide the time that there is: training time of each run, trials of each method, points of each curve.

About half of the time is for the runs with all seeds, and the rest for the searches, in equal parts. A search gives its
trials a third, or a ninth, ... of the longest training time first.
"""

import math
from dataclasses import dataclass

import numpy as np

POINTS = 16
"""Points of a curve."""

_FINALS = 0.45  # of the time that there is
_EVALUATION = 0.3  # of a run's part of that time, at most, for the points of its curve
_LEAST_SHARE = 0.05
_FIRST_POINT = 1 / 30  # of the training time
_HALVING = 0.6  # of a search's time; the rest is for what lies beyond the border
_MOST_ROUNDS = 4
_LEAST_SECONDS = 0.25  # of training: shorter runs tell nothing
_MOST_TRIALS = 30
_MARGIN = 1.03  # of what the runs with all seeds are expected to take


@dataclass(frozen=True)
class Costs:
    """Seconds that a run takes beside its training, as measured.

    Attributes
    ----------
    start : float
        Start and end of a run.
    end : float
        Evaluation of the last parameters in a trial.
    point : float
        Evaluation of a point of a curve, on all examples that it may have.
    test : float
        Evaluation on the test set.
    """

    start: float
    end: float
    point: float
    test: float

    @property
    def of_trial(self):
        """Return the seconds that a trial takes beside its training."""
        return self.start + self.end


@dataclass(frozen=True)
class Timing:
    """The times of all runs.

    Attributes
    ----------
    seconds : float
        Training time of a run with any seed, and of the longest trials.
    first_seconds : float
        Training time of the first trials.
    trials : int
        Trials of a method that there is time for in the first round.
    search_seconds : float
        Time of each method's search.
    examples : dict of str to int
        Of each split, that the points of a curve are measured on.
    """

    seconds: float
    first_seconds: float
    trials: int
    search_seconds: float
    examples: dict

    @property
    def times(self):
        """Return the times of a curve's points, which lie apart by a factor."""
        return np.geomspace(_FIRST_POINT * self.seconds, self.seconds, POINTS).round(4).tolist()


def divide(seconds_left, n_methods, n_seeds, costs, most):
    """Divide the time that is left.

    Parameters
    ----------
    seconds_left : float
    n_methods, n_seeds : int
    costs : Costs
    most : dict of str to int
        Examples of each split, at most, that the points of a curve are measured on.

    Returns
    -------
    Timing
    """
    each = _FINALS * seconds_left / (n_methods * n_seeds)
    n_most = sum(most.values())
    share = float(np.clip(_EVALUATION * each / max(POINTS * costs.point, 1e-9), _LEAST_SHARE, 1.0))
    examples = examples_of(share * n_most, most)
    beside = costs.start + costs.test + POINTS * costs.point * sum(examples.values()) / n_most
    longest = max(_LEAST_SECONDS, each - beside)
    search_seconds = max(0.0, seconds_left / n_methods - _MARGIN * n_seeds * (longest + beside))
    n_rounds = _n_rounds(longest, costs.of_trial)
    fits = [n for n in range(1, _MOST_TRIALS + 1) if _halving(n, n_rounds, longest, costs) <= _HALVING * search_seconds]
    longest = round(longest, 3)
    first = math.ceil(1000 * longest / 3 ** (n_rounds - 1)) / 1000  # so that no further round is due to rounding
    return Timing(longest, first, max(fits, default=1), round(search_seconds, 1), examples)


def examples_of(n, most):
    """Divide a number of examples among the splits: validation first, which judges, but a third is for training.

    Parameters
    ----------
    n : float
    most : dict of str to int
    """
    train = min(n, most["train"]) if "valid" not in most else min(most["train"], max(n / 3, n - most["valid"]))
    found = {"train": train, "valid": min(n - train, most.get("valid", 0))}
    return {name: max(1, round(found[name])) for name in most}


def _n_rounds(longest, beside):
    """Return the number of rounds, so that the first trials still train for most of their time."""
    shortest = max(_LEAST_SECONDS, beside)
    return min(_MOST_ROUNDS, 1 + max(0, math.floor(math.log(longest / shortest, 3))))


def _halving(n_trials, n_rounds, longest, costs):
    """Return the time of all rounds of a search."""
    numbers = [math.ceil(n_trials / 3**k) for k in range(n_rounds)]
    return sum(n * (longest / 3 ** (n_rounds - 1 - k) + costs.of_trial) for k, n in enumerate(numbers))
