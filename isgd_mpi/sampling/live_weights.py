"""Probability weights in proportion to the scores, brought up to date by the scores that have changed."""

import math

import numpy as np

from isgd_mpi.kernels.block_sums import weights_of_runs
from isgd_mpi.sampling.block_sums import BlockSums, affine_weights
from isgd_mpi.sampling.proposal import check_level
from isgd_mpi.sampling.score_proposal import ScoreProposal
from isgd_mpi.sampling.score_table import bounds_of
from isgd_mpi.sampling.scored_weights import ScoredWeights
from isgd_mpi.settings.saved import check_array

_MOST_IN_PARTS = 0.5  # of the scores: if more have changed, it is faster to lay all of them along the order


class LiveWeights(ScoredWeights):
    """The weights ``(s + c) / mean(s + c)`` of finite scores s that do not age, of examples without weights.

    While the proposal is formed from them, a refresh costs what is new in it. Before that, and while some examples have
    no usable score, all are looked at.

    Parameters
    ----------
    config, table, clock
        See :class:`scored_weights.ScoredWeights`.
    """

    saved = (*ScoredWeights.saved, "_level", "_constant")

    def __init__(self, config, table, clock=None):
        super().__init__(config, table, leaves_out=False, clock=clock)
        self._scores = np.zeros(len(table.scores), np.float32)  # as they were when the weights were formed
        self._sums = None  # while a proposal is formed from the weights
        self._formed = False
        self._level, self._constant = math.nan, math.nan  # mean(s + c), c
        table.note_changes()

    @property
    def formed(self):
        """True once there are weights."""
        return self._formed

    @property
    def values(self):
        """All weights, (N,) ndarray of float64, or None."""
        return self.of(slice(None)) if self._formed else None

    def of(self, rows):
        """Return the weights of some examples."""
        return affine_weights(self._scores, rows, self._affine)

    @property
    def _affine(self):
        return 1 / self._level, self._constant / self._level

    def of_parts(self, parts):
        """Return the weights of several parts; see :meth:`scored_weights.ScoredWeights.of_parts`."""
        if not all(isinstance(rows, slice) for rows in parts):
            return super().of_parts(parts)
        bounds = bounds_of(parts)
        weights = np.empty(int((bounds[:, 1] - bounds[:, 0]).sum()))
        weights_of_runs(self._scores, bounds, self._affine, weights)
        return weights

    def form(self, step):
        """Form the weights; see :meth:`scored_weights.ScoredWeights.form`."""
        self._formed = False
        if self._are_too_few(step):
            return
        mean = self._update(step)
        self._constant = self._smoothing(mean)
        self._level = check_level(mean + self._constant)
        self._formed = True

    def _update(self, step):
        """Take over the scores that have changed; return the mean score."""
        changes, known = self._table.take_changes(), self._table.usable_fraction(step) == 1
        if self._sums is None or not known:
            self._sums = None
            self._scores[:] = self._table.filled_scores(step)
            return float(self._scores.mean(dtype=np.float64))
        runs, rows = changes
        if sum(each.stop - each.start for each in runs) + len(rows) > _MOST_IN_PARTS * len(self._scores):
            self._scores[:] = self._table.scores
            self._sums.put_all(self._scores)
        else:
            self._sums.put_runs(self._table.scores, bounds_of(runs), self._scores)
            self._scores[rows] = new = self._table.scores[rows]
            self._sums.put(rows, new)
        self._sums.sum_up()
        return self._sums.mean

    def proposal(self, order, mixture):
        """Return a proposal with these weights, valid until they are formed again."""
        if self._sums is None or self._sums.order is not order:
            self._sums = BlockSums(self._scores, order)
        self._level = self._sums.mean + self._constant
        return ScoreProposal(self._scores, self._sums, self._constant, mixture)

    def release(self):
        """Give up what only proposals need, until the next one."""
        self._sums = None

    def _values_state(self):
        return {"formed": self._formed, "values": self._scores}

    def _restore_values(self, values, formed):
        check_array(values, self._scores, "values")
        self._scores[:], self._formed, self._sums = values, formed, None
        self._table.take_changes()
        self._table.note_changes(np.flatnonzero(self._scores != self._table.scores))


def scored_weights(config, table, leaves_out, example_weights, clock):
    """Return the weights that the options ask for, live ones where they can be.

    Parameters
    ----------
    config, table, leaves_out, example_weights, clock
        See :class:`scored_weights.ScoredWeights`.
    """
    weights = ScoredWeights(config, table, leaves_out, example_weights, clock)
    by_scores = weights.is_by_scores and config.power_smoothing == 1 and config.max_staleness is None
    if not by_scores or leaves_out or example_weights is not None:
        return weights
    return LiveWeights(config, table, clock)
