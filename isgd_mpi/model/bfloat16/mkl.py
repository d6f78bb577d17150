"""Multiply bfloat16 matrices by MKL, through its C interface: fast on processors with AMX, correct on all.

MKL is loaded beside the BLAS of NumPy and runs without threads of its own; neither knows of the other.
"""

import ctypes
import importlib.metadata
import os
import sys
from functools import cache
from pathlib import Path

import numpy as np

from isgd_mpi.kernels.bfloat16 import round_rows
from isgd_mpi.kernels.bfloat16_products import padded
from isgd_mpi.kernels.memory import aligned_zeros

_ROW_MAJOR, _AS_IS, _TRANSPOSED, _PACKED, _RIGHT_FACTOR = 101, 111, 112, 151, 162  # of mkl_cblas.h
_LP64, _SEQUENTIAL = 0, 1  # of mkl_service.h
_SIGNATURES = {
    "cblas_gemm_bf16bf16f32": "iiiiiifpipifpi",
    "cblas_gemm_bf16bf16f32_pack_get_size": "iiii",
    "cblas_gemm_bf16bf16f32_pack": "iiiiiipip",
    "cblas_gemm_bf16bf16f32_compute": "iiiiiifpipifpi",
}
_TYPES = {"i": ctypes.c_int, "p": ctypes.c_void_p, "f": ctypes.c_float}


def library_path():
    """Return the path of MKL's library in the package `mkl` of PyPI or of conda, or None."""
    try:
        files = importlib.metadata.files("mkl") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    found = [Path(file.locate()) for file in files if file.name.startswith("libmkl_rt.so")]
    found += sorted(Path(sys.prefix, "lib").glob("libmkl_rt.so*"))
    return next((path.resolve() for path in found if path.is_file()), None)


@cache
def load():
    """Load MKL.

    Returns
    -------
    ctypes.CDLL or None
        None if MKL is not installed, or is too old to have these functions.
    """
    path = library_path()
    if path is None:
        return None
    try:
        library = _loaded_by_others(path) or _sequential(ctypes.CDLL(path))
        for name, kinds in _SIGNATURES.items():
            getattr(library, name).argtypes = [_TYPES[kind] for kind in kinds]
        library.cblas_gemm_bf16bf16f32_pack_get_size.restype = ctypes.c_size_t
    except (OSError, AttributeError):
        return None
    return library


def _loaded_by_others(path):
    """Return the library if something else has loaded it, such as NumPy: then its threads are not ours to set."""
    try:
        return ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return None


def _sequential(library):
    """Set the interface and the threads of a library that was just loaded; return it."""
    library.MKL_Set_Interface_Layer(_LP64)
    library.MKL_Set_Threading_Layer(_SEQUENTIAL)
    return library


def version():
    """Return MKL's version as text."""
    numbers = (ctypes.c_int * 12)()  # MKLVersion: three integers, then strings
    load().MKL_Get_Version(numbers)
    return f"{numbers[0]}.{numbers[1]}.{numbers[2]}"


class MKLFactor:
    """A right factor of products, rounded, padded with zeros and packed.

    Parameters
    ----------
    n_rows : int
        Rows of the left factors.
    fan_in, fan_out : int
        Rows and columns of the right factor.
    """

    def __init__(self, n_rows, fan_in, fan_out):
        self.shape = (n_rows, padded(fan_out), padded(fan_in))
        n_bytes = load().cblas_gemm_bf16bf16f32_pack_get_size(_RIGHT_FACTOR, *self.shape)
        self.content = aligned_zeros((n_bytes,), np.uint8)

    def write(self, w, trans):
        """Round and pack a matrix, or its transpose."""
        rounded = aligned_zeros(tuple(map(padded, w.shape)), np.uint16)
        round_rows(w, rounded, np.empty(len(w)))
        load().cblas_gemm_bf16bf16f32_pack(
            *(_ROW_MAJOR, _RIGHT_FACTOR, trans, *self.shape),
            *(rounded.ctypes.data, rounded.shape[1], self.content.ctypes.data),
        )


class MKLProducts:
    """Products by MKL, with the interface of :class:`arithmetic.CompiledProducts`.

    Parameters
    ----------
    max_rows : int
        The most rows that any product of the model will have.
    """

    most_rows = 1024

    def __init__(self, max_rows):
        self.n_rows = min(self.most_rows, max_rows)

    def factor(self, fan_in, fan_out):
        """Return room for a packed right factor, (fan_in, fan_out)."""
        return MKLFactor(self.n_rows, fan_in, fan_out)

    def pack(self, w, factor):
        """Round a right factor, and write it to `factor` in the order in which it is read."""
        factor.write(w, _AS_IS)

    def pack_transposed(self, w, factor):
        """Round the transpose of a matrix, and write it to `factor` as a right factor."""
        factor.write(w, _TRANSPOSED)

    def multiply(self, h, factor, out, n_rows):
        """Multiply all rows of a left factor, of which the first ones count: factors are packed for that many."""
        load().cblas_gemm_bf16bf16f32_compute(
            *(_ROW_MAJOR, _AS_IS, _PACKED, *factor.shape, 1.0, h.ctypes.data, h.shape[1]),
            *(factor.content.ctypes.data, factor.shape[1], 0.0, out.ctypes.data, out.shape[1]),
        )


class Product:
    """A product of bfloat16 matrices with float32 sums, of which arrays and sizes are fixed; call it to multiply.

    Nothing is packed ahead, as it is for :class:`MKLProducts`: for factors that change each time.

    Parameters
    ----------
    left : (n, k) ndarray of uint16
        Any part of a C-contiguous matrix, or the transpose of one.
    right : (k, m) ndarray of uint16
        Likewise.
    out : (n, m) ndarray of float32
        Overwritten: a part of a C-contiguous matrix.
    """

    def __init__(self, left, right, out):
        self._arrays = left, right, out  # MKL has their addresses only
        (n, k), m = left.shape, right.shape[1]
        (left_as, *left), (right_as, *right), (_, *out) = map(_operand, self._arrays)
        self._arguments = _ROW_MAJOR, left_as, right_as, n, m, k, 1.0, *left, *right, 0.0, *out

    def __call__(self):
        """Multiply."""
        if self._arrays[-1].size:
            load().cblas_gemm_bf16bf16f32(*self._arguments)


def _operand(matrix):
    """Return MKL's code of a matrix's order, its address, and the numbers from one row in memory to the next."""
    is_transposed = matrix.strides[0] < matrix.strides[1]
    return _TRANSPOSED if is_transposed else _AS_IS, matrix.ctypes.data, max(matrix.strides) // matrix.itemsize
