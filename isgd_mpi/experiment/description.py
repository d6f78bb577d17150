"""Describe an experiment, as data: groups of runs that differ in their options, at two scales."""

from dataclasses import dataclass, field

SCALES = ("small", "paper")


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed only."""

    label: str  # in figures and, simplified, in names of folders; {trainers} and {scorers} become their numbers
    options: dict = field(default_factory=dict)  # fields of Config in which the group differs from others
    x: float | None = None  # place on the experiment's axis, if the group has one
    trainers: float = 0.0  # fraction of the ranks that train, in [0, 1]; the number is rounded, and at least one
    minibatch_per_trainer: bool = False  # each trainer takes `minibatch_size` examples a step, not all together


@dataclass(frozen=True)
class Scale:
    """An experiment at one scale."""

    time: str  # the time that the experiment takes, and on which machine
    data: tuple[str, ...]  # in the order of preference; the first data set whose files are there is used
    ranks: int  # of each run
    options: dict  # fields of Config for all groups; a group's own options win
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()  # facts that a reader of the results must know
    seeds: int = 5  # runs of each group
    timeout_seconds: float = 600.0  # a run that takes longer is stopped


@dataclass(frozen=True)
class Experiment:
    """A question and the runs that answer it."""

    title: str
    question: str
    figures: tuple[str, ...]  # of the report; see isgd_mpi.report.study.FIGURES
    scales: dict[str, Scale]  # by the names in `SCALES`
    x_label: str | None = None  # meaning of the groups' `x`, with its unit
    notes: tuple[str, ...] = ()  # facts that a reader of the results must know, at every scale
