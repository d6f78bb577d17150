"""The settings of a run: one frozen dataclass, each field with its unit, default and meaning."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from isgd_mpi.settings.errors import InputError

LIMITS = ("steps", "epochs", "seconds")
"""Options that say when to stop, of which one may be given."""

_DEFAULT_EPOCHS = 5.0


def _option(default, meaning, may_change=False):
    """Declare a field: its default, what ``--help`` says of it, and whether it may change when a run is resumed."""
    metadata = {"help": meaning, "may_change": may_change}
    if isinstance(default, list):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Config:
    """Settings of a training run; ``python -m isgd_mpi --help`` lists them with units.

    Raises
    ------
    InputError
        If a value is out of its range, or two contradict each other.
    """

    data: str = _option(
        "mnist10k",
        "data set: mnist10k (bundled), mnist, cifar10, svhn, svhn-small, synthetic, or the path of an .npz file "
        "with x_train, y_train, x_test, y_test",
    )
    data_dir: str | None = _option(
        None, "folder of the original files, DIR/NAME or DIR itself [$ISGD_MPI_DATA or ~/.cache/isgd_mpi]", True
    )
    synthetic_size: int = _option(100_000, "training examples of the synthetic data set [examples]")
    standardize: Literal["auto", "feature", "range"] = _option(
        "auto",
        "how features are scaled once their mean is subtracted: feature (each by its standard deviation), range (all "
        "by 255) or auto (range for uint8 images in which some pixels hardly vary, such as MNIST's, else feature)",
    )
    hidden: list[int] = _option([512, 512], "widths of the hidden ReLU layers [units]")
    init: Literal["he"] | float = _option("he", "initial weights: he, or a normal distribution's standard deviation")
    lr: float = _option(0.1, "learning rate")
    lr_schedule: Literal["constant", "linear"] = _option(
        "constant", "constant, or linear: the learning rate rises over the first tenth of the steps, then falls to zero"
    )
    weight_decay: float = _option(0.0, "factor of the parameters that is added to the gradient")
    momentum: float = _option(0.0, "Nesterov momentum, in [0, 1)")
    minibatch_size: int = _option(128, "examples in a step of the trainer [examples]")
    steps: int | None = _option(None, "when to stop: after so many updates [steps]", True)
    epochs: float | None = _option(
        None, "when to stop: after drawing so many times the training set [epochs; 5 if no limit is given]", True
    )
    seconds: float | None = _option(None, "when to stop: after so much training time [s]", True)
    score: Literal["grad-norm", "grad-bound", "loss", "predicted-loss", "uniform"] = _option(
        "grad-norm",
        "what examples are drawn by: grad-norm (norm of the example's gradient), grad-bound (norm of the last layer's "
        "delta, forward pass only), loss, predicted-loss (see --predictor), or uniform (importance sampling off)",
    )
    predictor: Literal["lstm", "lstm-log", "class", "last"] = _option(
        "lstm",
        "what predicts losses, with --score predicted-loss: lstm (from the example's last 10 losses and its class), "
        "lstm-log (the same with their logarithms), class (mean and standard deviation of the class's losses) or last "
        "(the last loss seen of the example)",
    )
    sampling: Literal["systematic", "multinomial"] = _option(
        "systematic",
        "how a minibatch is drawn: systematic (equidistant points in one ordering) or multinomial (independent draws)",
    )
    mixture: Literal["auto"] | float = _option(
        "auto",
        "uniform part of the proposal, in [0, 1], or auto (that with the least variance of stale scores, as measured)",
    )
    smoothing: float = _option(0.0, "constant added to every score [unit of the score]")
    adaptive_smoothing: float = _option(0.0, "fraction of the scores' moving mean that is added to every score")
    power_smoothing: float = _option(1.0, "exponent of the scores, before anything is added to them")
    bias_exponent: float = _option(
        1.0, "exponent k of the importance weights, at most 1: 1 is unbiased, 0 corrects for nothing"
    )
    max_staleness: int | None = _option(
        None, "age beyond which a score is not used, but the mean of the others in its place [steps; none if not given]"
    )
    uniform_probability: float = _option(0.0, "share of the steps that are drawn uniformly, in [0, 1]")
    switch: Literal["auto", "off"] = _option(
        "auto", "auto: back to uniform sampling where importance sampling does not pay; off: never"
    )
    compat: Literal["none", "alain2015"] = _option(
        "none",
        "alain2015: scores go stale after 20 s and then leave the proposal, the last partial batch of each split is "
        "left out, --mixture auto is 0, and the variances of that paper's code are recorded beside the corrected ones",
    )
    usable_fraction: float = _option(
        0.1, "importance sampling begins when this fraction of the training set has a score, in (0, 1]"
    )
    feedback: bool = _option(True, "whether the trainer's own minibatches go into the score table")
    schedule: Literal["exact", "pipelined", "relaxed"] = _option(
        "relaxed",
        "exact (the trainer stops until all is scored), pipelined (scores are merged exactly --refresh-every steps "
        "later) or relaxed (the trainer never waits)",
    )
    refresh_every: int = _option(32, "steps from one exchange of parameters and scores to the next, at least [steps]")
    score_batch_size: int = _option(2048, "examples that a scorer handles at a time [examples]")
    score_precision: Literal["auto", "f32", "bf16"] = _option(
        "auto",
        "arithmetic of the scorers: f32 (float32), bf16 (products of bfloat16 numbers with float32 sums, where the "
        "processor is fast at them) or auto (bf16 where it is); training and evaluation are float32",
        True,
    )
    trainers: int = _option(1, "ranks that train, each with a share of the minibatch; the others score [ranks]", True)
    threads: int | None = _option(
        None, "BLAS threads of each rank [threads; cores per rank if not given, 1 if the schedule is exact]", True
    )
    scorer_timeout: float = _option(
        600.0,
        "the run saves a checkpoint and ends when a rank that scores or predicts was silent for so long [s]",
        may_change=True,
    )
    run_dir: str | None = _option(
        None, "folder to write to, new or empty [runs/<data>-<score>-<seed>-<n> if not given]", True
    )
    resume: str | None = _option(
        None,
        "folder of a run to go on with from its last checkpoint, also with another number of ranks; options that are "
        "not given are as they were",
        True,
    )
    checkpoint_every: float = _option(300.0, "time from one checkpoint to the next [s]", True)
    eval_every: int | None = _option(
        None, "steps from one evaluation of all splits to the next [steps; once an epoch if not given]", True
    )
    seed: int = _option(0, "of every random number")
    quiet: bool = _option(False, "print nothing but errors", True)

    def __post_init__(self):
        for name in _POSITIVE:
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise InputError(f"{option(name)} must be positive, not {value}")
        for name in ("smoothing", "adaptive_smoothing", "power_smoothing", "weight_decay", "seed", "max_staleness"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise InputError(f"{option(name)} must not be negative, nor infinite: {value}")
        if not -math.inf < self.bias_exponent <= 1:
            raise InputError(f"--bias-exponent must be at most 1, and finite, not {self.bias_exponent}")
        if not 0 <= self.uniform_probability <= 1:
            raise InputError(f"--uniform-probability must lie in [0, 1], not {self.uniform_probability}")
        if not all(width > 0 for width in self.hidden):
            raise InputError(f"--hidden must be positive widths, not {' '.join(map(str, self.hidden))}")
        if not 0 <= self.momentum < 1:
            raise InputError(f"--momentum must lie in [0, 1), not {self.momentum}")
        if not 0 < self.usable_fraction <= 1:
            raise InputError(f"--usable-fraction must lie in (0, 1], not {self.usable_fraction}")
        if self.mixture != "auto" and not 0 <= self.mixture <= 1:
            raise InputError(f"--mixture must lie in [0, 1], or be auto, not {self.mixture}")
        if self.init != "he" and not 0 < self.init < math.inf:
            raise InputError(f"--init must be he or a positive number, not {self.init}")
        if self.compat != "none" and (self.score != "grad-norm" or self.max_staleness is not None):
            raise InputError(f"--compat {self.compat} has --score grad-norm and no --max-staleness: leave them out")
        if self.lr_schedule != "constant" and self.seconds is not None:
            raise InputError(f"--lr-schedule {self.lr_schedule} needs --steps or --epochs to end with, not --seconds")
        if self.resume is not None and self.run_dir is not None:
            raise InputError("--resume goes on in the folder that it names: leave --run-dir out")
        limits = [name for name in LIMITS if getattr(self, name) is not None]
        if len(limits) > 1:
            raise InputError(f"give one of --steps, --epochs and --seconds, not {' and '.join(map(option, limits))}")

    @property
    def mixture_in_use(self):
        """The mixture: `compat` has none unless it is given as a number."""
        return 0.0 if self.compat != "none" and self.mixture == "auto" else self.mixture

    @property
    def switches(self):
        """Whether importance sampling is to be switched off where it does not pay."""
        return self.switch == "auto" and self.score != "uniform" and self.compat == "none"

    @property
    def repeatable(self):
        """Whether a run can be repeated to the last bit: nothing that it does may depend on the clock."""
        return self.schedule != "relaxed"

    @property
    def whole_batches(self):
        """Whether partial score batches are left out: `compat` does so."""
        return self.compat != "none"

    @property
    def wanted_threads(self):
        """BLAS threads of each rank, or None for as many as there are cores for it.

        `exact` promises the same bits whatever the number of ranks, and BLAS rounds differently with
        another number of threads: there it is one.
        """
        return 1 if self.schedule == "exact" and self.threads is None else self.threads

    def check_ranks(self, n_ranks):
        """Refuse what so many ranks cannot do.

        Raises
        ------
        InputError
            If there are more trainers than ranks.
        """
        if self.trainers > n_ranks:
            raise InputError(
                f"--trainers {self.trainers} needs at least as many ranks, not {n_ranks}: mpirun -n {self.trainers}"
            )
        nothing_scored = self.n_scorers(n_ranks) <= 0 and self.schedule != "exact" and not self.feedback
        if nothing_scored and self.score != "uniform":
            raise InputError("--no-feedback needs ranks that score, or --schedule exact: no example would get a score")

    def predictor_rank(self, n_ranks):
        """Return the rank that runs the loss predictor, or None: the last one, if it is no trainer."""
        return n_ranks - 1 if self.score == "predicted-loss" and n_ranks > self.trainers else None

    def n_scorers(self, n_ranks):
        """Return how many ranks score."""
        return n_ranks - self.trainers - (self.predictor_rank(n_ranks) is not None)

    def n_steps(self, n_examples):
        """Return the number of steps to train for, or None where time is the limit.

        Parameters
        ----------
        n_examples : int
            Examples in the training set; an epoch draws so many.
        """
        if self.steps is not None or self.seconds is not None:
            return self.steps
        return math.ceil(self.with_limit().epochs * n_examples / self.minibatch_size)

    def optimiser_settings(self, n_examples):
        """Return the keyword arguments of :class:`optim.SGD`.

        Parameters
        ----------
        n_examples : int
            Examples in the training set.
        """
        return {
            "learning_rate": self.lr,
            "momentum": self.momentum,
            "weight_decay": self.weight_decay,
            "n_steps": None if self.lr_schedule == "constant" else self.n_steps(n_examples),
        }

    def with_limit(self):
        """Return these settings with the default limit where none is given."""
        unlimited = all(getattr(self, name) is None for name in LIMITS)
        return replace(self, epochs=_DEFAULT_EPOCHS) if unlimited else self

    def steps_per_evaluation(self, n_examples):
        """Return the steps from one evaluation to the next: an epoch's, unless they are given."""
        return self.eval_every or math.ceil(n_examples / self.minibatch_size)


_POSITIVE = (
    "synthetic_size",
    "lr",
    "minibatch_size",
    "steps",
    "epochs",
    "seconds",
    "refresh_every",
    "score_batch_size",
    "trainers",
    "threads",
    "scorer_timeout",
    "eval_every",
    "checkpoint_every",
)


def option(name):
    """Return the command-line option of a field."""
    return "--" + name.replace("_", "-")
