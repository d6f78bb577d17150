"""Estimate the gain of importance sampling from gradient norms, and decide by it whether to sample uniformly."""

import math
from typing import NamedTuple

import numpy as np

from isgd_mpi.sampling.alain2015 import Alain2015
from isgd_mpi.sampling.noise_scale import NoiseScale
from isgd_mpi.sampling.switch import Switch
from isgd_mpi.sampling.variance import Variance, distinct_examples, effective_sample_size, entropy
from isgd_mpi.settings.sampling import drawing_of
from isgd_mpi.settings.saved import Saved

# importance sampling is switched off once it has not paid for a share of the training set's number of draws, and for a
# number of steps: the scores of an untrained model, which are the first ones, say nothing of later ones
_PATIENCE, _LEAST_STEPS = 1 / 4, 128
_PATIENCE_WITH_DRAWN = 1  # that share where the drawn examples alone are measured: an epoch goes by until most are
FAR = 1.5
"""A possible gain larger by this factor is more than rounding and the least uniform part leave behind."""
_TYPICAL = 2**12  # weights, at least, that the entropy and the effective sample size are measured by


class MeanGain(NamedTuple):
    """The variance gain that the steps of a run had with importance sampling, over all that are known.

    Attributes
    ----------
    value, error : float
        Harmonic mean, so that it says by how much their mean variance was smaller; its standard error.
    possible : float
        The same mean for the best possible proposal.
    """

    value: float
    error: float
    possible: float


