"""Estimate the gradient noise scale: the minibatch of uniform draws at which noise and mean gradient weigh the same.

It is ``Tr Sigma_uniform / |mu|^2`` (McCandlish et al. 2018, arXiv:1812.06162). Late in training |mu|^2 drowns in the
noise of a few probes, so it is averaged over the last half of the steps, as the trace is.
"""

import math

import numpy as np

from isgd_mpi.sampling.variance import if_known
from isgd_mpi.settings.saved import Saved

_N_BINS = 16


class NoiseScale(Saved):
    """Averages the second moment of the gradients and |mu|^2 over the last half of the steps so far.

    They are summed in bins of about as many steps as the first one has; where all bins are full, each takes in its
    neighbour.
    """

    saved = ("_bins",)

    def __init__(self):
        self._bins = np.zeros((_N_BINS, 4))  # steps; sums of |g|^2 and |mu|^2, variance of the latter; oldest first

    def observe(self, n_steps, second_moment, squared_mean, variance):
        """Add a probe of |mu|^2.

        Parameters
        ----------
        n_steps : int
            Steps that it stands for.
        second_moment : float
            ``mean(|g|^2)`` over the training set; NaN if unknown, and the probe does not count.
        squared_mean, variance : float
            Results of :func:`variance.squared_mean`.
        """
        if n_steps and math.isfinite(second_moment + squared_mean + variance):
            self._open_bin()[:] += n_steps * np.array([1, second_moment, squared_mean, n_steps * variance])

    def _open_bin(self):
        """Return the bin that is not full, (4,) ndarray."""
        n = np.count_nonzero(self._bins[:, 0])
        if n and self._bins[n - 1, 0] < self._bins[0, 0]:
            return self._bins[n - 1]
        if n == _N_BINS:
            n //= 2
            self._bins[:n] = self._bins[::2] + self._bins[1::2]
            self._bins[n:] = 0
        return self._bins[n]

    def figures(self):
        """Return the noise scale in examples, NaN if its standard error is above a quarter of it, and that error."""
        bins, sums = self._bins[::-1].tolist(), [0.0] * 4  # lists: they are short
        half = sum(row[0] for row in bins) / 2
        for row in bins:
            if sums[0] < half:
                sums = [total + own for total, own in zip(sums, row)]
        _, moments, squares, variance = sums
        value = error = math.nan
        if squares > 0:
            value, error = moments / squares - 1, moments / squares**2 * math.sqrt(variance)
        return {"noise_scale": if_known(value, error), "noise_scale_error": error}
