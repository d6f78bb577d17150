"""When the trainer asks for an evaluation of all splits, and when all ranks have done their part of it."""

from isgd_mpi.evaluation import combine
from isgd_mpi.messages import EVALUATE, STOP
from isgd_mpi.score_table import NEVER


class EvaluationPlan:
    """The trainer's side of the evaluations: one at a time.

    Parameters
    ----------
    interval : int
        Steps from one evaluation to the next.
    log : runlog.RunLog

    Attributes
    ----------
    splits : dict
        The last evaluation of each split.
    """

    def __init__(self, interval, log):
        self._interval = self._due = interval
        self._log = log
        self._evaluated_step = self._wanted_step = NEVER
        self.splits = {}

    def command(self, step, command):
        """Return EVALUATE if parameters that are to be published shall be evaluated, else 0.

        Parameters
        ----------
        step : int
            Of these parameters.
        command : int
            Flags that are published with them anyway.
        """
        idle = self._wanted_step == self._evaluated_step
        if step >= self._due and idle and not command & STOP:
            command |= EVALUATE
            missed = (step - self._due) // self._interval
            self._due += (1 + missed) * self._interval
        if command & EVALUATE:
            self._wanted_step = step
        return command & EVALUATE

    def merge(self, step, reports):
        """Record the evaluation asked for once every rank has done its part.

        Parameters
        ----------
        step : int
            Step now.
        reports : list of () ndarray of messages.report_dtype
        """
        complete = all(report["evaluated_step"] == self._wanted_step for report in reports)
        if self._evaluated_step == self._wanted_step or not complete:
            return
        self._evaluated_step = self._wanted_step
        self.splits = combine(sum(report["totals"] for report in reports))
        self._log.evaluated(step, self.splits, step - self._evaluated_step)
