"""Loss and error of whole splits, measured a batch at a time beside other work."""

import numpy as np

from isgd_mpi.ranks.records import ERRORS, EVALUATE, EXAMPLES, LOSS, SPLITS, STOP
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.settings.saved import Saved


class Evaluation:
    """One rank's part of measuring every split with the same parameters.

    Parameters
    ----------
    model : Model
        Shared with the rank's other work; its parameters are put back after each batch.
    dataset : datasets.Dataset
    grid : shards.Grid
    part : int
        Number of the shard of each split that is this rank's.
    images : (B, n_features) ndarray of float32
        Buffer for standardised images.

    Attributes
    ----------
    evaluated_step : int
        Step of the parameters of the last evaluation that is complete here, or NEVER.
    totals : (n_splits, 3) ndarray of float64
        Its sums: loss in nats, wrong predictions, examples.
    """

    def __init__(self, model, dataset, grid, part, images):
        self._model = model
        self._dataset = dataset
        self._images = images
        self._batches = []
        for split in (name for name in SPLITS if name in dataset.splits):
            shard = grid.shards(len(dataset.splits[split]))[part]
            self._batches += [(split, *shard.rows(i)) for i in range(len(shard.batches))]
        self._params = None  # of what is under way
        self._step = NEVER
        self._sums = np.zeros((len(SPLITS), 3))
        self._n_done = len(self._batches)
        self.evaluated_step = NEVER
        self.totals = np.zeros((len(SPLITS), 3))

    def start(self, params, step):
        """Begin anew with these parameters, which must stay as they are until all is measured or begun anew."""
        self._params = params
        self._step = step
        self._sums[:] = 0
        self._n_done = 0
        self._finish()

    @property
    def unfinished(self):
        """Whether batches are left to be measured."""
        return self._n_done < len(self._batches)

    def advance(self, n_batches=None, after_each=None):
        """Measure the next batches, as far as there are any.

        Parameters
        ----------
        n_batches : int, optional
            At most; all that are left if not given.
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
            _, losses, correct = self._model.scores(x, y)
            sums[LOSS] += losses.sum(dtype=np.float64)
            sums[ERRORS] += np.count_nonzero(~correct)
            sums[EXAMPLES] += len(y)

    def report(self, record):
        """Write down in a report what is complete, and how far the rest is.

        Parameters
        ----------
        record : () ndarray of records.report_dtype
        """
        record["evaluated_step"], record["totals"] = self.evaluated_step, self.totals
        record["evaluating_step"], record["n_evaluated"], record["sums"] = self._step, self._n_done, self._sums

    def restore(self, record, params):
        """Resume where a report says, with the parameters that are being evaluated, if any are."""
        self._params = params
        self.evaluated_step, self._step = int(record["evaluated_step"]), int(record["evaluating_step"])
        self._n_done = int(record["n_evaluated"])
        self.totals[:] = record["totals"]
        self._sums[:] = record["sums"]

    def _finish(self):
        """Publish the sums once the last batch is in."""
        if not self.unfinished:
            self.totals[:] = self._sums
            self.evaluated_step = self._step
            self._params = None


def combine(totals):
    """Turn the sums over all ranks into the figures of each split.

    Parameters
    ----------
    totals : (n_splits, 3) ndarray of float64
        Summed over the ranks.

    Returns
    -------
    dict of str to dict
        ``loss`` (mean, nats), ``error`` (fraction) and ``n`` of each split that has examples.
    """
    return {
        split: {
            "loss": float(row[LOSS] / row[EXAMPLES]),
            "error": float(row[ERRORS] / row[EXAMPLES]),
            "n": int(row[EXAMPLES]),
        }
        for split, row in zip(SPLITS, totals)
        if row[EXAMPLES]
    }


class EvaluationPlan(Saved):
    """The trainer's side of the evaluations, of which one is under way at a time: when to ask, and what came back.

    Parameters
    ----------
    interval : int
        Steps from one evaluation to the next.
    log : log.RunLog
    keeps_params : bool
        Whether to keep a copy of the parameters that are being evaluated, for a checkpoint.

    Attributes
    ----------
    params : (P,) ndarray or None
        The parameters that are, or were last, being evaluated, if they are kept.
    """

    saved = ("_due", "_evaluated_step", "_wanted_step", "_totals")

    def __init__(self, interval, log, keeps_params=False):
        self._interval = self._due = interval
        self._log = log
        self._evaluated_step = self._wanted_step = NEVER
        self._keeps_params = keeps_params
        self._totals = np.zeros((len(SPLITS), 3))  # of the last evaluation, over all ranks
        self.params = None

    @property
    def splits(self):
        """The last evaluation of each split, dict of str to dict; see :func:`combine`."""
        return combine(self._totals)

    @property
    def under_way(self):
        """Whether an evaluation was asked for and is not complete."""
        return self._wanted_step != self._evaluated_step

    def command(self, step, command, params):
        """Return EVALUATE if parameters that are to be published shall be evaluated, else 0.

        Parameters
        ----------
        step : int
            Of these parameters.
        command : int
            Flags that are published with them anyway.
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
        """Record the evaluation asked for once every rank has done its part.

        Parameters
        ----------
        step : int
            Step now.
        reports : list of () ndarray of records.report_dtype
        """
        complete = all(report["evaluated_step"] == self._wanted_step for report in reports)
        if not self.under_way or not complete:
            return
        self._evaluated_step = self._wanted_step
        self._totals[:] = sum(report["totals"] for report in reports)
        self._log.evaluated(step, self.splits, step - self._evaluated_step)

    def start_again(self):
        """Forget the evaluation under way, if any, and ask for it once more."""
        if self.under_way:
            self._wanted_step = self._evaluated_step
            self._due -= self._interval

    def go_on_at(self, step):
        """Let the next evaluation come within an interval, which may be another one than in the run's last life."""
        self._due = min(self._due, step + self._interval)