class Gain(Saved):
    """Estimates the variance with and without importance sampling, and decides whether it pays.

    Parameters
    ----------
    config : config.Config
    n_examples : int
        Examples N in the training set.
    norms_come_back : bool
        Whether norms come from others than the drawn examples, too.

    Attributes
    ----------
    variance : variance.Variance
    switch : switch.Switch
    n_steps_in_use : int
        Steps that were taken with importance sampling, as far as :meth:`decide` has learnt of them.
    """

    saved = ("variance", "switch", "_compat", "_totals", "_noise", "_n_steps", "_n_drawn", "n_steps_in_use")

    def __init__(self, config, n_examples, norms_come_back=True):
        self._draws_by_norms, exact = config.draws_by_norms, config.schedule == "exact"
        self._remedy = ("" if exact else "more scorers, ") + "a smaller --refresh-every or a larger --minibatch-size"
        self._compat = Alain2015() if config.compat != "none" else None
        self._minibatch_size, self._drawing = config.minibatch_size, drawing_of(config)
        self._totals = np.zeros(4)  # of the steps with a known gain: number, sums of 1 / gain, 1 / possible, variance
        self._n_steps = self._n_drawn = 0  # since the last decision
        self.n_steps_in_use = 0
        share = _PATIENCE if norms_come_back else _PATIENCE_WITH_DRAWN
        patience = max(share * n_examples, _LEAST_STEPS * config.minibatch_size)
        self.switch = Switch(config.switches, patience)
        self.variance = Variance()
        self._noise = NoiseScale()

    @property
    def wants_each_gradient(self):
        """True if :meth:`learn_from_minibatch` needs the gradient of every step."""
        return self._compat is not None

    def learn_from_minibatch(self, minibatch, example_weights=None):
        """Update the estimates with a minibatch of :class:`minibatch.Minibatch`.

        Parameters
        ----------
        minibatch : minibatch.Minibatch
        example_weights : (M,) ndarray of float64, optional
            Weights of its examples, if they have any: the figures are those of the weighted gradients.

        Returns
        -------
        bool
            Whether all norms are known to be finite.
        """
        self._n_steps += 1
        self._n_drawn += len(minibatch.indices)
        norms = minibatch.grad_norms if example_weights is None else example_weights * minibatch.grad_norms
        if self._compat:
            self._compat.observe_gradient(minibatch.gradient)
        return self.variance.observe(norms, minibatch.importance_weights)

    def learn_from_probe(self, value, variance, age):
        """Update the estimates with a probe of |mu|^2; see :meth:`variance.Variance.observe_probe`."""
        self.variance.observe_probe(value, variance, age)
        self._noise.observe(self._n_steps, self.variance.second_moment(), value, variance)

    def learn_from_scored_norms(self, norms, importance_weights):
        """Update the figures of `compat` with the norms of scorers.

        Parameters
        ----------
        norms : (B,) ndarray
        importance_weights : (B,) ndarray of float64
            ``mean(omega) / omega`` of the same examples, under the proposal in use; finite.
        """
        if self._compat:
            self._compat.observe(norms, 1 / importance_weights)

    def decide(self, in_use, second_moment_ratio, refresh_share, n_compared):
        """Let the switch decide whether to go on with importance sampling; begins a new interval of steps.

        Parameters
        ----------
        in_use : bool
            Whether importance sampling was used since the last decision. If so, its gain is added to the mean.
        second_moment_ratio : float
            See :attr:`mixture.Mixture.second_moment_ratio`. It gives the gain while sampling is uniform.
        refresh_share : float
            See :meth:`switch.Switch.decide`.
        n_compared : int
            Fresh norms since the last decision that the ratio is estimated from.

        Returns
        -------
        changed : bool
        """
        if in_use:
            gain, error = self.variance.gain()
            self._count(gain, error)
            changed = self.switch.decide(gain, refresh_share, self._n_drawn, error)
        else:
            gain = self.variance.gain_with(second_moment_ratio) if n_compared else math.nan
            changed = self.switch.decide(gain, refresh_share, n_compared)
        self._n_steps = self._n_drawn = 0
        self.variance.next_block()
        return changed

    def _count(self, gain, error):
        """Add the gain of the steps since the last decision, if it is known, to the mean."""
        n, possible = self._n_steps, self.variance.possible_gain()
        self.n_steps_in_use += n
        if gain > 0 and possible > 0 and n:
            # windows overlap: the errors of all refreshes in one are the same
            variance = (error / gain**2) ** 2 * max(n, self.variance.window().n)
            self._totals += n, n / gain, n / max(gain, possible), n * variance

    @property
    def mean(self):
        """The mean gain of the steps with importance sampling, a :class:`MeanGain`, or None if it is not known."""
        n, inverse, inverse_of_possible, variance = map(float, self._totals)
        if not n:
            return None
        value = n / inverse
        return MeanGain(value, value**2 * math.sqrt(variance) / n, n / inverse_of_possible)

    def why_so_low(self, age):
        """Return in words why the present gain is far below the possible one, if it is the age of the scores.

        Parameters
        ----------
        age : float
            Mean age of the scores, steps; NaN if there are none.

        Returns
        -------
        str
            Empty if the gain is not far below, or for another reason.
        """
        figures = self.variance.figures()
        far = figures["trace_in_use"] >= FAR * figures["trace_ideal"]
        if not (far and self._draws_by_norms and age > 0):
            return ""
        return f"the scores, {age:.0f} steps old on average, are too old to give more: {self._remedy} would help"

    def decision(self, age):
        """Return the switch's last decision in words; see :meth:`why_so_low`."""
        reason = f"; {why}" if not self.switch.on and (why := self.why_so_low(age)) else ""
        word = "on" if self.switch.on else "off"
        return f"switch: importance sampling {word}, speed gain {self.switch.speed_gain:.3f}{reason}"

    def figures(self, proposal, example_weights=None):
        """Return the figures of the metrics file about the gain of the proposal in use.

        Parameters
        ----------
        proposal : proposal.Proposal
        example_weights : (N,) ndarray of float64, optional
            Weights of the examples, if they have any.

        Returns
        -------
        dict of float
        """
        weights = proposal.typical_weights(_TYPICAL)
        own = None if example_weights is None else example_weights[proposal.typical_rows(_TYPICAL)]
        of_gain, size = self.variance.figures(), self._minibatch_size
        of_gain |= self._noise.figures() | {"effective_minibatch": size * of_gain["variance_gain"]}
        return of_gain | {
            "distinct_examples": distinct_examples(weights, proposal.n_examples, size, self._drawing),
            "effective_sample_size": effective_sample_size(weights, own),
            "entropy": entropy(weights) + math.log(proposal.n_examples / len(weights)),
            "speed_gain": self.switch.speed_gain,
            **(self._compat.columns() if self._compat else {}),
        }
