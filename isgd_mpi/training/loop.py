"""The trainer's loop: take steps, publish parameters, merge the scores that come back, until it is time to stop."""

import math
import signal
from dataclasses import dataclass

from isgd_mpi.ranks.records import EVALUATE, STOP

_REST = 512  # least steps from one refresh to the next while importance sampling is switched off
_MOST_MERGING = 0.1  # share of the time, while steps wait: see docs/performance-memory.md
_MOST_MERGING_OF_FEEDER = 0.6  # steps go on meanwhile, as far as minibatches were drawn ahead
_FREE_SECONDS = 0.05  # of merging that do not count: short runs live from their first refreshes


@dataclass(frozen=True)
class Schedule:
    """Decides when the trainer publishes, waits and merges.

    Attributes
    ----------
    refresh_every : int
        Least number of steps from one publication to the next.
    patience : float
        Steps that the trainer takes while a refresh is under way before it waits for it.
    eager : bool
        Whether it merges as soon as the scores have arrived.
    most_merging : float
        Share of its time that merging may take where the schedule can wait.
    """

    refresh_every: int
    patience: float
    eager: bool
    most_merging: float

    @classmethod
    def named(cls, name, refresh_every, feeds=False):
        """Return the schedule of a name: ``exact``, ``pipelined`` or ``relaxed``; of a trainer 0 that feeds others."""
        patience = {"exact": 0, "pipelined": refresh_every, "relaxed": math.inf}[name]
        return cls(refresh_every, patience, name == "relaxed", _MOST_MERGING_OF_FEEDER if feeds else _MOST_MERGING)

    def interval(self, on):
        """Return the steps from one publication to the next; more while importance sampling is switched off."""
        return self.refresh_every if on else max(self.refresh_every, _REST)

    def wants_refresh(self, lag, on, merging):
        """Return whether it is time to publish.

        Parameters
        ----------
        lag : int or float
            Steps since parameters were last published.
        on : bool
            Whether importance sampling is switched on.
        merging : tuple of float
            Seconds that merges have taken so far, and seconds since the first one began.
        """
        seconds, since = merging
        too_soon = self.eager and seconds > _FREE_SECONDS + self.most_merging * since
        return lag >= self.interval(on) and not too_soon


def run_trainer(trainer, exchange, schedule, finished, save, on_step=None):
    """Train until it is time to stop.

    Parameters
    ----------
    trainer : trainer.Trainer
    exchange : exchange.TrainerExchange or exchange.LocalExchange
    schedule : Schedule
    finished : callable
        Takes the step and the signal that a scorer reported, or 0; returns whether to take no further step.
    save : callable
        Saves a checkpoint if it is time to.
    on_step : callable, optional
        Takes the trainer, after each step that is learnt from.

    Raises
    ------
    Diverged
        See :meth:`trainer.Trainer.take_step`.
    """
    while not finished(trainer.step, trainer.reported_signal):
        merge_if_due(trainer, exchange, schedule)
        if schedule.eager or not exchange.pending:  # without waiting for a refresh
            save()
        busy = exchange.pending or trainer.keeps_params
        if not busy and schedule.wants_refresh(trainer.lag, trainer.sampler.on, trainer.merging):
            trainer.keep_params()
        if trainer.can_publish:
            trainer.publish(exchange)
            merge_if_due(trainer, exchange, schedule)
        if trainer.take_step() and on_step is not None:
            on_step(trainer)
    trainer.learner.settle()  # training has taken this time, too


def merge_if_due(trainer, exchange, schedule):
    """Merge the refresh under way if the schedule says so; otherwise give MPI time to go on with it."""
    if not exchange.pending:
        return
    if trainer.lag >= schedule.patience or (exchange.poll() and schedule.eager):
        exchange.wait()
        trainer.merge(exchange.reports)


def finish_training(trainer, exchange, evaluate):
    """Merge the refresh under way, stop the scorers, and evaluate the last parameters if asked for.

    Steps that are not learnt from yet are not.

    Parameters
    ----------
    trainer, exchange
        See :func:`run_trainer`.
    evaluate : bool
    """
    if exchange.pending:
        exchange.wait()
        trainer.merge(exchange.reports)
    trainer.publish_last(exchange, STOP | (EVALUATE if evaluate else 0))
    exchange.wait()
    trainer.evaluations.merge(trainer.step, exchange.reports)


class StopRule:
    """Ends training: after the last step, when time or patience is at its end, or on a signal to any rank.

    Parameters
    ----------
    config : config.Config
    n_examples : int
        Examples in the training set.
    log : log.RunLog
        Its clock is used.
    interruption : faults.Interruption
        This rank's; other ranks report their signals.
    best : best.Best, optional
        Has the patience.

    Attributes
    ----------
    interrupted_by : str or None
        Name of the signal, if one ended the run.
    stopped_early : bool
        Whether patience was at its end before the last step.
    """

    def __init__(self, config, n_examples, log, interruption, best=None):
        self._n_steps = config.n_steps(n_examples)
        self._seconds = config.seconds
        self._log = log
        self._interruption = interruption
        self._best = best
        self.interrupted_by = None
        self.stopped_early = False

    def __call__(self, step, reported_signal):
        """Return whether to take no further step."""
        number = self._interruption.signal or reported_signal
        if number:
            self._log.event(step, f"signal: {signal.Signals(number).name}")
            self.interrupted_by = signal.Signals(number).name
            return True
        if self._n_steps is not None and step >= self._n_steps:
            return True
        self.stopped_early = self._best is not None and self._best.exhausted
        return self.stopped_early or (self._seconds is not None and self._log.seconds >= self._seconds)
