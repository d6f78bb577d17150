"""Which runs a report is of, and which of them belong together."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from isgd_mpi.data.files import read_json
from isgd_mpi.report.files import number
from isgd_mpi.report.runs import Run, read_run
from isgd_mpi.settings.errors import InputError

FIGURES = ("loss", "traces", "versus", "final", "per_second", "timeline")
"""What a study may ask for."""

_NOT_A_DIFFERENCE = ("seed", "run_dir", "quiet", "data_dir", "config")
_BARE = ("score", "schedule", "sampling", "predictor", "data")  # options whose value speaks for itself


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed only.

    Attributes
    ----------
    label : str
    options : dict
        By which it differs from other groups.
    x : float or None
        Its place on a figure's horizontal axis.
    runs : list of Run
    missing : list of str
        Folders that should be runs and are not there.
    """

    label: str
    options: dict
    x: float | None
    runs: list[Run]
    missing: list[str] = field(default_factory=list)

    @property
    def complete(self):
        """The runs that went on to their end."""
        return [run for run in self.runs if run.complete]

    @property
    def uniform(self):
        """Whether it is plain SGD."""
        return bool(self.runs) and all(run.options.get("score") == "uniform" for run in self.runs)

    @property
    def ranks(self):
        """Ranks of each of its runs, None if they differ or are not known."""
        ranks = {run.ranks for run in self.runs}
        return ranks.pop() if len(ranks) == 1 else None


@dataclass(frozen=True)
class Study:
    """What a report is of; as experiment.json says, where there is one."""

    title: str
    groups: list[Group]
    question: str = ""
    notes: list[str] = field(default_factory=list)
    command: str = ""
    x_label: str | None = None
    figures: tuple[str, ...] = FIGURES

    @property
    def runs(self):
        """All runs of all groups."""
        return [run for group in self.groups for run in group.runs]


def read_study(paths):
    """Read the runs to report on.

    Parameters
    ----------
    paths : list of pathlib.Path
        Folders of runs, or of such folders; or one folder of an experiment.

    Raises
    ------
    InputError
        If there is no run, or one cannot be read.
    """
    experiments = [path for path in paths if (path / "experiment.json").is_file()]
    if experiments and len(paths) > 1:
        raise InputError(f"{experiments[0]} is an experiment: give it alone, or name runs in it")
    if experiments:
        return _read_experiment(experiments[0])
    folders = {folder.resolve(): folder for path in paths for folder in _run_folders(path)}
    runs = [read_run(folder) for folder in folders.values()]
    groups, x_label = group_by_options(runs)
    title = paths[0].resolve().name if len(paths) == 1 else f"{len(runs)} runs"
    return Study(title=title, groups=groups, x_label=x_label)


def _run_folders(path):
    """Return the folder itself if it is a run's, else those of the runs in it."""
    if (path / "metrics.jsonl").is_file():
        return [path]
    folders = sorted(file.parent for file in path.glob("*/metrics.jsonl"))
    if not folders:
        raise InputError(
            f"{path} is neither the folder of a run nor a folder of such folders: there is no metrics.jsonl"
        )
    return folders


def group_by_options(runs):
    """Group runs that have the same options, apart from the seed and what has no say in the result.

    Returns
    -------
    groups : list of Group
        In the order of their first runs; with an x where one option, a number, is the only difference.
    x_label : str or None
    """
    differing = differing_options(runs)
    members = {}
    for run in runs:
        members.setdefault(tuple(repr(run.options.get(name)) for name in differing), []).append(run)
    options = [{name: group[0].options.get(name) for name in differing} for group in members.values()]
    x_label = differing[0] if len(differing) == 1 and len(options) > 2 else None
    groups = [
        Group(label_of(chosen) or _common_name(runs), chosen, _place(chosen, x_label), group)
        for chosen, group in zip(options, members.values())
    ]
    return groups, x_label if any(group.x is not None for group in groups) else None


def differing_options(runs):
    """Return the names of the options in which some runs differ, except the seed and what has no say."""
    names = dict.fromkeys(name for run in runs for name in run.options if name not in _NOT_A_DIFFERENCE)
    return [name for name in names if len({repr(run.options.get(name)) for run in runs}) > 1]


def label_of(options):
    """Return some options in a few words."""
    return ", ".join(text_of(value) if name in _BARE and value is not None else f"{name} {text_of(value)}"
                     for name, value in options.items())  # fmt: skip


def text_of(value):
    """Return an option's value as on the command line."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "–" if value is None else str(value)


def _common_name(runs):
    return runs[0].name if len(runs) == 1 else "all runs"


def _place(options, x_label):
    value = options.get(x_label)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _read_experiment(folder):
    """Read an experiment's folder as its experiment.json describes it."""
    path = folder / "experiment.json"
    content = read_json(path)
    figures = _texts(content, "figures", path) if "figures" in content else FIGURES
    if unknown := [name for name in figures if name not in FIGURES]:
        raise InputError(f"{path}: unknown figure {unknown[0]!r}: choose {', '.join(FIGURES)}")
    entries = content.get("groups")
    if not (isinstance(entries, list) and entries and all(isinstance(entry, dict) for entry in entries)):
        raise InputError(f"{path}: groups must be a list of objects")
    groups = [_read_group(folder, entry, f"{path}, group {n}") for n, entry in enumerate(entries, start=1)]
    if not any(group.runs for group in groups):
        raise InputError(f"{path}: none of its runs is there yet")
    return Study(
        title=_text(content, "title", path) or _text(content, "name", path) or folder.resolve().name,
        question=_text(content, "question", path),
        notes=_texts(content, "notes", path),
        command=_text(content, "command", path),
        groups=groups,
        x_label=_text(content, "x_label", path) or None,
        figures=tuple(figures),
    )


def _read_group(folder, entry, place):
    """Read the runs of one group; those that are not there are missing, which is no error."""
    names = _texts(entry, "runs", place)
    for name in names:
        if not (folder / name).resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{place}: run {name!r} lies outside of {folder}")
    there = [name for name in names if (folder / name / "metrics.jsonl").is_file()]
    x = number(entry.get("x"), f"{place}: x")
    options = entry.get("options", {})
    if not isinstance(options, dict):
        raise InputError(f"{place}: options must be an object")
    return Group(
        label=_text(entry, "label", place) or label_of(options) or place.rpartition(", ")[2],
        options=options,
        x=None if np.isnan(x) else x,
        runs=[read_run(folder / Path(name)) for name in there],
        missing=[name for name in names if name not in there],
    )


def _text(content, name, place):
    value = content.get(name)
    if not isinstance(value, (str, type(None))):
        raise InputError(f"{place}: {name} must be a text")
    return value or ""


def _texts(content, name, place):
    values = content.get(name) or []
    if not (isinstance(values, list) and all(isinstance(value, str) for value in values)):
        raise InputError(f"{place}: {name} must be a list of texts")
    return values
