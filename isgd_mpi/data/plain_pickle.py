"""Unpickle arrays and built-in containers, but nothing that could run code.

CIFAR-10's Python batches are pickles, and a pickle may name any function to be called. The unpickler
here knows only the few names that arrays need, and they stand for functions of our own: NumPy's
would crash on a damaged pickle.
"""

import io
import pickle
import pickletools
import re
import warnings

import numpy as np

_STORES = ("PUT", "BINPUT", "LONG_BINPUT")
_NUMBERS = re.compile(r"[uif][1248]")


def _text(value):
    return value.decode("latin1") if isinstance(value, bytes) else value


class _Dtype:
    """A dtype as NumPy pickles it: its name first, its byte order later."""

    def __init__(self, name, align=False, copy=False):
        self._name = _text(name)
        if not _NUMBERS.fullmatch(self._name):
            raise pickle.UnpicklingError(f"refused, it holds an array of {self._name}")

    def __setstate__(self, state):
        self.dtype = np.dtype(_text(state[1]) + self._name)


class _Array:
    """An array as NumPy pickles it: an empty object first, its content later."""

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
        The pickled object; its arrays are stand-ins, which `as_plain_array` turns into arrays.
        Strings of Python 2 come out as bytes.

    Raises
    ------
    pickle.UnpicklingError
        The pickle asks for anything else, which is not run, or is damaged;
        damaged ones raise other exceptions as well.
    """
    content = file.read()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of odd escapes in damaged strings
        _check_sizes(content)
        return _PlainUnpickler(io.BytesIO(content), encoding="bytes").load()


def _check_sizes(content):
    """Refuse a string (`genops` does) or an index of the memo beyond the pickle's size: it would be allocated first."""
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name in _STORES and argument > len(content):
            raise pickle.UnpicklingError("refused, it counts more objects than it has bytes")


def as_plain_array(values):
    """Return an unpickled array or list of integers as an array.

    Raises
    ------
    pickle.UnpicklingError
        It is anything else; nested lists that hold one another could be of any size.
    """
    if isinstance(values, (_Array, np.ndarray)) or (
        isinstance(values, list) and all(type(value) is int for value in values)
    ):
        return np.asarray(values)
    raise pickle.UnpicklingError("refused, the data or the labels are no array, and no list of integers")
