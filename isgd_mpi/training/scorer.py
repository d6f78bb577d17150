"""The scorers: gradient norms of their shard, refresh after refresh, until the trainer stops."""

import numpy as np

from isgd_mpi.ranks.records import EVALUATE, STOP, report_dtype
from isgd_mpi.ranks.shards import shards
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.training.evaluation import Evaluation

_SCORED_PER_EVALUATED = 4  # score batches between two evaluation batches in the relaxed schedule
_EVALUATED_A_REFRESH = 1  # evaluation batches a refresh in the other schedules


class Scorer:
    """One rank's share of the scoring and of the evaluation.

    Parameters
    ----------
    model, evaluator : Model
        Score with the parameters that were published last, and evaluate; they may be the same.
    dataset : datasets.Dataset
    part, n_parts : int
        Which of how many shards of the training set is this rank's.
    score_batch_size : int
        Examples that are scored with the same parameters.
    whole_batches : bool
        See :func:`shards.shards`.
    rows_at_a_time : int, optional
        Examples handled in one call of the models; a score batch if not given.

    Attributes
    ----------
    record : () ndarray of records.report_dtype
        What there is to report.
    """

    def __init__(
        self,
        model,
        evaluator,
        dataset,
        part,
        n_parts,
        score_batch_size,
        whole_batches=False,
        rows_at_a_time=None,
    ):
        self._model = model
        self._dataset = dataset
        self._shard = shards(len(dataset.splits["train"]), score_batch_size, n_parts, whole_batches)[part]
        n_rows = min(score_batch_size, rows_at_a_time or score_batch_size)
        self._images = np.empty((n_rows, dataset.n_features), model.params.dtype)
        self._evaluation = Evaluation(evaluator, dataset, part, n_parts, score_batch_size, self._images, whole_batches)
        self._n_scored = 0
        self._step = NEVER
        self.record = np.zeros((), report_dtype(self._shard, dataset.n_classes))
        self.record["batch_steps"] = NEVER
        self._evaluation.report(self.record)

    @property
    def n_batches(self):
        """Score batches in this rank's shard."""
        return len(self._shard.batches)

    def take(self, published):
        """Use newly published parameters where they are, and obey the command beside them."""
        self._model.params = published["params"]
        self._step = int(published["step"])
        if published["command"] & EVALUATE:
            self._evaluation.start(published["params"], self._step)
            self.evaluate(0)  # which completes it where this rank has no part

    def score(self, n_batches):
        """Score the next batches of the shard, round robin."""
        for _ in range(n_batches if self.n_batches else 0):
            index = self._n_scored % self.n_batches
            start, stop = self._shard.rows(index)
            rows = slice(start - self._shard.start, stop - self._shard.start)
            self._score(start, stop, self.record["scores"][rows], self.record["predictions"][rows])
            self.record["batch_steps"][index] = self._step
            self._n_scored += 1
        self.record["n_scored"] = self._n_scored

    def _score(self, start, stop, scores, predictions):
        """Score the examples of a batch; write scores and predicted classes into the report."""
        first = 0
        for x, y in self._dataset.pieces("train", start, stop, self._images):
            piece = slice(first, first + len(y))
            scores[piece], _, _ = self._model.scores(x, y)
            predictions[piece] = self._model.predictions
            first += len(y)

    def evaluate(self, n_batches=None):
        """Evaluate up to so many batches (all that are left, if not given)."""
        self._evaluation.advance(n_batches)
        self._evaluation.report(self.record)

    def advance(self):
        """Score a batch, now and then evaluate one; return whether there was anything to do."""
        scores = self._next_batch_is_stale()
        evaluates = self._evaluation.unfinished and not (scores and self._n_scored % _SCORED_PER_EVALUATED)
        if evaluates:
            self.evaluate(1)
        if scores:
            self.score(1)
        return scores or evaluates

    def _next_batch_is_stale(self):
        """Whether the next batch of the shard, if any, was scored with older parameters."""
        steps = self.record["batch_steps"]
        return self.n_batches > 0 and steps[self._n_scored % self.n_batches] != self._step

    def restore(self, report, params):
        """Go on as after an earlier report.

        Parameters
        ----------
        report : () ndarray of records.report_dtype
            Of this scorer, or of another with the same shard.
        params : (P,) ndarray or None
            Parameters that are being evaluated, if any are.
        """
        self.record[...] = report
        self.record["signal"] = 0
        self._n_scored = int(report["n_scored"])
        self._evaluation.restore(report, params)


def run_relaxed_scorer(scorer, exchange, interruption):
    """Score until new parameters arrive, report, and go on with these.

    Parameters
    ----------
    scorer : Scorer
    exchange : exchange.ScorerExchange
    interruption : faults.Interruption
        Of this rank; the trainer is told.
    """
    exchange.wait()
    while not exchange.published["command"] & STOP:
        scorer.record["signal"] = interruption.signal
        exchange.report(scorer.record)
        scorer.take(exchange.published)
        work_until_news(scorer, exchange)


def work_until_news(scorer, exchange):
    """Score and evaluate until new parameters arrive; wait for them if all is done."""
    while scorer.advance():
        if exchange.arrived():
            return
    exchange.wait()


def run_counting_scorer(scorer, exchange, interruption, n_batches):
    """Score a fixed number of batches with each set of parameters, and report them.

    Parameters
    ----------
    scorer, exchange, interruption
        As of :func:`run_relaxed_scorer`.
    n_batches : int
        Score batches a refresh, at most those of the shard.
    """
    exchange.wait()
    while not exchange.published["command"] & STOP:
        scorer.take(exchange.published)
        scorer.score(n_batches)
        scorer.record["signal"] = interruption.signal
        exchange.report(scorer.record)
        scorer.evaluate(_EVALUATED_A_REFRESH)
        exchange.wait()


def resume_scorer(scorer, report, params):
    """Bring a scorer to where it was after a report, and do what followed it.

    Parameters
    ----------
    scorer : Scorer
    report, params
        As of :meth:`Scorer.restore`.
    """
    scorer.restore(report, params)
    scorer.evaluate(_EVALUATED_A_REFRESH)


def finish_scorer(scorer, exchange):
    """Measure the last parameters, which the loops above end with, if asked to, and report for the last time."""
    scorer.take(exchange.published)
    if exchange.published["command"] & EVALUATE:
        scorer.evaluate()
    exchange.report(scorer.record, last=True)


def answer_locally(scorer, n_batches, published):
    """Do what scorers do, in the trainer's own process, and return the report.

    Parameters
    ----------
    scorer : Scorer
    n_batches : int
        Score batches a refresh; 0 leaves scoring to the trainer's own minibatches.
    published : () ndarray of records.published_dtype
    """
    scorer.take(published)
    if not published["command"] & STOP:
        scorer.score(n_batches)
    scorer.evaluate()
    return scorer.record
