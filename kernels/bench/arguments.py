"""What the bench's registry calls kernels with: random arrays of the sizes that training has."""

import numpy as np

from isgd_mpi.kernels import few_rows
from isgd_mpi.kernels.bench import twins

_N_IMAGES = 60_000
_N_VARIANTS = 64  # index and point sets used in turn, so that no branch or line is remembered


def normal(rng, *shape):
    """Return arguments of the kernel of that name, or a part of them."""
    return rng.standard_normal(shape, dtype=np.float32)


def bytes_of(*arrays):
    """Return arguments of the kernel of that name, or a part of them."""
    return sum(array.nbytes for array in arrays)


def random_images(rng, n_images, n_features):
    """Return images, their mean and one over their standard deviation."""
    images = np.frombuffer(rng.bytes(n_images * n_features), np.uint8).reshape(n_images, n_features)
    return images, np.full(n_features, 127.5, np.float32), np.full(n_features, 1 / 74, np.float32)


def gathered(rng, n_rows, n_features):
    """Return arguments of the kernel of that name, or a part of them."""
    images, *moments = random_images(rng, _N_IMAGES, n_features)
    out = np.empty((n_rows, n_features), np.float32)
    batches = rng.permutation(_N_IMAGES)[: _N_IMAGES // n_rows * n_rows].reshape(-1, n_rows)
    return [(images, indices, *moments, out) for indices in batches]


def standardized(rng, n_rows, n_features):
    """Return arguments of the kernel of that name, or a part of them."""
    images, *moments = random_images(rng, _N_IMAGES, n_features)
    out = np.empty((n_rows, n_features), np.float32)
    return [(images[start : start + n_rows], *moments, out) for start in range(0, _N_IMAGES - n_rows + 1, n_rows)]


def logits(rng, n, classes):
    """Return arguments of the kernel of that name, or a part of them."""
    labels, predictions = rng.integers(0, classes, (2, n), dtype=np.int32)
    return normal(rng, n, classes), labels, np.empty(n, np.float32), predictions, np.empty(n)


def searched(rng, n_points, n):
    """Return arguments of the kernel of that name, or a part of them."""
    cumulative, out = np.cumsum(rng.exponential(size=n)), np.empty(n_points, np.int64)
    return [(cumulative, 0.1, rng.random(n_points), out) for _ in range(_N_VARIANTS)]


def systematic(rng, n_points, n):
    """Return arguments of the kernel of that name, or a part of them."""
    cumulative, out = np.cumsum(rng.exponential(size=n)), np.empty(n_points, np.int64)
    return [(cumulative, 0.1, offset, out) for offset in rng.random(_N_VARIANTS)]


def synthetic_examples(rng, n):
    """Return arguments of the kernel of that name, or a part of them."""
    prototypes, backgrounds = (rng.integers(-128, 128, (k, 3072), dtype=np.int32) for k in (10, 100))
    return np.arange(n), prototypes, backgrounds, np.empty((n, 3072), np.uint8), np.empty(n, np.int32)


def lstm_gates(rng, n, units):
    """Return arguments of the kernel of that name, or a part of them."""
    gates, cell = np.tanh(normal(rng, n, 4 * units)), normal(rng, n, units)
    return gates, cell, rng.random(n) < 0.9, np.empty_like(cell)


def lstm_backward(rng, n, units):
    """Return arguments of the kernel of that name, or a part of them."""
    gates = rng.random((n, 4 * units), np.float32)
    return gates, *normal(rng, 4, n, units), np.empty_like(gates)


def histories(rng, n, n_examples):
    """Return arguments of the kernel of that name, or a part of them."""
    return normal(rng, n_examples, 10), np.ones(n_examples, np.int8), rng.integers(n_examples, size=n), normal(rng, n)


def transposed(rng, n, fan):
    """Return arguments of the kernel of that name, or a part of them."""
    activation = np.maximum(normal(rng, n, fan), 0)
    return normal(rng, fan, n), activation, np.empty_like(activation), np.empty(n)


def factor(rng, fan_in, fan_out):
    """Return arguments of the kernel of that name, or a part of them."""
    return normal(rng, fan_in, fan_out), np.empty(fan_in * fan_out // 2, np.uint32)


def rounded_product(rng, n, fan_in, fan_out):
    """Return arguments of the kernel of that name, or a part of them."""
    w, pairs = factor(rng, fan_in, fan_out)
    twins.pack(w / np.float32(np.sqrt(fan_in)), pairs)
    return twins.bfloat16(normal(rng, n, fan_in)), pairs, np.empty((n, fan_out), np.float32)


def activations(rng, n, width):
    """Return what a ReLU leaves."""
    return np.maximum(rng.standard_normal((n, width), dtype=np.float32), 0)


def rows(rng, n, fan_in):
    """Return empty lists of what is active in rows."""
    n_blocks = -(-fan_in // few_rows.DEPTH)
    shape = (n, n_blocks * few_rows.DEPTH)
    return np.zeros(shape, np.float32), np.zeros(shape, np.int32), np.zeros((n, n_blocks), np.int32)


def columns(rng, n, fan_in):
    """Return empty lists of what is active in columns."""
    return np.zeros((fan_in, n), np.float32), np.zeros((fan_in, n), np.int32), np.zeros(fan_in, np.int32)


def active_product(rng, n, fan_in, fan_out):
    """Return what :func:`few_rows.add_active_product` takes."""
    lists = rows(rng, n, fan_in)
    few_rows.active_in_rows(activations(rng, n, fan_in), *lists)
    return *lists, *matrices(rng, (fan_in, fan_out), (n, fan_out)), 0, fan_out


def descent(rng, n, fan_in, fan_out):
    """Return what :func:`few_rows.descend_along_product` takes, without momentum."""
    lists = columns(rng, n, fan_in)
    few_rows.active_in_columns(activations(rng, n, fan_in), *lists)
    return *lists, *matrices(rng, (n, fan_out), (fan_in, fan_out)), None, 1e-3, 0.0, 0.0, 0, fan_out


def backward(rng, n, fan_in, fan_out):
    """Return what :func:`few_rows_backward.add_active_dots` takes."""
    lists = columns(rng, n, fan_in)
    few_rows.active_in_columns(activations(rng, n, fan_in), *lists)
    return *lists[1:], *matrices(rng, (n, fan_out), (fan_in, fan_out), (fan_in, n)), 0, fan_in


def matrices(rng, *shapes):
    """Return matrices that begin at a cache line."""
    for shape in shapes:
        raw = np.empty(shape[0] * shape[1] + 16, np.float32)
        start = -raw.ctypes.data % 64 // 4
        matrix = raw[start : start + shape[0] * shape[1]].reshape(shape)
        matrix[:] = 0.03 * rng.standard_normal(shape, dtype=np.float32)  # sums of thousands of products stay small
        yield matrix
