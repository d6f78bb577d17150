"""What importance sampling is worth: learnt from gradient norms, told as figures, and acted upon by the switch."""

import math

import numpy as np

from isgd_mpi.sampling.alain2015 import Alain2015
from isgd_mpi.sampling.switch import Switch
from isgd_mpi.sampling.variance import Monitor, effective_sample_size, entropy

_PATIENCE = 2  # times as many norms must speak against importance sampling before it is switched off


class Appraisal:
    """Learns from fresh gradient norms and gradients what the proposal in use gains, and lets the switch decide.

    Parameters
    ----------
    config : config.Config
    params : (P,) ndarray
        Of the model.
    sampler : sampler.Sampler
        Its mixture learns from the same norms.
    n_train : int
        Examples in the training set.
    memory : float
        As of :class:`sampler.Sampler`.

    Attributes
    ----------
    monitor : variance.Monitor
    wants_gradients : bool
        Whether :meth:`observe_gradient` makes use of each step's gradient.
    """

    def __init__(self, config, params, sampler, n_train, memory):
        self._uniform_probability = config.uniform_probability
        self._sampler = sampler
        self._compat = Alain2015() if config.compat != "none" else None
        self._switch = Switch(config.switches, _PATIENCE * memory)
        self._n_compared = 0
        self._sum_of_log_gains, self._n_gains = 0.0, 0
        self.monitor = Monitor(n_train, params.size, params.dtype, config.uniform_probability)
        self.wants_gradients = self._compat is not None

    @property
    def on(self):
        """Whether importance sampling is to be used, as of the last decision."""
        return self._switch.on

    @property
    def speed_gain(self):
        """See :class:`switch.Switch`."""
        return self._switch.speed_gain

    @property
    def mean_variance_gain(self):
        """Geometric mean of the variance gain over the refreshes with importance sampling, or None."""
        return math.exp(self._sum_of_log_gains / self._n_gains) if self._n_gains else None

    def observe_gradient(self, gradient):
        """Take a step's gradient into account, where that is wanted."""
        if self._compat:
            self._compat.observe_gradient(gradient)

    def learn_from_drawn(self, rows, norms, shares):
        """Take the gradient norms of a drawn minibatch into account.

        Parameters
        ----------
        rows : (M,) ndarray of int
        norms : (M,) ndarray
        shares : (M,) ndarray of float64
            Importance weights: how many examples each one stands for.
        """
        self.monitor.observe(norms, self._sampler.proposal.importance_weights(rows), shares)
        self._n_compared += self._sampler.compare(rows, norms, shares)

    def learn_from_scored(self, rows, norms):
        """Take gradient norms of scorers into account.

        Parameters
        ----------
        rows : (B,) ndarray of int
        norms : (B,) ndarray
        """
        weights = self._sampler.proposal.importance_weights(rows)
        if self._compat:
            can_be_drawn = np.isfinite(weights)
            rows, norms, weights = rows[can_be_drawn], norms[can_be_drawn], weights[can_be_drawn]
            self._compat.observe(norms, 1 / weights)
        self.monitor.observe(norms, weights)
        self._n_compared += self._sampler.compare(rows, norms)

    def decide(self, refresh_share):
        """Let the switch decide whether to go on with importance sampling.

        Parameters
        ----------
        refresh_share : float
            Share of the trainer's time since the last decision that its refreshes took.

        Returns
        -------
        changed : bool
        """
        uniform = self.monitor.uniform_second_moment
        in_use = self._sampler.second_moment_ratio * uniform
        in_use += self._uniform_probability * (uniform - in_use)
        squared_mean = self.monitor.bounded_squared_mean
        gain = (uniform - squared_mean) / (in_use - squared_mean) if in_use > squared_mean else math.nan
        n_compared, self._n_compared = self._n_compared, 0
        return self._switch.decide(gain, refresh_share, n_compared)

    def figures(self):
        """Return the fields of a refresh that say what the proposal in use is worth, and count its variance gain.

        Returns
        -------
        dict
        """
        weights = self._sampler.proposal.prob_weights
        figures = self.monitor.traces() | {
            "effective_sample_size": effective_sample_size(weights),
            "entropy": entropy(weights),
            "speed_gain": self._switch.speed_gain,
            **(self._compat.columns() if self._compat else {}),
        }
        if self._sampler.importance_sampling and figures["variance_gain"] > 0:
            self._sum_of_log_gains += math.log(figures["variance_gain"])
            self._n_gains += 1
        return figures

    def state(self):
        """Return the state between two steps; see :mod:`isgd_mpi.ranks.states`."""
        return {
            "monitor": self.monitor.state(),
            "switch": self._switch.state(),
            "compat": self._compat.state() if self._compat else {},
            "n_compared": self._n_compared,
            "sum_of_log_gains": self._sum_of_log_gains,
            "n_gains": self._n_gains,
        }

    def restore(self, state):
        """Take the state back."""
        self.monitor.restore(state["monitor"])
        self._switch.restore(state["switch"])
        if self._compat:
            self._compat.restore(state["compat"])
        self._n_compared = int(state["n_compared"])
        self._sum_of_log_gains = float(state["sum_of_log_gains"])
        self._n_gains = int(state["n_gains"])
