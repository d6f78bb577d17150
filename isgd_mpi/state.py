"""The state of objects as nested dicts of arrays: what a checkpoint is made of.

A class that has a state has two methods: ``state()`` returns it, as a dict of arrays, scalars and such dicts, with the
same names, dtypes and shapes at all times; ``restore(state)`` takes it back. Arrays may be the object's own: who keeps
a state copies it.
"""

import numpy as np


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
