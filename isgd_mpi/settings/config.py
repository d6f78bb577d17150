"""The settings of a run: one frozen dataclass whose fields say their unit, default, range and meaning."""

import math
from dataclasses import dataclass, fields, replace
from typing import Literal

from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.ranges import declare, problem_of
from isgd_mpi.settings.sampling import PROPORTIONAL, Sampling, implied, problem_of_sampling

LIMITS = ("steps", "epochs", "seconds")
"""Options that say when to stop, of which one may be given."""

_DEFAULT_EPOCHS = 5.0
_LEARNING_RATES = {"sgd": 0.1, "adam": 1e-3, "adamw": 1e-3}
_SQUARED_ERROR_RATE = 0.01  # of sgd: that loss curves as much everywhere, and at 0.1 a net of the default size diverges
_LAST_STEP = 2**62  # a checkpoint holds steps in 64 bits


@dataclass(frozen=True)
class Config:
    """Settings of a training run; ``python -m isgd_mpi --help-all`` lists them with units.

    Raises
    ------
    InputError
        A value is out of its range, or two contradict each other.
    """

    data: str = declare(
        "mnist10k",
        "data set: mnist10k (bundled), mnist, cifar10, svhn, svhn-small, synthetic, the path of arrays "
        "x_train, y_train, x_test, y_test or x, y: .npz, .h5, .npy (x.npy or x_train.npy, the others beside it); or of "
        "a table: .csv, .csv.gz or .parquet; a run may be resumed with another path of the same data",
        True,
    )
    target: str | None = declare(
        None, "column of a table that is to be predicted, or several with commas between [the last one if not given]"
    )
    test: float | str | None = declare(
        None,
        "test set of a table or of arrays: a share of the rows, the same for every seed, or the path of another table "
        "[0.2; none if arrays bring one]",
        True,
        above=0,
        below=1,
    )
    valid: float | str | None = declare(
        None,
        "validation set of a table or of arrays: a share of the rows that the test leaves, or the path of another "
        "table [0.1; none if the test set is a file or arrays of its own]",
        True,
        at_least=0,
        below=1,
    )
    weight: str | None = declare(
        None, "column of a table that holds the weights of its rows in the objective, numbers from 0 up [all 1]"
    )
    class_weight: str | None = declare(
        None,
        "weights of the classes in the objective: balanced (N / (C n_c) for a class of n_c of the N examples of C "
        "classes), or the path of a JSON file with the weight of each class by its name [all 1]",
        True,
    )
    data_dir: str | None = declare(
        None, "folder of the original files, DIR/NAME or DIR itself [$ISGD_MPI_DATA or the user's cache]", True
    )
    synthetic_size: int = declare(100_000, "training examples of the synthetic data set [examples]", above=0)
    standardize: Literal["auto", "feature", "range", "none"] = declare(
        "auto",
        "scaling of the features: feature (minus its mean, over its standard deviation, or a twentieth of its "
        "range if that is more), range (minus its mean, over the range of its values, or of all pixels of an "
        "image), none, or auto (range for images in which some pixels hardly vary, such as MNIST's, else feature)",
    )
    loss: Literal["auto", "cross-entropy", "logistic", "squared", "huber"] = declare(
        "auto",
        "loss, which decides what the target is read as: cross-entropy (one class of several), logistic (labels that "
        "hold or not), squared or huber (numbers), or auto (by the target: whole numbers of at most 100 values and "
        "words are classes, columns of 0 and 1 are labels, else numbers)",
    )
    hidden: list[int] = declare([512, 512], "widths of the hidden ReLU layers [units]", above=0)
    init: Literal["he"] | float | str = declare(
        "he",
        "initial weights: he, a normal distribution's standard deviation, or the path of a trained model to begin "
        "with, a file or the folder of a run",
        above=0,
    )
    optimizer: Literal["sgd", "adam", "adamw"] = declare(
        "sgd", "update of the parameters: sgd (see --momentum), adam, or adamw (see --weight-decay)"
    )
    lr: Literal["auto"] | float = declare(
        "auto", "learning rate, or auto (0.1; 0.01 with squared error; 0.001 for adam and adamw)", above=0
    )
    lr_schedule: Literal["constant", "linear", "cosine", "step"] = declare(
        "constant",
        "learning rate over the steps of the run: constant, linear (rises over the first tenth, then falls to zero), "
        "cosine (falls to zero along half a wave) or step (a tenth from half of the steps on, a hundredth from three "
        "quarters on)",
    )
    lr_scaling: Literal["auto", "none", "gain"] = declare(
        "auto",
        "none, gain (the learning rate of sgd is raised at each refresh as far as the smaller variance and the "
        "curvature permit), or auto (gain unless --lr is given)",
    )
    weight_decay: float = declare(
        0.0,
        "factor: so much of the parameters is added to the gradient; with adamw, so much times the learning rate is "
        "subtracted from them at each step instead",
        at_least=0,
    )
    clip_norm: float | None = declare(
        None, "a longer gradient of a minibatch is scaled down to this norm [no limit if not given]", above=0
    )
    momentum: float = declare(0.0, "Nesterov momentum of sgd, in [0, 1)", at_least=0, below=1)
    minibatch_size: int = declare(128, "examples in a step of the trainer [examples]", above=0)
    steps: int | None = declare(None, "stop after this number of updates [steps]", True, above=0)
    epochs: float | None = declare(
        None,
        "stop after drawing the training set this number of times [epochs; if no limit is given 5, and of a table as "
        "many as take 3000 steps]",
        True,
        above=0,
    )
    seconds: float | None = declare(None, "stop after this training time [s]", True, above=0)
    score: Literal["auto", "grad-norm", "grad-bound", "loss", "predicted-loss", "uniform"] = declare(
        "auto",
        "score of an example: grad-norm (norm of its gradient), grad-bound (norm of its delta in the last layer; "
        "forward pass only), loss, predicted-loss (see --predictor), uniform (importance sampling off), or auto "
        "(grad-norm; loss with --sampling rank, infobatch, selective-backprop or rho)",
    )
    predictor: Literal["lstm", "lstm-log", "class", "last"] = declare(
        "lstm",
        "predictor of losses, with --score predicted-loss: lstm (from the example's last 10 losses and its class), "
        "lstm-log (the same with their logarithms), class (mean and standard deviation of the class's losses) or last "
        "(the last loss seen of the example)",
    )
    sampling: Sampling = declare(
        "proportional",
        "from scores to probabilities: proportional (older name: systematic), multinomial (the same, drawn "
        "independently, not at equidistant points of one ordering), rank (exponential in the rank), infobatch (half "
        "for scores below the mean), selective-backprop (the share of smaller scores; no importance weights) or rho "
        "(the largest tenth of loss less that of --reference-model; no importance weights)",
    )
    reference_model: str | None = declare(
        None, "model that --sampling rho compares with, trained on other examples: its file, or the folder of a run"
    )
    mixture: Literal["auto"] | float = declare(
        "auto",
        "uniform part of the proposal, in [0, 1], or auto (the part that gives the least variance, as measured; 0 "
        "with --sampling rank, infobatch, selective-backprop or rho)",
        at_least=0,
        at_most=1,
    )
    smoothing: float = declare(0.0, "constant added to every score [unit of the score]", at_least=0)
    adaptive_smoothing: float = declare(
        0.0, "fraction of the scores' moving mean that is added to every score", at_least=0
    )
    power_smoothing: float = declare(1.0, "exponent of the scores, before anything is added to them", at_least=0)
    bias_exponent: Literal["auto"] | float = declare(
        "auto",
        "exponent k of the importance weights, at most 1: 1 is unbiased, 0 corrects for nothing, or auto (1; 0 with "
        "--sampling selective-backprop or rho)",
        at_most=1,
    )
    max_staleness: int | None = declare(
        None,
        "age of a score beyond which the mean of the others takes its place [steps; no limit if not given]",
        at_least=0,
    )
    uniform_probability: float = declare(
        0.0, "share of the steps that are drawn uniformly, in [0, 1]", at_least=0, at_most=1
    )
    switch: Literal["auto", "off"] = declare(
        "auto", "auto: back to uniform sampling where importance sampling does not pay; off: never"
    )
    compat: Literal["none", "alain2015"] = declare(
        "none",
        "alain2015: scores go stale after 20 s and then leave the proposal, the last partial batch of each split is "
        "left out, --mixture auto is 0, and the variances of that paper's code are recorded beside the corrected ones",
    )
    usable_fraction: float = declare(
        0.1, "share of examples that need a score before importance sampling begins, in (0, 1]", above=0, at_most=1
    )
    feedback: bool = declare(True, "whether the trainer's own minibatches go into the score table")
    schedule: Literal["exact", "pipelined", "relaxed"] = declare(
        "relaxed",
        "exact (the trainer stops until all is scored), pipelined (scores are merged exactly --refresh-every steps "
        "later) or relaxed (the trainer never waits)",
    )
    refresh_every: int = declare(
        32, "steps from one exchange of parameters and scores to the next, at least [steps]", above=0
    )
    score_batch_size: Literal["auto"] | int = declare(
        "auto",
        "examples that a scorer handles at a time, or auto (256 to 2048, by the size of the training set) [examples]",
        above=0,
    )
    score_precision: Literal["auto", "f32", "bf16"] = declare(
        "auto",
        "arithmetic of the scorers: f32 (float32), bf16 (products of bfloat16 numbers with float32 sums, where the "
        "processor is fast at them) or auto (bf16 where it is); evaluation is float32",
        True,
    )
    train_precision: Literal["auto", "f32", "bf16"] = declare(
        "auto",
        "arithmetic of the trainers: f32 (float32), bf16 (as for scores; parameters, momentum and the update stay "
        "float32) or auto (bf16 where the processor is fast at it, from a --minibatch-size of 64 on, with AMX of 128)",
        True,
    )
    trainers: Literal["auto"] | int = declare(
        "auto",
        "ranks that train together; the others score. auto: one, or as many as are predicted to train fastest where 4 "
        "ranks or more have a core each [ranks]",
        True,
        above=0,
    )
    feeder: Literal["auto", "on", "off"] = declare(
        "auto",
        "whether trainer 0 leaves the steps to the other trainers, draws their minibatches some steps ahead, and does "
        "all that a refresh costs (auto: where that is predicted to train faster)",
        True,
    )
    threads: int | None = declare(
        None, "BLAS threads of a rank [threads; its cores if not given, 1 if the schedule is exact]", True, above=0
    )
    scorer_timeout: float = declare(
        600.0, "silence of a rank after which the run saves a checkpoint and ends [s]", True, above=0
    )
    run_dir: str | None = declare(
        None, "folder to write to, new or empty [runs/<data>-<score>-<seed>-<n> if not given]", True
    )
    resume: str | None = declare(
        None,
        "folder of a run to resume from its last checkpoint, also with another number of ranks; options that are not "
        "given are as they were",
        True,
    )
    tensorboard: bool = declare(False, "write the metrics for TensorBoard, too: tensorboard/ in the run's folder", True)
    checkpoint_every: float = declare(300.0, "time from one checkpoint to the next [s]", True, above=0)
    eval_every: int | None = declare(
        None, "steps from one evaluation of all splits to the next [steps; once an epoch if not given]", True, above=0
    )
    patience: int | None = declare(
        None,
        "stop after this number of evaluations in a row without a smaller validation loss, or error: see --best-by "
        "[evaluations; no limit if not given]",
        True,
        above=0,
    )
    best_by: Literal["loss", "error"] = declare(
        "loss", "best.npz holds the model with the smallest validation loss, or error (of numbers: RMSE)"
    )
    save_scores: bool = declare(
        False,
        "whether to measure each example once more at the end, and to write norms, losses, predictions and counts of "
        "draws to scores.npz",
    )
    seed: int = declare(0, "seed of every random number", at_least=0)
    quiet: bool = declare(False, "print nothing but errors", True)

    def __post_init__(self):
        for name, value in implied(self).items():
            object.__setattr__(self, name, value)
        for item in fields(self):
            if problem := problem_of(item, getattr(self, item.name)):
                raise InputError(f"{option(item.name)} {problem}")
        if problem := problem_of_sampling(self):
            raise InputError(problem)
        if self.compat != "none" and (self.score != "grad-norm" or self.max_staleness is not None):
            raise InputError(f"--compat {self.compat} has --score grad-norm and no --max-staleness: leave them out")
        if self.momentum and self.optimizer != "sgd":
            raise InputError(f"--momentum {self.momentum:g} is for --optimizer sgd, not {self.optimizer}: leave it out")
        if self.lr_scaling == "gain" and self.optimizer != "sgd":
            raise InputError(f"--lr-scaling gain is for --optimizer sgd, not {self.optimizer}: leave it out")
        if self.lr_schedule != "constant" and self.seconds is not None:
            raise InputError(f"--lr-schedule {self.lr_schedule} needs --steps or --epochs to end with, not --seconds")
        if self.resume is not None and self.run_dir is not None:
            raise InputError("--resume writes to the folder that it names: leave --run-dir out")
        limits = [name for name in LIMITS if getattr(self, name) is not None]
        if len(limits) > 1:
            raise InputError(f"give one of --steps, --epochs and --seconds, not {' and '.join(map(option, limits))}")

    @property
    def starts_from_model(self):
        """Return whether training begins with a trained model, and not with parameters that are drawn."""
        return isinstance(self.init, str) and self.init != "he"

    @property
    def mixture_in_use(self):
        """Return the uniform part of the proposal, or "auto", which stands for 0 where nothing needs one."""
        needs_none = self.compat != "none" or self.sampling not in PROPORTIONAL
        return 0.0 if needs_none and self.mixture == "auto" else self.mixture

    @property
    def draws_by_norms(self):
        """Return whether scores are gradient norms, which nothing but their age keeps from being the best there are."""
        smoothed = self.smoothing or self.adaptive_smoothing or self.power_smoothing != 1 or self.uniform_probability
        by_norms = self.score == "grad-norm" and self.sampling in PROPORTIONAL
        return by_norms and self.mixture == "auto" and self.compat == "none" and not smoothed

    @property
    def switches(self):
        """Return whether training may switch to uniform sampling where importance sampling does not pay."""
        biased = self.sampling not in PROPORTIONAL and self.bias_exponent != 1  # its variance is not all that counts
        return self.switch == "auto" and self.score != "uniform" and self.compat == "none" and not biased

    @property
    def repeatable(self):
        """Return whether the same options give the same result to the last bit, which excludes any use of the clock."""
        return self.schedule != "relaxed"

    @property
    def leaves_files(self):
        """Return whether a run leaves files behind; one on arrays in memory does so only where it is told to."""
        return self.run_dir is not None or self.data != "arrays"

    @property
    def whole_batches(self):
        """Return whether the last partial score batch of each split is left out."""
        return self.compat != "none"

    @property
    def wanted_threads(self):
        """Return the BLAS threads of each rank, or None for one on each of its cores.

        The schedule `exact` promises the same bits for every number of ranks, and BLAS rounds
        differently with another number of threads: there the default is one.
        """
        return 1 if self.schedule == "exact" and self.threads is None else self.threads

    @property
    def trains_alone(self):
        """Return the reason why one rank trains unless more are asked for, or None."""
        reasons = {
            "--schedule exact gives the same bits on any number of ranks": self.schedule == "exact",
            "--score predicted-loss has a rank of its own": self.score == "predicted-loss",
            f"--compat {self.compat} had one": self.compat != "none",
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def check_ranks(self, n_ranks):
        """Refuse a number of ranks that does not fit these settings, and a model that is missing among them.

        Raises
        ------
        InputError
            There are more trainers than ranks, or no example would ever get a score.
        """
        if self.sampling == "rho" and self.reference_model is None:
            raise InputError("--sampling rho needs --reference-model, the file or folder of a model of other examples")
        if self.trainers == "auto":
            return replace(self, trainers=1).check_ranks(n_ranks)
        if self.trainers > n_ranks:
            raise InputError(
                f"--trainers {self.trainers} needs at least as many ranks, not {n_ranks}: mpirun -n {self.trainers}"
            )
        nothing_scored = self.n_scorers(n_ranks) <= 0 and self.schedule != "exact" and not self.feedback
        if nothing_scored and self.score != "uniform":
            raise InputError("--no-feedback needs ranks that score, or --schedule exact: no example would get a score")

    def predictor_rank(self, n_ranks):
        """Return the rank that predicts losses: the last one, unless it trains; else None."""
        return n_ranks - 1 if self.score == "predicted-loss" and n_ranks > self.trainers else None

    def n_scorers(self, n_ranks):
        """Return the number of ranks that score."""
        return n_ranks - self.trainers - (self.predictor_rank(n_ranks) is not None)

    def n_steps(self, n_examples):
        """Return the number of steps to train for, or None if time is the limit.

        Parameters
        ----------
        n_examples : int
            Examples in the training set, the number that an epoch draws.
        """
        if self.steps is not None or self.seconds is not None:
            return self.steps
        return math.ceil(min(self.with_limit().epochs * n_examples / self.minibatch_size, _LAST_STEP))

    def learning_rate(self, kind="classes"):
        """Return the learning rate, before any schedule, for a kind of targets; see :class:`data.target.Target`."""
        if self.lr != "auto":
            return self.lr
        squares = self.loss == "squared" or (self.loss == "auto" and kind == "numbers")
        return _SQUARED_ERROR_RATE if squares and self.optimizer == "sgd" else _LEARNING_RATES[self.optimizer]

    def with_limit(self):
        """Return these settings, with the default number of epochs if no limit is given."""
        unlimited = all(getattr(self, name) is None for name in LIMITS)
        return replace(self, epochs=_DEFAULT_EPOCHS) if unlimited else self

    def steps_per_evaluation(self, n_examples):
        """Return the steps from one evaluation to the next; those of an epoch if not given."""
        return min(self.eval_every or math.ceil(n_examples / self.minibatch_size), _LAST_STEP)


def option(name):
    """Return the command-line option of a field."""
    return "--" + name.replace("_", "-")
