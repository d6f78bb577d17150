"""The rules of ``--sampling``: what each of its values implies, and what it excludes."""

from typing import Literal

Sampling = Literal["proportional", "systematic", "multinomial", "rank", "infobatch", "selective-backprop", "rho"]

PROPORTIONAL = ("proportional", "multinomial")
"""Values that draw in proportion to the scores; the others are methods of the literature."""

UNWEIGHTED = ("selective-backprop", "rho")
"""Values whose sources use no importance weights: their gradients are biased on purpose."""

_OLD_NAMES = {"systematic": "proportional"}
_OF_SCORES = ("smoothing", "adaptive_smoothing", "power_smoothing")


def present_name(sampling):
    """Return the present name of a value of ``--sampling``."""
    return _OLD_NAMES.get(sampling, sampling)


def implied(config):
    """Return the values that stand for an older name, and for ``auto`` where `sampling` decides.

    Parameters
    ----------
    config : config.Config

    Returns
    -------
    dict
        Values by field.
    """
    sampling = present_name(config.sampling)
    values = {"sampling": sampling}
    if config.score == "auto":
        values["score"] = "grad-norm" if sampling in PROPORTIONAL else "loss"
    if config.bias_exponent == "auto":
        values["bias_exponent"] = 0.0 if sampling in UNWEIGHTED and config.score != "uniform" else 1.0
    if config.lr_scaling == "auto":
        scales = _may_be_scaled(config, values.get("bias_exponent", config.bias_exponent))
        values["lr_scaling"] = "gain" if scales else "none"
    return values


def _may_be_scaled(config, bias_exponent):
    """Return whether the learning rate is ours to choose, and the gain of unbiased gradients permits a larger one."""
    ours = config.lr == "auto" and config.optimizer == "sgd" and config.clip_norm is None and config.compat == "none"
    return ours and config.score not in ("uniform", "predicted-loss") and bias_exponent == 1


def drawing_of(config):
    """Return the way in which minibatches are drawn from the proposal: "systematic" or "multinomial"."""
    return "multinomial" if config.sampling == "multinomial" else "systematic"


def problem_of_sampling(config):
    """Return why settings do not go with their `sampling`; None if they do.

    Parameters
    ----------
    config : config.Config
        With the values of :func:`implied`.
    """
    name = f"--sampling {config.sampling}"
    if config.sampling == "rho" and config.score != "loss":
        return f"{name} draws by losses, not by --score {config.score}: leave that out"
    if config.sampling in PROPORTIONAL:
        return None
    if config.compat != "none":
        return f"--compat {config.compat} draws in proportion to scores: leave {name} out"
    if config.lr_scaling == "gain" and config.sampling in UNWEIGHTED:
        return f"--lr-scaling {config.lr_scaling} is for unbiased gradients, and {name} has others: leave one out"
    for field, unused in zip(_OF_SCORES, (0, 0, 1)):
        if getattr(config, field) != unused:
            return f"--{field.replace('_', '-')} is for draws in proportion to scores: leave it or {name} out"
    return None
