"""Form probability weights from the score table: fill in missing scores, and smooth them or take another weighting."""

import numpy as np

from isgd_mpi.sampling.proposal import Proposal, prob_weights_from_scores
from isgd_mpi.sampling.weightings import weighting_of
from isgd_mpi.settings.saved import Saved, check_array

_FORGET = 0.9  # of the moving average behind adaptive smoothing, arXiv:1706.00043


class ScoredWeights(Saved):
    """Probability weights formed from scores, without their uniform part.

    Parameters
    ----------
    config : config.Config
        Score, smoothing, sampling, usable fraction, limits of the run.
    table : score_table.ScoreTable
    leaves_out : bool
        Whether an example without a usable score has weight 0, rather than that of the mean score.
    example_weights : (N,) ndarray of float64, optional
        Weights w of the examples, of mean one, if they have any.
    clock : callable, optional
        Returns the seconds of training so far.

    Attributes
    ----------
    n_steps, seconds : int or None, float or None
        Limits of the run, that of which is over tells some methods what to do; to be set where they are not options.
    irreducible_losses : (N,) ndarray of float32 or None
        What ``--sampling rho`` subtracts from the scores; to be filled in.
    values : (N,) ndarray of float64 or None
        Of mean one, or such that ``mean(w values)`` is one. None while they cannot be formed: too few examples have a
        usable score.
    """

    saved = ("_mean_score", "irreducible_losses")

    values = None

    def __init__(self, config, table, leaves_out, example_weights=None, clock=None):
        self._config = config
        self._example_weights = example_weights
        self._table = table
        self._leaves_out = leaves_out
        self._mean_score = np.nan
        self.n_steps, self.seconds, self._clock = config.n_steps(len(table.scores)), config.seconds, clock
        self.irreducible_losses = np.zeros(len(table.scores), np.float32) if config.sampling == "rho" else None
        self._weighting = weighting_of(config, self.irreducible_losses)

    @property
    def is_by_scores(self):
        """True if the weights are in proportion to the scores, or to a power of them."""
        return not self._weighting

    @property
    def formed(self):
        """True once there are weights."""
        return self.values is not None

    def of(self, rows):
        """Return the weights of some examples."""
        return self.values[rows]

    def of_parts(self, parts):
        """Return the weights of several parts of the examples, slices or arrays of int, as one array."""
        return self.of(parts[0]) if len(parts) == 1 else np.concatenate([self.of(rows) for rows in parts])

    def form(self, step):
        """Form the weights from the scores that are usable at this step.

        Raises
        ------
        ValueError
            Enough examples have a score, but the scores are not finite or all zero.
        """
        self.values = None
        if self._are_too_few(step):
            return
        scores = self._table.filled_scores(step)
        if self._weighting:
            weights = prob_weights_from_scores(self._weighting(scores, self._progress(step)))
        else:
            smoothing = self._smoothing(float(scores.mean()))
            weights = prob_weights_from_scores(scores, smoothing, self._config.power_smoothing)
        if self._leaves_out:
            weights[~self._table.usable(step)] = 0
        if self._example_weights is not None:
            mean = float((self._example_weights * weights).mean())
            if not mean > 0:
                raise ValueError("all scores are zero, of examples whose weight is not")
            weights /= mean
        self.values = weights

    def _are_too_few(self, step):
        config = self._config
        return config.score == "uniform" or self._table.usable_fraction(step) < config.usable_fraction

    def proposal(self, order, mixture):
        """Return a proposal with these weights.

        Parameters
        ----------
        order : (N,) ndarray of int
            That systematic sampling walks along.
        mixture : float
            Uniform part.
        """
        weights = self.values
        if self._leaves_out:
            order = order[weights[order] > 0]
        if self._example_weights is not None:
            weights = weights * self._example_weights
        return Proposal(weights, order, mixture, self._example_weights)

    def release(self):
        """Give up what only proposals need: nothing here."""

    def _progress(self, step):
        """Return the share of the run that is over, or 0 where it is not known, or would differ if it was repeated."""
        if self.n_steps is not None:
            return min(1.0, step / self.n_steps)
        return 0.0 if self._config.repeatable else min(1.0, self._clock() / self.seconds)

    def _smoothing(self, mean):
        """Return the constant that is added to the scores, given their mean."""
        factor = self._config.adaptive_smoothing
        return self._config.smoothing + (factor * self._moving_mean(mean) if factor else 0.0)

    def _moving_mean(self, mean):
        """Update the moving average of the scores' mean; return the average."""
        past = mean if np.isnan(self._mean_score) else self._mean_score
        self._mean_score = _FORGET * past + (1 - _FORGET) * mean if np.isfinite(mean) else past
        return self._mean_score

    def state(self):
        """Return the state; see :class:`saved.Saved`."""
        return super().state() | self._values_state()

    def restore(self, state):
        """Take the state back; raises ValueError if it is no such state."""
        super().restore({name: value for name, value in state.items() if name not in ("formed", "values")})
        self._restore_values(state.get("values"), bool(state.get("formed")))

    def _values_state(self):
        return {"formed": self.formed, "values": self.values if self.formed else np.zeros(len(self._table.scores))}

    def _restore_values(self, values, formed):
        check_array(values, np.empty(len(self._table.scores)), "values")
        self.values = np.array(values) if formed else None
