"""Read npz files that may be hostile: nothing is unpickled, or allocated that the file cannot hold."""

import math
import zipfile
from contextlib import contextmanager

from numpy.lib import format as npy

from isgd_mpi.data.examples import FormatError, check_fits, refusing_damage
from isgd_mpi.data.safe_files import open_regular

MOST_INFLATION = 1032
"""The most that deflate makes of a byte."""

_HEADER_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_arrays(path, names):
    """Read arrays of an npz file.

    Parameters
    ----------
    path : str or Path
        Arrays of Python objects are refused: they would be unpickled.
    names : sequence of str

    Returns
    -------
    dict of str to ndarray
        Only names that the file has.

    Raises
    ------
    FormatError
        The file cannot be read, is damaged or not an npz file.
    """
    with open_npz(path) as archive:
        return {name: archive[name] for name in names if name in archive.names}


@contextmanager
def open_npz(path, compressed=True):
    """Open an npz file, as an `Npz`; every fault in the block becomes a FormatError.

    Parameters
    ----------
    path : str or Path
    compressed : bool
        Whether arrays may be compressed. If not, all of them together are no larger than the file.
    """
    with refusing_damage(path), open_regular(path) as file:
        if not zipfile.is_zipfile(file):
            raise FormatError(path, "is not an npz file, or truncated")
        yield Npz(file, compressed)


class Npz:
    """The arrays of an open npz file, by name.

    Attributes
    ----------
    names : list of str
    """

    def __init__(self, file, compressed):
        self._archive = zipfile.ZipFile(file)
        self._n_bytes = file.seek(0, 2)
        self._n_read = 0  # bytes of all arrays so far
        infos = self._archive.infolist()
        if not compressed and any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            raise ValueError("it is compressed")
        if not compressed and sum(info.file_size for info in infos) > self._n_bytes:
            raise ValueError("its parts overlap")
        self._infos = {info.filename.removesuffix(".npy"): info for info in infos}
        self.names = list(self._infos)

    def __getitem__(self, name):
        info = self._infos[name]
        self._check_size(name, info)
        with self._archive.open(info) as file:
            return npy.read_array(file, allow_pickle=False)

    def _check_size(self, name, info):
        """Raise ValueError unless the file can hold an array of the announced size, InputError unless memory can."""
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name} is compressed in a strange way")
        inflation = MOST_INFLATION if info.compress_type == zipfile.ZIP_DEFLATED else 1
        with self._archive.open(info) as file:
            if file.peek(6)[:6] != npy.MAGIC_PREFIX:
                raise ValueError(f"{name} is no array")
            shape, _, dtype = _HEADER_READERS[npy.read_magic(file)](file)
        if dtype.hasobject:
            way_out = f"save {name}.astype(float), or {name}.astype(str) if it is text"
            raise FormatError(self._archive.filename, f"{name} holds Python objects, which are not read: {way_out}")
        n_bytes = math.prod(shape) * dtype.itemsize
        if n_bytes > min(info.file_size, inflation * min(info.compress_size, self._n_bytes)):
            raise ValueError(f"{name} announces more than the file can hold")
        self._n_read += n_bytes
        check_fits(self._archive.filename, self._n_read)
