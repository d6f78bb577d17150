"""Find the options of a job that can never take effect, before it begins."""

import math

from isgd_mpi.settings.config import option
from isgd_mpi.settings.given import given_options
from isgd_mpi.settings.sampling import PROPORTIONAL

_OF_SCORES = (
    *("mixture", "smoothing", "adaptive_smoothing", "power_smoothing", "bias_exponent", "max_staleness"),
    *("uniform_probability", "usable_fraction", "feedback", "switch", "lr_scaling"),
)
"""Options that say how to draw by scores."""

_OF_STEPS = ("optimizer", "momentum", "lr_scaling", "weight_decay", "clip_norm")
"""Options that say how to take a step along a gradient."""


def without_effect(setup):
    """Return a line for each option that can never take effect.

    Parameters
    ----------
    setup : setup.Setup

    Returns
    -------
    list of str
    """
    checks = (_descend, _decay, _best, _rare, _of_scores, _stale, _unreachable, _of_batches)
    return [line for check in checks for line in check(setup)]


def _descend(setup):
    """Yield a line for a user's model that takes its steps itself: it may ignore options, or is not asked to."""
    if not setup.models.descends:
        return
    options = given_options(setup.config)
    given = [name for name in _OF_STEPS if options.get(name, "none") != "none"]
    if setup.config.trainers > 1:
        yield f"--trainers {setup.config.trainers} sum gradients: the model's own descend is not called"
    elif given:
        yield f"{', '.join(map(option, given))}: have the effect that the model's own descend gives them"


def _decay(setup):
    """Yield a line for an optimiser that does what another one does."""
    if setup.config.optimizer == "adamw" and not setup.config.weight_decay:
        yield "--optimizer adamw without --weight-decay is adam"


def _best(setup):
    """Yield a line for the measure of the best model where there is none."""
    if "best_by" in given_options(setup.config) and not setup.has_validation:
        yield f"--best-by {setup.config.best_by}: without effect, since there is no validation set"


def _rare(setup):
    """Yield a line for what would happen after the last step only."""
    config, n_steps = setup.config, setup.config.n_steps(setup.dataset.n_train)
    if n_steps is None:
        return
    if config.refresh_every > n_steps and config.score != "uniform":
        yield (
            f"--refresh-every {config.refresh_every} is above the {n_steps} steps of this run: scores that are "
            "computed on the way are not used"
        )
    if config.eval_every is not None and config.eval_every > n_steps:
        yield f"--eval-every {config.eval_every} is above the {n_steps} steps of this run: evaluated at the end only"


def _of_scores(setup):
    """Yield a line for options of scores where none are used."""
    config = setup.config
    options = given_options(config)
    given = [name for name in _OF_SCORES if name in options]
    if config.score == "uniform" and given:
        yield f"{', '.join(map(option, given))}: without effect, since --score uniform draws by no scores"
    if config.score == "uniform" and config.sampling not in PROPORTIONAL:
        yield f"--sampling {config.sampling}: without effect, since --score uniform draws by no scores"
    if config.reference_model is not None and config.sampling != "rho":
        yield f"--reference-model: without effect, since --sampling {config.sampling} compares with none"
    if config.sampling in ("rank", "infobatch") and config.seconds is not None and config.repeatable:
        yield (
            f"--sampling {config.sampling} relaxes towards the end of a run, which no step tells with --seconds: here "
            "it does not; give --steps or --epochs, or --schedule relaxed"
        )
    if config.score != "predicted-loss" and "predictor" in options:
        yield f"--predictor {config.predictor}: without effect, since --score {config.score} predicts no losses"


def _stale(setup):
    """Yield a line if the scores of scorers are always too old."""
    config = setup.config
    comes_late = setup.n_scorers > 0 and config.schedule != "exact" and config.score != "uniform"
    if comes_late and config.max_staleness is not None and config.max_staleness < config.refresh_every:
        yield (
            f"--max-staleness {config.max_staleness} is below --refresh-every {config.refresh_every}: the scorers' "
            f"scores are older when they come ({config.schedule}), and none of them is used"
        )


def _unreachable(setup):
    """Yield a line if feedback alone cannot give enough examples a score."""
    config, n_train = setup.config, setup.dataset.n_train
    alone = setup.n_scorers <= 0 and config.schedule != "exact" and config.score in ("grad-norm", "grad-bound", "loss")
    limits = [n for n in (config.n_steps(n_train), config.max_staleness) if n is not None]
    if not (alone and config.feedback and limits):
        return
    # drawn uniformly, along one ordering after the other: at most an example once in an epoch
    reached = min(1.0, min(limits) * config.minibatch_size / n_train)
    if reached < config.usable_fraction:
        yield (
            f"--usable-fraction {config.usable_fraction:g} is not reached by feedback: {min(limits)} steps give at "
            f"most {_rounded(reached)} of the training set a usable score; add ranks that score, or lower it"
        )


def _rounded(fraction):
    """Return a fraction with two digits, rounded up."""
    digits = 1 - math.floor(math.log10(fraction))
    return f"{math.ceil(fraction * 10**digits) / 10**digits:g}"


def _of_batches(setup):
    """Yield a line for score batches that are too large."""
    size, n_train = setup.config.score_batch_size, setup.dataset.n_train
    if not isinstance(size, str) and size > n_train and setup.config.score != "uniform":
        yield f"--score-batch-size {size} is above the {n_train} training examples: a score batch is all of them"
    n_batches = setup.grid.n_batches(n_train)
    if setup.n_scorers > n_batches:
        idle = setup.n_scorers - n_batches
        yield (
            f"{idle} of {setup.n_scorers} scorers ha{'s' if idle == 1 else 've'} nothing to score: there are "
            f"{n_batches} score batches of {setup.grid.batch_size}; lower --score-batch-size, or start fewer ranks"
        )
