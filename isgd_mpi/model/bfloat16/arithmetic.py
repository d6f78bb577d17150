"""Choose the arithmetic: bfloat16 where the processor is much faster at it than at float32, else float32."""

import numba
import numpy as np

from isgd_mpi.kernels.bfloat16_products import TILE_ROWS, multiply, pack, pack_transposed, padded
from isgd_mpi.kernels.memory import aligned_zeros
from isgd_mpi.kernels.processor import this_processor
from isgd_mpi.model.bfloat16 import mkl
from isgd_mpi.settings.precisions import AMX, AVX512, FLOAT32, TRAINS_FROM

NEEDED = "an AMD processor with avx512_bf16, or one with amx_bf16 and MKL (pip install isgd_mpi[mkl])"
"""Processors on which bfloat16 is faster than float32. Intel's avx512_bf16 alone, without AMX, is not."""


WITHOUT_MKL = (
    "this processor's AMX multiplies bfloat16 several times as fast as float32, but MKL is missing: with "
    f'pip install "isgd_mpi[mkl]" scorers use it, and trainers from {TRAINS_FROM[AMX]} examples a minibatch on'
)
"""What :func:`lacks_mkl` means, for the user."""


class CompiledProducts:
    """Products by :func:`isgd_mpi.kernels.bfloat16_products.multiply`.

    Parameters
    ----------
    max_rows : int
        The most rows that any product of the model will have.

    Attributes
    ----------
    most_rows : int
        The most rows of one call; more are cut into several calls.
    n_rows : int
        Rows of one call: left factors and products have room for this many.
    """

    most_rows = 384  # a multiple of TILE_ROWS; with all activations of some layers they stay in the caches

    def __init__(self, max_rows):
        self.n_rows = min(self.most_rows, padded(max_rows, TILE_ROWS))

    def factor(self, fan_in, fan_out):
        """Return room for a packed right factor, (fan_in, fan_out)."""
        return aligned_zeros((padded(fan_in) * padded(fan_out) // 2,), np.uint32)

    def pack(self, w, factor):
        """Round a right factor, and write it to `factor` in the order in which it is read."""
        pack(w, factor)

    def pack_transposed(self, w, factor):
        """Round the transpose of a matrix, and write it to `factor` as a right factor."""
        pack_transposed(w, factor)

    def multiply(self, h, factor, out, n_rows):
        """Multiply the first rows of a left factor.

        Parameters
        ----------
        h : (self.n_rows, padded(fan_in)) ndarray of uint16
            Left factor, bfloat16, C-contiguous.
        factor : ndarray
            Packed right factor.
        out : (self.n_rows, padded(fan_out)) ndarray of float32
            The first `n_rows` rows of the product, overwritten; other rows are undefined.
        n_rows : int
        """
        rows = slice(padded(n_rows, TILE_ROWS))
        multiply(h[rows], factor, out[rows])


ARITHMETIC = {FLOAT32: None, AVX512: CompiledProducts, AMX: mkl.MKLProducts}
"""Names of arithmetics, and the class that multiplies the scorers' matrices in each: None is NumPy."""


def fastest_arithmetic(processor=None):
    """Return the name of the arithmetic that large products are computed in fastest on a processor.

    Parameters
    ----------
    processor : Processor, optional
        The processor of this machine if not given.

    Notes
    -----
    The instruction sets decide, not a stopwatch: on a busy node, ranks would measure different things.
    """
    _, vendor, flags = processor or this_processor()
    if "amx_bf16" in flags and mkl.load():
        return AMX
    if "avx512_bf16" in flags and vendor == "AuthenticAMD" and not numba.config.DISABLE_JIT:
        return AVX512
    return FLOAT32


def lacks_mkl(processor=None):
    """Return whether this processor would multiply faster if MKL were installed.

    Parameters
    ----------
    processor : Processor, optional
        The processor of this machine if not given.
    """
    return "amx_bf16" in (processor or this_processor()).flags and not mkl.load()
