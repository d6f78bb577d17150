"""Make the runs of an experiment from its description: options, ranks and folders."""

import os
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from isgd_mpi.data import sources
from isgd_mpi.experiment.description import Experiment
from isgd_mpi.experiment.status import state_of
from isgd_mpi.report.study import differing_options
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.errors import InputError


@dataclass(frozen=True)
class Run:
    """One run of a group."""

    name: str  # of the run's folder
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
    """All runs of an experiment, and the texts of its report."""

    name: str
    experiment: Experiment
    groups: tuple[PlannedGroup, ...]
    notes: tuple[str, ...]
    folder: Path  # of the runs and the report

    @property
    def runs(self):
        """Return all runs, the first seed of every group first: an interrupted experiment has some runs of each."""
        return [run for runs in zip(*(group.runs for group in self.groups)) for run in runs]

    def folder_of(self, run):
        """Return the folder of a run."""
        return self.folder / run.name

    def state_of(self, run):
        """Return the state of a run; see :func:`isgd_mpi.experiment.status.state_of`."""
        return state_of(self.folder_of(run), run)

    def record(self, command, problems):
        """Return the content of experiment.json, which :func:`isgd_mpi.report.study.read_study` reads.

        Parameters
        ----------
        command : str
            The command line that did the runs.
        problems : dict of str to str
            Names of the runs that failed, and the reasons.
        """
        about = self.experiment
        failed = [f"{name} failed: {reason}" for name, reason in problems.items()]
        return {
            "name": self.name,
            "title": about.title,
            "question": about.question,
            "notes": [*self.notes, *failed],
            "command": command,
            "groups": self._groups_of_record(),
            "x_label": about.x_label,
            "figures": list(about.figures),
        }

    def _groups_of_record(self):
        settings = [asdict(group.runs[0].config) for group in self.groups]
        differing = differing_options(settings)
        return [
            {
                "label": group.label,
                "options": {name: options[name] for name in differing},
                "x": group.x,
                "runs": [run.name for run in group.runs if (self.folder_of(run) / "config.toml").exists()],
            }
            for group, options in zip(self.groups, settings)
        ]


def make_plan(name, experiment, scale, folder, data=None, data_dir=None, ranks=None, seeds=None, elsewhere=False):
    """Make the plan of an experiment. Nothing is written.

    Parameters
    ----------
    name : str
    experiment : description.Experiment
    scale : str
        A key of the experiment's scales.
    folder : pathlib.Path
        Folder of the runs and the report.
    data : str, optional
        A data set instead of the experiment's own.
    data_dir : str, optional
        Folder of the original data files; see :class:`isgd_mpi.settings.config.Config`.
    ranks, seeds : int, optional
        Numbers instead of the scale's own.
    elsewhere : bool
        Whether the runs are done on other machines than this one.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        The files of the data set are missing, or the ranks are too few.
    """
    scale = experiment.scales[scale]
    ranks, seeds = ranks or scale.ranks, seeds or scale.seeds
    data, notes = choose_data((data,) if data else scale.data, data_dir)
    common = {"quiet": True, "data": data, "data_dir": data_dir} | scale.options
    groups, known = [], []
    for group in scale.groups:
        trainers = max(1, round(group.trainers * ranks))
        config = _settings(group, common, trainers)
        if config in known:  # on few ranks different fractions give the same number of trainers
            continue
        known.append(config)
        config.check_ranks(ranks)
        label = group.label.format(trainers=trainers, scorers=ranks - trainers)
        runs = tuple(Run(f"{slug(label)}-{seed}", replace(config, seed=seed), ranks) for seed in range(seeds))
        x = trainers if group.minibatch_per_trainer else group.x
        groups.append(PlannedGroup(label, x, runs))
    notes_on_crowd = () if elsewhere else crowd(ranks)
    return Plan(name, experiment, tuple(groups), (*experiment.notes, *scale.notes, *notes, *notes_on_crowd), folder)


def _settings(group, common, trainers):
    """Return the settings of a group, with the default seed."""
    config = Config(**{**common, **group.options, "trainers": trainers})
    share = trainers if group.minibatch_per_trainer else 1
    return replace(config, minibatch_size=share * config.minibatch_size)


def crowd(ranks):
    """Yield a warning if ranks have to share cores."""
    cores = len(os.sched_getaffinity(0))
    if ranks > cores:
        yield f"{ranks} ranks shared {cores} cores of this machine: times say little about {ranks} cores."


def choose_data(names, data_dir=None):
    """Return the first of some data sets whose files are there, and a note for each data set before it.

    Raises
    ------
    InputError
        The files of no data set are there.
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
