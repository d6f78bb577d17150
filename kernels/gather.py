"""Take minibatches out of a data set: gather the examples, standardise their features.

Indices: `b` row of the batch, `n` example, `i` feature.
"""

import numpy as np

from isgd_mpi.kernels._jit import inlined, jit
from isgd_mpi.kernels._vectors import prefetch, width_of

_AHEAD = 4  # rows that are fetched before they are needed: they lie anywhere in a set that no cache holds


@jit
def gather_standardized(images, indices, mean, inverse_std, out):
    """Gather examples and standardise their features into `out`.

    Parameters
    ----------
    images : (N, n_features) ndarray of uint8 or float32
        All examples, C-contiguous.
    indices : (B,) ndarray of int64
        Examples, in their order in the batch; repeats are allowed.
    mean, inverse_std : (n_features,) ndarray of float32
        Per feature: mean and one over the standard deviation.
    out : (B, n_features) ndarray of float32 or float64
        ``(images[indices] - mean) * inverse_std``, updated in place.

    Raises
    ------
    IndexError
        An index is outside 0..N-1; rows before it are already written.
    """
    for b in range(min(_AHEAD, indices.shape[0])):
        _prefetch(images, indices[b])
    for b in range(indices.shape[0]):
        n = indices[b]
        if n < 0 or n >= images.shape[0]:
            raise IndexError("example index outside the data set")
        if b + _AHEAD < indices.shape[0]:
            _prefetch(images, indices[b + _AHEAD])
        for i in range(images.shape[1]):
            out[b, i] = (out.dtype.type(images[n, i]) - mean[i]) * inverse_std[i]


@inlined
def _prefetch(images, n):
    """Prefetch a row."""
    for i in range(0, images.shape[1], width_of(images)):
        prefetch(images, n * images.shape[1] + i)


@jit
def standardize(images, mean, inverse_std, out):
    """Standardise the features of consecutive examples into `out`.

    Parameters
    ----------
    images : (B, n_features) ndarray of uint8 or float32
        Examples, C-contiguous.
    mean, inverse_std : (n_features,) ndarray of float32
        Per feature: mean and one over the standard deviation.
    out : (B, n_features) ndarray of float32 or float64
        ``(images - mean) * inverse_std``, updated in place.
    """
    for b in range(images.shape[0]):
        for i in range(images.shape[1]):
            out[b, i] = (out.dtype.type(images[b, i]) - mean[i]) * inverse_std[i]


@jit
def add_moments(images, shift, sums, squared_sums):
    """Add examples to the running first and second moments of each feature.

    Parameters
    ----------
    images : (B, n_features) ndarray of uint8 or float32
        Examples, C-contiguous.
    shift : (n_features,) ndarray of float64
        A value near each feature's mean, the same in every call: the variance does not cancel, and that of a
        constant feature is exactly 0 if the shift is that constant.
    sums, squared_sums : (n_features,) ndarray of float64
        Sums of ``x - shift`` and of its square, updated in place.
    """
    for b in range(images.shape[0]):
        for i in range(images.shape[1]):
            difference = np.float64(images[b, i]) - shift[i]
            sums[i] += difference
            squared_sums[i] += difference * difference
