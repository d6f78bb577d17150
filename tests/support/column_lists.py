"""Make inputs for the kernels of few rows."""

import numpy as np

from isgd_mpi.kernels.few_rows import active_in_columns

PRECISIONS = [(np.float32, 2e-5), (np.float64, 1e-12)]


def matrices(rng, dtype, *shapes):
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def with_zeros(rng, h):
    h[rng.random(h.shape) < 0.5] = 0
    h[:, : h.shape[1] // 3] = 1.5  # whole blocks of four that are active everywhere
    return h


def column_lists(h, variant=lambda kernel: kernel):
    shape = (h.shape[1], h.shape[0])
    lists = np.full(shape, -7, h.dtype), np.full(shape, -7, np.int32), np.full(shape[0], -7, np.int32)
    variant(active_in_columns)(h, *lists)
    return lists
