"""Form probability weights from the score table: fill in missing scores, raise scores to a power, smooth them."""

import numpy as np

from isgd_mpi.sampling.proposal import prob_weights_from_scores
from isgd_mpi.settings.saved import Saved, check_array

_FORGET = 0.9  # of the moving average behind adaptive smoothing, arXiv:1706.00043


class ScoredWeights(Saved):
    """Probability weights formed from scores, without their uniform part.

    Parameters
    ----------
    config : config.Config
        Score, smoothing, usable fraction.
    table : score_table.ScoreTable
    leaves_out : bool
        Whether an example without a usable score has weight 0, rather than that of the mean score.
    example_weights : (N,) ndarray of float64, optional
        Weights w of the examples, of mean one, if they have any.

    Attributes
    ----------
    values : (N,) ndarray of float64 or None
        Of mean one, or such that ``mean(w values)`` is one. None while they cannot be formed: too few examples have a
        usable score.
    """

    saved = ("_mean_score",)

    def __init__(self, config, table, leaves_out, example_weights=None):
        self._config = config
        self._example_weights = example_weights
        self._table = table
        self._leaves_out = leaves_out
        self._mean_score = np.nan
        self.values = None

    def form(self, step):
        """Form the weights from the scores that are usable at this step.

        Raises
        ------
        ValueError
            Enough examples have a score, but the scores are not finite or all zero.
        """
        self.values, config = None, self._config
        if config.score == "uniform" or self._table.usable_fraction(step) < config.usable_fraction:
            return
        scores = self._table.filled_scores(step)
        smoothing = config.smoothing
        if config.adaptive_smoothing:
            smoothing += config.adaptive_smoothing * self._moving_mean(float(scores.mean()))
        weights = prob_weights_from_scores(scores, smoothing, config.power_smoothing)
        if self._leaves_out:
            weights[~self._table.usable(step)] = 0
        if self._example_weights is not None:
            mean = float((self._example_weights * weights).mean())
            if not mean > 0:
                raise ValueError("all scores are zero, of examples whose weight is not")
            weights /= mean
        self.values = weights

    def _moving_mean(self, mean):
        """Update the moving average of the scores' mean; return the average."""
        past = mean if np.isnan(self._mean_score) else self._mean_score
        self._mean_score = _FORGET * past + (1 - _FORGET) * mean if np.isfinite(mean) else past
        return self._mean_score

    def state(self):
        """Return the state; see :class:`saved.Saved`."""
        formed = self.values is not None
        values = self.values if formed else np.zeros(len(self._table.scores))
        return super().state() | {"formed": formed, "values": values}

    def restore(self, state):
        """Take the state back; raises ValueError if it is no such state."""
        super().restore({name: value for name, value in state.items() if name not in ("formed", "values")})
        check_array(state.get("values"), np.empty(len(self._table.scores)), "values")
        self.values = np.array(state["values"]) if state.get("formed") else None
