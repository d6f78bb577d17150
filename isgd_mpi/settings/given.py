"""Tell what a user has chosen from what follows: from defaults, and from ``auto``, which the other options decide."""

from dataclasses import asdict, replace

from isgd_mpi.settings.config import Config

_DECIDED = ("score", "bias_exponent", "lr_scaling")  # settings hold what auto stands for; see sampling.implied


def given_options(config):
    """Return the options of settings that differ from the defaults, and from what ``auto`` stands for in them.

    Parameters
    ----------
    config : config.Config

    Returns
    -------
    dict
        Values by field.
    """
    defaults = asdict(Config()) | {name: getattr(replace(config, **{name: "auto"}), name) for name in _DECIDED}
    return {name: value for name, value in asdict(config).items() if value != defaults[name]}


def repeating_options(config):
    """Return all options, with ``auto`` for values that it stands for, so that these follow where others are changed.

    The score stays by its name, since readers of a run's options look for it.

    Parameters
    ----------
    config : config.Config

    Returns
    -------
    dict
        Values by field.
    """
    given = given_options(config)
    return asdict(config) | {name: "auto" for name in _DECIDED if name != "score" and name not in given}
