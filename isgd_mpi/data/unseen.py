"""Read the features of examples that are to be predicted, from tables and files of arrays, some rows at a time."""

import math
from pathlib import Path

from isgd_mpi.data import array_files
from isgd_mpi.data.examples import FormatError, check_finite, features_of
from isgd_mpi.data.tables import files
from isgd_mpi.settings.errors import InputError

ENDINGS = (*files.ENDINGS, *array_files.ENDINGS)
"""Endings of the names of files that can be predicted."""

_BATCH_BYTES = 2**24


def feature_batches(path, encoding, n_features):
    """Yield the features in a file, as a model takes them.

    Parameters
    ----------
    path : Path
    encoding : encoding.Encoding or None
        Of the table that the model was trained on.
    n_features : int
        That the model was trained on.

    Yields
    ------
    (B, n_features) ndarray of uint8, float32 or float64

    Raises
    ------
    InputError
        The file is of no known kind, or is a table and the model was not trained on one.
    FormatError
        It is damaged, or its columns, features or numbers do not fit the model.
    """
    if files.is_table(path):
        if encoding is None:
            raise InputError(f"{path} is a table, and the model was trained on arrays: give {_or(array_files.ENDINGS)}")
        yield from _of_table(files.TableFile(path), encoding)
    elif array_files.is_array_file(path):
        yield from _of_arrays(path, n_features)
    else:
        raise InputError(f"{path}: give a file whose name ends in {_or(ENDINGS)}")


def _or(words):
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _of_table(table, encoding):
    encoding.check_names(table.names, table.path)
    start = 0
    for batch in table.batches(encoding.names):
        features = encoding.encode(batch, float, table.path)
        check_finite(table.path, features, range(start, start + len(features)), encoding.feature_names)
        start += len(features)
        yield features


def _of_arrays(path, n_features):
    name, rows = array_files.read_features(Path(path))
    where = f"{path} ({name})"
    if rows.dtype.kind not in "biuf" or rows.ndim < 2:
        raise FormatError(where, f"must be numbers, one example per row, not {rows.dtype} of shape {rows.shape}")
    n_there = math.prod(rows.shape[1:])
    if n_there != n_features:
        raise FormatError(where, f"{n_there} features an example, but the model was trained on {n_features}")
    n_rows = max(1, _BATCH_BYTES // (8 * n_features))
    for start in range(0, len(rows), n_rows):
        stop = min(start + n_rows, len(rows))
        yield features_of(where, rows[start:stop], range(start, stop))
