"""Describe the versions, hosts and processor that a run used, for environment.json."""

import platform
from importlib.metadata import version

from mpi4py import MPI

from isgd_mpi.kernels.processor import this_processor
from isgd_mpi.kernels.revision import git_revision
from isgd_mpi.settings.version import __version__

_PACKAGES = ("numpy", "numba", "scipy", "mpi4py", "threadpoolctl")


def describe_environment(comm, node, models=None, transport=None):
    """Describe the machines and the software of a run. Not collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    node : node.Node
        The node of this rank.
    models : blueprints.MLPBlueprint or blueprints.OwnBlueprint, optional
        Its arithmetics are named.
    transport : str, optional
        Type of the transport of parameters and scores.

    Returns
    -------
    dict
        Ready for JSON.
    """
    processor = this_processor()
    return {
        "python": platform.python_version(),
        "packages": {"isgd_mpi": __version__} | {name: version(name) for name in _PACKAGES},
        "mpi_library": MPI.Get_library_version().splitlines()[0].strip("\0 "),
        "mpi_standard": ".".join(map(str, MPI.Get_version())),
        "hosts": node.hosts,
        "ranks": comm.Get_size(),
        "threads_per_rank": node.threads,
        "threads_of_ranks": node.threads_of_ranks,
        "ranks_outnumber_cores": node.crowded,
        "blas": node.blas,
        "score_arithmetic": models and models.arithmetic,
        "train_arithmetic": models and models.train_arithmetic,
        "transport": transport,
        "processor": processor.name,
        "vendor": processor.vendor,
        "system": platform.platform(),
        "git_revision": git_revision(),
    }
