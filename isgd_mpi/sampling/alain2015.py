"""The conventions of the code published with arXiv:1511.06481, so that its curves can be redrawn.

They differ from those of this package, and each costs something:

* Scores go stale by the clock, and stale examples are left out of the proposal: the gradient estimates the
  mean over the fresh examples only.
* The estimate of |mu|^2 is too large.
* The plotted variance of the proposal in use is that of another proposal, whose weights are the square roots.
* The last partial batch of each split is neither scored nor evaluated.

The figures of the ``compat_`` columns stand beside the corrected ones.
"""

import numpy as np

from isgd_mpi.sampling.score_table import ScoreTable
from isgd_mpi.settings.saved import Saved

STALE_SECONDS = 20.0
"""Age at which a score is stale."""


class TimedScoreTable(ScoreTable):
    """A score table whose scores go stale by the clock.

    Parameters
    ----------
    labels : (N,) ndarray of int
    clock : callable
        Returns seconds.
    """

    saved = (*ScoreTable.saved, "_written")

    def __init__(self, labels, clock):
        super().__init__(labels)
        self._ages = True
        self._clock = clock
        self._written = np.full(len(labels), -np.inf)

    def write(self, rows, scores, step):
        """Store scores and the time; see :meth:`score_table.ScoreTable.write`."""
        super().write(rows, scores, step)
        self._written[rows] = self._clock()

    def write_runs(self, slices, scores, steps):
        """Store scores and the time; see :meth:`score_table.ScoreTable.write_runs`."""
        super().write_runs(slices, scores, steps)
        for rows in slices:
            self._written[rows] = self._clock()

    def usable(self, step):
        """Return a mask of the examples with a score of the last 20 seconds, (N,) ndarray of bool."""
        return self._written >= self._clock() - STALE_SECONDS


class Alain2015(Saved):
    """The variances by the formulas of the code published with arXiv:1511.06481."""

    saved = ("_sums", "_norm_of_gradients", "_n_gradients", "_n_seen")

    def __init__(self):
        self._forget()

    def _forget(self):
        self._sums = np.zeros(4)  # of |g|, |g|^2, sqrt(omega), |g|^2 / sqrt(omega)
        self._norm_of_gradients, self._n_gradients = 0.0, 0
        self._n_seen = 0

    def observe(self, norms, prob_weights):
        """Add fresh gradient norms to the sums.

        Parameters
        ----------
        norms : (B,) ndarray
        prob_weights : (B,) ndarray of float64
            Weights omega of these examples in the proposal in use, positive.
        """
        norms, roots = np.asarray(norms, np.float64), np.sqrt(prob_weights)
        squared = norms * norms
        self._sums += norms.sum(), squared.sum(), roots.sum(), (squared / roots).sum()
        self._n_seen += len(norms)

    def observe_gradient(self, gradient):
        """Add the norm of a minibatch gradient to the sums.

        Parameters
        ----------
        gradient : (P,) ndarray
        """
        self._norm_of_gradients += float(np.sqrt(gradient @ gradient))
        self._n_gradients += 1

    def columns(self):
        """Return the figures of the time since the last call, and begin new sums.

        Returns
        -------
        dict of float
            ``compat_squared_mean_gradient``, the squared mean of the norms of minibatch gradients;
            ``compat_trace_ideal``, ``compat_trace_in_use`` (with the square root of omega) and
            ``compat_trace_uniform``. NaN where nothing was observed.
        """
        norm, squared, root, quotient = self._sums / self._n_seen if self._n_seen else np.full(4, np.nan)
        squared_mean = (self._norm_of_gradients / self._n_gradients) ** 2 if self._n_gradients else float("nan")
        self._forget()
        return {
            "compat_squared_mean_gradient": squared_mean,
            "compat_trace_ideal": float(norm**2 - squared_mean),
            "compat_trace_in_use": float(root * quotient - squared_mean),
            "compat_trace_uniform": float(squared - squared_mean),
        }
