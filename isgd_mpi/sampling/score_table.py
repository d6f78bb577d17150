"""The latest score of each example, and the step of the parameters behind it."""

import numpy as np

from isgd_mpi.kernels.sampling import keep_newer
from isgd_mpi.settings.saved import Saved

NEVER = -1
"""Step of an example that has no score yet."""


class ScoreTable(Saved):
    """The latest score of each example of the training set.

    Parameters
    ----------
    labels : (N,) ndarray of int
        Classes: they stand in for predictions not yet known.
    max_staleness : int, optional
        Steps after which a score is not usable any more.

    Attributes
    ----------
    scores : (N,) ndarray of float32
        Meaningless where `steps` is NEVER; not usable where they are not finite.
    steps : (N,) ndarray of int64
        Step of the parameters that each score was computed with.
    predictions : (N,) ndarray of int32
        Class that the scorers last predicted.
    """

    saved = ("scores", "steps", "predictions")

    def __init__(self, labels, max_staleness=None):
        self._max_staleness = max_staleness
        self.scores = np.zeros(len(labels), np.float32)
        self.steps = np.full(len(labels), NEVER, np.int64)
        self.predictions = np.array(labels, np.int32)

    def write(self, rows, scores, step):
        """Store the scores of some examples unless there are newer ones.

        Parameters
        ----------
        rows : slice or (B,) ndarray of int
            The examples.
        scores : (B,) ndarray
            Their scores.
        step : int
            Step of the parameters behind them.
        """
        if isinstance(rows, slice):
            keep_newer(self.scores[rows], self.steps[rows], scores, step)
            return
        known = self.steps[rows]
        self.scores[rows] = np.where(known > step, self.scores[rows], scores)
        self.steps[rows] = np.maximum(known, step)

    def usable(self, step):
        """Return a mask of the examples whose score is finite, and not too old at this step, (N,) ndarray of bool."""
        known = (self.steps != NEVER) & np.isfinite(self.scores)
        if self._max_staleness is not None:
            known &= self.steps >= step - self._max_staleness
        return known

    @property
    def n_not_finite(self):
        """The number of scores that are not finite."""
        return int(np.count_nonzero((self.steps != NEVER) & ~np.isfinite(self.scores)))

    def usable_fraction(self, step):
        """Return the fraction of the examples that have a usable score."""
        return np.count_nonzero(self.usable(step)) / len(self.steps)

    def filled_scores(self, step):
        """Return all scores at this step, with the mean of the usable ones in place of the others.

        Every example can then be drawn, and the gradient stays unbiased.

        Returns
        -------
        scores : (N,) ndarray of float64

        Raises
        ------
        ValueError
            If no example has a usable score.
        """
        usable = self.usable(step)
        if not usable.any():
            raise ValueError("no example has a usable score yet")
        scores = self.scores.astype(np.float64)
        if not usable.all():
            scores[~usable] = scores[usable].mean()
        return scores

    def staleness(self, step):
        """Return the mean and the largest staleness of the scores at this step, in steps.

        Returns
        -------
        mean, largest : float, int
            NaN and -1 where no example has a score.
        """
        usable = self.steps
        if usable.min() == NEVER:
            usable = usable[usable != NEVER]
        if not usable.size:
            return float("nan"), -1
        return float(step - usable.mean()), int(step - usable.min())


def joined(slices):
    """Return the rows of slices as one slice, of which arrays have views, or as an array where they have gaps.

    Parameters
    ----------
    slices : list of slice
        At least one; ascending, without overlap.
    """
    if all(one.stop == other.start for one, other in zip(slices, slices[1:])):
        return slice(slices[0].start, slices[-1].stop)
    return np.concatenate([np.arange(each.start, each.stop) for each in slices])
