"""The trainer's end of the loss predictor: losses go out in their order, predictions fill the score table."""

import math
from collections import deque

import numpy as np

from isgd_mpi.ranks.records import STOP, report_state, restored_report
from isgd_mpi.sampling.random_state import check_indices
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.settings.saved import Saved


class PredictedScores(Saved):
    """Sends observed losses to the loss predictor, and its predictions to the sampler.

    Parameters
    ----------
    exchange : exchange.TrainerExchange or exchange.LocalExchange
        Of records.observations_dtype and records.predictions_dtype, with one rank that reports.
    schedule : str
        Of ``--schedule``: `exact` hands over losses when they are merged, and waits for the predictions;
        `pipelined` waits for those of the refresh before; `relaxed` never waits.
    sampler : sampler.Sampler
    log : log.RunLog
    shard : shards.Shard
        The whole training set, in batches that are predicted in one call.

    Attributes
    ----------
    correlation : float
        Of predictions and losses, as the predictor last reported it, or NaN.
    signal : int
        Signal that the predictor's rank received, or 0.
    restored_report : () ndarray or None
        The predictor's last report in the life of the run that is resumed.

    Notes
    -----
    Losses wait while an exchange is under way. Where more wait than a record holds, the predictor does not
    keep up: the oldest ones are dropped, and the log says so once.
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
            Nats. Those that are not finite are left out: the trainer's own ones end the run, with a better message.
        step : int
            Of the parameters behind them.
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
        """Give the exchange time to go on."""
        if self._exchange.pending:
            self._exchange.poll()

    def publish(self, step, command):
        """Hand over the losses that wait, where the schedule wants it here and no exchange is under way."""
        if command & STOP:
            self._stop(step)
        elif self._schedule != "exact" and not self._exchange.pending:
            self._start(step)

    def merge(self, step):
        """Put the predictions that came back into the score table."""
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
        """Tell the predictor that nothing more will come."""
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
        """Return the state, once the exchange under way is complete; with the predictor's last report, if any."""
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
        if not 0 <= self._n_waiting <= len(rows):
            raise ValueError(f"n_waiting must lie in 0..{len(rows)}, not {self._n_waiting}")
        check_indices("rows", rows, self._shard.stop)
        self._waiting = deque([(rows[: self._n_waiting], losses[: self._n_waiting])])
        if own["report"] is not None:
            self.restored_report = restored_report(own["report"], self._exchange.reports[0].dtype)
            self._exchange.restore([self.restored_report], bool(own["pending"]))
