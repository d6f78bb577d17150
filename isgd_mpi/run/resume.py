"""How a run is taken up again: its checkpoint, and whether it fits the options, the data and the ranks there are."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from isgd_mpi.data.files import read_intact_json
from isgd_mpi.ranks.records import report_state, restored_report
from isgd_mpi.ranks.states import difference, flatten, nest, pack, send_reports, share, unpack
from isgd_mpi.run.record.checkpoint_file import read_checkpoint
from isgd_mpi.run.record.checkpoints import FILE
from isgd_mpi.settings.config import Config, option
from isgd_mpi.settings.errors import InputError

_MAY_CHANGE = {item.name for item in fields(Config) if item.metadata["may_change"]}


@dataclass(frozen=True)
class Resumption:
    """What every rank must know of a run that is taken up again.

    Attributes
    ----------
    step : int
        Steps taken.
    as_before : bool
        Whether there are as many ranks and trainers as before.
    hands_back : bool
        Whether each scorer goes on from its last report.
    evaluates : bool
        Whether these scorers are amidst an evaluation.
    """

    step: int
    as_before: bool
    hands_back: bool
    evaluates: bool


class Saved:
    """A run that was saved; of use to trainer 0.

    Parameters
    ----------
    config : config.Config
        With which the run that it names in `resume` shall go on.

    Attributes
    ----------
    path : pathlib.Path
        Of the checkpoint.
    step, n_lines : int
        Steps taken, lines of the metrics.
    seconds : float
        Trained so far.
    arithmetic : str or None
        What scores were computed in, if that is known.

    Raises
    ------
    InputError
        There is no checkpoint, it is damaged, or it was made with other options: one line.
    """

    def __init__(self, config):
        self._folder = Path(config.resume)
        self._config = config
        self.path = self._folder / FILE
        if not self.path.exists():
            raise InputError(f"--resume {self._folder}: there is no {FILE} in it to go on from")
        self._flat = read_checkpoint(self.path)
        self._check_options()
        self.step = self._number("run/trainer/step")
        self.n_lines = self._number("log/n_lines")
        self.seconds = self._number("log/seconds", kind="f")
        self._n_train = self._flat.get("run/trainer/sampler/order", np.empty(0)).size
        self.arithmetic = (read_intact_json(self._folder / "environment.json") or {}).get("score_arithmetic")

    def _number(self, name, kind="i"):
        value = self._flat.get(name)
        if value is None or value.dtype.kind != kind or value.ndim or not 0 <= value < 2**62:
            raise InputError(f"{self.path}: {name} is missing or no number")
        return value.item()

    def _check_options(self):
        """Refuse options that must not change."""
        now = asdict(self._config)
        try:
            before = asdict(Config()) | json.loads(bytes(self._flat.pop("config", b"")))
        except (ValueError, TypeError, RecursionError):
            raise InputError(f"{self.path}: the options in it are damaged") from None
        changed = [name for name in now if name not in _MAY_CHANGE and before[name] != now[name]]
        if changed:
            text = ", ".join(f"{option(name)} was {before[name]} and is {now[name]} now" for name in changed)
            raise InputError(f"--resume {self._folder}: {text}: leave it out, or start a new run")

    @property
    def complete(self):
        """Whether the run has taken all its steps and left its results: there is nothing to go on with."""
        n_steps = self._config.n_steps(self._n_train)
        if (self.seconds < self._config.seconds) if n_steps is None else (self.step < n_steps):
            return False
        summary = read_intact_json(self._folder / "summary.json") or {}
        return (summary.get("steps"), summary.get("stopped", "")) == (self.step, None)

    def check_data(self, dataset):
        """Refuse another data set.

        Parameters
        ----------
        dataset : datasets.Dataset
        """
        if self._number("run/data") != dataset.fingerprint:
            raise InputError(f"--resume {self._folder}: the data set {dataset.name} is not the one that it was run on")

    def resumption(self, n_ranks):
        """Return what all ranks must know, of which there are so many.

        Parameters
        ----------
        n_ranks : int
        """
        ranks_before = self._number("run/ranks"), self._number("run/trainers")
        as_before = ranks_before == (n_ranks, self._config.trainers)
        hands_back = as_before and self._config.repeatable and self._config.n_scorers(n_ranks) > 0
        hands_back &= any(name.startswith("run/reports/") for name in self._flat)
        return Resumption(self.step, as_before, hands_back, hands_back and "run/evaluated_params" in self._flat)

    def state(self, like, report_likes):
        """Return the state of trainer 0, once it is seen to be one.

        Parameters
        ----------
        like : dict
            A state of the same kind, but for what it need not have: ``evaluated_params`` and ``reports``.
        report_likes : callable
            Takes the number of parts that the training set was scored in, returns the reports' states.

        Returns
        -------
        dict

        Raises
        ------
        InputError
            Names, dtypes or shapes are not as they should be.
        """
        found = {name: array for name, array in self._flat.items() if name.partition("/")[0] != "log"}
        expected = flatten({"run": like})
        if "run/evaluated_params" in found:
            expected["run/evaluated_params"] = expected["run/trainer/params"]
        if any(name.startswith("run/reports/") for name in found):
            n_parts = min(self._number("run/n_parts"), len(found))  # each has an array or more
            expected |= flatten({"run": {"reports": report_likes(n_parts)}})
        if problem := difference(found, expected):
            raise InputError(f"{self.path}: {problem}")
        return nest(found)["run"]


class RunState:
    """The state of a whole run at a step boundary, on trainer 0.

    Where nothing may depend on the clock, a refresh under way is completed, and its reports are saved beside the
    trainer's state, to be taken in when they are due. A report is also all that a scorer needs to go on from it.
    In `relaxed` a refresh under way is left out: the next one brings newer scores.

    Parameters
    ----------
    parts : setup.Parts
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
            "data": parts.dataset.fingerprint,
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
        saved : resume.Saved

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

    def hand_out(self, comms):
        """Let all ranks go on from what was restored. Collective, with their roles.

        Parameters
        ----------
        comms : communicators.Communicators
        """
        parts, trainer, polite = self._parts, self._trainer, self._parts.node.crowded
        if parts.config.trainers > 1:
            share_training_state(parts, comms, trainer.optimiser)
        if parts.resumption.hands_back:
            params = trainer.evaluations.params if parts.resumption.evaluates else None
            send_reports(comms.states, parts.config.trainers, self._reports, params, polite)
        if parts.resumption.as_before and parts.config.repeatable and self._reports:
            self._exchange.restore(self._reports, self._pending)
        else:
            self._go_on_with_others()

    def _go_on_with_others(self):
        """Take in at once what other ranks left behind; these begin with nothing under way."""
        if self._pending:
            self._trainer.merge(SimpleNamespace(reports=self._reports, seconds=self._exchange.seconds))
        self._trainer.evaluations.start_again()


def share_training_state(parts, comms, optimiser):
    """Let all trainers go on with trainer 0's parameters and the state of its optimiser. Collective over them.

    Parameters
    ----------
    parts, comms
        As of :func:`score`.
    optimiser : optim.SGD
        Of this trainer, on trainer 0 as it was saved.
    """
    state = optimiser.state() | {"params": optimiser.params}
    packed = pack(state)
    share(comms.training, packed, parts.node.crowded)
    state = unpack(packed, state)
    optimiser.params[:] = state["params"]
    optimiser.restore(state)
