"""How a run is taken up again: its checkpoint, and whether it fits the options, the data and the ranks there are."""

import json
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from isgd_mpi.checkpoint import read_checkpoint
from isgd_mpi.ranks.states import difference, flatten, nest
from isgd_mpi.saving import FILE
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
        self.arithmetic = self._read("environment.json").get("score_arithmetic")

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
        summary = self._read("summary.json")
        return (summary.get("steps"), summary.get("stopped", "")) == (self.step, None)

    def _read(self, name):
        """Return what a file in JSON of the run holds; nothing if it cannot be read."""
        try:
            content = json.loads((self._folder / name).read_text())
        except (OSError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}

    def check_data(self, dataset):
        """Refuse another data set.

        Parameters
        ----------
        dataset : datasets.Dataset
        """
        if self._number("run/data") != fingerprint(dataset):
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


def fingerprint(dataset):
    """Return a number that tells one data set from another, from its labels, sizes and standardisation."""
    checksum = zlib.crc32(dataset.inverse_std, zlib.crc32(dataset.mean))
    for name, split in dataset.splits.items():
        checksum = zlib.crc32(np.ascontiguousarray(split.labels), zlib.crc32(name.encode(), checksum))
    return checksum
