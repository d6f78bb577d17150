"""Write and read a checkpoint's file: named arrays in an npz file, with a format version and a checksum.

The file is written under another name, synced and renamed: the checkpoint before it stays until the new one is whole.
What is read may be damaged or hostile: nothing is unpickled, decompressed, or allocated that the file cannot hold.
"""

import os
import zlib

import numpy as np

from isgd_mpi.data.examples import FormatError
from isgd_mpi.data.files import write_atomically
from isgd_mpi.data.npz import open_npz

_MAGIC = b"isgd_mpi checkpoint"
VERSION = 2
"""Of the format: what is saved, and under which names."""

_HEADER = ("format", "version", "checksum")


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

    Raises
    ------
    InputError
        It is not there, truncated, foreign, of another version, or damaged: one line.
    """
    with open_npz(path, compressed=False) as archive:
        arrays = {name: archive[name] for name in archive.names}
        _check_header(path, arrays)
    return {name: array for name, array in arrays.items() if name not in _HEADER}


def _check_header(path, arrays):
    if not all(name in arrays and arrays[name].ndim == 0 for name in _HEADER) or arrays["format"] != np.array(_MAGIC):
        raise FormatError(path, "is not a checkpoint of isgd_mpi")
    if arrays["version"] != VERSION:
        problem = f"is a checkpoint of format {arrays['version']}, and this isgd_mpi reads format {VERSION}"
        raise FormatError(path, problem)
    if arrays["checksum"] != _checksum({name: array for name, array in arrays.items() if name not in _HEADER}):
        raise FormatError(path, "is damaged: its checksum is wrong")


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
