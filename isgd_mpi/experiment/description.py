"""What an experiment is: groups of runs that differ in their options, at two scales. Data, no action."""

from dataclasses import dataclass, field

SCALES = ("small", "paper")


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed only.

    Attributes
    ----------
    label : str
        Names the group in figures and, simplified, its folders. ``{trainers}`` and ``{scorers}`` are replaced by
        their numbers.
    options : dict
        Fields of :class:`isgd_mpi.settings.config.Config` that make the group.
    x : float or None
        Where it stands on the experiment's axis, if it does.
    trainers : float
        Share of the ranks that train, in [0, 1], rounded; one at least.
    minibatch_per_trainer : bool
        Whether `minibatch_size` is that of each trainer, so that a step takes so many times as many examples.
    """

    label: str
    options: dict = field(default_factory=dict)
    x: float | None = None
    trainers: float = 0.0
    minibatch_per_trainer: bool = False


@dataclass(frozen=True)
class Scale:
    """An experiment at one size.

    Attributes
    ----------
    time : str
        What to expect, and on which machine.
    data : tuple of str
        Data sets; the first one is used whose files are there.
    ranks : int
    options : dict
        Fields of :class:`isgd_mpi.settings.config.Config` that all groups have, unless they say otherwise.
    groups : tuple of Group
    notes : tuple of str
        What a reader of the results must know.
    seeds : int
    timeout_seconds : float
        After which a run is stopped.
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
    """A question, and the runs that answer it.

    Attributes
    ----------
    title, question : str
    figures : tuple of str
        What the report shows: ``loss``, ``traces``, ``versus``, ``final``, ``per_second``, ``timeline``.
    scales : dict of str to Scale
        By the names in `SCALES`.
    x_label : str or None
        Of the groups' `x`, with its unit.
    notes : tuple of str
        As of :class:`Scale`, for every scale.
    """

    title: str
    question: str
    figures: tuple[str, ...]
    scales: dict[str, Scale]
    x_label: str | None = None
    notes: tuple[str, ...] = ()
