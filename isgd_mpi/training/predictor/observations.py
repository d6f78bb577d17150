"""What becomes of observed scores: they go into the score table, or to a loss predictor that fills it.

Both ways have the same methods, so the trainer does not know which one it is on.
"""

import math
from collections import deque

import numpy as np

from isgd_mpi.ranks.records import STOP
from isgd_mpi.sampling.random_state import check_indices
from isgd_mpi.sampling.score_table import NEVER


class DirectScores:
    """Scores go into the score table as they come.

    Parameters
    ----------
    sampler : sampler.Sampler

    Attributes
    ----------
    correlation, signal, seconds
        As of :class:`PredictedScores`: there is no predictor to say anything.
    """

    correlation = math.nan
    signal = 0
    seconds = 0.0

    def __init__(self, sampler):
        self.write = sampler.write

    def look(self):
        """Do nothing."""

    def publish(self, step, command):
        """Do nothing."""

    def merge(self, step):
        """Do nothing."""

    def connect(self):
        """Do nothing."""

    def state(self):
        """Return the state: none."""
        return {}

    def restore(self, state):
        """Do nothing."""


class PredictedScores:
    """Losses go to the loss predictor in the order in which they came, its predictions into the score table.

    Parameters
    ----------
    exchange : exchange.TrainerExchange or exchange.LocalExchange
        Of records.observations_dtype and records.predictions_dtype, with one rank that reports.
    forecaster : forecaster.Forecaster or transfer.RemoteForecaster
        Whose state is saved with this one's.
    schedule : str
        Of ``--schedule``: `exact` hands over losses when they are merged, and waits for the predictions;
        `pipelined` waits for those of the refresh before; `relaxed` never waits.
    sampler : sampler.Sampler
    log : log.RunLog
    batch_size : int
        Examples that are predicted in one call.

    Notes
    -----
    A record holds so many losses. Losses wait while an exchange is under way; where more wait than a record
    holds, the predictor does not keep up: the oldest ones are dropped, and the log says so once.
    """

    def __init__(self, exchange, forecaster, schedule, sampler, log, batch_size):
        self._exchange = exchange
        self._schedule = schedule
        self._sampler = sampler
        self._log = log
        self._batch_size = batch_size
        self._forecaster = forecaster
        self._waiting = deque()  # (rows, losses)
        self._n_waiting = 0
        self._complained = False
        self._batch_steps = np.full_like(forecaster.record["batch_steps"], NEVER)
        self.correlation = math.nan
        self.signal = 0

    @property
    def seconds(self):
        """Time that the trainer spent on this exchange so far."""
        return self._exchange.seconds

    def state(self):
        """Return the state, once the exchange under way is complete; see :mod:`isgd_mpi.ranks.states`."""
        self._exchange.hold()
        forecaster = self._forecaster.state()
        rows, losses = (np.zeros_like(self._exchange.published[name]) for name in ("rows", "losses"))
        self._fill(rows, losses)
        return {
            "rows": rows,
            "losses": losses,
            "n_waiting": self._n_waiting,
            "complained": self._complained,
            "batch_steps": self._batch_steps,
            "correlation": self.correlation,
            "pending": self._exchange.pending,
            "seconds": self.seconds,
            "forecaster": forecaster,
        }

    def connect(self):
        """Let the predictor begin, when it is there."""
        self._forecaster.connect()

    def restore(self, state):
        """Take the state back.

        Raises
        ------
        ValueError
            If examples are meant that there are not.
        """
        n = int(state["n_waiting"])
        if not 0 <= n <= len(state["rows"]):
            raise ValueError(f"n_waiting must lie in 0..{len(state['rows'])}, not {n}")
        check_indices("rows", state["rows"], len(state["forecaster"]["record"]["scores"]))
        self._waiting = deque([(state["rows"][:n], state["losses"][:n])])
        self._n_waiting = n
        self._complained = bool(state["complained"])
        self._batch_steps = np.array(state["batch_steps"])
        self.correlation = float(state["correlation"])
        self._forecaster.restore(state["forecaster"])
        self._exchange.restore([self._forecaster.record], bool(state["pending"]))
        self._exchange.seconds = float(state["seconds"])

    def write(self, rows, losses, predictions, step):
        """Keep losses for the predictor; arguments as of :meth:`sampler.Sampler.write`."""
        self._sampler.table.predictions[rows] = predictions
        if isinstance(rows, slice):
            rows = np.arange(rows.start, rows.stop)
        finite = np.isfinite(losses)  # the trainer's own ones end the run, with a better message
        self._waiting.append((rows[finite], losses[finite]))
        self._n_waiting += np.count_nonzero(finite)
        while self._n_waiting > len(self._exchange.published["rows"]):
            self._n_waiting -= len(self._waiting.popleft()[0])
            if not self._complained:
                self._complained = True
                self._log.event(step, "the predictor does not keep up: it will not see the oldest losses")

    def look(self):
        """Give the exchange time to go on."""
        if self._exchange.pending:
            self._exchange.look()

    def publish(self, step, command):
        """Hand over what was observed, where the schedule has it here and no exchange is under way."""
        if command & STOP:
            self._stop(step)
        elif self._schedule != "exact" and not self._exchange.pending:
            self._start(step)

    def merge(self, step):
        """Put the predictions that came back into the score table."""
        if self._schedule == "exact":
            self._start(step)
        if not self._exchange.pending or (self._schedule == "relaxed" and not self._exchange.look()):
            return
        self._exchange.wait()
        (report,) = self._exchange.reports
        self.correlation = float(report["correlation"])
        self.signal = int(report["signal"])
        self._write_predictions(report["scores"], report["batch_steps"])

    def _start(self, step):
        """Send the losses that wait."""
        published = self._exchange.published
        published["step"], published["command"], published["n"] = step, 0, self._n_waiting
        self._fill(published["rows"], published["losses"])
        self._waiting.clear()
        self._n_waiting = 0
        self._exchange.start()

    def _fill(self, rows, losses):
        """Write down the losses that wait."""
        start = 0
        for new_rows, new_losses in self._waiting:
            rows[start : start + len(new_rows)] = new_rows
            losses[start : start + len(new_rows)] = new_losses
            start += len(new_rows)

    def _stop(self, step):
        """Tell the predictor that nothing more will come."""
        if self._exchange.pending:
            self._exchange.wait()
        published = self._exchange.published
        published["step"], published["n"], published["command"] = step, 0, STOP
        self._exchange.start()
        self._exchange.wait()

    def _write_predictions(self, scores, batch_steps):
        """Hand the batches predicted since the last merge to the sampler."""
        size = self._batch_size
        for batch in np.flatnonzero(batch_steps > self._batch_steps):
            rows = slice(batch * size, min((batch + 1) * size, len(scores)))
            self._sampler.write(rows, scores[rows], self._sampler.table.predictions[rows], int(batch_steps[batch]))
        self._batch_steps = batch_steps.copy()
