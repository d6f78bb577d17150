"""Loss and error of whole splits, measured a batch at a time beside other work."""

import numpy as np

from isgd_mpi.ranks.records import ERRORS, EVALUATE, EXAMPLES, LOSS, SPLITS, STOP
from isgd_mpi.ranks.shards import shards
from isgd_mpi.sampling.score_table import NEVER


class Evaluation:
    """One rank's part of measuring every split with the same parameters.

    Parameters
    ----------
    model : Model
        Shared with the rank's other work; its parameters are put back after each batch.
    dataset : datasets.Dataset
    part, n_parts : int
        Which of how many parts of each split is this rank's.
    batch_size : int
    images : (B, n_features) ndarray of float32
        Buffer for standardised images.
    whole_batches : bool
        See :func:`shards.shards`.

    Attributes
    ----------
    evaluated_step : int
        Step of the parameters of the last evaluation that is complete here, or NEVER.
    totals : (n_splits, 3) ndarray of float64
        Its sums: loss in nats, wrong predictions, examples.
    """

    def __init__(self, model, dataset, part, n_parts, batch_size, images, whole_batches=False):
        self._model = model
        self._dataset = dataset
        self._images = images
        self._batches = []
        for split in (name for name in SPLITS if name in dataset.splits):
            shard = shards(len(dataset.splits[split]), batch_size, n_parts, whole_batches)[part]
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

    def advance(self, n_batches=None):
        """Measure the next batches, as far as there are any.

        Parameters
        ----------
        n_batches : int, optional
            How many; all that are left if not given.
        """
        left = self._batches[self._n_done :][:n_batches]
        if not left:
            return
        in_use, self._model.params = self._model.params, self._params
        for split, start, stop in left:
            sums = self._sums[SPLITS.index(split)]
            for x, y in self._dataset.pieces(split, start, stop, self._images):
                _, losses, correct = self._model.scores(x, y)
                sums[LOSS] += losses.sum(dtype=np.float64)
                sums[ERRORS] += np.count_nonzero(~correct)
                sums[EXAMPLES] += len(y)
        self._model.params = in_use
        self._n_done += len(left)
        self._finish()

    def report(self, record):
        """Write down in a report what is complete, and how far the rest is.

        Parameters
        ----------
        record : () ndarray of records.report_dtype
        """
        record["evaluated_step"], record["totals"] = self.evaluated_step, self.totals
        record["evaluating_step"], record["n_evaluated"], record["sums"] = self._step, self._n_done, self._sums

    def restore(self, record, params):
        """Go on where a report says, with the parameters that are being evaluated, if any are."""
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


_NOTHING = {"loss": np.nan, "error": np.nan, "n": 0}


class EvaluationPlan:
    """The trainer's side of the evaluations: one at a time.

    Parameters
    ----------
    interval : int
        Steps from one evaluation to the next.
    log : log.RunLog
    keeps_params : bool
        Whether to keep a copy of the parameters that are being evaluated, for a checkpoint.

    Attributes
    ----------
    splits : dict
        The last evaluation of each split.
    params : (P,) ndarray or None
        The parameters that are, or were last, being evaluated, if they are kept.
    """

    def __init__(self, interval, log, keeps_params=False):
        self._interval = self._due = interval
        self._log = log
        self._evaluated_step = self._wanted_step = NEVER
        self._keeps_params = keeps_params
        self.splits = {}
        self.params = None

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
        self.splits = combine(sum(report["totals"] for report in reports))
        self._log.evaluated(step, self.splits, step - self._evaluated_step)

    def start_again(self):
        """Forget the evaluation under way, if any, and ask for it once more."""
        if self.under_way:
            self._wanted_step = self._evaluated_step
            self._due -= self._interval

    def state(self):
        """Return the state but the parameters; see :mod:`isgd_mpi.ranks.states`."""
        rows = [self.splits.get(split, _NOTHING) for split in SPLITS]
        return {
            "due": self._due,
            "evaluated_step": self._evaluated_step,
            "wanted_step": self._wanted_step,
            "splits": np.array([[row[name] for name in _NOTHING] for row in rows], np.float64),
        }

    def restore(self, state, step):
        """Take the state back at a step; the interval to the next evaluation may be another one."""
        self._evaluated_step, self._wanted_step = int(state["evaluated_step"]), int(state["wanted_step"])
        self._due = min(int(state["due"]), step + self._interval)
        rows = dict(zip(SPLITS, state["splits"].tolist()))
        self.splits = {
            split: {"loss": row[0], "error": row[1], "n": int(row[2])} for split, row in rows.items() if row[2] > 0
        }
