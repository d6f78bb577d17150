"""Send states between ranks when a run is resumed, and turn them into the flat dicts that files hold.

:class:`isgd_mpi.settings.saved.Saved` describes states: nested dicts of arrays, numbers and bytes.
"""

import numpy as np
from mpi4py import MPI


def flatten(state, prefix=""):
    """Return a nested state as one dict.

    Parameters
    ----------
    state : dict
        Arrays, numbers, bytes and such dicts.
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
    """Return the nested state of a dict by path, the inverse of :func:`flatten`.

    Raises
    ------
    ValueError
        A name is a path through another one.
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
            raise ValueError(f"{path} appears twice")
        inner[name] = value
    return state


def as_bytes(record):
    """Return the memory of a record, or of a plain array, as a flat array of bytes."""
    return record.reshape(-1).view(np.uint8)


def send_arrays(comm, arrays, dest, waiter):
    """Send arrays to one rank, and wait until they are on their way. Not collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Private to resuming.
    arrays : list of ndarray
        C-contiguous.
    dest : int
    waiter : waiting.Waiter
    """
    waiter.wait([comm.Isend([as_bytes(array), MPI.BYTE], dest) for array in arrays])


def receive_arrays(comm, arrays, source, waiter):
    """Receive, in place, arrays from the rank `source`; see :func:`send_arrays`. Not collective."""
    waiter.wait([comm.Irecv([as_bytes(array), MPI.BYTE], source) for array in arrays])


def share_arrays(comm, arrays, waiter):
    """Send arrays from rank 0 to all other ranks, in place; see :func:`send_arrays`. Collective."""
    waiter.wait([comm.Ibcast([as_bytes(array), MPI.BYTE], root=0) for array in arrays])
