"""Find the runs that a report is about, and group those that belong together."""

from dataclasses import dataclass, field

import numpy as np

from isgd_mpi.data.files import read_json
from isgd_mpi.data.measure import ERROR
from isgd_mpi.report.files import number
from isgd_mpi.report.runs import Run, read_run
from isgd_mpi.settings.errors import InputError

FIGURES = ("loss", "traces", "versus", "final", "per_second", "timeline", "confusion", "examples")
"""The figures that an experiment.json may ask for."""

_TEXTS = ("title", "name", "question", "command", "x_label", "label")
_LISTS = ("notes", "figures", "runs")
# on the result, but for the seed's noise
_WITHOUT_EFFECT = ("seed", "run_dir", "quiet", "tensorboard", "data_dir", "config")
_BARE = ("score", "schedule", "sampling", "predictor", "data")  # options whose value speaks for itself


@dataclass(frozen=True, eq=False)
class Group:
    """Runs that differ in their seed only."""

    label: str
    x: float | None  # place on a figure's horizontal axis
    runs: list[Run]
    missing: list[str] = field(default_factory=list)  # folders that experiment.json lists and that hold no run

    @property
    def complete(self):
        """Return the runs that reached their end."""
        return [run for run in self.runs if run.complete]

    @property
    def n_runs(self):
        """Return the number of runs, missing ones included."""
        return len(self.runs) + len(self.missing)

    @property
    def count(self):
        """Return how many of the runs are complete, such as ``2 of 3``."""
        return f"{len(self.complete)} of {self.n_runs}"

    @property
    def uniform(self):
        """Return whether all runs are plain SGD."""
        return bool(self.runs) and all(run.options.get("score") == "uniform" for run in self.runs)

    @property
    def ranks(self):
        """Return the number of ranks of each run, or None if it is unknown or the runs differ in it."""
        ranks = {run.ranks for run in self.runs}
        return ranks.pop() if len(ranks) == 1 else None


@dataclass(frozen=True)
class Study:
    """Groups of runs to report on, with the texts of experiment.json if there is one."""

    title: str
    groups: list[Group]
    question: str = ""
    notes: list[str] = field(default_factory=list)
    command: str = ""
    x_label: str | None = None
    figures: tuple[str, ...] = FIGURES

    @property
    def runs(self):
        """Return all runs of all groups."""
        return [run for group in self.groups for run in group.runs]

    @property
    def measure(self):
        """Return what the runs are judged by, such as the error; the first run that was evaluated decides."""
        return next((run.measure for run in self.runs if run.evaluations), ERROR)


def read_study(paths):
    """Read the runs to report on.

    Parameters
    ----------
    paths : list of pathlib.Path
        Folders of runs, or of such folders; or one folder of an experiment.

    Raises
    ------
    InputError
        There is no run, or one cannot be read.
    """
    experiments = [path for path in paths if (path / "experiment.json").is_file()]
    if experiments and len(paths) > 1:
        raise InputError(f"{experiments[0]} is an experiment: give it alone, or name runs in it")
    if experiments:
        return _read_experiment(experiments[0])
    folders = {folder.resolve(): folder for path in paths for folder in _run_folders(path)}
    runs = [read_run(folder) for folder in folders.values()]
    _check_alike(runs)
    groups, x_label = group_by_options(runs)
    title = paths[0].resolve().name if len(paths) == 1 else f"{len(runs)} runs"
    return Study(title=title, groups=groups, x_label=x_label)


def _check_alike(runs):
    """Refuse runs that predict numbers beside runs that do not: one cannot be judged by the measure of the other."""
    of_measure = {run.measure: run for run in runs if run.evaluations}
    if len(of_measure) > 1:
        one, other = (f"{run.folder} is judged by its {measure.text}" for measure, run in of_measure.items())
        raise InputError(f"{one}, and {other}: report them apart")


