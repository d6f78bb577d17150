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
VERSION = 7
"""Version of the format: of all names in a checkpoint, and what they hold."""

_HEADER = ("format", "version", "checksum")


def write_checkpoint(path, arrays):
    """Write a checkpoint, in one piece or not at all.

    Parameters
    ----------
    path : pathlib.Path
        Replaced once the new file is whole and on the disk.
    arrays : dict of str to ndarray
        Neither Python objects nor structured arrays.
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
        The file is missing, truncated, foreign, of another version, or damaged: one line.
    """
    with open_npz(path, compressed=False) as archive:
        arrays = {name: archive[name] for name in archive.names}
        header = {name: arrays.pop(name).item() for name in _HEADER if name in arrays}
        if header.get("format") != _MAGIC:
            raise FormatError(path, "is not a checkpoint of isgd_mpi")
        if (version := header.get("version")) != VERSION:
            raise FormatError(path, f"is a checkpoint of format {version}, and this isgd_mpi reads format {VERSION}")
        if header.get("checksum") != _checksum(arrays):
            raise FormatError(path, "is damaged: its checksum is wrong")
    return arrays


def _checksum(arrays):
    """Return the CRC-32 of all arrays: names, dtypes, shapes, values."""
    checksum = 0
    for name in sorted(arrays):
        array = arrays[name]
        checksum = zlib.crc32(f"{name} {array.dtype.str} {array.shape}".encode(), checksum)
        checksum = zlib.crc32(array.reshape(-1).view(np.uint8), checksum)
    return checksum


def _sync_folder(folder):
    """Sync a folder, so that a rename in it outlasts a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
