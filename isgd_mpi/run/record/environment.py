"""What a run ran on, for environment.json: versions, MPI, hosts, threads, processor, revision."""

import platform
from importlib.metadata import version

from mpi4py import MPI

from isgd_mpi.kernels.processor import this_processor
from isgd_mpi.kernels.revision import git_revision
from isgd_mpi.settings.version import __version__

_PACKAGES = ("numpy", "numba", "scipy", "mpi4py", "threadpoolctl")


def describe_environment(comm, node, score_arithmetic=None, transport=None):
    """Return what the run ran on. Not collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    node : node.Node
        This rank's.
    score_arithmetic : str
        What scores are computed in.
    transport : str
        How parameters and scores travel.

    Returns
    -------
    dict
        Ready for JSON.
    """
    return {
        "python": platform.python_version(),
        "packages": {"isgd_mpi": __version__} | {name: version(name) for name in _PACKAGES},
        "mpi_library": MPI.Get_library_version().splitlines()[0].strip("\0 "),
        "mpi_standard": ".".join(map(str, MPI.Get_version())),
        "hosts": node.hosts,
        "ranks": comm.Get_size(),
        "threads_per_rank": node.threads,
        "ranks_outnumber_cores": node.crowded,
        "blas": node.blas,
        "score_arithmetic": score_arithmetic,
        "transport": transport,
        "processor": this_processor().name,
        "system": platform.platform(),
        "git_revision": git_revision(),
    }
