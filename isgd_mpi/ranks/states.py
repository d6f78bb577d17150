"""The state of objects as nested dicts of arrays: what a checkpoint is made of.

A class that has a state has two methods: ``state()`` returns it, as a dict of arrays, scalars and such dicts, with the
same names, dtypes and shapes at all times; ``restore(state)`` takes it back. Arrays may be the object's own: who keeps
a state copies it.
"""

import numpy as np
from mpi4py import MPI

from isgd_mpi.ranks.transports import as_bytes
from isgd_mpi.ranks.waiting import wait


def flatten(state, prefix=""):
    """Return a nested state as one dict.

    Parameters
    ----------
    state : dict
        Of arrays, scalars and such dicts.
    prefix : str
        Put in front of each name.

    Returns
    -------
    dict of str to ndarray
        By path, such as ``sampler/table/scores``. Arrays are not copied.
    """
    flat = {}
    for name, value in state.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}/")
        else:
            flat[prefix + name] = np.asarray(value)
    return flat


def nest(flat):
    """Undo :func:`flatten`.

    Parameters
    ----------
    flat : dict of str to ndarray

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If a name is a path through another one.
    """
    state = {}
    for path, value in flat.items():
        *outer, name = path.split("/")
        inner = state
        for part in outer:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise ValueError(f"{path} leads through an array")
        if name in inner:
            raise ValueError(f"{path} is there twice")
        inner[name] = value
    return state


def difference(flat, expected):
    """Say how arrays differ from what is expected, in names, dtypes or shapes.

    Parameters
    ----------
    flat, expected : dict of str to ndarray

    Returns
    -------
    str or None
        The first difference.
    """
    if missing := sorted(expected.keys() - flat.keys()):
        return f"{missing[0]} is missing"
    if extra := sorted(flat.keys() - expected.keys()):
        return f"{extra[0]!r} does not belong there"
    for name, like in expected.items():
        found = flat[name]
        if found.dtype != like.dtype or found.shape != like.shape:
            return f"{name} is {found.dtype} of shape {found.shape}, not {like.dtype} of shape {like.shape}"
    return None


def pack(state):
    """Return a state as flat bytes.

    Parameters
    ----------
    state : dict

    Returns
    -------
    (n,) ndarray of uint8
    """
    return np.concatenate([np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in flatten(state).values()])


def unpack(packed, like):
    """Undo :func:`pack`.

    Parameters
    ----------
    packed : (n,) ndarray of uint8
    like : dict
        A state of the same names, dtypes and shapes.

    Returns
    -------
    dict
        Of copies.
    """
    flat, start = {}, 0
    for name, array in flatten(like).items():
        stop = start + array.nbytes
        flat[name] = packed[start:stop].copy().view(array.dtype).reshape(array.shape)
        start = stop
    return nest(flat)


def send_state(comm, state, dest, polite):
    """Send a state to one rank. Waits until it is on its way.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    state : dict
        See :mod:`isgd_mpi.ranks.states`.
    dest : int
    polite : bool
        See :func:`waiting.wait`.
    """
    wait([comm.Isend([pack(state), MPI.BYTE], dest)], polite)


def receive_state(comm, like, source, polite):
    """Receive the state that :func:`send_state` sends; `like` is one of the same names, dtypes and shapes."""
    packed = pack(like)
    wait([comm.Irecv([packed, MPI.BYTE], source)], polite)
    return unpack(packed, like)


def send_reports(comm, first, reports, params, polite):
    """Give each scorer back the report that it once made, as :func:`receive_report` takes it.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    first : int
        The first scorer; the others follow.
    reports : list of () ndarray of records.report_dtype
    params : (P,) ndarray or None
        That are being evaluated.
    polite : bool
    """
    for dest, report in enumerate(reports, first):
        buffers = [as_bytes(report)] + ([] if params is None else [as_bytes(params)])
        wait([comm.Isend([buffer, MPI.BYTE], dest) for buffer in buffers], polite)


def receive_report(comm, dtype, params, polite):
    """Receive a report, and parameters in their place unless they are None; return the report."""
    report = np.zeros((), dtype)
    buffers = [as_bytes(report)] + ([] if params is None else [as_bytes(params)])
    wait([comm.Irecv([buffer, MPI.BYTE], 0) for buffer in buffers], polite)
    return report


def share(comm, array, polite):
    """Send an array of rank 0 to all, in its place. Collective."""
    wait([comm.Ibcast([as_bytes(array), MPI.BYTE], root=0)], polite)
