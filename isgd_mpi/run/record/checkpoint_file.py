"""A checkpoint's file: named arrays in an npz file, with a format version and a checksum.

It is written beside its place, synced and renamed: what was there before stays until the new one is whole. What is
read is looked at before it is believed: nothing is unpickled, decompressed, or allocated on a header's word.
"""

import io
import math
import os
import textwrap
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from isgd_mpi.data.files import write_atomically
from isgd_mpi.settings.errors import InputError

_MAGIC = b"isgd_mpi checkpoint"
VERSION = 2
"""Of the format: what is saved, and under which names."""

_HEADER = ("format", "version", "checksum")
_LONGEST_PROBLEM = 200  # characters: zipfile quotes what it found


class _Damaged(Exception):
    """A file is not what it should be."""


def write_checkpoint(path, arrays):
    """Write a checkpoint, in one piece or not at all.

    Parameters
    ----------
    path : pathlib.Path
        Replaced once the new file is whole and on the disk.
    arrays : dict of str to ndarray
        None of Python objects, none structured.
    """
    arrays = {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in arrays.items()}
    header = dict(zip(_HEADER, (np.array(_MAGIC), np.array(VERSION), np.array(_checksum(arrays), np.uint32))))
    write_atomically(path, lambda file: np.savez(file, **header, **arrays))
    _sync_folder(path.parent)


def read_checkpoint(path):
    """Read a checkpoint.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    dict of str to ndarray
        Read-only.

    Raises
    ------
    InputError
        It is not there, truncated, foreign, of another version, or damaged: one line.
    """
    try:
        arrays = _read_members(Path(path))
        _check_header(arrays)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from None
    except _Damaged as error:
        raise InputError(f"{path}: {error}") from None
    return {name: array for name, array in arrays.items() if name not in _HEADER}


def _read_members(path):
    size = os.path.getsize(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            # stored, not compressed: the file's own size bounds all that can come out of it
            if any(m.compress_type != zipfile.ZIP_STORED or m.flag_bits & 1 or m.file_size > size for m in members):
                raise _Damaged("is not a checkpoint of isgd_mpi")
            names = [member.filename.removesuffix(".npy") for member in members]
            if len(set(names)) < len(names) or sum(member.file_size for member in members) > size:
                raise _Damaged("is damaged: its parts overlap")
            return {name: _parse(name, archive.read(member)) for name, member in zip(names, members)}
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        problem = textwrap.shorten(str(error), _LONGEST_PROBLEM, placeholder=" ...")
        raise _Damaged(f"is not a checkpoint of isgd_mpi, or truncated ({problem})") from None


def _parse(name, content):
    """Return the array in an npy file's content."""
    file = io.BytesIO(content)
    try:
        if npy.read_magic(file) != (1, 0):
            raise ValueError
        shape, fortran_order, dtype = npy.read_array_header_1_0(file)
    except Exception:  # whatever the parser of a header stumbles over
        raise _Damaged(f"is damaged: {name[:40]!r} is no array") from None
    n_bytes = math.prod(shape) * dtype.itemsize
    if dtype.kind not in "biufS" or fortran_order or min(shape, default=0) < 0 or n_bytes != len(content) - file.tell():
        raise _Damaged(f"is damaged: {name[:40]!r} is not as large as it says, or of a strange type")
    if not n_bytes:
        return np.empty(shape, dtype)
    return np.frombuffer(content, dtype, offset=file.tell()).reshape(shape)


def _check_header(arrays):
    if not all(name in arrays and arrays[name].ndim == 0 for name in _HEADER) or arrays["format"] != np.array(_MAGIC):
        raise _Damaged("is not a checkpoint of isgd_mpi")
    if arrays["version"] != VERSION:
        raise _Damaged(f"is a checkpoint of format {arrays['version']}, and this isgd_mpi reads format {VERSION}")
    if arrays["checksum"] != _checksum({name: array for name, array in arrays.items() if name not in _HEADER}):
        raise _Damaged("is damaged: its checksum is wrong")


def _checksum(arrays):
    checksum = 0
    for name in sorted(arrays):
        array = arrays[name]
        checksum = zlib.crc32(f"{name} {array.dtype.str} {array.shape}".encode(), checksum)
        checksum = zlib.crc32(array.reshape(-1).view(np.uint8), checksum)
    return checksum


def _sync_folder(folder):
    """Make a rename last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
