"""Make a synthetic data set with SVHN's shape and any size: many examples easy, few of them hard.

Example `n` is a function of `n` alone, so each rank can make its own part. An example blends the
smooth prototype of its class with that of another class and with a background, and adds noise.
In an easy one (90 %) its own class prevails; a hard one is nearly half and half, and where the
shares are closest the classes overlap: no model errs less than on about 2.7 % of unseen examples.
"""

import functools

import numpy as np

from isgd_mpi.kernels.synthetic import fill_examples, mix32
from isgd_mpi.settings.errors import InputError

N_CLASSES = 10
DEFAULT_SIZE = 100_000  # training examples: 307 MB
LARGEST_SIZE = 100_000_000  # training examples: 307 GB

_SIDE, _CHANNELS = 32, 3
SHAPE = (_CHANNELS, _SIDE, _SIDE)
"""Shape of an example, before it is flattened to features."""

_N_FEATURES = _CHANNELS * _SIDE * _SIDE  # order: channel, row, column

_CELL = 8  # pixels between the random corners that a prototype interpolates
_N_BACKGROUNDS = 100
_SEED = 0x1D5C0


def split_sizes(synthetic_size):
    """Return the number of examples of each split.

    Parameters
    ----------
    synthetic_size : int
        Training examples.

    Returns
    -------
    dict of str to int
        "train", "valid" and "test", in the order of their examples' numbers;
        the last two have a twentieth of the first, and at least one example.

    Raises
    ------
    InputError
        The size is not a positive number, or beyond `LARGEST_SIZE`.
    """
    if not 1 <= synthetic_size <= LARGEST_SIZE:
        raise InputError(f"synthetic_size {synthetic_size}: choose 1 to {LARGEST_SIZE} training examples")
    held_out = max(1, synthetic_size // 20)
    return {"train": int(synthetic_size), "valid": held_out, "test": held_out}


@functools.cache
def smooth_images(first, stop):
    """Make smooth images, the prototypes of classes and the backgrounds of examples.

    Parameters
    ----------
    first, stop : int
        Numbers of the first image and of the one after the last.

    Returns
    -------
    (stop - first, _N_FEATURES) ndarray of int32
        -128 to 127: random corners `_CELL` pixels apart, bilinear between
        them, in integers so that no machine rounds differently; read-only.
    """
    n_corners = _SIDE // _CELL + 1
    a_set = _CHANNELS * n_corners**2
    corners = np.array([mix32(_SEED + k) >> 24 for k in range(first * a_set, stop * a_set)]) - 128
    corners = corners.reshape(stop - first, _CHANNELS, n_corners, n_corners)
    weights = _corner_weights(n_corners)
    smooth = np.einsum("yj,ncjl,xl->ncyx", weights, corners, weights) // _CELL**2
    images = smooth.astype(np.int32).reshape(stop - first, _N_FEATURES)
    images.flags.writeable = False
    return images


def _corner_weights(n_corners):
    weights = np.zeros((_SIDE, n_corners), dtype=np.int32)
    for y in range(_SIDE):
        cell, offset = divmod(y, _CELL)
        weights[y, cell : cell + 2] = _CELL - offset, offset
    return weights


def examples_at(indices):
    """Make the examples of the given numbers.

    Parameters
    ----------
    indices : (B,) array_like of int
        Numbers of the examples.

    Returns
    -------
    images : (B, _N_FEATURES) ndarray of uint8
        Pixels, each image in the order channel, row, column.
    labels : (B,) ndarray of int32
        Classes, 0 to 9.
    """
    indices = np.asarray(indices, dtype=np.int64)
    images = np.empty((len(indices), _N_FEATURES), dtype=np.uint8)
    labels = np.empty(len(indices), dtype=np.int32)
    prototypes = smooth_images(0, N_CLASSES)
    backgrounds = smooth_images(N_CLASSES, N_CLASSES + _N_BACKGROUNDS)
    fill_examples(indices, prototypes, backgrounds, images, labels)
    return images, labels
