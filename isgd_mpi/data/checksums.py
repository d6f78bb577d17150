"""Compute CRC-32 checksums of files and arrays, as 8 hexadecimal digits."""

import zlib

import numpy as np

_CHUNK_BYTES = 2**24
_SAMPLES, _SAMPLE_BYTES = 64, 2**16  # pieces of a large array that are read, evenly spaced


def checksum_of_files(paths):
    """Return the checksum of the content of several files, one after the other.

    Parameters
    ----------
    paths : sequence of pathlib.Path
    """
    checksum = 0
    for path in paths:
        with open(path, "rb") as file:
            while piece := file.read(_CHUNK_BYTES):
                checksum = zlib.crc32(piece, checksum)
    return f"{checksum:08x}"


def checksum_of(*arrays):
    """Return the checksum of the content of C-contiguous arrays, one after the other."""
    checksum = 0
    for array in arrays:
        checksum = zlib.crc32(array, checksum)
    return f"{checksum:08x}"


def sampled_checksum(array):
    """Return the checksum of a C-contiguous array, read in part if it is over 4 MiB.

    Of a larger array 64 pieces of 64 KiB are read, evenly spaced, with both ends: enough to find
    other data, not a single flipped bit.
    """
    content = array.reshape(-1).view(np.uint8)
    if content.size <= _SAMPLES * _SAMPLE_BYTES:
        return checksum_of(content)
    starts = np.linspace(0, content.size - _SAMPLE_BYTES, _SAMPLES).astype(np.int64)
    return checksum_of(*(content[start : start + _SAMPLE_BYTES] for start in starts))
