"""Describe an experiment, as data: groups of runs that differ in their options, at two scales."""

from dataclasses import dataclass, field

SCALES = ("small", "paper")


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed only.

    Attributes
    ----------
    label : str
        Name of the group in figures and, simplified, of its folders. ``{trainers}`` and ``{scorers}`` are replaced
        by their numbers.
    options : dict
        Fields of :class:`isgd_mpi.settings.config.Config` in which the group differs from others.
    x : float or None
        Place on the experiment's axis, if the group has one.
    trainers : float
        Fraction of the ranks that train, in [0, 1]. The number is rounded, and at least one.
    minibatch_per_trainer : bool
        Whether each trainer takes `minibatch_size` examples a step; otherwise all trainers together do.
    """

    label: str
    options: dict = field(default_factory=dict)
    x: float | None = None
    trainers: float = 0.0
    minibatch_per_trainer: bool = False


@dataclass(frozen=True)
class Scale:
    """An experiment at one scale.

    Attributes
    ----------
    time : str
        The time that the experiment takes, and on which machine.
    data : tuple of str
        Data sets in the order of preference; the first one whose files are there is used.
    ranks : int
        Ranks of each run.
    options : dict
        Fields of :class:`isgd_mpi.settings.config.Config` for all groups; a group's own options win.
    groups : tuple of Group
    notes : tuple of str
        Facts that a reader of the results must know.
    seeds : int
        Runs of each group.
    timeout_seconds : float
        A run that takes longer is stopped.
    """

    time: str
    data: tuple[str, ...]
    ranks: int
    options: dict
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()
    seeds: int = 5
    timeout_seconds: float = 600.0


@dataclass(frozen=True)
class Experiment:
    """A question and the runs that answer it.

    Attributes
    ----------
    title, question : str
    figures : tuple of str
        Figures of the report; see :data:`isgd_mpi.report.study.FIGURES`.
    scales : dict of str to Scale
        The keys are the names in `SCALES`.
    x_label : str or None
        Meaning of the groups' `x`, with its unit.
    notes : tuple of str
        Facts that a reader of the results must know, at every scale.
    """

    title: str
    question: str
    figures: tuple[str, ...]
    scales: dict[str, Scale]
    x_label: str | None = None
    notes: tuple[str, ...] = ()
