"""Resume a run: read its checkpoint, and give each part of it back to its owner.

==================== =========================================== ===============================================
in a checkpoint      restored by                                 dropped
==================== =========================================== ===============================================
``trainer``          trainer 0: step, parameters, optimiser,     never
                     sampler, evaluations, counters; further
                     trainers get parameters and optimiser,
                     or share those of trainer 0
``predicted``        trainer 0: losses that wait (part of        never
                     ``trainer``)
``predicted/report`` the loss predictor, wherever it now runs    if the predictor had not reported yet
``reports``          the scorers, each its own, and trainer 0,   relaxed: the next refresh brings newer scores;
                     which merges them when they are due         other ranks: trainer 0 merges them at once
``pending``          trainer 0: whether the reports are due      with the reports
``evaluated_params`` the scorers that were evaluating; trainer   with the reports: trainer 0 asks for the
                     0, for which they may be the best           evaluation once more
``log``              the metrics file: lines behind the          never
                     checkpoint are cut off
==================== =========================================== ===============================================

:class:`Resumption` names the three ways to resume.
"""

import json
from dataclasses import asdict, fields
from enum import Enum
from pathlib import Path

import numpy as np

from isgd_mpi.data.files import read_intact_json
from isgd_mpi.ranks.heartbeat import Silent
from isgd_mpi.ranks.records import report_state, restored_report
from isgd_mpi.ranks.states import flatten, nest, send_arrays, share_arrays
from isgd_mpi.run.record.checkpoint_file import read_checkpoint
from isgd_mpi.run.record.checkpoints import FILE
from isgd_mpi.settings.config import Config, option
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.sampling import present_name
from isgd_mpi.settings.saved import check_array, check_names

_MAY_CHANGE = {item.name for item in fields(Config) if item.metadata["may_change"]}
_NEEDED = ("ranks", "trainers", "data", "pending", "trainer")
_OPTIONAL = ("reports", "evaluated_params", "feeds")
_LAST_STEPS_SECONDS = 10.0  # for the steps that are ordered when another rank has failed


