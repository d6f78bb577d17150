"""Read npy files that may be hostile: nothing is unpickled, or believed that the file cannot hold."""

import math
import os
import warnings

from numpy.lib import format as npy

from isgd_mpi.data.examples import FormatError, refusing_damage
from isgd_mpi.data.rows import rows_of_file
from isgd_mpi.data.safe_files import open_regular

_HEADER_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npy(path):
    """Return the array in an npy file, row by row.

    Parameters
    ----------
    path : Path

    Returns
    -------
    rows.Rows

    Raises
    ------
    FormatError
        The file is damaged or no npy file, holds Python objects or a single value, or its header announces more or less
        than there is.
    """
    with refusing_damage(path), open_regular(path) as file:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            shape, fortran_order, dtype = _HEADER_READERS[npy.read_magic(file)](file)
        _check(path, shape, dtype, os.fstat(file.fileno()).st_size - file.tell())
        return rows_of_file(file, path, shape, dtype, file.tell(), fortran_order)


def _check(path, shape, dtype, n_there):
    """Refuse an array whose numbers are not the bytes that follow its header."""
    if dtype.hasobject:
        raise FormatError(path, "holds Python objects, which are not unpickled: save numbers, or text of fixed width")
    if not shape:
        raise FormatError(path, "holds a single value, not an array")
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes != n_there:
        raise FormatError(path, f"announces {n_bytes} bytes of {dtype}, shape {shape}, and has {n_there}")
