"""Measure loss and predictions of whole splits, one batch at a time beside other work."""

import numpy as np

from isgd_mpi.ranks.records import EVALUATE, EXAMPLES, LOSS, MEASURES, SPLITS, STOP, WEIGHT
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.settings.saved import Saved
from isgd_mpi.training.measures import measures_of, n_sums


class Evaluation:
    """Measures one rank's part of every split with the same parameters.

    Parameters
    ----------
    model : Model
        The rank may use it for other work, too: its parameters are put back after each batch.
    dataset : datasets.Dataset
    grid : shards.Grid
    part : int
        Number of this rank's shard of each split.
    images : (B, n_features) ndarray of float32
        Buffer for standardised images.

    Attributes
    ----------
    evaluated_step : int
        Step of the parameters of the last evaluation that is complete here, or NEVER.
    totals : (n_splits, MEASURES + n_sums) ndarray of float64
        Sums of that evaluation: weighted losses, weights, examples, and those of :mod:`isgd_mpi.training.measures`.
    """

    def __init__(self, model, dataset, grid, part, images):
        self._model = model
        self._dataset = dataset
        self._images = images
        self._batches = []
        for split in (name for name in SPLITS if name in dataset.splits):
            shard = grid.shards(len(dataset.splits[split]))[part]
            self._batches += [(split, *shard.rows(i)) for i in range(len(shard.batches))]
        self._measures = measures_of(dataset)
        self._params = None  # of the evaluation under way
        self._step = NEVER
        self._sums = no_totals(dataset.target)
        self._n_done = len(self._batches)
        self.evaluated_step = NEVER
        self.totals = no_totals(dataset.target)

    def start(self, params, step):
        """Begin an evaluation of parameters, which must not change until it is complete or another one begins."""
        self._params = params
        self._step = step
        self._sums[:] = 0
        self._n_done = 0
        self._finish()

    @property
    def unfinished(self):
        """True while batches are left to be measured."""
        return self._n_done < len(self._batches)

    def advance(self, n_batches=None, after_each=None):
        """Measure the next batches, if any are left.

        Parameters
        ----------
        n_batches : int, optional
            Largest number of batches; all that are left if not given.
        after_each : callable, optional
            Called after each batch.
        """
        left = self._batches[self._n_done :][:n_batches]
        if not left:
            return
        in_use, self._model.params = self._model.params, self._params
        for batch in left:
            self._measure(*batch)
            if after_each:
                after_each()
        self._model.params = in_use
        self._n_done += len(left)
        self._finish()

    def _measure(self, split, start, stop):
        sums = self._sums[SPLITS.index(split)]
        for x, y in self._dataset.pieces(split, start, stop, self._images):
            rows = slice(start, start + len(y))
            losses, measured = self._measures.measure(self._model, x, y, self._dataset.splits[split].weights_of(rows))
            sums[[LOSS, WEIGHT]] += _weighted(losses, self._dataset.loss_weights(split, rows))
            sums[EXAMPLES] += len(y)
            sums[MEASURES:] += measured
            start = rows.stop

    def report(self, record):
        """Write the complete evaluation, and the progress of the one under way, into a report."""
        record["evaluated_step"], record["totals"] = self.evaluated_step, self.totals
        record["evaluating_step"], record["n_evaluated"], record["sums"] = self._step, self._n_done, self._sums

    def restore(self, record, params):
        """Resume from a report, with the parameters of the evaluation under way, or None."""
        self._params = params
        self.evaluated_step, self._step = int(record["evaluated_step"]), int(record["evaluating_step"])
        self._n_done = int(record["n_evaluated"])
        self.totals[:] = record["totals"]
        self._sums[:] = record["sums"]

    def _finish(self):
        """Make the sums the totals, once the last batch is measured."""
        if not self.unfinished:
            self.totals[:] = self._sums
            self.evaluated_step = self._step
            self._params = None


def _weighted(losses, weights):
    """Return the sum of weighted losses, and that of the weights, which may be None."""
    if weights is None:
        return losses.sum(dtype=np.float64), len(losses)
    return weights @ np.where(weights > 0, losses, 0), weights.sum()


