"""Count how often each example is drawn, and average its score over the run."""

import numpy as np

from isgd_mpi.settings.saved import Saved


class Tally(Saved):
    """Draws of each example of the training set, and the mean of its scores over all of their measurements.

    A score that is not finite counts as no measurement.

    Parameters
    ----------
    n_examples : int

    Attributes
    ----------
    draws : (N,) ndarray of int32
        Times that each example was drawn into a minibatch.
    measured : (N,) ndarray of int32
        Times that its score was measured: by scorers, and in the minibatches.
    """

    saved = ("draws", "measured", "_sums")

    def __init__(self, n_examples):
        self.draws, self.measured = np.zeros((2, n_examples), np.int32)
        self._sums = np.zeros(n_examples)

    @property
    def mean_scores(self):
        """Mean score of each example, (N,) ndarray of float64; NaN for one that was never measured."""
        return np.divide(self._sums, self.measured, out=np.full(len(self._sums), np.nan), where=self.measured > 0)

    def add_drawn(self, indices, scores):
        """Count a minibatch.

        Parameters
        ----------
        indices : (M,) ndarray of int64
            Its examples; one that was drawn twice counts twice.
        scores : (M,) ndarray
        """
        np.add.at(self.draws, indices, 1)
        known = np.isfinite(scores)
        np.add.at(self.measured, indices, known)
        np.add.at(self._sums, indices, np.where(known, scores, 0))

    def add_scored(self, rows, scores):
        """Count the scores of consecutive examples.

        Parameters
        ----------
        rows : slice
        scores : (B,) ndarray
        """
        known = np.isfinite(scores)
        self.measured[rows] += known
        self._sums[rows] += np.where(known, scores, 0)
