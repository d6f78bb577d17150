"""Arrays that begin where a cache line does."""

import numpy as np

_LINE_BYTES = 64


def aligned_zeros(shape, dtype):
    """Return an array of zeros: rows of vectors then cross no line, and a product's bits do not depend on the address.

    Parameters
    ----------
    shape : tuple of int
    dtype : numpy dtype

    Returns
    -------
    ndarray
        C-contiguous.
    """
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    space = np.zeros(n_bytes + _LINE_BYTES, np.uint8)
    start = -space.ctypes.data % _LINE_BYTES
    return space[start : start + n_bytes].view(dtype).reshape(shape)
