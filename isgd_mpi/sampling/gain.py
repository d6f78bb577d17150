"""Estimate the gain of importance sampling from gradient norms, and decide by it whether to sample uniformly."""

import math

from isgd_mpi.sampling.alain2015 import Alain2015
from isgd_mpi.sampling.switch import Switch
from isgd_mpi.sampling.variance import Variance, effective_sample_size, entropy
from isgd_mpi.settings.saved import Saved

_PATIENCE = 2  # times as many norms must speak against importance sampling before it is switched off


class Gain(Saved):
    """Estimates the variance with and without importance sampling, and decides whether it pays.

    Parameters
    ----------
    config : config.Config
    n_examples : int
        Examples N in the training set.
    memory : float
        Fresh norms over which the mixture's moments are averaged.

    Attributes
    ----------
    variance : variance.Variance
    switch : switch.Switch
    """

    saved = ("variance", "switch", "_compat", "_sum_of_log_gains", "_n_gains")

    def __init__(self, config, n_examples, memory):
        self._compat = Alain2015() if config.compat != "none" else None
        self._sum_of_log_gains, self._n_gains = 0.0, 0
        self.switch = Switch(config.switches, _PATIENCE * memory)
        self.variance = Variance(n_examples, config.uniform_probability)

    @property
    def wants_each_gradient(self):
        """True if :meth:`learn_from_gradient` needs the gradient of every step."""
        return self._compat is not None

    @property
    def mean_variance_gain(self):
        """Geometric mean of the variance gain over the refreshes with importance sampling, or None."""
        return math.exp(self._sum_of_log_gains / self._n_gains) if self._n_gains else None

    def learn_from_gradient(self, gradient):
        """Use a step's gradient (P,) for |mu|^2 if it is the second of a pair, and for the figures of `compat`."""
        if self.variance.has_half_a_pair:
            self.variance.observe_gradient(gradient)
        if self._compat:
            self._compat.observe_gradient(gradient)

    def learn_from_norms(self, norms, importance_weights, shares=None):
        """Update the estimates with fresh gradient norms.

        Parameters
        ----------
        norms : (B,) ndarray
        importance_weights : (B,) ndarray of float64
            ``mean(omega) / omega`` of the same examples, under the proposal in use; finite.
        shares : (B,) ndarray of float64, optional
            See :meth:`variance.Variance.observe`.
        """
        if self._compat and shares is None:
            self._compat.observe(norms, 1 / importance_weights)
        self.variance.observe(norms, importance_weights, shares)

    def decide(self, second_moment_ratio, refresh_share, n_compared):
        """Let the switch decide whether to go on with importance sampling.

        Parameters
        ----------
        second_moment_ratio : float
            See :attr:`mixture.Mixture.second_moment_ratio`.
        refresh_share : float
            See :meth:`switch.Switch.decide`.
        n_compared : int
            Fresh norms since the last decision that the ratio is estimated from.

        Returns
        -------
        changed : bool
        """
        gain = self.variance.traces(second_moment_ratio)["variance_gain"]
        return self.switch.decide(gain, refresh_share, n_compared)

    def count(self):
        """Add the present variance gain, if it is known, to the mean over all refreshes."""
        gain = self.variance.traces()["variance_gain"]
        if gain > 0:
            self._sum_of_log_gains += math.log(gain)
            self._n_gains += 1

    def figures(self, prob_weights):
        """Return the figures of the metrics file about the gain of the proposal in use.

        Parameters
        ----------
        prob_weights : (N,) ndarray of float64
            The weights of that proposal.

        Returns
        -------
        dict of float
        """
        return self.variance.traces() | {
            "effective_sample_size": effective_sample_size(prob_weights),
            "entropy": entropy(prob_weights),
            "speed_gain": self.switch.speed_gain,
            **(self._compat.columns() if self._compat else {}),
        }
