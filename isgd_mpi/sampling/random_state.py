"""The state of random generators as arrays, and the check of indices that come out of a file."""

import numpy as np

_WORD_BITS = 64


def state_of_rng(rng):
    """Return the state of a random generator.

    Parameters
    ----------
    rng : numpy.random.Generator
        Of the default kind, PCG64.

    Returns
    -------
    (6,) ndarray of uint64
    """
    state = rng.bit_generator.state
    wide = [state["state"]["state"], state["state"]["inc"]]
    words = [part for value in wide for part in divmod(value, 1 << _WORD_BITS)]
    return np.array([*words, state["has_uint32"], state["uinteger"]], np.uint64)


def restore_rng(rng, words):
    """Undo :func:`state_of_rng`, in place."""
    high, low, inc_high, inc_low, has_uint32, uinteger = map(int, words)
    rng.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": high << _WORD_BITS | low, "inc": inc_high << _WORD_BITS | inc_low},
        "has_uint32": has_uint32 & 1,
        "uinteger": uinteger & 0xFFFFFFFF,
    }


def check_indices(name, indices, n):
    """Refuse what is no index, before a compiled loop uses it unchecked.

    Parameters
    ----------
    name : str
        For the message.
    indices : ndarray of int
    n : int
        They must lie in 0..n-1.

    Raises
    ------
    ValueError
    """
    if indices.size and not (indices.min() >= 0 and indices.max() < n):
        raise ValueError(f"{name} must lie in 0..{n - 1}")
