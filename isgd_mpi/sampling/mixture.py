"""The uniform part of the proposal: fixed, or chosen by a comparison of fresh gradient norms with old scores.

With base weights w (scores over their mean) and a uniform part lambda the probability weights are
``omega = (1 - lambda) w + lambda``, of mean one, and the second moment of one drawn ``g / (N q)`` is
``J(lambda) = mean(|g|^2 / omega)``. When fresh norms |g| arrive for examples whose old scores are
known, J can be evaluated for any lambda: the minimum adapts to the staleness of the scores.
J(1) is the second moment under uniform sampling.

Where examples have weights v, the gradients are ``v g``, the probability weights ``v omega``, and J(lambda) is
``mean(v |g|^2 / omega)``. The second moment under uniform sampling is then ``mean(v^2 |g|^2)``, kept beside J.

Between two refreshes the trainer's own minibatches give the same estimate, where each example counts
by its importance weight: if they call for a larger uniform part than was chosen, it is raised at once
rather than at the next refresh.
"""

import math

import numpy as np

from isgd_mpi.kernels.sampling import add_by_level, add_second_moments
from isgd_mpi.settings.saved import Saved

LEAST = 0.03
"""The smallest uniform part chosen automatically: it bounds every importance weight by its inverse."""

_FIRST = 0.25  # before anything is known
_N_CANDIDATES = 16
_DRAWN_MEMORY = 1600  # drawn examples that J between refreshes is averaged over
_ENOUGH_DRAWN = 800  # drawn examples before their J counts
_NOTABLE = 1.3  # a change by less than this factor is not worth a new proposal
_WORTH = 1.01  # the present value is left if its second moment is larger than the least one by this factor
_FALL = 4.0  # the uniform part falls by at most this factor with each `memory` of norms; it rises at once

MANY = 2048
"""More examples than these are summed by levels of their weights, an eighth of an octave wide, of which each stands for
its mean: J is too small by less than a thousandth."""
_LOWEST_LEVEL, _N_LEVELS = -10, 144  # from 2**-10, far below the smallest uniform part, to 2**8


class Mixture(Saved):
    """The uniform part of the proposal, and the second moment that goes with it.

    Parameters
    ----------
    value : float or "auto"
        The uniform part, in [0, 1]; "auto" to choose it.
    n_examples : int
        Examples N in the training set.
    memory : float
        Fresh norms over which J is averaged.

    Attributes
    ----------
    value : float
        The uniform part to use.
    """

    saved = ("_moments", "_drawn_moments", "_n_scored", "_n_drawn", "_chosen", "value")

    def __init__(self, value, n_examples, memory):
        self._automatic = value == "auto"
        self._candidates = np.geomspace(LEAST, 1, _N_CANDIDATES) if self._automatic else np.array([value, 1.0])
        self._n_examples = n_examples
        self._moments = _Moments(self._candidates, memory, relative=memory >= n_examples)
        self._drawn_moments = _Moments(self._candidates, _DRAWN_MEMORY)
        self._memory = memory
        self._n_scored = self._n_drawn = 0  # norms since the last choice
        self._chosen = self.value = _FIRST if self._automatic else float(value)

    def observe(self, norms, base_weights, shares=None, example_weights=None):
        """Update the estimate of J with fresh gradient norms.

        Parameters
        ----------
        norms : (B,) ndarray
            Fresh gradient norms |g| of B examples.
        base_weights : (B,) ndarray of float64
            The weights w that these examples had before.
        shares : (B,) ndarray of float64, optional
            The weights r that drawn examples were drawn with.
        example_weights : (B,) ndarray of float64, optional
            The weights v of the examples, if they have any.
        """
        self._moments.observe(norms, base_weights, shares, example_weights)
        if shares is None:  # drawn ones are counted by `react`
            self._n_scored += len(norms)

    def react(self, norms, base_weights, shares, example_weights=None):
        """Raise or lower the uniform part between refreshes, by the norms of a drawn minibatch.

        Parameters
        ----------
        norms, base_weights, shares, example_weights : (M,) ndarray
            See :meth:`observe`.

        Returns
        -------
        changed : bool
            Whether the value changed enough for the proposal to be formed anew.
        """
        if not self._automatic:
            return False
        self._drawn_moments.observe(norms, base_weights, shares, example_weights)
        self._n_drawn += len(norms)
        wanted = max(self._chosen, self._wanted_by_drawn())
        if 1 / _NOTABLE <= wanted / self.value <= _NOTABLE:
            return False
        self.value = wanted
        return True

    def _wanted_by_drawn(self):
        """Return the uniform part with the least J of the drawn minibatches; 0 while they are too few."""
        known = self._drawn_moments.n_seen >= _ENOUGH_DRAWN and self._drawn_moments.known
        return float(self._candidates[np.argmin(self._drawn_moments.by_mixture)]) if known else 0.0

    def choose(self):
        """Set the uniform part to that of the least second moment, unless it is fixed or the change is not worth it.

        It rises at once: too small a part lets one stale example undo a thousand steps. It falls by a factor
        of four, at most, with each `memory` of norms, fresh or drawn: too large a part costs a few per cent.
        Drawn norms count because a long interval without a call for a larger part is evidence too.
        """
        if self._automatic and self._moments.known:
            by_mixture = self._moments.by_mixture
            present = np.interp(self._chosen, self._candidates, by_mixture)
            if present > _WORTH * by_mixture.min():
                best = float(self._candidates[np.argmin(by_mixture)])
                self._chosen = max(best, self._chosen * _FALL ** -((self._n_scored + self._n_drawn) / self._memory))
            if self._n_scored >= self._n_examples:  # all scores are new: the drawn norms are about old ones
                self._drawn_moments = _Moments(self._candidates, _DRAWN_MEMORY)
            self.value = max(self._chosen, self._wanted_by_drawn())
        self._n_scored = self._n_drawn = 0

    @property
    def second_moment_ratio(self):
        """``J(value)`` over that of uniform sampling, between candidates; NaN before the first observation."""
        return float(np.interp(self.value, self._candidates, self._moments.by_mixture) / self._moments.uniform)


