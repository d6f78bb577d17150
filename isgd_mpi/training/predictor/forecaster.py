"""The predicting role: losses come in, a loss predictor learns from them, predicted scores go out."""

import numpy as np

from isgd_mpi.ranks.records import SAVE, STOP, predictions_dtype
from isgd_mpi.ranks.shards import shards
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.training.predictor.predictors import PREDICTORS, RunningCorrelation

_MEMORY = 0.25  # share of the training set over which the correlation is averaged


class Forecaster:
    """Trains a loss predictor, and predicts the training set batch after batch, round robin.

    Has the methods of :class:`scorer.Scorer`, and so runs in the same loops: what a scorer scores
    is predicted here.

    Parameters
    ----------
    config : config.Config
        Predictor, usable fraction.
    labels : (N,) ndarray of int
        Classes of the training set.
    n_classes : int
    seed : numpy.random.SeedSequence
        For the predictor's initial parameters.
    batch_size : int
        Examples predicted in one call.

    Attributes
    ----------
    record : () ndarray of records.predictions_dtype
        What there is to report.
    hand_over : callable
        Takes the state when the trainer asks for it.
    """

    def __init__(self, config, labels, n_classes, seed, batch_size):
        self._predictor = PREDICTORS[config.predictor](labels, n_classes, np.random.default_rng(seed))
        self._usable_fraction = config.usable_fraction
        self._seen = np.zeros(len(labels), bool)
        self._correlation = RunningCorrelation(max(1.0, _MEMORY * len(labels)))
        (self._shard,) = shards(len(labels), batch_size, 1)
        self._n_predicted = 0
        self._step = NEVER
        self._asked_for_state = False
        self.hand_over = None
        self.record = np.zeros((), predictions_dtype(self._shard))
        self.record["batch_steps"] = NEVER
        self.record["correlation"] = np.nan

    @property
    def n_batches(self):
        """Batches of the training set."""
        return len(self._shard.batches)

    def take(self, published):
        """Learn from the losses that came in, or hand over the state.

        Parameters
        ----------
        published : () ndarray of records.observations_dtype
        """
        self._asked_for_state = bool(published["command"] & SAVE)
        if self._asked_for_state:
            self.hand_over(self.state())
            return
        n = int(published["n"])
        rows, losses = published["rows"][:n], published["losses"][:n]
        self._correlation.observe(self._predictor.observe(rows, losses), losses)
        self._seen[rows] = True
        self._step = int(published["step"])
        self.record["correlation"] = self._correlation.value

    def score(self, n_batches):
        """Predict the next batches, once losses of enough examples have been observed."""
        if self._asked_for_state or self._seen.mean() < self._usable_fraction:
            return
        for _ in range(n_batches):
            index = self._n_predicted % self.n_batches
            rows = slice(*self._shard.rows(index))
            self.record["scores"][rows] = self._predictor.predict(rows)
            self.record["batch_steps"][index] = self._step
            self._n_predicted += 1

    def evaluate(self, n_batches=None):
        """Do nothing: evaluation is the scorers' part, or the trainer's where there are none."""

    def connect(self):
        """Do nothing: it is here."""

    def state(self):
        """Return the state; see :mod:`isgd_mpi.ranks.states`."""
        record = {name: self.record[name] for name in ("correlation", "batch_steps", "scores")}
        return {
            "predictor": self._predictor.state(),
            "correlation": self._correlation.state(),
            "seen": self._seen,
            "n_predicted": self._n_predicted,
            "record": record,
        }

    def restore(self, state):
        """Take the state back."""
        self._predictor.restore(state["predictor"])
        self._correlation.restore(state["correlation"])
        self._seen[:] = state["seen"]
        self._n_predicted = int(state["n_predicted"])
        for name, values in state["record"].items():
            self.record[name] = values

    def advance(self):
        """Predict a batch; return whether there was one that newer losses are known for."""
        before = self._n_predicted
        if self.record["batch_steps"][before % self.n_batches] != self._step:
            self.score(1)
        return self._n_predicted > before


def forecast_locally(forecaster, n_batches, published):
    """Do what the predicting rank does, in the trainer's own process, and return the report.

    Parameters
    ----------
    forecaster : Forecaster
    n_batches : int
        Batches a refresh.
    published : () ndarray of records.observations_dtype
    """
    forecaster.take(published)
    if not published["command"] & STOP:
        forecaster.score(n_batches)
    return forecaster.record
