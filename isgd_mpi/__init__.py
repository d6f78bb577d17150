"""Distributed importance sampling for SGD over MPI."""

from importlib import import_module

from isgd_mpi.settings.version import __version__  # noqa: F401 (public)

_PLACES = {
    "fit": "isgd_mpi.run.fit",
    "Result": "isgd_mpi.run.fit",
    "load": "isgd_mpi.model.trained",
    "TrainedModel": "isgd_mpi.model.trained",
    "Model": "isgd_mpi.model.own_model",
    "Config": "isgd_mpi.settings.config",
    "Diverged": "isgd_mpi.settings.errors",
    "InputError": "isgd_mpi.settings.errors",
}

__all__ = [*_PLACES, "datasets", "__version__"]


def __getattr__(name):
    """Import a public name when it is first asked for: only `fit` and `Result` need MPI, and initialise it."""
    if name == "datasets":
        return import_module("isgd_mpi.data.datasets")
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _PLACES[name] == "isgd_mpi.run.fit":
        import_module("isgd_mpi.ranks.start").prepare_mpi()
    return getattr(import_module(_PLACES[name]), name)


def __dir__():
    return __all__