def _run_folders(path):
    """Return the folder itself if it is a run's, otherwise the folders of the runs in it."""
    if (path / "metrics.jsonl").is_file():
        return [path]
    folders = sorted(file.parent for file in path.glob("*/metrics.jsonl"))
    if not folders:
        raise InputError(
            f"{path} is neither the folder of a run nor a folder of such folders: there is no metrics.jsonl"
        )
    return folders


def group_by_options(runs):
    """Group runs that have the same options, apart from the seed and options without effect on the result.

    Returns
    -------
    groups : list of Group
        In the order of their first runs; with an x if the groups differ in one option only, and it is a number.
    x_label : str or None
        The name of that option.
    """
    differing = differing_options([run.options for run in runs])
    members = {}
    for run in runs:
        members.setdefault(tuple(repr(run.options.get(name)) for name in differing), []).append(run)
    x_label = differing[0] if len(differing) == 1 and len(members) > 2 else None
    common_label = runs[0].name if len(runs) == 1 else "all runs"
    groups = []
    for group in members.values():
        options = {name: group[0].options.get(name) for name in differing}
        groups.append(Group(label_of(options) or common_label, _number_or_none(options.get(x_label)), group))
    return groups, x_label if any(group.x is not None for group in groups) else None


def differing_options(options):
    """Return the names of the options whose values differ, except the seed and options without effect.

    Parameters
    ----------
    options : list of dict
        The options of each run.
    """
    names = dict.fromkeys(name for one in options for name in one if name not in _WITHOUT_EFFECT)
    return [name for name in names if len({repr(one.get(name)) for one in options}) > 1]


def label_of(options):
    """Return some options in a few words."""
    return ", ".join(text_of(value) if name in _BARE and value is not None else f"{name} {text_of(value)}"
                     for name, value in options.items())  # fmt: skip


def text_of(value):
    """Return the value of an option as it stands on the command line."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "–" if value is None else str(value)


def _number_or_none(value):
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _read_experiment(folder):
    """Read the folder of an experiment as its experiment.json describes it."""
    path = folder / "experiment.json"
    content = _checked(read_json(path), path)
    figures = content.get("figures", FIGURES)
    if unknown := [name for name in figures if name not in FIGURES]:
        raise InputError(f"{path}: unknown figure {unknown[0]!r}: choose {', '.join(FIGURES)}")
    entries = content.get("groups")
    if not (isinstance(entries, list) and entries and all(isinstance(entry, dict) for entry in entries)):
        raise InputError(f"{path}: groups must be a list of objects")
    groups = [_read_group(folder, entry, n) for n, entry in enumerate(entries, start=1)]
    if not any(group.runs for group in groups):
        raise InputError(f"{path}: none of its runs is there yet")
    return Study(
        title=content.get("title") or content.get("name") or folder.resolve().name,
        question=content.get("question", ""),
        notes=content.get("notes", []),
        command=content.get("command", ""),
        groups=groups,
        x_label=content.get("x_label"),
        figures=tuple(figures),
    )


def _read_group(folder, entry, n):
    """Read the runs of the nth group; a run that is not there is counted as missing."""
    place = f"{folder / 'experiment.json'}, group {n}"
    entry = _checked(entry, place)
    names, options = entry.get("runs", []), entry.get("options", {})
    for name in names:
        if not (folder / name).resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{place}: run {name!r} lies outside of {folder}")
    there = [name for name in names if (folder / name / "metrics.jsonl").is_file()]
    x = number(entry.get("x"), f"{place}: x")
    return Group(
        label=entry.get("label") or label_of(options) or f"group {n}",
        x=None if np.isnan(x) else x,
        runs=[read_run(folder / name) for name in there],
        missing=[name for name in names if name not in there],
    )


def _checked(content, place):
    """Return the fields of an object that are not null; raise InputError if one has the wrong type."""
    content = {name: value for name, value in content.items() if value is not None}
    for name, value in content.items():
        if name in _TEXTS and not isinstance(value, str):
            raise InputError(f"{place}: {name} must be a text")
        if name in _LISTS and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise InputError(f"{place}: {name} must be a list of texts")
        if name == "options" and not isinstance(value, dict):
            raise InputError(f"{place}: options must be an object")
    return content
