"""Read the files that data sets come in: IDX, CIFAR-10, MATLAB.

Every reader returns `RawExamples` that it has checked, and raises `FormatError` for a file that is
truncated, of another kind, or holds impossible values. No reader runs code that a file names.
"""

import gzip
import math
import os
from contextlib import contextmanager

import numpy as np

from isgd_mpi.data.examples import FormatError, check_examples, check_fits, refusing_damage
from isgd_mpi.data.given import describe
from isgd_mpi.data.mat_check import check_mat
from isgd_mpi.data.npz import MOST_INFLATION
from isgd_mpi.data.plain_pickle import as_plain_array, read_plain_pickle
from isgd_mpi.data.safe_files import open_regular

_IDX_IMAGES, _IDX_LABELS = 0x0803, 0x0801  # third byte: 8 means uint8; fourth: number of axes
_CIFAR10_SHAPE = (3, 32, 32)
_CIFAR10_PIXELS = math.prod(_CIFAR10_SHAPE)
_READ_BYTES = 2**20


def read_idx(images_path, labels_path, n_classes=10):
    """Read a pair of IDX files, MNIST's format, gzipped or not.

    Parameters
    ----------
    images_path, labels_path : Path
        The two files of one split.
    n_classes : int
        Labels are below it.

    Returns
    -------
    RawExamples
        Images of shape (n, rows, columns).
    """
    images = _read_idx_array(images_path, _IDX_IMAGES)
    labels = _read_idx_array(labels_path, _IDX_LABELS)
    return check_examples(f"{images_path} with {labels_path}", images, labels, n_classes)


def _read_idx_array(path, expected_magic):
    n_axes = expected_magic & 255
    with refusing_damage(path), _open_maybe_gzipped(path) as file:
        magic = int.from_bytes(file.read(4), "big")
        if magic != expected_magic:
            raise FormatError(path, f"wrong magic number 0x{magic:08x} instead of 0x{expected_magic:08x}")
        shape = tuple(int.from_bytes(file.read(4), "big") for _ in range(n_axes))
        check_fits(path, min(math.prod(shape), MOST_INFLATION * os.path.getsize(path)))
        # one more than announced, to notice a longer file
        content = _read_at_most(file, math.prod(shape) + 1)
    if len(content) != math.prod(shape):
        problem = "truncated" if len(content) < math.prod(shape) else "too long"
        raise FormatError(path, f"{problem}, its header announces {math.prod(shape)} bytes")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


@contextmanager
def _open_maybe_gzipped(path):
    with open_regular(path) as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        yield gzip.GzipFile(fileobj=file) if is_gzip else file


def _read_at_most(file, n_bytes):
    # piece by piece: one read() would allocate all that a damaged header announces
    content = bytearray()
    while len(content) < n_bytes and (piece := file.read(min(_READ_BYTES, n_bytes - len(content)))):
        content += piece
    return content


def read_cifar10_binary(path, n_classes=10):
    """Read a binary batch of CIFAR-10: records of a label and 3072 pixels.

    Parameters
    ----------
    path : Path
        data_batch_1.bin or the like.
    n_classes : int
        Labels are below it.

    Returns
    -------
    RawExamples
        Images of shape (n, 3, 32, 32): channel, row, column.
    """
    with refusing_damage(path), open_regular(path) as file:
        content = np.fromfile(file, dtype=np.uint8)
    record_bytes = 1 + _CIFAR10_PIXELS
    if content.size % record_bytes:
        raise FormatError(path, f"truncated, {content.size} bytes are no multiple of {record_bytes}")
    records = content.reshape(-1, record_bytes)
    return check_examples(path, records[:, 1:].reshape(-1, *_CIFAR10_SHAPE), records[:, 0], n_classes)


def read_cifar10_pickle(path, n_classes=10):
    """Read a Python batch of CIFAR-10 without running code that the pickle names.

    Parameters
    ----------
    path : Path
        data_batch_1 or the like, written by Python 2 or 3.
    n_classes : int
        Labels are below it.

    Returns
    -------
    RawExamples
        Images of shape (n, 3072): channel, row, column.
    """
    with refusing_damage(path), open_regular(path) as file:
        batch = read_plain_pickle(file)
        images, labels = (as_plain_array(batch.get(key.encode(), batch.get(key))) for key in ("data", "labels"))
    if images.ndim != 2 or images.shape[1] != _CIFAR10_PIXELS or images.dtype != np.uint8:
        raise FormatError(path, f"images must have {_CIFAR10_PIXELS} pixels of uint8, not {describe(images)}")
    return check_examples(path, images, labels, n_classes)


def read_svhn(path):
    """Read a MATLAB file of SVHN's cropped digits.

    Parameters
    ----------
    path : Path
        train_32x32.mat or the like: X (32, 32, 3, n) uint8, y (n, 1), 1..10.

    Returns
    -------
    RawExamples
        Images of shape (n, 3, 32, 32): channel, row, column, as CIFAR-10's.
        Labels are the file's less one, 0..9: class 0 is the digit one,
        class 9 the digit zero, for which the file says 10.
    """
    from scipy.io.matlab import MatReadError, loadmat  # here, as no other data set needs SciPy

    with refusing_damage(path, MatReadError), open_regular(path) as file:
        check_mat(file)
        file.seek(0)
        variables = loadmat(file, variable_names=("X", "y"))
        images, labels = variables["X"], variables["y"]
    if images.ndim != 4 or images.shape[:3] != (32, 32, 3) or images.dtype != np.uint8:
        raise FormatError(path, f"X must be uint8 of shape (32, 32, 3, n), not {describe(images)}")
    if not np.isin(labels, np.arange(1, 11)).all():
        raise FormatError(path, "y has a label out of range 1..10")
    return check_examples(path, images.transpose(3, 2, 0, 1), labels.astype(np.int32) - 1, n_classes=10)
