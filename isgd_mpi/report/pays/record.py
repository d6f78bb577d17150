"""Read pays.json: the data, the budget, and of each method its search and its final runs."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from isgd_mpi.data.files import excerpt, read_json
from isgd_mpi.data.measure import Measure
from isgd_mpi.report.files import number
from isgd_mpi.settings.errors import InputError

FILE = "pays.json"
FORMAT = 1

AXES = ("minibatch_size", "lr", "trainers")
"""The settings that the search chooses."""

_MOST = 1e12  # of each of them

CURVES = ("loss", "valid_loss", "valid_judged")
FIGURES = (
    "steps",
    "steps_per_second",
    "memory_bytes",
    "variance_gain",
    "possible_gain",
    "noise_scale",
    "staleness",
    "wait_fraction",
)
"""The numbers of a final run."""


@dataclass(frozen=True)
class Trial:
    """A run of the search: its settings, the time that it was allowed, and what came out."""

    settings: dict
    seconds: float
    judged: float
    loss: float
    problem: str | None


@dataclass(frozen=True)
class Final:
    """A run with the best settings of a method.

    Attributes
    ----------
    seed : int
    problem : str or None
        The reason why it did not come to its end.
    figures : dict of str to float
        The numbers of `FIGURES`; NaN where unknown.
    curves : dict of str to ndarray
        ``seconds`` and those of `CURVES`, of one length.
    test : dict of str to float
        ``loss`` and ``judged`` of the last parameters.
    switched_off : bool
        Importance sampling ended switched off.
    """

    seed: int
    problem: str | None
    figures: dict
    curves: dict
    test: dict
    switched_off: bool

    @property
    def complete(self):
        """Return whether the run came to its end."""
        return self.problem is None

    def last(self, curve):
        """Return the last value of a curve; NaN if it has none."""
        values = self.curves[curve]
        return float(values[-1]) if len(values) else math.nan


@dataclass(frozen=True, eq=False)
class Method:
    """A way to sample, its search and its final runs."""

    name: str
    label: str
    importance_sampling: bool
    options: dict
    axes: dict
    trials: list[Trial]
    search_seconds: float
    best: dict
    at_border: bool
    command: str
    finals: list[Final] = field(default_factory=list)

    @property
    def searched(self):
        """Return how well the best settings did in the search, in the longest run with them: judged value and loss."""
        runs = [trial for trial in self.trials if trial.settings == self.best and trial.problem is None]
        longest = max(runs, key=lambda trial: trial.seconds, default=None)
        values = (longest.judged, longest.loss) if longest else (math.nan, math.nan)
        return tuple(value if value == value else math.inf for value in values)

    @property
    def complete(self):
        """Return the final runs that came to their end."""
        return [final for final in self.finals if final.complete]

    @property
    def failed(self):
        """Return the final runs that did not."""
        return [final for final in self.finals if not final.complete]

    def values(self, figure):
        """Return a number of each complete final run."""
        return [final.figures[figure] for final in self.complete]

    def last(self, curve):
        """Return the last value of a curve of each complete final run."""
        return [final.last(curve) for final in self.complete]

    def tests(self, figure="judged"):
        """Return the loss, or what is judged, of the test set of each complete final run."""
        return [final.test[figure] for final in self.complete]


@dataclass(frozen=True)
class Record:
    """Everything that ``experiment pays`` keeps in pays.json.

    Attributes
    ----------
    data, data_words : str
    ranks, cores : int
    minutes : float
        Of everything.
    measure : measure.Measure
        By which methods are judged.
    guess : float
        Its value for a model that gives every example the same answer, the best such one; NaN if unknown.
    seconds : float
        Training time of each final run.
    command : str
    options : dict
        Given by the user for every run.
    environment : dict
        See :func:`isgd_mpi.run.record.environment.describe_environment`.
    complete : bool
    notes : list of str
    methods : list of Method
    """

    data: str
    data_words: str
    ranks: int
    cores: int
    minutes: float
    measure: Measure
    guess: float
    seconds: float
    command: str
    options: dict
    environment: dict
    complete: bool
    notes: list[str]
    methods: list[Method]

    @cached_property
    def uniform(self):
        """The method that the others are compared with, or None if it is not in the record."""
        return next((method for method in self.methods if not method.importance_sampling), None)

    @cached_property
    def chosen(self):
        """The method of importance sampling that did best in the search, or None: no final run has a say in it."""
        own = [method for method in self.methods if method.importance_sampling and method.best]
        return min(own, key=lambda method: method.searched, default=None)

    @property
    def seeds(self):
        """Return the seeds of all final runs."""
        return sorted({final.seed for method in self.methods for final in method.finals})


def read_record(folder):
    """Read the pays.json of a folder.

    Raises
    ------
    InputError
        It is missing or damaged: one line that names the file.
    """
    path = folder / FILE
    content = read_json(path)
    if content is None:
        raise InputError(f"{path} is missing: name the folder of an `experiment pays`")
    if content.get("format") != FORMAT:
        found = excerpt(content.get("format"))
        raise InputError(f"{path} has format {found}, not {FORMAT}: read it with the version that wrote it")
    try:
        return _record(content, path)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = f"{type(error).__name__}: {excerpt(error)}"
        raise InputError(f"{path} is damaged ({problem}): run the experiment again, it goes on from its runs") from None


def _record(content, path):
    """Return a record from the object in the file."""
    return Record(
        data=str(content["data"]),
        data_words=str(content.get("data_words") or ""),
        ranks=int(content["ranks"]),
        cores=int(content["cores"]),
        minutes=number(content.get("minutes"), path),
        measure=_measure(content.get("measure") or {}, content.get("judge")),
        guess=number(content.get("guess"), path),
        seconds=number(content.get("seconds"), path),
        command=str(content.get("command") or ""),
        options=dict(content.get("options") or {}),
        environment=dict(content.get("environment") or {}),
        complete=bool(content.get("complete")),
        notes=[str(note) for note in content.get("notes") or []],
        methods=[_method(method, path) for method in content["methods"]],
    )


def _measure(content, judge):
    """Return what predictions are judged by; the text has the split's name in it, such as ``validation error``."""
    text = str(content.get("text") or f"validation {judge or 'error'}")
    unit = str(content.get("unit") or "")
    factor = float(content.get("factor") or 1.0)
    return Measure(str(judge or "judged"), text, unit, factor, str(content.get("loss_unit") or "nats"))


