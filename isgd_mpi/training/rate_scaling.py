"""Raise the learning rate by as much as importance sampling permits.

A step along a minibatch's gradient g is worth ``|mu|^2`` of descent and costs ``|g|^2`` of ascent by the curvature,
where mu is the mean gradient. With proposals of less variance ``E|g|^2`` falls, and the best step, ``|mu|^2 / (E|g|^2
h)`` with the curvature h along it, is longer by ``r = E|g|^2 uniform / E|g|^2 in use``. This factor is the gain ratio
of AdaScale (Johnson et al. 2020, arXiv:2007.05105), which has it for larger minibatches, and what the gradient noise
scale predicts (McCandlish et al. 2018, arXiv:1812.06162); for importance sampling: Kutsuna 2025, arXiv:2501.13296.

The factor says nothing of the longest step that is stable. So the step is bounded by the curvature, too: it is at most
a third of the step to the least loss of its own minibatch.
"""

import math

import numpy as np

from isgd_mpi.settings.saved import Saved
from isgd_mpi.training.progress import Progress

_MOST_OF_STEP = 1 / 3  # of the step to the least loss of the minibatch: half of it is too much for minibatches of 128
_MOST_RISE = 1.15  # from one refresh to the next; it may fall at once
_N_CURVATURES = 8  # that the bound is the mean of; before half of them are known nothing is scaled


class RateScaling(Saved):
    """Chooses the factor of the learning rate.

    Parameters
    ----------
    momentum : float
        A step is longer by ``1 / (1 - momentum)`` where gradients agree.
    progress : progress.Progress, optional
        Goes along a schedule by these factors, if there is one.

    Attributes
    ----------
    factor : float
        At least 1.
    """

    saved = ("factor", "_curvatures", "_progress")

    def __init__(self, momentum=0.0, progress=None):
        self._progress = progress
        self._stretch = 1 / (1 - momentum)
        self._curvatures = np.full(_N_CURVATURES, np.nan)  # the newest one comes first
        self.factor = 1.0

    def observe(self, curvature):
        """Add a measured curvature along the gradient of a minibatch; see :class:`curvature.Curvature`."""
        if math.isfinite(curvature):
            self._curvatures[1:] = self._curvatures[:-1].copy()
            self._curvatures[0] = curvature

    @property
    def curvature(self):
        """The mean of the last curvatures; NaN if too few are known."""
        known = self._curvatures[np.isfinite(self._curvatures)]
        return float(known.mean()) if 2 * len(known) >= _N_CURVATURES else math.nan

    def renew(self, step, gain_ratio, learning_rate):
        """Choose the factor of the steps until the next refresh.

        Parameters
        ----------
        step : int
            Steps done.
        gain_ratio : float
            Expected ``|g|^2`` of a minibatch that is drawn uniformly over that of one drawn as now; NaN if unknown.
        learning_rate : float
            Without the factor.

        """
        bound = self._bound(learning_rate)
        factor = min(gain_ratio, bound, _MOST_RISE * self.factor) if gain_ratio > 1 and bound > 1 else 1.0
        self.factor = float(factor)
        if self._progress:
            # the bound rises to the ratio as the schedule falls
            expected = (self.factor + max(self.factor, gain_ratio)) / 2 if gain_ratio > 0 else self.factor
            self._progress.renew(step, self.factor, expected)

    def apply_to(self, optimiser):
        """Scale the steps that follow of an :class:`optim.Optimiser`."""
        optimiser.scale(self.factor, *(self._progress.line.tolist() if self._progress else ()))

    def _bound(self, learning_rate):
        """Return the largest factor that the curvature permits; NaN if it is unknown, infinity if it is negative."""
        curvature = self.curvature
        if curvature <= 0 or not learning_rate:
            return math.inf
        return _MOST_OF_STEP / (curvature * learning_rate * self._stretch)


def make_rate_scaling(config, n_examples):
    """Return the :class:`RateScaling` that the settings ask for, or None.

    Parameters
    ----------
    config : config.Config
    n_examples : int
        Examples in the training set.
    """
    if config.lr_scaling != "gain":
        return None
    constant = config.lr_schedule == "constant"
    return RateScaling(config.momentum, None if constant else Progress(config.n_steps(n_examples)))
