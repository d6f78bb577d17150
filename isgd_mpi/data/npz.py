"""Open npz files without believing them: nothing is unpickled, or allocated that the file cannot hold."""

import math
import zipfile

from numpy.lib import format as npy

_MOST_INFLATION = 1032  # of deflate
_HEADER_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


class Npz:
    """The arrays of an npz file, by name.

    Parameters
    ----------
    file : binary file
        Open for reading.

    Attributes
    ----------
    files : list of str
        Their names.

    Raises
    ------
    zipfile.BadZipFile
        It is none, or damaged; damaged ones raise other exceptions as well, here and when arrays are read.
    """

    def __init__(self, file):
        self._archive = zipfile.ZipFile(file)
        self._infos = {info.filename.removesuffix(".npy"): info for info in self._archive.infolist()}
        self.files = list(self._infos)

    def __getitem__(self, name):
        """Read an array.

        Raises
        ------
        KeyError
            There is none of this name.
        ValueError
            It is no array of plain numbers or text, or announces more than there is.
        """
        info = self._infos[name]
        self._check_size(name, info)
        with self._archive.open(info) as file:
            return npy.read_array(file, allow_pickle=False)

    def _check_size(self, name, info):
        """Raise ValueError unless the file can hold what is announced."""
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name} is compressed in a strange way")
        inflation = _MOST_INFLATION if info.compress_type == zipfile.ZIP_DEFLATED else 1
        with self._archive.open(info) as file:
            if file.peek(6)[:6] != npy.MAGIC_PREFIX:
                raise ValueError(f"{name} is no array")
            shape, _, dtype = _HEADER_READERS[npy.read_magic(file)](file)
        if dtype.hasobject:
            raise ValueError(f"{name}: Object arrays cannot be loaded when allow_pickle=False")
        if math.prod(shape) * dtype.itemsize > min(info.file_size, inflation * info.compress_size):
            raise ValueError(f"{name} announces more than the file can hold")
