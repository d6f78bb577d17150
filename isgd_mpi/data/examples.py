"""Check the examples of a data file: shapes, dtypes, counts, labels, finite features."""

import pickle
import struct
import textwrap
import tokenize
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from isgd_mpi.data.given import name_of, problem_of_features, problem_of_labels
from isgd_mpi.data.safe_files import is_no_damage
from isgd_mpi.kernels.limits import usable_memory
from isgd_mpi.settings.errors import InputError

_CHUNK_ROWS = 4096  # searched for NaN at a time
_LONGEST_PROBLEM = 300  # characters: what libraries say of a damaged file may quote much of it

# what gzip, zipfile, pickle, numpy and scipy raise for a damaged file
_DAMAGED = (EOFError, OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
_DAMAGED += (MemoryError, RuntimeError, struct.error, zlib.error, zipfile.BadZipFile, pickle.UnpicklingError)
_DAMAGED += (SyntaxError, tokenize.TokenError)


class FormatError(InputError):
    """A data file that is damaged, of another kind, or holds impossible values."""

    def __init__(self, where, problem):
        super().__init__(f"{where}: {textwrap.shorten(str(problem), _LONGEST_PROBLEM, placeholder=' ...')}")


@contextmanager
def refusing_damage(path, *more):
    """Turn the exceptions that a damaged file causes in the block, and `more` kinds, into a FormatError.

    Where the system refuses to read the file, as without permission, there is no damage: that is another InputError.
    """
    try:
        yield
    except (*_DAMAGED, *more) as error:
        if is_no_damage(error):
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        raise FormatError(path, f"cannot be read, truncated or damaged? ({type(error).__name__}: {error})") from None


def check_fits(where, n_bytes):
    """Refuse to read what does not fit into the memory that this process may use, such as what inflates too much.

    Parameters
    ----------
    where : str or Path
        The file, for messages.
    n_bytes : int
        Size of what is to be read, as the file announces it.

    Raises
    ------
    InputError
    """
    if n_bytes > (most := usable_memory()):
        raise InputError(
            f"{where}: holds {n_bytes / 1e9:.3g} GB, and this process may use {most / 1e9:.3g} GB of memory (of the "
            "machine, the control group and ulimit -v)"
        )


@dataclass(frozen=True)
class RawExamples:
    """The examples of one file, checked."""

    where: str  # the file, for messages
    images: np.ndarray  # (n, ...) uint8 or float, any strides
    labels: np.ndarray  # (n,) int32, not negative
    names: list[str] | None = None  # of the features, where they have names

    def __len__(self):
        return len(self.labels)

    def take(self, rows):
        """Return the features, see :func:`features_of`, and the labels of examples by their numbers."""
        return features_of(self.where, self.images[rows], rows, self.names), self.labels[rows]


def features_of(where, images, rows, names=None):
    """Return the features of examples, copied only if need be.

    Parameters
    ----------
    where, rows, names
        See :func:`check_finite`.
    images : (B, ...) ndarray of uint8 or float

    Returns
    -------
    (B, n_features) ndarray of uint8, float32 or float64
        C-contiguous.

    Raises
    ------
    FormatError
        A feature is NaN, infinite, or too large for float32.
    """
    is_float = images.dtype != np.uint8
    dtype = np.uint8 if not is_float else np.float32 if images.dtype.itemsize <= 4 else np.float64
    features = np.ascontiguousarray(images.reshape(len(images), -1), dtype)
    if is_float:
        for start in range(0, len(features), _CHUNK_ROWS):
            chunk = slice(start, start + _CHUNK_ROWS)
            check_finite(where, features[chunk], rows[chunk], names)
    return features


def check_finite(where, images, rows, names=None):
    """Refuse a feature that is NaN, infinite, or too large for float32.

    Parameters
    ----------
    where : str
        Source of the examples, for messages.
    images : (B, n_features) ndarray of float
    rows : (B,) sequence of int
        Numbers of the examples, for messages.
    names : list of str, optional
        Names of the features, for messages.

    Raises
    ------
    FormatError
        Names the first such example and feature.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(images.astype(np.float32, copy=False))
    if not finite.all():
        row = finite.all(axis=1).argmin()
        feature = name_of(finite[row].argmin(), names)
        problem = f"example {rows[row]} has a NaN or infinite feature, {feature}: fill it, or leave the example out"
        raise FormatError(where, problem)


def check_examples(where, images, labels, n_classes=None, names=None):
    """Return images and labels as `RawExamples` if they fit each other.

    Parameters
    ----------
    where : str or Path
        Their file, for messages.
    images : (n, ...) ndarray
        uint8 or float. Floats are not searched for NaN yet: `RawExamples.take` does it.
    labels : (n,) or (n, 1) ndarray of int
        0 to ``n_classes - 1``.
    n_classes : int, optional
        If not given, labels need only not be negative.
    names : list of str, optional
        Names of the features, for messages.

    Raises
    ------
    FormatError
        Shapes, dtypes, counts or labels are wrong, or there is no example.
    """
    if problem := problem_of_features(images, names) or problem_of_labels(labels):
        raise FormatError(where, problem)
    if len(images) != len(labels):
        raise FormatError(where, f"{len(images)} images but {len(labels)} labels")
    if images.size == 0:
        raise FormatError(where, "holds no example")
    lowest, highest = int(labels.min()), int(labels.max())
    last = np.iinfo(np.int32).max if n_classes is None else n_classes - 1
    if lowest < 0 or highest > last:
        hint = ": number the classes from 0, numpy.unique(y, return_inverse=True)[1]" if n_classes is None else ""
        raise FormatError(where, f"label {lowest if lowest < 0 else highest} is out of range 0..{last}{hint}")
    return RawExamples(str(where), images, labels.reshape(-1).astype(np.int32), names)


def check_alike(parts):
    """Refuse a list of `RawExamples` whose features differ in number or kind.

    Raises
    ------
    FormatError
        Names the number and the kind of the features of both.
    """

    def kind(part):
        dtype = "uint8" if part.images.dtype == np.uint8 else "float"
        return f"{part.images[0].size} {dtype} features"

    first = parts[0]
    for part in parts[1:]:
        if kind(part) != kind(first):
            raise FormatError(part.where, f"{kind(part)} an example, but {kind(first)} in {first.where}")


def count_classes(where, parts):
    """Return the number of classes: one more than the largest label of the training set.

    Parameters
    ----------
    where : str or Path
        Source of the examples, for messages.
    parts : dict of str to RawExamples
        The training set first; the keys name the labels of each part in messages.

    Raises
    ------
    FormatError
        There are more classes than training examples, or another part has a class that training lacks.
    """
    first, *_ = parts
    n_train, n_classes = len(parts[first]), 1 + int(parts[first].labels.max())
    if n_classes > n_train:
        raise FormatError(where, f"{first} has label {n_classes - 1}, but only {n_train} examples")
    learnt = np.unique(parts[first].labels)
    for name, part in parts.items():
        unlearnt = np.setdiff1d(part.labels, learnt)
        if unlearnt.size:
            problem = f"{name} has label {unlearnt[0]}, of which {first} has no example: leave these examples out"
            raise FormatError(where, problem)
    return n_classes
