"""List the experiments by name. [A] is arXiv:1511.06481, [B] is arXiv:1706.00043."""

from isgd_mpi.experiment.description import Experiment, Group, Scale

EXPERIMENTS = {}
"""The experiments by name, filled below."""

_NEVER = 10**9  # steps: an evaluation at the end only

_MNIST = {"hidden": [512, 512], "lr": 0.1, "minibatch_size": 16, "refresh_every": 32, "switch": "off"}
_ALAIN = {"hidden": [2048] * 4, "init": 0.01, "momentum": 0.95, "minibatch_size": 128, "refresh_every": 32}
_ALAIN |= {"mixture": 0.0, "schedule": "relaxed", "switch": "off"}
_FEW_EVALUATIONS = "A measurement of all splits takes the scorer about a second beside its work: a short run has few."


def _alain_groups(first, second):
    """Yield SGD, ISSGD, and ISSGD by the conventions of [A]'s code, in two settings."""
    for number, setting in ((1, first), (2, second)):
        yield Group(f"SGD, setting {number}", {**setting, "smoothing": 0.0, "score": "uniform"})
        yield Group(f"ISSGD, setting {number}", setting)
        yield Group(
            f"ISSGD as published, setting {number}", {**setting, "compat": "alain2015", "sampling": "multinomial"}
        )


EXPERIMENTS["alain2015"] = Experiment(
    "SGD against importance sampling SGD",
    "Does drawing examples by their gradient norm, as searched for by other ranks, train faster than SGD?",
    ("loss", "traces", "final", "timeline"),
    {
        "small": Scale(
            "4 min on 2 cores",
            ("mnist", "mnist10k"),
            ranks=2,
            options=_ALAIN
            | {"hidden": [256, 256], "init": 0.028, "score_batch_size": 1000, "steps": 3000, "eval_every": 150},
            groups=tuple(_alain_groups({"lr": 0.01, "smoothing": 1.0}, {"lr": 0.001, "smoothing": 0.1})),
            notes=(
                "[A]'s optimiser on a smaller net and MNIST. The initial deviation 0.028 gives each layer the gain "
                "0.32 that 0.01 gives in [A]'s. The smoothing is a tenth: gradient norms are about that much smaller.",
                _FEW_EVALUATIONS,
            ),
        ),
        "paper": Scale(
            "1.2 PFLOP a run on the trainer: 3 h on 4 ranks of 100 GFLOP/s",
            ("svhn",),
            ranks=4,
            options=_ALAIN | {"epochs": 20.0, "eval_every": 4500},
            groups=tuple(_alain_groups({"lr": 0.01, "smoothing": 10.0}, {"lr": 0.001, "smoothing": 1.0})),
            notes=("[A] shows 50 runs of each, over hours on GPUs: --seeds 50.",),
            timeout_seconds=86_400.0,
        ),
    },
    notes=("'As published' takes over the conventions of [A]'s code and its errors: see --compat.",),
)


_INTERVALS = tuple(
    Group(f"exact, every {steps}", {"schedule": "exact", "refresh_every": steps}, x=steps)
    for steps in (1, 8, 32, 128, 512)
)
_BESIDE_TRAINING = tuple(
    Group(f"pipelined, every {steps}", {"schedule": "pipelined", "refresh_every": steps}) for steps in (32, 512)
)

EXPERIMENTS["staleness"] = Experiment(
    "What old scores cost",
    "How much of the variance reduction is left when scores are 1 to 512 steps old?",
    ("versus", "traces", "loss", "final"),
    {
        "small": Scale(
            "4 min on 2 cores",
            ("mnist10k",),
            ranks=2,
            # one step more than 2 * 512: every interval ends with a refresh, which writes the traces
            options=_MNIST | {"hidden": [128, 128], "mixture": 0.1, "steps": 1025, "eval_every": 50},
            groups=_INTERVALS + _BESIDE_TRAINING,
            notes=("On 8 000 images: at interval 1 every step is preceded by a sweep over all of them.",),
        ),
        "paper": Scale(
            "4 h on 2 cores, most of it at interval 1: 6 145 sweeps over 60 000 images",
            ("mnist",),
            ranks=3,
            options=_MNIST | {"mixture": 0.1, "steps": 6145, "eval_every": 300},
            groups=_INTERVALS + _BESIDE_TRAINING,
            timeout_seconds=86_400.0,
        ),
    },
    x_label="refresh interval / steps",
    notes=(
        "On the axis: the exact schedule, where the age of every score is the number of steps since the refresh, and "
        "nothing else varies. Its traces are those of the minibatches: of scores from fresh ones to some that old.",
        "Beside it: the pipelined schedule, where scores come in while the trainer steps, and age for a whole sweep.",
    ),
)


_MIXTURES = tuple(Group(f"mixture {part:g}", {"mixture": part}, x=part) for part in (0.01, 0.03, 0.1, 0.3, 1.0))
_AUTO = (Group("mixture auto", {"mixture": "auto"}),)


def _constants(*values):
    """Return a group for each constant of additive smoothing, without any other smoothing."""
    return tuple(Group(f"c = {value:g}", {"mixture": 0.0, "smoothing": value}) for value in values)


