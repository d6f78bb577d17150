"""The latest score of each example, and the step of the parameters behind it."""

import numpy as np

from isgd_mpi.kernels.scores import STEPS_BLOCK, keep_newer, keep_newer_at, lowest_steps
from isgd_mpi.settings.saved import Saved

NEVER = -1
"""Step of an example that has no score yet."""

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
        self._lowest = np.full(-(-len(labels) // STEPS_BLOCK), _NONE, np.int32)
        self._changed = np.zeros(len(self._lowest), bool)  # blocks whose smallest step may be another one
        self._noted, self._n_noted = None, 0
        self._all_are_trained = False

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
            self.write_runs([rows], scores, [step])
            return
        keep_newer_at(self.scores, self.steps, rows, scores, step, self._counts, self._changed)
        if self._noted is not None:
            self._note(rows, len(scores))

    def write_runs(self, slices, scores, steps):
        """Store the scores of some runs of examples unless there are newer ones.

        Parameters
        ----------
        slices : list of slice
        scores : (B,) ndarray
            Of one run after the other.
        steps : list of int
            Step of the parameters behind the scores of each run.
        """
        state = self._counts, self._changed
        keep_newer(self.scores, self.steps, bounds_of(slices), scores, np.array(steps), *state)
        if self._noted is not None:
            for rows in slices:
                self._note(rows, rows.stop - rows.start)

    def note_changes(self, rows=slice(0, 0)):
        """Keep a list of the rows that are written from now on, which begins with `rows`."""
        self._noted, self._n_noted = [rows], 0

    def _note(self, rows, n_rows):
        """Add rows to those that have changed; all of them, if they are as many as there are."""
        n_before, n = self._n_noted, len(self.scores)
        self._n_noted = min(n, n_before + n_rows)
        if self._n_noted < n:
            self._noted.append(rows)
        elif n_before < n:
            self._noted = [slice(0, n)]

    def take_changes(self):
        """Return the rows that have changed since the last call, as runs and an array of all others, and forget them.

        Returns
        -------
        runs : list of slice
        rows : (n,) ndarray of int
        """
        noted = self._noted
        self.note_changes()
        single = [rows for rows in noted if not isinstance(rows, slice)]
        runs = [rows for rows in noted if isinstance(rows, slice)]
        return runs, np.concatenate(single) if single else np.empty(0, np.int64)

    def restore(self, state):
        """Take the state back; see :class:`saved.Saved`."""
        super().restore(state)
        known = self.steps != NEVER
        self._counts[:] = known.sum(), (known & np.isfinite(self.scores)).sum(), self.steps[known].sum(dtype=np.int64)
        self._changed[:] = True
        self._all_are_trained = False

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
        return step - total / n_known, step - self._lowest_step()

    def _lowest_step(self):
        """Return the smallest step of all scores."""
        lowest_steps(self.steps, self._changed, self._lowest)
        return int(self._lowest.min())

    @property
    def all_are_trained(self):
        """True once each example has a score of a model that was trained: that stays so."""
        if not self._all_are_trained and self._counts[0] == len(self.steps):
            self._all_are_trained = self._lowest_step() > 0
        return self._all_are_trained


def bounds_of(slices):
    """Return the bounds of slices, (n, 2) ndarray of int."""
    return np.array([(rows.start, rows.stop) for rows in slices], np.int64).reshape(-1, 2)


def joined(slices):
    """Return slices with those that follow each other as one: few large ones are faster than many.

    Parameters
    ----------
    slices : list of slice
        Ascending, without overlap.
    """
    whole = list(slices[:1])
    for each in slices[1:]:
        if each.start == whole[-1].stop:
            whole[-1] = slice(whole[-1].start, each.stop)
        else:
            whole.append(each)
    return whole


def joined_values(take, parts):
    """Return the values of several parts, which a function takes, as one array."""
    return take(parts[0]) if len(parts) == 1 else np.concatenate([take(part) for part in parts])
