"""What the scorers multiply with: bfloat16 where the processor is much faster at it than at float32, else float32."""

import numba
import numpy as np

from isgd_mpi.kernels.bfloat16_products import multiply, pack, pack_transposed, padded
from isgd_mpi.kernels.memory import aligned_zeros
from isgd_mpi.kernels.processor import this_processor
from isgd_mpi.model.bfloat16 import mkl

_TILE_ROWS = 6

NEEDED = "an AMD processor with avx512_bf16, or one with amx_bf16 and MKL (pip install isgd_mpi[mkl])"
"""What bfloat16 is worth while on. Without AMX, Intel's avx512_bf16 is no faster than float32."""


class CompiledProducts:
    """Products by :func:`isgd_mpi.kernels.bfloat16_products.multiply`.

    Parameters
    ----------
    max_rows : int
        The most rows that there will ever be to multiply.

    Attributes
    ----------
    most_rows : int
        That are multiplied at a time.
    n_rows : int
        Rows of the left factors and of the products: work is done on so many at a time.
    """

    most_rows = 384  # a multiple of the six of a tile; with all activations of some layers they stay in the caches

    def __init__(self, max_rows):
        self.n_rows = min(self.most_rows, _in_tiles(max_rows))

    def factor(self, fan_in, fan_out):
        """Return space for a right factor."""
        return aligned_zeros((padded(fan_in) * padded(fan_out) // 2,), np.uint32)

    def pack(self, w, factor):
        """Round a right factor and pack it."""
        pack(w, factor)

    def pack_transposed(self, w, factor):
        """Round the transpose of a matrix and pack it as a right factor."""
        pack_transposed(w, factor)

    def multiply(self, h, factor, out, n_rows):
        """Write the products of the first rows.

        Parameters
        ----------
        h : (n_rows of the class, padded(fan_in)) ndarray of uint16
            Left factor, bfloat16, C-contiguous.
        factor
            Right factor, packed.
        out : (n_rows of the class, padded(fan_out)) ndarray of float32
            Overwritten; rows behind the first ones are undefined.
        n_rows : int
            Rows wanted.
        """
        rows = slice(_in_tiles(n_rows))
        multiply(h[rows], factor, out[rows])


def _in_tiles(n_rows):
    return -(-n_rows // _TILE_ROWS) * _TILE_ROWS


ARITHMETIC = {"float32": None, "bfloat16 (AVX-512)": CompiledProducts, "bfloat16 (MKL, AMX)": mkl.MKLProducts}
"""The arithmetics that there are, and what multiplies in each: None is NumPy."""


def fastest_arithmetic(processor=None):
    """Return the name of the arithmetic that scores are computed in fastest on a processor.

    Parameters
    ----------
    processor : Processor, optional
        That of this machine if not given.

    Notes
    -----
    Decided by what the processor has and not by a stopwatch: on a busy node ranks would decide differently.
    """
    _, vendor, flags = processor or this_processor()
    if "amx_bf16" in flags and mkl.load():
        return "bfloat16 (MKL, AMX)"
    if "avx512_bf16" in flags and vendor == "AuthenticAMD" and not numba.config.DISABLE_JIT:
        return "bfloat16 (AVX-512)"
    return "float32"