class _Moments(Saved):
    """A moving average of J for each candidate, and of the second moment under uniform sampling.

    If `relative`, both are over J(1). The quotient is right while norms fall as a model learns, but biased if it is
    of few examples.
    """

    saved = ("values", "n_seen")

    def __init__(self, candidates, memory, relative=False):
        self._relative = relative
        self._candidates = candidates
        self._memory = memory
        self.values = np.full(len(candidates) + 1, np.nan)
        self.n_seen = 0

    @property
    def by_mixture(self):
        return self.values[:-1]

    @property
    def uniform(self):
        return self.values[-1]

    @property
    def known(self):
        return math.isfinite(self.values[0])  # the moment under the smallest uniform part is the largest

    def observe(self, norms, base_weights, shares=None, example_weights=None):
        n_seen = len(norms)
        if shares is None and example_weights is None and n_seen > MANY and self._candidates[0] >= LEAST:
            squared, base_weights = _by_level(norms, base_weights)
        else:
            squared = np.square(norms, dtype=np.float64)
        shares = np.ones(len(squared)) if shares is None else shares
        shares = shares if example_weights is None else shares * example_weights
        fresh = np.zeros(len(self._candidates) + 1)
        add_second_moments(squared, base_weights, shares, self._candidates, fresh[:-1])
        fresh[-1] = fresh[-2] if example_weights is None else (shares * example_weights * squared).sum()
        fresh /= fresh[-2] if self._relative and fresh[-2] > 0 else n_seen
        self.n_seen += n_seen
        # a plain mean until the memory is full; infinity, of a weight of zero without uniform part, does not last
        share = min(1.0, n_seen / min(self.n_seen, self._memory)) if self.known else 1.0
        self.values = fresh if share == 1 else self.values + share * (fresh - self.values)


def _by_level(norms, base_weights):
    """Return the sums of squared norms over levels of the weights, and the mean weights behind them."""
    sums = np.zeros((2, _N_LEVELS))
    add_by_level(norms, base_weights.astype(np.float32), _LOWEST_LEVEL, sums)
    some = sums[0] > 0
    return sums[0, some], sums[1, some] / sums[0, some]
