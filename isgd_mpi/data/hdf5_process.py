"""The program that reads an HDF5 file for :mod:`isgd_mpi.data.hdf5`: with limits, and from this file alone.

``python -m isgd_mpi.data.hdf5_process FILE [NAME ...]`` prints one line of JSON: the names in the file, or for each
array its shape, dtype and place in the file whose descriptor ``ISGD_MPI_SCRATCH`` tells.
"""

import json
import math
import os
import resource
import sys
from pathlib import Path

import numpy as np

from isgd_mpi.data.examples import FormatError, refusing_damage
from isgd_mpi.data.npz import MOST_INFLATION
from isgd_mpi.data.safe_files import open_regular
from isgd_mpi.settings.errors import InputError

_MOST_BYTES = 2**30  # of memory, beside what the libraries need
_MOST_CHUNK_BYTES = 2**28
_BLOCK_BYTES = 2**24
_SECONDS, _BYTES_PER_SECOND = 60, 2**21  # of processor time, before a file counts as one that never ends
_DEFLATE, _SHUFFLE, _FLETCHER32, _SZIP, _NBIT, _SCALE_OFFSET, _LZF = 1, 2, 3, 4, 5, 6, 32000
_COMPRESSING = {_DEFLATE, _SZIP, _NBIT, _SCALE_OFFSET, _LZF}
_FILTERS = {_SHUFFLE, _FLETCHER32, *_COMPRESSING}  # come with the library: others are plugins


def _limit_resources():
    """Keep this process from taking more memory than it needs for a file that does no harm, and from leaving a core."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") + _MOST_BYTES
    for kind, most in ((resource.RLIMIT_AS, size), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_CPU, _SECONDS)):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _allow_seconds(n_bytes):
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS + n_bytes // _BYTES_PER_SECOND, hard))


class _Reader:
    """The arrays of an open HDF5 file."""

    def __init__(self, h5py, file, path):
        self._h5py, self._path = h5py, path
        self._parent = os.getppid()
        self._n_bytes = os.fstat(file.fileno()).st_size
        # a file of Python's: the library itself opens none
        self._root = h5py.File(file, "r", rdcc_nbytes=_MOST_CHUNK_BYTES, rdcc_nslots=10_007)
        self.names = list(self._root)

    def dataset(self, name):
        """Return an array, which is nowhere but in this file."""
        if name not in self.names:
            raise FormatError(self._path, f"has no {name}, only {', '.join(self.names) or 'nothing'}")
        if self._root.id.links.get_info(name.encode()).type != self._h5py.h5l.TYPE_HARD:
            raise self._refusal(name, "is a link, which is not followed: copy the array into the file")
        found = self._root[name]
        if not isinstance(found, self._h5py.Dataset) or not found.shape:
            raise self._refusal(name, "is not an array")
        plan = found.id.get_create_plist()
        if plan.get_layout() == self._h5py.h5d.VIRTUAL or plan.get_external_count():
            raise self._refusal(name, "lies in other files, which are not opened: copy it into this one")
        self._check_size(name, found, [plan.get_filter(k)[0] for k in range(plan.get_nfilters())])
        return found

    def _check_size(self, name, found, filters):
        if strange := set(filters) - _FILTERS:
            raise self._refusal(name, f"is compressed by a plugin (filter {min(strange)}): save it with gzip")
        if len(set(filters)) < len(filters):
            raise self._refusal(name, "is compressed twice: save it with gzip alone")
        item_bytes = found.dtype.itemsize
        inflation = MOST_INFLATION if _COMPRESSING.intersection(filters) else 1
        if item_bytes * math.prod(found.shape) > inflation * min(found.id.get_storage_size(), self._n_bytes):
            raise self._refusal(name, "announces more than the file can hold")
        if found.chunks and item_bytes * math.prod(found.chunks) > _MOST_CHUNK_BYTES:
            raise self._refusal(name, f"has chunks above {_MOST_CHUNK_BYTES >> 20} MiB: save it in smaller ones")

    def _refusal(self, name, problem):
        return FormatError(self._path, f"{name} {problem}")

    def copy(self, name, out):
        """Write an array to a file, and return its shape, dtype and place there."""
        found, place = self.dataset(name), out.tell()
        _allow_seconds(place + found.dtype.itemsize * math.prod(found.shape))
        if found.dtype.kind in "OS":
            array = self._text(name, found)
            out.write(array.tobytes())
            return array.shape, array.dtype.str, place
        if found.dtype.kind not in "biuf":
            raise self._refusal(name, f"holds {found.dtype}, neither numbers nor text")
        rows = max(1, _BLOCK_BYTES // max(1, found.dtype.itemsize * math.prod(found.shape[1:])))
        for start in range(0, len(found), rows):
            if os.getppid() != self._parent:
                sys.exit("whoever asked is gone")
            out.write(np.ascontiguousarray(found[start : start + rows]))
        return found.shape, found.dtype.str, place

    def _text(self, name, found):
        if self._h5py.check_string_dtype(found.dtype) is None:
            raise self._refusal(name, "holds Python objects or references, neither numbers nor text")
        return np.array(found.asstr()[()].tolist(), np.str_)


def _answer(path, names):
    """Return the answer for a file."""
    try:
        import h5py
    except ImportError as error:
        return {"missing": str(error)}
    _limit_resources()
    try:
        with refusing_damage(path), open_regular(path) as file:
            reader = _Reader(h5py, file, path)
            if not names:
                return {"found": reader.names}
            with open(int(os.environ["ISGD_MPI_SCRATCH"]), "wb", closefd=False) as out:
                return {"found": {name: reader.copy(name, out) for name in names}}
    except FormatError as error:
        return {"problem": str(error).partition(": ")[2]}
    except InputError as error:
        return {"refused": str(error).partition(": ")[2] or str(error)}


if __name__ == "__main__":
    print(json.dumps(_answer(sys.argv[1], sys.argv[2:])))
    sys.stdout.flush()
    os._exit(0)  # the library's own end, after a damaged file, may crash
