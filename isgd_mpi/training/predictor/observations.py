"""The trainer's end of the loss predictor: send losses in their order, fill the score table with predictions."""

import math
from collections import deque

import numpy as np

from isgd_mpi.ranks.records import STOP, report_state, restored_report
from isgd_mpi.sampling.random_state import check_indices
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.settings.saved import Saved, check_array


class PredictedScores(Saved):
    """Sends observed losses to the loss predictor, and its predictions to the sampler.

    Parameters
    ----------
    exchange : exchange.TrainerExchange or exchange.LocalExchange
        It moves records.observations_dtype and records.predictions_dtype; one rank reports.
    schedule : str
        Value of ``--schedule``: `exact` sends losses when they are merged, and waits for the predictions;
        `pipelined` waits for those of the refresh before; `relaxed` never waits.
    sampler : sampler.Sampler
    log : log.RunLog
    shard : shards.Shard
        The whole training set, in batches that are predicted in one call.

    Attributes
    ----------
    correlation : float
        Correlation of predictions and losses in the predictor's last report, or NaN.
    signal : int
        Signal that the predictor's rank received, or 0.
    restored_report : () ndarray or None
        The predictor's last report before the run was resumed.

    Notes
    -----
    Losses wait while an exchange is under way. If the predictor does not keep up, and more losses wait than
    a record holds, the oldest ones are dropped, and the log notes it once.
    """

    saved = ("_n_waiting", "_complained", "_batch_steps", "correlation")

    def __init__(self, exchange, schedule, sampler, log, shard):
        self._exchange = exchange
        self._schedule = schedule
        self._sampler = sampler
        self._log = log
        self._shard = shard
        self._waiting = deque()  # (rows, losses)
        self._n_waiting = 0
        self._complained = False
        self._batch_steps = np.full(len(shard.batches), NEVER, np.int64)
        self.correlation = math.nan
        self.signal = 0
        self.restored_report = None

    def observe(self, rows, losses, step):
        """Keep losses for the predictor.

        Parameters
        ----------
        rows : (B,) ndarray of int
            The examples.
        losses : (B,) ndarray
            In nats. Losses that are not finite are left out: in a minibatch they end the run, with a better message.
        step : int
            Step of the parameters behind them.
        """
        finite = np.isfinite(losses)
        self._waiting.append((rows[finite], losses[finite]))
        self._n_waiting += np.count_nonzero(finite)
        while self._n_waiting > len(self._exchange.published["rows"]):
            self._n_waiting -= len(self._waiting.popleft()[0])
            if not self._complained:
                self._complained = True
                self._log.event(step, "the predictor does not keep up: it will not see the oldest losses")

    def poll(self):
        """Give MPI time to go on with the exchange under way, if any."""
        if self._exchange.pending:
            self._exchange.poll()

    def publish(self, step, command):
        """Send the losses that wait, unless the schedule is exact or an exchange is under way; obey STOP."""
        if command & STOP:
            self._stop(step)
        elif self._schedule != "exact" and not self._exchange.pending:
            self._start(step)

    def merge(self, step):
        """Write the predictions that have arrived into the score table."""
        if self._schedule == "exact":
            self._start(step)
        if not self._exchange.pending or (self._schedule == "relaxed" and not self._exchange.poll()):
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
        """Write the losses that wait into a record's fields."""
        start = 0
        for new_rows, new_losses in self._waiting:
            rows[start : start + len(new_rows)] = new_rows
            losses[start : start + len(new_rows)] = new_losses
            start += len(new_rows)

    def _stop(self, step):
        """Tell the predictor to stop, and wait for its last report."""
        if self._exchange.pending:
            self._exchange.wait()
        published = self._exchange.published
        published["step"], published["n"], published["command"] = step, 0, STOP
        self._exchange.start()
        self._exchange.wait()

    def _write_predictions(self, scores, batch_steps):
        """Hand the batches predicted since the last merge to the sampler."""
        for batch in map(int, np.flatnonzero(batch_steps > self._batch_steps)):
            rows = slice(*self._shard.rows(batch))
            self._sampler.write_scores(rows, scores[rows], int(batch_steps[batch]))
        self._batch_steps = batch_steps.copy()

    def state(self):
        """Complete the exchange under way; return the state, with the predictor's last report, if any."""
        self._exchange.complete()
        rows, losses = (np.zeros_like(self._exchange.published[name]) for name in ("rows", "losses"))
        self._fill(rows, losses)
        report = {"report": report_state(self._exchange.reports[0])} if self._exchange.answered else {}
        return super().state() | {"rows": rows, "losses": losses, "pending": self._exchange.pending, **report}

    def restore(self, state):
        """Take the state back.

        Raises
        ------
        ValueError
            It is no such state, or examples are out of range.
        """
        own = {name: state.get(name) for name in ("rows", "losses", "pending", "report")}
        super().restore({name: value for name, value in state.items() if name not in own})
        rows, losses = own["rows"], own["losses"]
        for name in ("rows", "losses"):
            check_array(own[name], self._exchange.published[name], name)
        if not 0 <= self._n_waiting <= len(rows):
            raise ValueError(f"n_waiting must lie in 0..{len(rows)}, not {self._n_waiting}")
        check_indices("rows", rows, self._shard.stop)
        self._waiting = deque([(rows[: self._n_waiting], losses[: self._n_waiting])])
        if own["report"] is not None:
            self.restored_report = restored_report(own["report"], self._exchange.reports[0].dtype)
            self._exchange.restore([self.restored_report], bool(own["pending"]))