def no_totals(target):
    """Return the totals of an evaluation of no example, for a target."""
    return np.zeros((len(SPLITS), MEASURES + n_sums(target)))


def combine(totals, measures):
    """Turn sums over all ranks into figures of each split.

    Parameters
    ----------
    totals : (n_splits, MEASURES + n_sums) ndarray of float64
    measures : object
        See :func:`isgd_mpi.training.measures.measures_of`.

    Returns
    -------
    dict of str to dict
        Of each split that has examples: ``loss`` (mean, by weight), the figures of the measures, and ``n``.
    """
    return {
        split: {
            "loss": float(row[LOSS] / row[WEIGHT]),
            **measures.figures(split, row[MEASURES:]),
            "n": int(row[EXAMPLES]),
        }
        for split, row in zip(SPLITS, totals)
        if row[EXAMPLES]
    }


class EvaluationPlan(Saved):
    """Decides when parameters are evaluated, and merges the results; one evaluation is under way at a time.

    Parameters
    ----------
    interval : int
        Steps from one evaluation to the next.
    log : log.RunLog
    dataset : datasets.Dataset
        Its splits are evaluated.
    keeps_params : bool
        Whether to keep a copy of the parameters that are being evaluated, for a checkpoint.
    best : best.Best, optional
        Takes the result for the validation set, with a copy of the parameters.

    Attributes
    ----------
    best : best.Best or None
    params : (P,) ndarray or None
        A copy of the parameters that are being evaluated, if copies are kept.
    """

    saved = ("_due", "_evaluated_step", "_wanted_step", "_totals", "best")

    def __init__(self, interval, log, dataset, keeps_params=False, best=None):
        self._interval = self._due = interval
        self._log = log
        self._evaluated_step = self._wanted_step = NEVER
        self._keeps_params = keeps_params or best is not None
        self._measures = measures_of(dataset)
        self._totals = no_totals(dataset.target)  # of the last evaluation, over all ranks
        self.best = best
        self.params = None

    @property
    def splits(self):
        """The last evaluation of each split, dict of str to dict; see :func:`combine`."""
        return combine(self._totals, self._measures)

    @property
    def details(self):
        """Details of the last evaluation of each split, which only the summary tells: dict of str to dict."""
        totals = zip(SPLITS, self._totals)
        return {split: self._measures.details(split, row[MEASURES:]) for split, row in totals if row[EXAMPLES]}

    @property
    def under_way(self):
        """True while an evaluation was asked for and is not complete."""
        return self._wanted_step != self._evaluated_step

    def command(self, step, command, params):
        """Return EVALUATE if the parameters that are published next shall be evaluated, else 0.

        Parameters
        ----------
        step : int
            Step of these parameters.
        command : int
            Flags that are published with them in any case.
        params : (P,) ndarray
        """
        if step >= self._due and not self.under_way and not command & STOP:
            command |= EVALUATE
            missed = (step - self._due) // self._interval
            self._due += (1 + missed) * self._interval
        if command & EVALUATE:
            self._wanted_step = step
            if self._keeps_params:
                self.params = np.array(params)
        return command & EVALUATE

    def merge(self, step, reports):
        """Log the evaluation that was asked for, once every rank has done its part.

        Parameters
        ----------
        step : int
            Step now.
        reports : list of () ndarray of records.report_dtype
        """
        if not self.under_way or any(report["evaluated_step"] != self._wanted_step for report in reports):
            return
        self._evaluated_step = self._wanted_step
        self._totals[:] = sum(report["totals"] for report in reports)
        self._log.evaluated(step, self.splits, step - self._evaluated_step)
        if self.best is not None:
            self.best.update(self._evaluated_step, self.splits["valid"], self.params)
        self.params = None

    def begin_at_once(self):
        """Ask for an evaluation of the first parameters that are published."""
        self._due = 0

    def start_again(self):
        """Drop the evaluation under way, if any, and ask for it again."""
        if self.under_way:
            self._wanted_step = self._evaluated_step
            self._due -= self._interval

    def go_on_at(self, step):
        """Schedule the next evaluation within an interval from this step: a resumed run may have a shorter interval."""
        self._due = min(self._due, step + self._interval)
