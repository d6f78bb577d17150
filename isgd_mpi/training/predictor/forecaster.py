"""The predictor's end: train a loss predictor with the losses that come in, and report predicted losses."""

import numpy as np

from isgd_mpi.model.losses import loss_for
from isgd_mpi.ranks.records import STOP, predictions_dtype, report_state
from isgd_mpi.ranks.states import flatten, nest
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.settings.saved import Saved
from isgd_mpi.training.predictor.predictors import RunningCorrelation, make_predictor

_MEMORY = 0.25  # share of the training set over which the correlation is averaged


class Forecaster(Saved):
    """Trains a loss predictor, and predicts the training set batch after batch, round robin.

    It has the methods of :class:`scorer.Scorer` and runs in the same loops: it predicts where a
    scorer scores.

    Parameters
    ----------
    config : config.Config
        Predictor, usable fraction, loss.
    dataset : datasets.Dataset
        Its targets and strata are used.
    seed : numpy.random.SeedSequence
        For the predictor's initial parameters.
    shard : shards.Shard
        The whole training set, in batches that are predicted in one call.
    waiter : waiting.Waiter
        Its timeline records the work.

    Attributes
    ----------
    record : () ndarray of records.predictions_dtype
        The report; :meth:`report` fills the state in.
    """

    saved = ("_predictor", "_running_correlation", "_seen", "_n_predicted")

    def __init__(self, config, dataset, seed, shard, waiter):
        guess = loss_for(config.loss, dataset.target).guess
        self._predictor = make_predictor(config.predictor, dataset, guess, np.random.default_rng(seed))
        self._usable_fraction = config.usable_fraction
        self._seen = np.zeros(dataset.n_train, bool)
        self._running_correlation = RunningCorrelation(max(1.0, _MEMORY * dataset.n_train))
        self._shard = shard
        self._waiter = waiter
        self._n_predicted = 0
        self._step = NEVER
        self.record = np.zeros((), predictions_dtype(shard, flatten(self.state())))
        self.record["batch_steps"] = NEVER
        self.record["correlation"] = np.nan

    @property
    def n_batches(self):
        """Batches of the training set."""
        return len(self._shard.batches)

    @property
    def operations(self):
        """Operations of a training step that take the time of one prediction."""
        return self._predictor.operations

    def take(self, published):
        """Train the loss predictor with the losses of a record.

        Parameters
        ----------
        published : () ndarray of records.observations_dtype
        """
        n = int(published["n"])
        rows, losses = published["rows"][:n], published["losses"][:n]
        with self._waiter.timeline("training"):
            self._running_correlation.observe(self._predictor.observe(rows, losses), losses)
        self._seen[rows] = True
        self._step = int(published["step"])
        self.record["correlation"] = self._running_correlation.value

    def report(self, signal=0):
        """Return the report, with the present state and a signal that this rank received, or 0."""
        self.record["signal"] = signal
        for name, array in flatten(self.state()).items():
            self.record[name] = array
        return self.record

    def score(self, n_batches):
        """Predict the next batches, once losses of enough examples have been observed."""
        if self._seen.mean() < self._usable_fraction:
            return
        for _ in range(n_batches):
            index = self._n_predicted % self.n_batches
            rows = slice(*self._shard.rows(index))
            with self._waiter.timeline("scoring"):
                self.record["scores"][rows] = self._predictor.predict(rows)
            self.record["batch_steps"][index] = self._step
            self._n_predicted += 1

    def evaluate(self, n_batches=None):
        """Do nothing: scorers evaluate, or the trainer where there are none."""

    def advance(self):
        """Predict a batch unless no newer losses are known; return whether one was predicted."""
        before = self._n_predicted
        if self.record["batch_steps"][before % self.n_batches] != self._step:
            self.score(1)
        return self._n_predicted > before

    def restore_report(self, report):
        """Resume after an earlier report.

        Parameters
        ----------
        report : () ndarray of records.predictions_dtype

        Raises
        ------
        ValueError
            The report holds the state of another kind of predictor.
        """
        self.record[...] = report
        self.record["signal"] = 0
        fields = nest(report_state(report))
        self.restore({name: fields[name] for name in self.state()})


def forecast_locally(forecaster, n_batches, published):
    """Learn and predict in the trainer's own process, and return the report.

    Parameters
    ----------
    forecaster : Forecaster
    n_batches : int
        Batches in each refresh.
    published : () ndarray of records.observations_dtype
    """
    forecaster.take(published)
    if not published["command"] & STOP:
        forecaster.score(n_batches)
    return forecaster.report()
