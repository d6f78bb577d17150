"""Write small files in the formats that data sets come in."""

import gzip
import pickle
import struct

import numpy as np
import scipy.io

MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
CIFAR10_BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")


def random_examples(rng, n, shape=(3072,), n_classes=10):
    """Return random uint8 images, and labels that include the first and the last class."""
    labels = rng.integers(0, n_classes, n)
    labels[:2] = 0, n_classes - 1
    return rng.integers(0, 256, (n, *shape), dtype=np.uint8), labels


def idx_bytes(array):
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write_idx(path, array):
    content = idx_bytes(array)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_mnist(folder, train, test, suffix=""):
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, array in zip(MNIST_FILES, (*train, *test)):
        write_idx(folder / (file_name + suffix), array)


def write_cifar10_binary(path, images, labels):
    np.column_stack([labels.astype(np.uint8), images]).tofile(path)
    return path


def write_cifar10_pickle(path, images, labels, protocol=2):
    path.write_bytes(pickle.dumps({b"data": images, b"labels": labels.tolist()}, protocol))
    return path


def write_cifar10(folder, batches, write, suffix=""):
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, batch in zip(CIFAR10_BATCHES, batches):
        write(folder / (file_name + suffix), *batch)


def python2_cifar10_pickle(images, labels):
    """Return a batch in the opcodes that Python 2 wrote for the official files, flags as integers included."""
    n, n_pixels = images.shape
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        + b"(K\x01K"
        + bytes([n])
        + b"M"
        + struct.pack("<H", n_pixels)
        + b"\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        + b"\x89T"
        + struct.pack("<I", images.size)
        + images.tobytes()
        + b"tb"
    )
    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    return b"\x80\x02}(U\x04data" + array + b"U\x06labels](" + numbers + b"eu."


def write_svhn(path, images, labels):
    """Write MATLAB's layout: X (row, column, channel, example), y (example, 1), 10 for the digit zero."""
    path.parent.mkdir(parents=True, exist_ok=True)
    x = images.reshape(-1, 3, 32, 32).transpose(2, 3, 1, 0)
    scipy.io.savemat(path, {"X": x, "y": (labels[:, None] + 1).astype(np.uint8)}, do_compression=True)
    return path
