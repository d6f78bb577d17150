"""Arguments of the kernels of streams, for the bench."""

import numpy as np

from kernels import streams


def activations(rng, n, width):
    """Return what a ReLU leaves."""
    return np.maximum(rng.standard_normal((n, width), dtype=np.float32), 0)


def rows(rng, n, fan_in):
    """Return empty lists of what is active in rows."""
    n_blocks = -(-fan_in // streams.DEPTH)
    shape = (n, n_blocks * streams.DEPTH)
    return np.zeros(shape, np.float32), np.zeros(shape, np.int32), np.zeros((n, n_blocks), np.int32)


def columns(rng, n, fan_in):
    """Return empty lists of what is active in columns."""
    return np.zeros((fan_in, n), np.float32), np.zeros((fan_in, n), np.int32), np.zeros(fan_in, np.int32)


def active_product(rng, n, fan_in, fan_out):
    """Return what :func:`streams.add_active_product` takes."""
    lists = rows(rng, n, fan_in)
    streams.active_in_rows(activations(rng, n, fan_in), *lists)
    return *lists, *matrices(rng, (fan_in, fan_out), (n, fan_out)), 0, fan_out


def descent(rng, n, fan_in, fan_out):
    """Return what :func:`streams.descend_along_product` takes, without momentum."""
    lists = columns(rng, n, fan_in)
    streams.active_in_columns(activations(rng, n, fan_in), *lists)
    return *lists, *matrices(rng, (n, fan_out), (fan_in, fan_out)), None, 1e-3, 0.0, 0.0, 0, fan_out


def matrices(rng, *shapes):
    """Return matrices that begin at a cache line."""
    for shape in shapes:
        raw = np.empty(shape[0] * shape[1] + 16, np.float32)
        start = -raw.ctypes.data % 64 // 4
        matrix = raw[start : start + shape[0] * shape[1]].reshape(shape)
        matrix[:] = 0.03 * rng.standard_normal(shape, dtype=np.float32)  # sums of thousands of products stay small
        yield matrix
