"""The keywords of :func:`isgd_mpi.fit`: the options of the command line, with Python values."""

import os
import re
from dataclasses import fields
from types import NoneType
from typing import Literal, get_args, get_origin

import numpy as np

from isgd_mpi.settings.config import Config, option
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.nearest import suggestion

_ABOUT_FILES = ("data", "data_dir", "synthetic_size", "target", "weight", "test", "valid")
_COMMAND_ONLY = ("resume",)
_MLP_ONLY = ("hidden", "init", "score_precision", "train_precision")
GIVEN = "given"
"""The option `init` where a model in memory is given, and `class_weight` where a dict is."""

_ARGUMENTS = ("validation", "test", "sample_weight", "model", "comm")  # of fit, beside the options
_TYPES = {field.name: field.type for field in fields(Config) if field.name not in _ABOUT_FILES + _COMMAND_ONLY}


def config_of(options, own_model):
    """Return the settings that keywords stand for.

    Parameters
    ----------
    options : dict
        Values by field of `Config`, without those about data files.
    own_model : bool
        Whether the model is the user's, which has its own layers and scores.

    Returns
    -------
    Config
        Quiet unless the options say otherwise: a library prints only what its caller wants.

    Raises
    ------
    InputError
        An option is unknown or makes no sense here, or its value has a wrong type or is out of range.
    """
    for name in options:
        if name in _ABOUT_FILES:
            raise InputError(f"{name} is about data files: fit takes arrays; python -m isgd_mpi reads files")
        if name in _COMMAND_ONLY:
            raise InputError(f"{name} is an option of python -m isgd_mpi: fit begins anew")
        if name not in _TYPES:
            meant = suggestion(name, [*_TYPES, *_ARGUMENTS])
            raise InputError(f"unknown option {name!r}{meant or ': python -m isgd_mpi --help-all lists them'}")
        begins_with_model = name == "init" and isinstance(options[name], (str, os.PathLike)) and options[name] != "he"
        not_its_own = name in _MLP_ONLY and not begins_with_model
        if own_model and (not_its_own or (name == "score" and options[name] != "uniform")):
            raise InputError(
                f"{name}={options[name]!r} is for isgd_mpi's own MLP: a model of yours brings its layers and its "
                "scores, and of the scores only 'uniform' can be asked for"
            )
    values = {name: _plain(name, value) for name, value in options.items()}
    if values.get("tensorboard") and values.get("run_dir") is None:
        raise InputError("tensorboard writes to the folder of the run, which has none: give run_dir")
    of_own_model = {"score": "grad-norm", "lr_scaling": "none"}  # the scores that the model brings
    defaults = {"quiet": True} | (of_own_model if own_model else {})
    return Config(data="arrays", **defaults | values)


def in_python(message):
    """Return a message with each option as a keyword, such as refresh_every for ``--refresh-every``."""
    names = sorted(_TYPES, key=len, reverse=True)
    return re.sub("|".join(map(option, names)), lambda match: match[0][2:].replace("-", "_"), message)


def _plain(name, value):
    """Return an option's value in the type of its field; raise InputError if it has another type."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (tuple, np.ndarray)):
        value = np.asarray(value).tolist()
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not _fits(value, _TYPES[name]):
        raise InputError(f"{name} must be {_in_words(_TYPES[name])}, not {value!r}")
    return value


def _fits(value, annotation):
    """Return whether a value is of an annotated type; an int may stand for a float."""
    if get_origin(annotation) is list:
        return isinstance(value, list) and all(_fits(item, get_args(annotation)[0]) for item in value)
    if get_origin(annotation) is Literal:
        return isinstance(value, str) and value in get_args(annotation)
    if get_args(annotation):
        return any(_fits(value, kind) for kind in get_args(annotation))
    return type(value) is annotation or (annotation is float and type(value) is int)


def _in_words(annotation):
    """Return the name of an annotated type, for messages."""
    if get_origin(annotation) is list:
        return f"a list of {get_args(annotation)[0].__name__}"
    if get_origin(annotation) is Literal:
        return " or ".join(map(repr, get_args(annotation)))
    if get_args(annotation):
        return " or ".join(map(_in_words, get_args(annotation)))
    return "None" if annotation is NoneType else annotation.__name__
