"""A scorer and its loops: in each refresh it scores examples of its shard, until the trainer stops."""

from typing import NamedTuple

import numpy as np

from isgd_mpi.ranks.records import EVALUATE, STOP, report_dtype
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.training.evaluation import Evaluation
from isgd_mpi.training.measures import n_sums

_SCORED_PER_EVALUATED = 4  # score batches between two evaluation batches in the relaxed schedule
_EVALUATED_A_REFRESH = 1  # evaluation batches a refresh in the other schedules


class ScoringModels(NamedTuple):
    """The models of a scorer.

    Attributes
    ----------
    model, evaluator : Model
        One scores with the parameters that were published last, one evaluates; they may be the same.
    rows_at_a_time : int or None
        Examples in one call of a model; a whole score batch if None.
    probe : probe.Probe or None
        Estimates |mu|^2; the first scorer has one.
    curvature : curvature.Curvature or None
        Measures the curvature along a minibatch's gradient; likewise, where the learning rate is scaled.
    """

    model: object
    evaluator: object
    rows_at_a_time: int | None = None
    probe: object | None = None
    curvature: object | None = None


class Scorer:
    """Scores one rank's shard of the training set, and evaluates its shard of each split.

    Parameters
    ----------
    models : ScoringModels
    dataset : datasets.Dataset
    grid : shards.Grid
        The examples of one of its batches are all scored with the same parameters.
    part : int
        Number of this rank's shard.
    waiter : waiting.Waiter
        Its timeline records the work, its ``idle`` is called after each batch.

    Attributes
    ----------
    record : () ndarray of records.report_dtype
        The report, up to date at all times.
    """

    def __init__(self, models, dataset, grid, part, waiter):
        self._model, self._probe, self._curvature = models.model, models.probe, models.curvature
        self._dataset = dataset
        self._waiter = waiter
        self._shard = grid.shards(dataset.n_train)[part]
        n_rows = min(grid.batch_size, models.rows_at_a_time or grid.batch_size)
        self._images = np.empty((n_rows, dataset.n_features), self._model.params.dtype)
        self._evaluation = Evaluation(models.evaluator, dataset, grid, part, self._images)
        self._n_scored = 0
        self._step = NEVER
        self.record = np.zeros((), report_dtype(self._shard, dataset.n_strata, n_sums(dataset.target)))
        self.record["batch_steps"] = self.record["probe_step"] = NEVER
        self.record["curvature"] = np.nan
        self._evaluation.report(self.record)

    @property
    def n_batches(self):
        """Score batches in this rank's shard."""
        return len(self._shard.batches)

    def take(self, published):
        """Use published parameters, without a copy, make the probe and obey the command that come with them."""
        self._model.params = published["params"]
        self._step = int(published["step"])
        if self._probe and not published["command"] & STOP:
            with self._waiter.timeline("scoring"):
                self.record["squared_mean_gradient"] = self._probe(published)
                if self._curvature:
                    self.record["curvature"] = self._curvature(published)
            self.record["probe_step"] = self._step
        if published["command"] & EVALUATE:
            self._evaluation.start(published["params"], self._step)
            self.evaluate(0)  # completes the evaluation where this rank has no part

    def report(self, signal=0):
        """Return the report, with a signal that this rank received, or 0."""
        self.record["signal"] = signal
        return self.record

    def score(self, n_batches):
        """Score the next batches of the shard, round robin."""
        for _ in range(n_batches if self.n_batches else 0):
            index = self._n_scored % self.n_batches
            with self._waiter.timeline("scoring"):
                self._score(*self._shard.rows(index))
            self.record["batch_steps"][index] = self._step
            self._n_scored += 1
            self._beat()
        self.record["n_scored"] = self._n_scored

    def _score(self, start, stop):
        """Score the examples of a batch; write scores and predicted classes into the report."""
        first = start - self._shard.start
        for x, y in self._dataset.pieces("train", start, stop, self._images):
            piece = slice(first, first + len(y))
            self.record["scores"][piece], _, _ = self._model.scores(x, y)
            self.record["predictions"][piece] = self._model.predictions
            first += len(y)

    def evaluate(self, n_batches=None):
        """Evaluate the next batches; see :meth:`evaluation.Evaluation.advance`."""
        with self._waiter.timeline("evaluating"):
            self._evaluation.advance(n_batches, after_each=self._beat)
        self._evaluation.report(self.record)

    def _beat(self):
        if self._waiter.idle is not None:
            self._waiter.idle()

    def advance(self):
        """Score a batch, now and then evaluate one; return False if nothing is left to do."""
        scores = self._next_batch_is_stale()
        evaluates = self._evaluation.unfinished and not (scores and self._n_scored % _SCORED_PER_EVALUATED)
        if evaluates:
            self.evaluate(1)
        if scores:
            self.score(1)
        return scores or evaluates

    def _next_batch_is_stale(self):
        """Return whether the shard has a next batch, which was scored with older parameters."""
        steps = self.record["batch_steps"]
        return self.n_batches > 0 and steps[self._n_scored % self.n_batches] != self._step

    def restore(self, report, params):
        """Resume after an earlier report, and do the evaluation that followed it.

        Parameters
        ----------
        report : () ndarray of records.report_dtype
            Report of this scorer, or of another one with the same shard.
        params : (P,) ndarray or None
            Parameters of the evaluation under way, if any.
        """
        self.record[...] = report
        self.record["signal"] = 0
        self._n_scored = int(report["n_scored"])
        self._evaluation.restore(report, params)
        self.evaluate(_EVALUATED_A_REFRESH)


def run_relaxed_scorer(scorer, exchange, interruption):
    """Score until new parameters arrive, report, and go on with the new ones.

    Parameters
    ----------
    scorer : Scorer
    exchange : exchange.ScorerExchange
    interruption : faults.Interruption
        This rank's; its signal is reported to the trainer.
    """
    exchange.wait()
    while not exchange.published["command"] & STOP:
        exchange.report(scorer.report(interruption.signal))
        scorer.take(exchange.published)
        work_until_news(scorer, exchange)


def work_until_news(scorer, exchange):
    """Score and evaluate until new parameters arrive; wait for them once nothing is left to do."""
    while scorer.advance():
        if exchange.arrived():
            return
    exchange.wait()


def run_counting_scorer(scorer, exchange, interruption, n_batches):
    """Score a fixed number of batches with each set of parameters, and report them.

    Parameters
    ----------
    scorer, exchange, interruption
        See :func:`run_relaxed_scorer`.
    n_batches : int
        Score batches in each refresh, at most those of the shard.
    """
    exchange.wait()
    while not exchange.published["command"] & STOP:
        scorer.take(exchange.published)
        scorer.score(n_batches)
        exchange.report(scorer.report(interruption.signal))
        scorer.evaluate(_EVALUATED_A_REFRESH)
        exchange.wait()


def finish_scorer(scorer, exchange):
    """Evaluate the last parameters, if asked to, and send the last report; follows one of the loops above."""
    scorer.take(exchange.published)
    if exchange.published["command"] & EVALUATE:
        scorer.evaluate()
    exchange.report(scorer.record, last=True)


def answer_locally(scorer, n_batches, published):
    """Score and evaluate in the trainer's own process, and return the report.

    Parameters
    ----------
    scorer : Scorer
    n_batches : int
        Score batches in each refresh; with 0 only the trainer's own minibatches are scored.
    published : () ndarray of records.published_dtype
    """
    scorer.take(published)
    if not published["command"] & STOP:
        scorer.score(n_batches)
    scorer.evaluate()
    return scorer.record
