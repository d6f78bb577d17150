"""From an experiment's description to its runs: settings, ranks and folders."""

import json
import os
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from isgd_mpi.data import sources
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.errors import InputError


@dataclass(frozen=True)
class Run:
    """One run of a group.

    Attributes
    ----------
    name : str
        Of its folder in the experiment's.
    config : config.Config
    ranks : int
    """

    name: str
    config: Config
    ranks: int


@dataclass(frozen=True)
class PlannedGroup:
    """A group, with its runs in the order of their seeds."""

    label: str
    x: float | None
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Plan:
    """All runs of an experiment, and what the report says of it.

    Attributes
    ----------
    name : str
    experiment : description.Experiment
    groups : tuple of PlannedGroup
    notes : tuple of str
    folder : pathlib.Path
        Where everything goes.
    """

    name: str
    experiment: object
    groups: tuple[PlannedGroup, ...]
    notes: tuple[str, ...]
    folder: Path

    @property
    def runs(self):
        """All runs: every group's first seed, then the next, so that an interrupted experiment has some of each."""
        return [run for runs in zip(*(group.runs for group in self.groups)) for run in runs]

    def folder_of(self, run):
        """Return the folder of a run."""
        return self.folder / run.name

    def differing_options(self):
        """Return the names of the options in which groups differ."""
        settings = [asdict(group.runs[0].config) for group in self.groups]
        return [name for name in settings[0] if any(other[name] != settings[0][name] for other in settings)]

    def record(self, command, problems):
        """Return what experiment.json holds.

        Parameters
        ----------
        command : str
            The command line that made it.
        problems : dict of str to str
            Names of runs that failed, and why.

        Returns
        -------
        dict
            Ready for JSON.
        """
        about = self.experiment
        failed = [f"{name} failed: {reason}" for name, reason in problems.items()]
        return {
            "name": self.name,
            "title": about.title,
            "question": about.question,
            "notes": [*self.notes, *failed],
            "command": command,
            "groups": [self._record_of(group) for group in self.groups],
            "x_label": about.x_label,
            "figures": list(about.figures),
        }

    def _record_of(self, group):
        config = group.runs[0].config
        return {
            "label": group.label,
            "options": {name: getattr(config, name) for name in self.differing_options()},
            "x": group.x,
            "runs": [run.name for run in group.runs if (self.folder_of(run) / "config.toml").exists()],
        }


def make_plan(name, experiment, scale, folder, data=None, data_dir=None, ranks=None, seeds=None, elsewhere=False):
    """Work out an experiment's runs. Nothing is written.

    Parameters
    ----------
    name : str
    experiment : description.Experiment
    scale : str
        A key of its scales.
    folder : pathlib.Path
        Where everything will go.
    data : str, optional
        A data set instead of the experiment's own.
    data_dir : str, optional
        As of :class:`isgd_mpi.settings.config.Config`.
    ranks, seeds : int, optional
        Instead of the scale's own.
    elsewhere : bool
        Whether the runs are done on other machines than this one.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        The data set's files are missing, or the ranks are too few.
    """
    scale = experiment.scales[scale]
    ranks, seeds = ranks or scale.ranks, seeds or scale.seeds
    data, notes = choose_data((data,) if data else scale.data, data_dir)
    common = {"quiet": True, "data": data, "data_dir": data_dir} | scale.options
    groups, known = [], []
    for group in scale.groups:
        trainers = max(1, round(group.trainers * ranks))
        config = _settings(group, common, trainers)
        if config in known:  # with few ranks different shares are the same split
            continue
        known.append(config)
        config.check_ranks(ranks)
        label = group.label.format(trainers=trainers, scorers=ranks - trainers)
        runs = tuple(Run(f"{slug(label)}-{seed}", replace(config, seed=seed), ranks) for seed in range(seeds))
        x = trainers if group.minibatch_per_trainer else group.x
        groups.append(PlannedGroup(label, x, runs))
    crowd = () if elsewhere else _crowd(ranks)
    return Plan(name, experiment, tuple(groups), (*experiment.notes, *scale.notes, *notes, *crowd), folder)


def _settings(group, common, trainers):
    """Return a group's settings, for any seed."""
    config = Config(**{**common, **group.options, "trainers": trainers})
    share = trainers if group.minibatch_per_trainer else 1
    return replace(config, minibatch_size=share * config.minibatch_size)


def _crowd(ranks):
    """Yield a warning where ranks have to share cores."""
    cores = len(os.sched_getaffinity(0))
    if ranks > cores:
        yield f"{ranks} ranks shared {cores} cores of this machine: times say little about {ranks} cores."


def choose_data(names, data_dir=None):
    """Find the first data set whose files are there.

    Parameters
    ----------
    names : sequence of str
        In the order of preference.
    data_dir : str, optional
        As of :class:`isgd_mpi.settings.config.Config`.

    Returns
    -------
    name : str
    notes : list of str
        What to say, if it is not the first one.

    Raises
    ------
    InputError
        The last one is not there either.
    """
    try:
        sources.recipe(names[0], data_dir)
        return names[0], []
    except InputError as error:
        if len(names) == 1:
            raise
        name, notes = choose_data(names[1:], data_dir)
        return name, [f"On {name} instead of {names[0]}, whose files are not there ({error}).", *notes]


def slug(label):
    """Return a label as part of a folder's name."""
    return re.sub(r"[^a-z0-9.-]+", "-", label.lower()).strip("-")


def read_record(folder):
    """Return the experiment.json of a folder, or None if there is none that can be read."""
    try:
        record = json.loads((folder / "experiment.json").read_text())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None