EXPERIMENTS["smoothing"] = Experiment(
    "How much smoothing",
    "Which uniform part of the proposal, or which constant added to all scores, gives the least variance and loss?",
    ("versus", "traces", "loss", "final"),
    {
        "small": Scale(
            "5 min on 2 cores",
            ("mnist", "mnist10k"),
            ranks=2,
            options=_MNIST | {"schedule": "pipelined", "steps": 2400, "eval_every": 120},
            groups=_MIXTURES + _AUTO + _constants(0.01, 0.1, 1.0, 10.0),
            notes=(_FEW_EVALUATIONS,),
        ),
        "paper": Scale(
            "1.2 PFLOP a run on the trainer: 3 h on 4 ranks of 100 GFLOP/s",
            ("svhn",),
            ranks=4,
            options=_ALAIN | {"lr": 0.01, "epochs": 20.0, "eval_every": 4500},
            groups=_MIXTURES + _AUTO + _constants(0.1, 1.0, 10.0, 100.0),
            timeout_seconds=86_400.0,
        ),
    },
    x_label="mixture (uniform part of the proposal)",
    notes=(
        "The constant c, in units of the gradient norm, acts as a mixture c / (mean score + c), which grows as scores "
        "fall: it has no place on the axis.",
    ),
)


_METHODS_OF_B = (
    Group("uniform", {"score": "uniform"}),
    *(Group(f"loss, k = {k:g}", {"score": "loss", "bias_exponent": k}) for k in (1.0, 0.5, 0.0, -0.5)),
    *(
        Group(f"predicted loss, {predictor}", {"score": "predicted-loss", "predictor": predictor, "bias_exponent": 0.5})
        for predictor in ("lstm", "class", "last")
    ),
    Group("gradient bound", {"score": "grad-bound"}),
    Group("gradient norm", {"score": "grad-norm"}),
)

EXPERIMENTS["katharopoulos2017"] = Experiment(
    "Cheaper scores, and biased weights",
    "Does the loss, a prediction of it, or a bound do as well as the gradient norm, and does a biased weight help?",
    ("loss", "traces", "final"),
    {
        "small": Scale(
            "6 min on 2 cores",
            ("mnist", "mnist10k"),
            ranks=3,
            options=_MNIST | {"schedule": "pipelined", "steps": 2400, "eval_every": 120},
            groups=_METHODS_OF_B,
            notes=(_FEW_EVALUATIONS,),
        ),
        "paper": Scale(
            "10 min a run on 3 cores",
            ("cifar10",),
            ranks=3,
            options=_MNIST
            | {"hidden": [1024, 1024], "lr": 0.02, "minibatch_size": 32, "schedule": "pipelined"}
            | {"epochs": 30.0, "eval_every": 2400},
            groups=_METHODS_OF_B,
            timeout_seconds=7200.0,
        ),
    },
    notes=(
        "[B] trains convolutional and recurrent nets; here it is an MLP.",
        "Predicted losses are used with k = 0.5, [B]'s choice. With k < 1 the estimate is biased: compare losses and "
        "errors, not traces.",
    ),
)


_SHARES = (
    Group("trainers {trainers}, uniform", {"score": "uniform"}, trainers=1.0, minibatch_per_trainer=True),
    Group("trainers {trainers}, uniform, same minibatch", {"score": "uniform"}, trainers=1.0),
    Group("trainers {trainers}, feedback only", {"score": "grad-norm"}, trainers=1.0, minibatch_per_trainer=True),
    *(
        Group(
            "trainers {trainers}, scorers {scorers}", {"score": "grad-norm"}, trainers=share, minibatch_per_trainer=True
        )
        for share in (0.0, 0.5, 0.75)
    ),
)

EXPERIMENTS["equal-hardware"] = Experiment(
    "The same ranks, spent otherwise",
    "Is a rank better spent on searching for examples or on data-parallel SGD, at equal wall-clock time?",
    ("per_second", "final", "versus", "traces", "timeline"),
    {
        "small": Scale(
            "5 min on 2 cores",
            ("mnist", "mnist10k"),
            ranks=4,
            options=_MNIST | {"schedule": "relaxed", "seconds": 6.0, "eval_every": _NEVER},
            groups=_SHARES,
        ),
        "paper": Scale(
            "1 h a run",
            ("svhn",),
            ranks=4,
            options=_ALAIN | {"mixture": "auto", "lr": 0.01, "seconds": 3600.0, "eval_every": _NEVER},
            groups=_SHARES,
            timeout_seconds=7200.0,
        ),
    },
    x_label="ranks that train",
    notes=(
        "Every run gets the same ranks for the same time. Each trainer takes the same number of examples a step, so T "
        "trainers divide the variance by T; with 'same minibatch' they share what one trainer takes instead.",
        "All at one learning rate. Less variance permits a larger one: at each method's best it may look different.",
        "Measured at the end only: without scorers, a measurement on the way would be at the trainers' expense.",
    ),
)


_IDIAP = Scale(
    "7 min on 2 cores",
    ("mnist", "mnist10k"),
    ranks=2,
    # the best of about twenty settings, found with one seed
    options=_MNIST
    | {"lr": 0.2, "momentum": 0.95, "lr_schedule": "linear", "weight_decay": 5e-5, "minibatch_size": 128}
    | {"schedule": "pipelined", "score_batch_size": 4096, "epochs": 10.0, "eval_every": 235},
    groups=(
        Group("uniform", {"score": "uniform"}),
        Group("gradient norm", {"score": "grad-norm"}),
        Group("gradient bound", {"score": "grad-bound"}),
        Group("loss, k = 0.5", {"score": "loss", "bias_exponent": 0.5}),
    ),
)

EXPERIMENTS["idiap-mnist"] = Experiment(
    "The importance-sampling library's MNIST example",
    "What accuracy does each method reach on MNIST's test set after 10 epochs?",
    ("final", "loss", "traces"),
    {"small": _IDIAP, "paper": _IDIAP},
    notes=(
        "To compare with: [B]'s library reports an accuracy of 0.9799 with uniform and 0.9858 with importance "
        "sampling, at about three times the time per epoch. In an epoch as many examples are drawn as there are.",
        "Both scales are the same.",
    ),
)
