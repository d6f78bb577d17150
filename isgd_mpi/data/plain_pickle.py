"""Unpickle arrays and built-in containers, and nothing that could run code.

CIFAR-10's Python batches are pickles, and a pickle may name any function to be called. Here only
the few names are known that arrays need, and they stand for functions of our own: NumPy's would
crash on a damaged pickle.
"""

import pickle
import re

import numpy as np

_NUMBERS = re.compile(r"[uif][1248]")


def _text(value):
    return value.decode("latin1") if isinstance(value, bytes) else value


class _Dtype:
    """What NumPy pickles of a dtype: its name first, its byte order later."""

    def __init__(self, name, align=False, copy=False):
        self._name = _text(name)
        if not _NUMBERS.fullmatch(self._name):
            raise pickle.UnpicklingError(f"refused, it holds an array of {self._name}")

    def __setstate__(self, state):
        self.dtype = np.dtype(_text(state[1]) + self._name)


class _Array:
    """What NumPy pickles of an array: first that it is one, later all the rest."""

    def __setstate__(self, state):
        _, shape, dtype, is_fortran, content = state
        self._array = _from_buffer(content, dtype, shape, "F" if is_fortran else "C")

    def __array__(self, dtype=None, copy=None):
        return self._array


def _reconstruct(subtype, shape, type_code):
    return _Array()


def _from_buffer(content, dtype, shape, order):
    content = content.encode("latin1") if isinstance(content, str) else content
    return np.frombuffer(content, dtype.dtype).reshape(shape, order=order)


def _encode(text, encoding):
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"refused, it asks for the encoding {encoding}")
    return text.encode("latin1")


_KNOWN_NAMES = {
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _Array,
    ("_codecs", "encode"): _encode,  # how protocols 0 to 2 of Python 3 write bytes
    # NumPy 2 has moved these two
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
}


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        try:
            return _KNOWN_NAMES[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"refused, it asks for {module}.{name}") from None


def read_plain_pickle(file):
    """Read one pickle of numeric arrays, numbers, strings and containers.

    Parameters
    ----------
    file : binary file
        Open for reading.

    Returns
    -------
    object
        What was pickled; `numpy.asarray` makes arrays of what stands for
        them. Strings of Python 2 come out as bytes.

    Raises
    ------
    pickle.UnpicklingError
        The pickle asks for anything else, which is not run, or is damaged;
        damaged ones raise other exceptions as well.
    """
    return _PlainUnpickler(file, encoding="bytes").load()
