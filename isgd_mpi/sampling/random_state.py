"""Random generators that a checkpoint can keep, and a check of indices that come from a file."""

import numpy as np

from isgd_mpi.settings.saved import check_array, check_names

_WORD_BITS = 64


class SavedGenerator:
    """A random generator whose state a checkpoint can keep.

    Parameters
    ----------
    seed : numpy.random.SeedSequence

    Attributes
    ----------
    rng : numpy.random.Generator
        A generator of the default kind, PCG64.
    """

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def state(self):
        """Return the generator's state as six 64-bit words."""
        state = self.rng.bit_generator.state
        wide = [state["state"]["state"], state["state"]["inc"]]
        words = [part for value in wide for part in divmod(value, 1 << _WORD_BITS)]
        return {"words": np.array([*words, state["has_uint32"], state["uinteger"]], np.uint64)}

    def restore(self, state):
        """Take the state back; raises ValueError if it is no such state."""
        check_names(state, ["words"])
        check_array(state.get("words"), np.empty(6, np.uint64), "words")
        high, low, inc_high, inc_low, has_uint32, uinteger = map(int, state["words"])
        self.rng.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": high << _WORD_BITS | low, "inc": inc_high << _WORD_BITS | inc_low},
            "has_uint32": has_uint32 & 1,
            "uinteger": uinteger & 0xFFFFFFFF,
        }


def check_indices(name, indices, n):
    """Refuse numbers that are no indices, before a compiled loop uses them unchecked.

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
