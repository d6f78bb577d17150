"""When the trainer asks for an evaluation of all splits, and when all ranks have done their part of it."""

import numpy as np

from isgd_mpi.evaluation import combine
from isgd_mpi.ranks.records import EVALUATE, SPLITS, STOP
from isgd_mpi.sampling.score_table import NEVER

_NOTHING = {"loss": np.nan, "error": np.nan, "n": 0}


class EvaluationPlan:
    """The trainer's side of the evaluations: one at a time.

    Parameters
    ----------
    interval : int
        Steps from one evaluation to the next.
    log : runlog.RunLog
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
