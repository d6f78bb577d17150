"""All that must be known to go on with a run: trainer 0's state, and what it knows of the other ranks'."""

from types import SimpleNamespace

import numpy as np

from isgd_mpi.ranks.records import report_state, restored_report
from isgd_mpi.ranks.states import send_reports
from isgd_mpi.resuming import fingerprint
from isgd_mpi.roles import share_training_state
from isgd_mpi.settings.errors import InputError


class RunState:
    """The state of a whole run at a step boundary, on trainer 0.

    Where nothing may depend on the clock, a refresh under way is completed, and its reports are saved beside the
    trainer's state, to be taken in when they are due. A report is also all that a scorer needs to go on from it.
    In `relaxed` a refresh under way is left out: the next one brings newer scores.

    Parameters
    ----------
    parts : parts.Parts
    trainer : trainer.Trainer
    exchange : exchange.TrainerExchange or exchange.LocalExchange
    gradients : minibatch.LocalGradient or co_trainers.TrainerGroup

    Attributes
    ----------
    alone : bool
        Whether the refresh under way will never be complete: it is then left out.
    """

    alone = False

    def __init__(self, parts, trainer, exchange, gradients):
        self._parts = parts
        self._trainer = trainer
        self._exchange = exchange
        self._gradients = gradients

    def state(self):
        """Return the state; see :mod:`isgd_mpi.ranks.states`. May wait for a refresh."""
        parts, trainer, exchange = self._parts, self._trainer, self._exchange
        repeatable = parts.config.repeatable and not self.alone
        if repeatable:
            exchange.hold()
        reports = exchange.reports if repeatable and trainer.published_step is not None else []
        state = {
            "ranks": parts.size,
            "trainers": parts.config.trainers,
            "n_parts": parts.n_parts,
            "data": fingerprint(parts.dataset),
            "pending": exchange.pending and repeatable,
            "exchange_seconds": float(exchange.seconds),
            "summing_seconds": float(self._gradients.seconds),
            "trainer": trainer.state(),
            "reports": {str(part): report_state(report) for part, report in enumerate(reports)},
        }
        if reports and parts.n_scorers and trainer.evaluations.under_way:
            state["evaluated_params"] = trainer.evaluations.params
        return state

    def restore(self, saved):
        """Take back what was saved, before training begins.

        Parameters
        ----------
        saved : resuming.Saved

        Raises
        ------
        InputError
            It is no state of such a run.
        """
        state = saved.state(self.state(), self._blank_reports)
        try:
            self._trainer.restore(state["trainer"])
        except ValueError as error:
            raise InputError(f"{saved.path}: {error}") from None
        self._exchange.seconds = float(state["exchange_seconds"])
        self._gradients.seconds = float(state["summing_seconds"])
        dtypes = self._parts.report_dtypes(int(state["n_parts"]))
        saved_reports = state.get("reports", {}).values()
        self._reports = [restored_report(report, dtype) for report, dtype in zip(saved_reports, dtypes)]
        self._pending = bool(state["pending"])
        self._trainer.evaluations.params = state.get("evaluated_params")

    def _blank_reports(self, n_parts):
        """Return the states of reports where the training set was scored in so many parts."""
        dtypes = self._parts.report_dtypes(n_parts)
        return {str(part): report_state(np.zeros((), dtype)) for part, dtype in enumerate(dtypes)}

    def hand_out(self, circles):
        """Let all ranks go on from what was restored. Collective, with their roles.

        Parameters
        ----------
        circles : roles.Circles
        """
        parts, trainer, polite = self._parts, self._trainer, self._parts.node.crowded
        if parts.config.trainers > 1:
            share_training_state(parts, circles, trainer.optimiser)
        if parts.resumption.hands_back:
            params = trainer.evaluations.params if parts.resumption.evaluates else None
            send_reports(circles.states, parts.config.trainers, self._reports, params, polite)
        if parts.resumption.as_before and parts.config.repeatable and self._reports:
            self._exchange.restore(self._reports, self._pending)
        else:
            self._go_on_with_others()

    def _go_on_with_others(self):
        """Take in at once what other ranks left behind; these begin with nothing under way."""
        if self._pending:
            self._trainer.merge(SimpleNamespace(reports=self._reports, seconds=self._exchange.seconds))
        self._trainer.evaluations.start_again()
