"""Allocate arrays that begin where a cache line does."""

import numpy as np

LINE_BYTES = 64
"""Bytes of a cache line."""


def aligned_zeros(shape, dtype):
    """Return an array of zeros that begins at a cache line.

    Loads of vectors then touch no more lines than they must, and the bits of a product do not depend on where an array
    happens to lie.

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
    space = np.zeros(n_bytes + LINE_BYTES, np.uint8)
    start = -space.ctypes.data % LINE_BYTES
    return space[start : start + n_bytes].view(dtype).reshape(shape)
