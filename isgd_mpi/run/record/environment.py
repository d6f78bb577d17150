"""What a run ran on, for environment.json: versions, MPI, hosts, threads, processor, revision."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from mpi4py import MPI

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
        "processor": processor_name(),
        "system": platform.platform(),
        "git_revision": git_revision(),
    }


def processor_name():
    """Return the processor's model name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def git_revision():
    """Return the revision of the code's git checkout, with ``+`` if it was changed, or None."""
    git = ["git", "-C", str(Path(__file__).parent)]
    ours = [*git, "ls-files", "--error-unmatch", Path(__file__).name]  # not just installed inside some checkout
    describe = [*git, "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        subprocess.run(ours, capture_output=True, timeout=5, check=True)
        return subprocess.run(describe, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
