"""Check a MATLAB 5 file before SciPy reads it: no variable may announce more than the file can hold."""

import struct
import zlib

from isgd_mpi.data.examples import check_fits
from isgd_mpi.data.npz import MOST_INFLATION

_ORDERS = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}  # version and byte order, at byte 124
_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
_NUMERIC = range(6, 16)  # classes of arrays of numbers
_HEAD_BYTES = 4096  # of a variable: flags, sizes, name and the tag of its numbers
_MOST_HEAD_FIELD_BYTES = 1024


def check_mat(file):
    """Raise ValueError unless all variables of a file are arrays of numbers that the file can hold.

    Parameters
    ----------
    file : binary file
        Open at its beginning.
    """
    header = file.read(_HEADER_BYTES)
    order = _ORDERS.get(header[124:])
    if order is None or 0 in header[:4]:  # with a zero there SciPy reads it as version 4
        raise ValueError("it is no MATLAB 5 file")
    size = file.seek(0, 2)
    place = _HEADER_BYTES
    while place < size:
        file.seek(place)
        place += _check_element(file, order, size - place)


def _check_element(file, order, n_left):
    """Check the variable at a file's position; return its size in bytes."""
    kind, n_bytes = _unpack(order, file.read(8))
    if kind not in (_MATRIX, _COMPRESSED) or n_bytes > n_left - 8:
        raise ValueError("a variable is longer than the file, or of a strange kind")
    head = file.read(min(n_bytes, _HEAD_BYTES))
    if kind == _MATRIX:
        _check_array(head, n_bytes, order)
    else:
        head = zlib.decompressobj().decompress(head, _HEAD_BYTES)
        kind, n_inflated = _unpack(order, head[:8])
        if kind != _MATRIX or n_inflated > MOST_INFLATION * n_bytes:
            raise ValueError("a variable announces more than the file can hold")
        check_fits(file.name, n_inflated)
        _check_array(head[8:], n_inflated, order)
    return 8 + n_bytes


def _check_array(head, n_bytes, order):
    """Check the fields of a variable of `n_bytes`, from the first few of these bytes."""
    flags = _unpack(order, head[8:16])
    if flags[0] & 0xFF not in _NUMERIC:
        raise ValueError("a variable is no array of numbers")
    place = 0
    for _ in ("flags", "sizes", "name"):
        length, start = _field(head, place, order)
        if length > _MOST_HEAD_FIELD_BYTES:
            raise ValueError("a variable's header is too long")
        place = start + (length if start - place == 8 else 4)
        place += -place % 8
    length, start = _field(head, place, order)
    if length > n_bytes - start:
        raise ValueError("an array is longer than its variable")


def _field(head, place, order):
    """Return a field's length in bytes, and the place where its content begins."""
    kind, length = _unpack(order, head[place : place + 8])
    return (kind >> 16, place + 4) if kind >> 16 else (length, place + 8)  # up to four bytes lie in the tag itself


def _unpack(order, tag):
    if len(tag) < 8:
        raise ValueError("it ends amidst a variable")
    return struct.unpack(order + "II", tag)
