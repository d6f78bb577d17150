"""Distributed importance sampling for SGD over MPI.

Public names are imported when they are first used, so that importing this package is quick, and
only `fit` and `Result` initialise MPI.
"""

import os
import sys
from importlib import import_module

from isgd_mpi.settings.variables import drop_numba_threads
from isgd_mpi.settings.version import __version__

if _problem := drop_numba_threads(os.environ):
    print(f"isgd_mpi: {_problem}", file=sys.stderr)

_MODULES = {
    "fit": "run.fit",
    "fit_everywhere": "run.fit",
    "Result": "run.fit",
    "load": "model.trained",
    "TrainedModel": "model.trained",
    "Model": "model.own_model",
    "check_model": "model.model_check",
    "Config": "settings.config",
    "Diverged": "settings.errors",
    "InputError": "settings.errors",
}

__all__ = [*_MODULES, "datasets", "__version__"]


def __getattr__(name):
    """Import a public name."""
    if name == "datasets":
        return import_module("isgd_mpi.data.datasets")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _MODULES[name] == "run.fit":
        import_module("isgd_mpi.ranks.start").start_mpi_or_raise()
    return getattr(import_module(f"isgd_mpi.{_MODULES[name]}"), name)


def __dir__():
    return __all__
