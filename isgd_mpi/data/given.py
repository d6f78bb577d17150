"""Take arrays that a user gives, or say in one line why they cannot be taken and what to do."""

import math

import numpy as np

from isgd_mpi.kernels.limits import usable_memory
from isgd_mpi.settings.errors import InputError

EXCERPT = 30
"""Characters of a value that a message quotes."""


def as_array(values):
    """Return what a user gives as an array.

    Parameters
    ----------
    values : array_like, frame of pandas or polars, or sparse matrix of SciPy

    Raises
    ------
    InputError
        It cannot be turned into an array, some of its numbers are masked, or a sparse matrix has no place in memory.
    """
    if np.ma.is_masked(values):
        n = int(np.ma.count_masked(values))
        raise InputError(f"{n} values are masked: fill them, x.filled(value), or leave these examples out")
    try:
        return _as_array(values)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - an object's own conversion may raise anything
        raise InputError(f"must be an array ({' '.join(str(error).split())})") from None


def _as_array(values):
    if hasattr(values, "toarray") and hasattr(values, "nnz"):  # sparse; SciPy is not imported for those without
        return _dense(values)
    array = np.asarray(values)
    if array.dtype == object and (columns := _columns(values)) is not None:
        numbers = [_numbers_among(np.asarray(column)) for column in columns]
        if numbers and all(column is not None for column in numbers):
            return np.stack(numbers, axis=1)
    return array


def _dense(matrix):
    n_bytes, most = math.prod(matrix.shape) * matrix.dtype.itemsize, usable_memory()
    if n_bytes > most:
        raise InputError(
            f"a sparse matrix of shape {matrix.shape} takes {n_bytes / 1e9:.3g} GB as an array, and this process may "
            f"use {most / 1e9:.3g} GB: choose fewer features, such as the most frequent ones"
        )
    return matrix.toarray()


def _columns(frame):
    """Return the columns of a frame of pandas or polars, or None for anything else."""
    if hasattr(frame, "iloc") and frame.ndim == 2:
        return [frame.iloc[:, place] for place in range(frame.shape[1])]
    return frame.get_columns() if hasattr(frame, "get_columns") else None


def _numbers_among(column):
    """Return the numbers of a column, NaN for one that is missing; None if it holds anything else."""
    if column.dtype != object:
        return column if column.dtype.kind in "biuf" else None
    values = [math.nan if value is None or type(value).__name__ == "NAType" else value for value in column]
    return np.array(values, np.float64) if all(map(_is_number, values)) else None


def feature_names(values):
    """Return the names of the columns of a data frame as text, or None for anything else."""
    columns = getattr(values, "columns", None)
    return None if columns is None else [str(name) for name in columns]


def name_of(feature, names=None):
    """Return the name of a feature by its number, for messages."""
    return f"number {feature}" if names is None else repr(names[feature])


def problem_of_features(images, names=None):
    """Return what is wrong with the shape or the dtype of features, and what to do; None if nothing is."""
    if images.ndim < 2:
        hint = "one example is x[None], one feature x[:, None]" if images.ndim else "give an array"
    elif images.dtype.kind in "biuf":
        return None
    elif images.dtype.kind in "OUS":
        hint = _text_among(images.reshape(len(images), -1), names)
    else:
        hint = "turn it into real numbers"
    return f"must be numbers, one example per row, not {describe(images)}: {hint}"


def _text_among(images, names):
    """Return which feature holds what is no number, and what to do."""
    for feature, column in enumerate(images.T):
        for value in column:
            if not _is_number(value):
                return (
                    f"feature {name_of(feature, names)} holds {str(value)[:EXCERPT]!r}: turn words into numbers, "
                    "such as a column of 0 and 1 for each word"
                )
    return 'all are numbers, so give x.astype("float32")'


def _is_number(value):
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, (str, bytes))


def problem_of_labels(labels):
    """Return what is wrong with the shape or the dtype of labels, and what to do; None if nothing is."""
    if labels.shape in ((labels.size,), (labels.size, 1)) and labels.dtype.kind in "iu":
        return None
    return f"labels must be integers, one per example, not {describe(labels)}"


def describe(array):
    """Return an array's dtype and shape, for messages."""
    return f"{array.dtype} of shape {array.shape}"