def _method(content, path):
    finals = [_final(final, path) for final in content.get("finals") or []]
    trials = [_trial(trial, path) for trial in content.get("trials") or []]
    return Method(
        name=str(content["name"]),
        label=str(content.get("label") or content["name"]),
        importance_sampling=bool(content["importance_sampling"]),
        options=dict(content.get("options") or {}),
        axes=dict(content.get("axes") or {}),
        trials=trials,
        search_seconds=number(content.get("search_seconds"), path),
        best=_settings(content.get("best") or {}),
        at_border=bool(content.get("at_border")),
        command=str(content.get("command") or ""),
        finals=sorted(finals, key=lambda final: final.seed),
    )


def _settings(content):
    found = {name: content[name] for name in AXES if content.get(name) is not None}
    if not all(isinstance(value, (int, float)) and 0 < value < _MOST for value in found.values()):
        raise ValueError(f"settings are {found}")
    return found


def _trial(content, path):
    seconds, judged, loss = (number(content.get(name), path) for name in ("seconds", "judged", "loss"))
    return Trial(_settings(content), seconds, judged, loss, _text(content.get("problem")))


def _final(content, path):
    test = content.get("test") or {}
    return Final(
        seed=int(content["seed"]),
        problem=_text(content.get("problem")),
        figures={name: number(content.get(name), path) for name in FIGURES},
        curves=_curves(content.get("curve") or {}, path),
        test={name: number(test.get(name), path) for name in ("loss", "judged")},
        switched_off=bool(content.get("switched_off")),
    )


def _curves(content, path):
    """Return the curves of a run as arrays of one length; a curve that is missing is NaN."""
    seconds = np.array([number(value, path) for value in content.get("seconds") or []])
    curves = {"seconds": seconds}
    for name in CURVES:
        values = content.get(name) or [None] * len(seconds)
        if len(values) != len(seconds):
            raise ValueError(f"curve {name} has {len(values)} points, and seconds {len(seconds)}")
        curves[name] = np.array([number(value, path) for value in values])
    return curves


def _text(value):
    return None if value is None else str(value)
