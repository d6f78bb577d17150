"""Check that all ranks run the same program on the same data, so that no stale file on one node spoils a job."""

import glob
import hashlib
import platform
import shlex
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import numba
import numpy as np

from isgd_mpi.ranks.waiting import POLITE
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.version import __version__

_PACKAGE = Path(__file__).parents[1]


def on_all_ranks(comm, action=None, alike=False):
    """Call an action on some ranks, and let all ranks fail together if one does. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    action : callable, optional
        The action of this rank, if it has one.
    alike : bool
        Whether all ranks do the same: if it fails on some only, the message names these.

    Returns
    -------
    object
        The action's result.

    Raises
    ------
    InputError
        On every rank, if the action raised it on any: with the message of the lowest such rank.
    """
    result, message = None, None
    try:
        result = action and action()
    except InputError as error:
        message = str(error)
    POLITE.meet(comm)  # allgather would spin, on a core that a rank which is not ready may need
    messages = comm.allgather(message)
    failed = [rank for rank, text in enumerate(messages) if text is not None]
    if not failed:
        return result
    if not alike or len(failed) == len(messages):
        raise InputError(messages[failed[0]], everywhere=True)
    places = [(host, None) for host in comm.allgather(platform.node())]
    problem = f"{messages[failed[0]]} (on {_ranks_of(failed, places)}; the other ranks succeeded)"
    raise InputError(problem, everywhere=True)


def check_command_lines(comm, words):
    """Refuse ranks that were started with different options. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    words : list of str
        This rank's options.

    Raises
    ------
    InputError
        On every rank: names the first rank that differs, its host, and what it has and lacks.
    """
    hosts, lines = zip(*comm.allgather((platform.node(), words)))
    odd = [rank for rank, line in enumerate(lines) if line != lines[0]]
    if odd:
        own, first = lines[odd[0]], lines[0]
        only = [
            shlex.join([word for word in one if word not in other][:8]) for one, other in ((own, first), (first, own))
        ]
        raise InputError(
            f"rank {odd[0]} ({hosts[odd[0]]}) was started with other options than rank 0: here '{only[0]}', there "
            f"'{only[1]}'; all ranks are alike: mpirun -n {len(lines)} python -m isgd_mpi OPTIONS, without ':'; "
            "a role gets more cores by more ranks, see --trainers",
            everywhere=True,
        )


def common_value(comm, value, otherwise):
    """Return the value if it is the same on all ranks, or else `otherwise`. Collective."""
    return value if len(set(comm.allgather(value))) == 1 else otherwise


def check_agreement(comm, facts):
    """Refuse ranks that differ. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    facts : dict of str to (str or int)
        Values that must be the same on all ranks, by the names that a message calls them.

    Raises
    ------
    InputError
        On every rank: names the values that differ, with the ranks and hosts of the minority.
    """
    places = comm.allgather((platform.node(), facts))
    names = dict.fromkeys(name for _, found in places for name in found)
    if differences := [text for name in names if (text := _difference(name, places))]:
        problem = f"{'; '.join(differences)}: give all ranks the same program and the same data"
        raise InputError(problem, everywhere=True)


def _difference(name, places):
    """Return a sentence on the difference between ranks in one fact, or None."""
    values = [found.get(name, "missing") for _, found in places]
    (usual, n_usual), *others = Counter(values).most_common()
    if not others:
        return None
    one = values.index(usual)
    usual_at = f"on the {n_usual} other ranks" if n_usual > 1 else f"on rank {one} ({places[one][0]})"
    odd = [
        f"{value} on {_ranks_of([rank for rank, own in enumerate(values) if own == value], places)}"
        for value, _ in others
    ]
    return f"{name} differs: {', '.join(odd)}, but {usual} {usual_at}"


def _ranks_of(ranks, places):
    """Return the numbers and hosts of some ranks, the first eight of them, as text."""
    hosts = ", ".join(dict.fromkeys(places[rank][0] for rank in ranks))
    shown = ", ".join(map(str, ranks[:8])) + (", ..." if len(ranks) > 8 else "")
    return f"rank{'s' * (len(ranks) > 1)} {shown} ({hosts})"


@cache  # it reads all sources, and a search may call fit a hundred times
def program_facts():
    """Return versions and source digest of the program on this rank, for :func:`check_agreement`."""
    return {
        "the version of isgd_mpi": __version__,
        "the source of isgd_mpi": source_digest(),
        "the version of Python": platform.python_version(),
        "the version of NumPy": np.__version__,
        "the version of Numba": numba.__version__,
        "the byte order": sys.byteorder,
    }


def source_digest(root=_PACKAGE):
    """Return 12 hexadecimal digits of all source files of the package in a folder."""
    digest = hashlib.sha256()
    for name in sorted(glob.glob("**/*.py", root_dir=root, recursive=True)):  # follows the link to the kernels
        digest.update(f"{name}\0".encode() + (root / name).read_bytes())
    return digest.hexdigest()[:12]