def _identity(path):
    """Return what changes when a file is replaced."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise InputError(f"--resume {path.parent}: there is no {FILE} in it to go on from") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


class Resumption(Enum):
    """The three ways to resume a run. All ranks must know which one it is."""

    SAME_RANKS = "the same ranks continue where they were, to the same bits"
    OTHER_RANKS = "other ranks begin with nothing under way"
    RELAXED = "the schedule is not repeatable: the refresh under way is dropped"


class SavedRun:
    """A saved run, as trainer 0 reads it.

    Parameters
    ----------
    config : config.Config
        Names the run in `resume`, and has the options to resume it with.

    Attributes
    ----------
    path : pathlib.Path
        The checkpoint.
    step, n_lines : int
        Steps taken, lines of the metrics.
    seconds : float
        Training time so far.
    arithmetic, train_arithmetic : str or None
        Arithmetics of the scores and of training, if these are known.
    threads : list of int or None
        Threads of each rank, if they are known.

    Raises
    ------
    InputError
        There is no checkpoint, it is damaged, or it was made with other options: one line.
    """

    def __init__(self, config):
        self._folder = Path(config.resume)
        self._config = config
        self.path = self._folder / FILE
        self._identity = _identity(self.path)
        self._flat = read_checkpoint(self.path)
        self._check_options()
        self.step = self._number("run/trainer/step")
        self.n_lines = self._number("log/n_lines")
        self.seconds = self._number("log/seconds", kind="f")
        self._n_train = self._flat.get("run/trainer/sampler/order", np.empty(0)).size
        environment = self._read("environment.json")
        self.arithmetic, self.train_arithmetic = map(environment.get, ("score_arithmetic", "train_arithmetic"))
        self.threads = environment.get("threads_of_ranks")

    def _number(self, name, kind="i"):
        """Return a number of the checkpoint; raise InputError if there is none by this name."""
        value = self._flat.get(name)
        if value is None or value.dtype.kind != kind or value.ndim or not 0 <= value < 2**62:
            raise InputError(f"{self.path}: {name} is missing or no number")
        return value.item()

    def _check_options(self):
        """Refuse options that must not change."""
        now = asdict(self._config)
        try:
            before = asdict(Config()) | json.loads(bytes(self._flat.pop("config", b"")))
            before["sampling"] = present_name(before["sampling"])
        except (ValueError, TypeError, RecursionError):
            raise InputError(f"{self.path}: the options in it are damaged") from None
        changed = [name for name in now if name not in _MAY_CHANGE and before[name] != now[name]]
        if changed:
            text = ", ".join(f"{option(name)} was {before[name]} and is {now[name]} now" for name in changed)
            raise InputError(f"--resume {self._folder}: {text}: leave it out, or start a new run")

    @property
    def complete(self):
        """Return whether the run has ended and left its results, so that nothing is left to do."""
        n_steps = self._config.n_steps(self._n_train)
        goes_on = (self.seconds < self._config.seconds) if n_steps is None else (self.step < n_steps)
        if goes_on and not self._is_out_of_patience:
            return False
        summary = self._read("summary.json")
        return (summary.get("steps"), summary.get("stopped", "")) == (self.step, None)

    @property
    def _is_out_of_patience(self):
        """True if the last evaluations of the run were worse than the best one, as many as patience allows."""
        patience, n_worse = self._config.patience, self._flat.get("run/trainer/evaluations/best/n_worse")
        return patience is not None and n_worse is not None and bool(np.all(n_worse >= patience))

    @property
    def ending(self):
        """Return in words how a complete run ended, and how to go on."""
        way_on = "more --steps, --epochs or --seconds"
        if not self._is_out_of_patience:
            return f"is complete at step {self.step}: to go on, give {way_on}"
        n = f"{self._config.patience} evaluation{'s' * (self._config.patience > 1)}"
        return (
            f"stopped early at step {self.step}: validation {self._config.best_by} had not fallen for {n}: to go on, "
            f"give a larger --patience, and perhaps {way_on}"
        )

    def check_unchanged(self):
        """Refuse to go on from a checkpoint that another job has replaced since it was read."""
        if _identity(self.path) != self._identity:
            raise InputError(f"{self.path} was replaced while this job started: run the same command again")

    def _read(self, name):
        return read_intact_json(self._folder / name) or {}

    def trainers(self, n_ranks):
        """Return how many trainers the run had, and whether the first fed the others; None with other ranks."""
        return self._trainers if self._number("run/ranks") == n_ranks else None

    @property
    def _trainers(self):
        return self._number("run/trainers"), bool(self._flat.get("run/feeds", False))

    def plan(self, dataset, n_ranks, choice):
        """Return the way to resume the run on a data set and a number of ranks, with a choice of trainers.

        Returns
        -------
        Resumption

        Raises
        ------
        InputError
            The run was on another data set.
        """
        if self._number("run/data") != dataset.fingerprint:
            problem = f"the data set {dataset.name} is not the one that it was run on"
            way_out = "give --data, --test, --valid and files of weights as they were"
            raise InputError(f"--resume {self._folder}: {problem}: {way_out}")
        before = self._number("run/ranks"), *self._trainers
        reported = any(name.startswith("run/reports/") for name in self._flat)
        if not self._config.repeatable:
            return Resumption.RELAXED
        same = before == (n_ranks, choice.n_trainers, choice.feeds) and reported
        return Resumption.SAME_RANKS if same else Resumption.OTHER_RANKS

    def state(self):
        """Return the state of the run; raise ValueError unless its outermost names are those of a run."""
        state = nest({name: array for name, array in self._flat.items() if name.partition("/")[0] != "log"})
        check_names(state, ["run"])
        check_names(state["run"], _NEEDED + _OPTIONAL)
        if missing := [name for name in _NEEDED if name not in state["run"]]:
            raise ValueError(f"{missing[0]} is missing")
        return state["run"]


class RunState:
    """The state of a whole run at a step boundary, on trainer 0.

    If nothing in the run may depend on the clock, a refresh under way is completed, and its reports are saved beside
    the trainer's state, to be merged when they are due. Its report is all that a scorer needs to continue.

    Parameters
    ----------
    setup : setup.Setup
    trainer : trainer.Trainer
    exchange : exchange.TrainerExchange or exchange.LocalExchange
    forecaster : forecaster.Forecaster or None
        The loss predictor; a second one with the same initial state, if another rank predicts.

    Attributes
    ----------
    alone : bool
        Whether the refresh under way will never be complete, and is left out of the state.
    """

    alone = False

    def __init__(self, setup, trainer, exchange, forecaster=None):
        self._setup = setup
        self._trainer = trainer
        self._exchange = exchange
        self._forecaster = forecaster
        self._reports, self._pending = [], False

    def state(self):
        """Return the state; see :class:`saved.Saved`. May wait for a refresh.

        Raises
        ------
        Silent
            A step was begun that a silent trainer did not finish.
        Diverged
            A step that was ordered was not taken.
        """
        setup, trainer, exchange = self._setup, self._trainer, self._exchange
        # less long than other ranks, which get no beat meanwhile, wait for trainer 0
        seconds = min(_LAST_STEPS_SECONDS, setup.config.scorer_timeout / 2)
        if not trainer.learner.settle(seconds if self.alone else None):
            raise Silent("a trainer did not finish a step")
        repeatable = setup.config.repeatable and not self.alone
        if repeatable:
            exchange.complete()
        state = {
            "ranks": setup.size,
            "trainers": setup.config.trainers,
            "feeds": setup.feeds,
            "data": setup.dataset.fingerprint,
            "pending": exchange.pending and repeatable,
            "trainer": trainer.state(),
        }
        if repeatable and exchange.answered:
            state["reports"] = {str(part): report_state(report) for part, report in enumerate(exchange.reports)}
            if trainer.evaluations.under_way and (setup.n_scorers or trainer.evaluations.best):
                state["evaluated_params"] = trainer.evaluations.params
        return state

    def restore(self, saved):
        """Restore trainer 0's part of a saved run, before training begins.

        Parameters
        ----------
        saved : SavedRun

        Raises
        ------
        InputError
            The checkpoint holds no state of such a run.
        """
        try:
            state = saved.state()
            self._trainer.restore(state["trainer"])
            self._restore_reports(state)
            if self._forecaster and self._trainer.predicted.restored_report is not None:
                self._forecaster.restore_report(self._trainer.predicted.restored_report)
        except ValueError as error:
            raise InputError(f"{saved.path}: {error}") from None

    def _restore_reports(self, state):
        self._pending = bool(state["pending"])
        reports = state.get("reports", {})
        same_ranks = self._setup.resumption is Resumption.SAME_RANKS
        check_names(reports, map(str, range(self._setup.grid.n_parts if same_ranks else len(reports))))
        if same_ranks and len(reports) < self._setup.grid.n_parts:
            raise ValueError(f"reports/{len(reports)} is missing")
        dtypes = self._setup.report_dtypes(self._setup.shards_of(len(reports))) if reports else []
        self._reports = [restored_report(reports.get(str(part), {}), dtype) for part, dtype in enumerate(dtypes)]
        evaluations, params = self._trainer.evaluations, state.get("evaluated_params")
        may_be_best = bool(self._reports) and evaluations.best is not None and evaluations.under_way
        if params is not None or may_be_best or (same_ranks and any(map(is_evaluating, self._reports))):
            check_array(params, self._trainer.params, "evaluated_params")
            evaluations.params = np.array(params)

    def hand_out(self, comms):
        """Give all other ranks their part of the restored state: step 5 of the start. Collective, with their roles.

        Parameters
        ----------
        comms : communicators.Communicators
        """
        setup, trainer, waiter = self._setup, self._trainer, self._setup.node.waiter
        if setup.config.trainers > 1:
            share_training_state(setup, comms, trainer.optimiser)
        if setup.predictor_rank is not None:
            send_arrays(comms.states, [self._forecaster.report()], setup.predictor_rank, waiter)
        if setup.resumption is Resumption.SAME_RANKS:
            if setup.n_scorers:
                self._send_reports(comms, waiter)
            self._exchange.restore(self._reports, self._pending)
        else:
            self._begin_anew()
        self._reports, self._forecaster = [], None  # which are large

    def _send_reports(self, comms, waiter):
        """Give each scorer its own report back, and the parameters that it is evaluating."""
        for dest, report in enumerate(self._reports, self._setup.config.trainers):
            params = [self._trainer.evaluations.params] if is_evaluating(report) else []
            send_arrays(comms.states, [report, *params], dest, waiter)

    def _begin_anew(self):
        """Merge the saved reports that are due now, since no scorer can continue its old shard."""
        if self._pending:
            self._trainer.merge(self._reports, self._setup.shards_of(len(self._reports)))
        self._trainer.evaluations.start_again()


def is_evaluating(report):
    """Return whether the scorer that made a report had begun an evaluation and not finished it.

    Parameters
    ----------
    report : () ndarray of records.report_dtype
    """
    return bool(report["evaluating_step"] != report["evaluated_step"])


def share_training_state(setup, comms, optimiser):
    """Give all models the parameters of trainer 0's and the state of its optimiser. Collective over the trainers.

    Parameters
    ----------
    setup : setup.Setup
    comms : communicators.Communicators
    optimiser : optim.SGD
        This trainer's optimiser; it and its parameters are updated in place, except on trainer 0's node.
    """
    if setup.model_and_place[1] > 0:
        return  # the first of those that share a model sees to that
    state = {name: np.array(array) for name, array in flatten(optimiser.state()).items()}
    share_arrays(comms.equals, [optimiser.params, *state.values()], setup.node.waiter)
    optimiser.restore(state)
