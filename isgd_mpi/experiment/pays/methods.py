"""The methods that are compared, and the settings that the search of each begins with."""

from dataclasses import dataclass, field

from isgd_mpi.experiment.search import Space

SIZES = {3: [16, 64, 256], 5: [16, 32, 64, 128, 256], 6: [16, 32, 64, 128, 256, 512]}
"""Minibatches that a search begins with, by their number."""

FACTORS = {3: [1.0, 4.0, 16.0], 4: [0.6, 2.0, 6.0, 20.0], 5: [0.5, 1.4, 4.0, 12.0, 32.0]}
"""Learning rates that it begins with, over the default of a run, by their number: most bests lie above the default."""

GRIDS = ((3, 3), (3, 4), (5, 4), (5, 5), (6, 5))
"""Numbers of minibatches and of learning rates, the smallest grid first."""

_RATE_STEP = 2.0  # to a neighbour
_LEAST_RANKS = 4  # from which on importance sampling may have more trainers than one
_REFRESH_EVERY = 512  # of uniform sampling, which has no use for scores


@dataclass(frozen=True)
class Method:
    """A method of sampling.

    Attributes
    ----------
    name, label : str
        In options and files; for people.
    options : dict
        Options of its runs.
    """

    name: str
    label: str
    options: dict = field(default_factory=dict)

    @property
    def needs_reference(self):
        """Return whether its runs compare with a reference model."""
        return self.options.get("sampling") == "rho"

    @property
    def is_importance_sampling(self):
        """Return whether it draws by scores."""
        return self.name != "uniform"


UNIFORM = Method("uniform", "uniform sampling", {"score": "uniform"})
METHODS = (
    UNIFORM,
    Method("grad-norm", "importance sampling by gradient norm", {"score": "grad-norm"}),
    Method("grad-bound", "importance sampling by bound", {"score": "grad-bound"}),
    Method("loss", "importance sampling by loss, k = 0.5", {"score": "loss", "bias_exponent": 0.5}),
    Method("scaled", "importance sampling with scaled rate", {"score": "grad-norm", "lr_scaling": "gain"}),
)
"""All methods of ``experiment pays``, uniform sampling first."""

PEERS = (
    *METHODS[:2],
    Method("rank", "online batch selection by rank, weighted", {"sampling": "rank"}),
    Method("infobatch", "InfoBatch", {"sampling": "infobatch"}),
    Method("selective-backprop", "Selective-Backprop", {"sampling": "selective-backprop"}),
    Method("rho", "RHO-LOSS", {"sampling": "rho"}),
)
"""Those of ``experiment peers``: methods of the literature, each with the weights of docs/method.md."""

_LISTS = {"pays": METHODS, "peers": PEERS}


def methods_named(names):
    """Return the methods with some names, in their order."""
    return [method for name, method in {each.name: each for each in METHODS + PEERS}.items() if name in names]


def methods_for(config, experiment="pays"):
    """Return the methods of an experiment that fit the settings of the user, and notes on what does not, or not quite.

    Parameters
    ----------
    config : config.Config
    experiment : "pays" or "peers"
    """
    methods = _LISTS[experiment]
    if experiment == "peers" or config.optimizer == "sgd":
        return methods, []
    note = f"scaled rates are for --optimizer sgd, not {config.optimizer}: that method is left out"
    return tuple(method for method in methods if "lr_scaling" not in method.options), [note]


def options_of(method, given):
    """Return the options of a method's runs, beside those that the user gave."""
    own = {"refresh_every": _REFRESH_EVERY} if method == UNIFORM and "refresh_every" not in given else {}
    return method.options | own


def trainers_of(method, ranks):
    """Return the numbers of trainers to try: those that leave a scorer, but for uniform sampling."""
    if method.is_importance_sampling and ranks < _LEAST_RANKS:
        return [1]
    most = max(1, ranks - 1) if method.is_importance_sampling else ranks
    numbers = {2**k for k in range(ranks.bit_length())} | {3 * ranks // 4, most}
    return sorted(n for n in numbers if 1 <= n <= most)


def space_of(method, ranks, rate, n_trials):
    """Return the values that the search of a method begins with.

    Parameters
    ----------
    method : Method
    ranks : int
    rate : float
        Default learning rate of a run.
    n_trials : int
        Trials that there is time for; the largest of GRIDS that fits is taken, or the smallest one.
    """
    n_sizes, n_rates = max((grid for grid in GRIDS if grid[0] * grid[1] <= n_trials), default=GRIDS[0])
    rates = [float(f"{factor * rate:.2g}") for factor in FACTORS[n_rates]]
    return Spread(SIZES[n_sizes], rates, trainers_of(method, ranks), ["auto"], [""], [], _RATE_STEP)


class Spread(Space):
    """A space of which every minibatch meets every learning rate once, with numbers of trainers by turns."""

    def draw(self, n_trials):
        """Return these trials, those in the middle first: time may not suffice for all."""
        product = super().draw(len(self.minibatch_sizes) * len(self.rates) * len(self.workers))
        return sorted((trial for trial in product if trial.workers == self._workers_of(trial)), key=self._distance)

    def _distance(self, trial):
        """Return the distance of a trial from the middle of the space, in places of its axes."""
        axes = ((self.minibatch_sizes, trial.minibatch_size), (self.rates, trial.rate))
        return sum(abs(values.index(value) - (len(values) - 1) / 2) for values, value in axes)

    def _workers_of(self, trial):
        turn = self.minibatch_sizes.index(trial.minibatch_size) + self.rates.index(trial.rate)
        return self.workers[turn % len(self.workers)]
