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
            "machine, the control group and ulimit -v): leave out examples or features"
        )


@dataclass(frozen=True)
class RawExamples:
    """The examples of one file, checked."""

    where: str  # the file, for messages
    images: np.ndarray  # (n, ...) bool, integers or floats, any strides
    labels: np.ndarray  # targets: (n,) int32, or (n, K) of floats
    names: list[str] | None = None  # of the features, where they have names
    weights: np.ndarray | None = None  # (n,) float64, checked; see isgd_mpi.data.weights

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
    images : (B, ...) ndarray of bool, integers or floats

    Returns
    -------
    (B, n_features) ndarray of uint8, float32 or float64
        C-contiguous. The type is the smallest one that holds all numbers of the type that was given, or float64.

    Raises
    ------
    FormatError
        A feature is NaN, infinite, or too large for float32.
    """
    features = np.ascontiguousarray(images.reshape(len(images), -1), kept_type(images.dtype))
    if images.dtype.kind == "f":
        for start in range(0, len(features), _CHUNK_ROWS):
            chunk = slice(start, start + _CHUNK_ROWS)
            check_finite(where, features[chunk], rows[chunk], names)
    return features


def kept_type(dtype):
    """Return the smallest of uint8, float32 and float64 that holds all numbers of a type, or float64 if none does."""
    return next((kind for kind in (np.uint8, np.float32) if np.can_cast(dtype, kind)), np.float64)


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


def check_examples(where, images, labels, n_classes):
    """Return images and classes as `RawExamples` if they fit each other.

    Parameters
    ----------
    where : str or Path
        Their file, for messages.
    images : (n, ...) ndarray
        Numbers. Floats are not searched for NaN yet: `RawExamples.take` does it.
    labels : (n,) or (n, 1) ndarray of int
        0 to ``n_classes - 1``.
    n_classes : int

    Raises
    ------
    FormatError
        Shapes, dtypes, counts or labels are wrong, or there is no example.
    """
    if problem := problem_of_labels(labels):
        raise FormatError(where, problem)
    check_pair(where, images, labels)
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= n_classes:
        label = lowest if lowest < 0 else highest
        raise FormatError(where, f"label {label} is out of range 0..{n_classes - 1}")
    return RawExamples(str(where), images, labels.reshape(-1).astype(np.int32))


def check_pair(where, images, targets, names=None):
    """Refuse features that are no numbers, and another number of targets, or none.

    Parameters
    ----------
    where : str or Path
        Source of the examples, for messages.
    images : (n, ...) ndarray
    targets : (n, ...) ndarray
    names : list of str, optional
        Names of the features, for messages.

    Raises
    ------
    FormatError
    """
    if problem := problem_of_features(images, names):
        raise FormatError(where, problem)
    n_targets = len(targets) if targets.ndim else 1
    if len(images) != n_targets:
        raise FormatError(where, f"{len(images)} images but {n_targets} labels")
    if images.size == 0:
        raise FormatError(where, "holds no feature" if len(images) else "holds no example")


def check_alike(parts):
    """Refuse a list of `RawExamples` whose features differ in number or kind.

    Raises
    ------
    FormatError
        Names the number and the kind of the features of both.
    """

    def kind(part):
        dtype = "uint8" if kept_type(part.images.dtype) == np.uint8 else "float"
        return f"{part.images[0].size} {dtype} features"

    first = parts[0]
    for part in parts[1:]:
        if kind(part) != kind(first):
            raise FormatError(part.where, f"{kind(part)} an example, but {kind(first)} in {first.where}")
