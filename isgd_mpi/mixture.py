"""The uniform part of the proposal: fixed, or chosen by what fresh gradient norms say of old scores.

With base weights w (scores over their mean) and a uniform part lambda the probability weights are
``omega = (1 - lambda) w + lambda``, of mean one, and the second moment of one drawn ``g / (N q)`` is
``J(lambda) = mean(|g|^2 / omega)``. When fresh norms |g| arrive for examples whose old scores are
known, J can be evaluated for any lambda: the one that minimises it adapts to the staleness there is.
J(1) is the second moment under uniform sampling.
"""

import numpy as np

from kernels.mixture import add_second_moments

LEAST = 0.03
"""The smallest uniform part chosen automatically: it bounds every importance weight by its inverse."""

_FIRST = 0.5  # before anything is known
_N_CANDIDATES = 24
_FALL = 2.0  # the uniform part falls by at most this factor with each `memory` of fresh norms; it rises at once


class Mixture:
    """The uniform part of the proposal, and the second moment that goes with it.

    Parameters
    ----------
    value : float or "auto"
        In [0, 1], or to be chosen.
    memory : float
        Fresh norms over which J is averaged.

    Attributes
    ----------
    value : float
        The uniform part to use.
    """

    def __init__(self, value, memory):
        self._automatic = value == "auto"
        self._candidates = np.geomspace(LEAST, 1, _N_CANDIDATES) if self._automatic else np.array([value, 1.0])
        self._memory = memory
        self._moments = np.full(len(self._candidates), np.nan)
        self._n_fresh = 0
        self.value = _FIRST if self._automatic else value

    def observe(self, norms, base_weights, shares=None):
        """Take fresh gradient norms into account.

        Parameters
        ----------
        norms : (B,) ndarray
            Fresh gradient norms of B examples.
        base_weights : (B,) ndarray of float64
            The weights w that these examples had before.
        shares : (B,) ndarray of float64, optional
            How many examples each one stands for: its importance weight if it was drawn, 1 if not.
        """
        squared = np.square(norms, dtype=np.float64)
        fresh = np.zeros(len(self._candidates))
        add_second_moments(
            squared, base_weights, np.ones(len(squared)) if shares is None else shares, self._candidates, fresh
        )
        fresh /= len(squared)
        # infinity, of a weight of zero without a uniform part, does not last
        kept = max(0.0, 1 - len(squared) / self._memory) if np.isfinite(self._moments).all() else 0.0
        self._moments = fresh if kept == 0 else kept * self._moments + (1 - kept) * fresh
        self._n_fresh += len(squared)

    def choose(self):
        """Set the uniform part to the one with the least second moment, if it is to be chosen.

        Upwards at once: too small a part lets one stale example undo a thousand steps. Downwards by
        half, at most, with each memory of fresh norms: too large a part costs a few per cent of the variance.
        """
        if self._automatic and np.isfinite(self._moments).all():
            best = float(self._candidates[np.argmin(self._moments)])
            self.value = max(best, self.value / _FALL ** (self._n_fresh / self._memory))
        self._n_fresh = 0

    @property
    def second_moment(self):
        """J of the present value, between candidates by interpolation; NaN if nothing is known."""
        return float(np.interp(self.value, self._candidates, self._moments))

    @property
    def uniform_second_moment(self):
        """J(1), ``mean(|g|^2)``; NaN if nothing is known."""
        return float(self._moments[-1])
