"""The latest score of each example, and the step of the parameters behind it."""

import numpy as np

from isgd_mpi.kernels.sampling import keep_newer, keep_newer_at, lowest_steps
from isgd_mpi.settings.saved import Saved

NEVER = -1
"""Step of an example that has no score yet."""

_BLOCK = 256  # examples whose smallest step is kept: a refresh of a few must not look at all
_NONE = np.iinfo(np.int32).max  # smallest step of a block in which nothing is known


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
    steps : (N,) ndarray of int32
        Step of the parameters that each score was computed with.
    predictions : (N,) ndarray of int32
        Class that the scorers last predicted.
    """

    saved = ("scores", "steps", "predictions")

    def __init__(self, labels, max_staleness=None):
        self._max_staleness = max_staleness
        self._ages = max_staleness is not None  # whether a score ceases to be usable by itself
        self.scores = np.zeros(len(labels), np.float32)
        self.steps = np.full(len(labels), NEVER, np.int32)
        self.predictions = np.array(labels, np.int32)
        self._counts = np.zeros(3, np.int64)  # of keep_newer
        self._lowest = np.full(-(-len(labels) // _BLOCK), _NONE, np.int32)
        self._changed = np.zeros(len(self._lowest), bool)  # blocks whose smallest step may be another one

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
            keep_newer(self.scores[rows], self.steps[rows], scores, step, self._counts)
            self._changed[rows.start // _BLOCK : -(-rows.stop // _BLOCK)] = True
        else:
            keep_newer_at(self.scores, self.steps, rows, scores, step, self._counts)
            self._changed[rows // _BLOCK] = True

    def restore(self, state):
        """Take the state back; see :class:`saved.Saved`."""
        super().restore(state)
        known = self.steps != NEVER
        self._counts[:] = known.sum(), (known & np.isfinite(self.scores)).sum(), self.steps[known].sum(dtype=np.int64)
        self._changed[:] = True

    def usable(self, step):
        """Return a mask of the examples whose score is finite, and not too old at this step, (N,) ndarray of bool."""
        known = (self.steps != NEVER) & np.isfinite(self.scores)
        if self._max_staleness is not None:
            known &= self.steps >= step - self._max_staleness
        return known

    @property
    def n_not_finite(self):
        """The number of scores that are not finite."""
        return int(self._counts[0] - self._counts[1])

    def usable_fraction(self, step):
        """Return the fraction of the examples that have a usable score."""
        n_usable = np.count_nonzero(self.usable(step)) if self._ages else int(self._counts[1])
        return n_usable / len(self.steps)

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
        n_known, _, total = self._counts.tolist()
        if not n_known:
            return float("nan"), -1
        lowest_steps(self.steps, _BLOCK, self._changed, self._lowest)
        return step - total / n_known, step - int(self._lowest.min())


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
