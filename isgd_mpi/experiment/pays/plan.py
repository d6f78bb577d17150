"""All that a job has to know of a comparison, and the file pays.json that it leaves."""

from dataclasses import asdict, dataclass
from pathlib import Path

from isgd_mpi.data.files import write_json
from isgd_mpi.experiment.launcher import words_of
from isgd_mpi.experiment.pays.methods import methods_named, options_of
from isgd_mpi.settings.config import Config

FORMAT = 1
FILE = "pays.json"
REFERENCE_MODEL = "reference-model.npz"


@dataclass(frozen=True)
class Plan:
    """A comparison; ready for JSON.

    Attributes
    ----------
    folder : str
        Of pays.json, of the ledger and of the report.
    methods : list of str
        Names.
    options : dict
        Options that the user gave for every run.
    ranks : int
    minutes : float
        Wall-clock time of everything.
    judge : "error" or "loss"
    seeds : int
        Seeds of the runs at the end, 1 to `seeds`.
    command : str
    notes : list of str
    n_methods : int
        Methods of the whole comparison, of which `methods` may be a part that a job of its own does.
    """

    folder: str
    methods: list
    options: dict
    ranks: int
    minutes: float
    judge: str
    seeds: int
    command: str
    notes: list
    n_methods: int

    @property
    def share(self):
        """Return the share of the time that the methods of this plan have."""
        return len(self.methods) / self.n_methods

    @property
    def identity(self):
        """Return what all runs depend on."""
        return {name: value for name, value in asdict(self).items() if name not in ("folder", "command", "notes")}

    @property
    def chosen(self):
        """Return the methods."""
        return methods_named(self.methods)

    @property
    def reference_model(self):
        """Return the path of the reference model, for the methods that need one."""
        return str(Path(self.folder) / REFERENCE_MODEL)

    def run_options(self, method, **own):
        """Return the options of a run of a method."""
        reference = {"reference_model": self.reference_model} if method.needs_reference else {}
        return self.options | options_of(method, self.options) | reference | own

    def config(self, method, **own):
        """Return the settings of a run of a method."""
        return Config(**self.run_options(method, **own))

    def command_of(self, method, trial, seconds):
        """Return the command line that does a run with the first seed by hand."""
        config = self.config(method, **options_of_trial(trial), seconds=seconds, seed=1)
        return words_of(config, self.ranks)


def options_of_trial(trial):
    """Return the options that a trial stands for."""
    return {"minibatch_size": trial.minibatch_size, "lr": trial.rate, "trainers": trial.workers}


def axes_of(space):
    """Return the values that a search began with."""
    return {"minibatch_size": space.minibatch_sizes, "lr": space.rates, "trainers": space.workers}


def write_record(plan, facts, methods, complete):
    """Write pays.json.

    Parameters
    ----------
    plan : Plan
    facts : dict
        Of the job: data, measure, environment, times.
    methods : list of dict
        See :class:`isgd_mpi.experiment.pays.conduct.Progress`.
    complete : bool
    """
    record = {"format": FORMAT, "data": Path(plan.options.get("data", Config().data)).name}
    record |= {name: getattr(plan, name) for name in ("ranks", "minutes", "seeds", "command", "options", "notes")}
    record |= facts | {"complete": complete, "methods": methods}
    write_json(Path(plan.folder) / FILE, record)
