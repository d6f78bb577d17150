"""Read tables: survey a file, encode its rows, and keep them in a file."""

import tempfile

import numpy as np

from isgd_mpi.data.examples import FormatError, RawExamples
from isgd_mpi.data.rows import rows_of_file
from isgd_mpi.data.tables.encoding import Encoding
from isgd_mpi.data.tables.files import TableFile, arrow, with_text
from isgd_mpi.data.tables.survey import survey
from isgd_mpi.data.tables.target_columns import choose_target, read_target, target_names


def survey_table(path, target=None, loss="auto", weight=None):
    """Survey a table, and choose the features and the target that it becomes.

    Parameters
    ----------
    path : Path
    target : str, optional
        Name of the column to predict, or of several, with commas between; the last one if not given.
    loss : str
        See :func:`isgd_mpi.data.tables.target_columns.choose_target`.
    weight : str, optional
        Name of the column that holds the weights of the rows: it is no feature.

    Returns
    -------
    encoding : encoding.Encoding
    target : target.Target
        Numbers have neither mean nor scale yet.
    dtype : numpy.dtype
        The smallest type that holds all features exactly: uint8, float32 or float64.

    Raises
    ------
    FormatError
        The file is damaged, or a column cannot be used.
    """
    file = TableFile(path)
    names = [name for name in file.names if name != weight]
    targets = target_names(names if target is None else file.names, target, path)
    if weight in targets:
        raise FormatError(path, f"column {weight!r} cannot be both --target and --weight")
    surveys = [column for column in survey(file) if column.name != weight]
    encoding = Encoding.of(surveys, targets, path)
    by_name = {column.name: column for column in surveys}
    chosen = choose_target([by_name[name] for name in targets], loss, path)
    used = [column for column in surveys if column.is_number and column.name in encoding.names]
    inexact = [np.float64 for column in used if column.n_missing]  # a mean stands in
    return encoding, chosen, np.result_type(np.uint8, *(column.dtype for column in used), *inexact)


def read_table(path, encoding, target, dtype):
    """Encode all rows of a table.

    Parameters
    ----------
    path : Path
    encoding : encoding.Encoding
    target : target.Target
    dtype : numpy dtype
        Of the features.

    Returns
    -------
    examples.RawExamples
        Features lie in a file without a name: a table may be larger than the memory. The target is that of
        :func:`isgd_mpi.data.tables.target_columns.read_target`.

    Raises
    ------
    FormatError
        The file is damaged, a column is missing, or a class is unknown.
    """
    file = TableFile(path)
    encoding.check_names(file.names, path)
    for name in encoding.targets:
        if name not in file.names:
            raise FormatError(path, f"has no column {name!r}, the target")
    labels, n_rows, wanted = [], 0, [*encoding.names, *encoding.targets]
    with tempfile.TemporaryFile() as scratch:  # which lasts as long as its rows
        for batch in file.batches(wanted):
            # written in sequence, not through a map: a full disk is then an error, not a signal
            scratch.write(encoding.encode(batch, dtype, path))
            labels.append(read_target(batch, encoding.targets, target, path, n_rows))
            n_rows += batch.num_rows
        scratch.flush()
        if not n_rows:
            raise FormatError(path, "holds no row")
        labels = np.concatenate(labels)
        features = rows_of_file(scratch, path, (n_rows, len(encoding.feature_names)), dtype)
    return RawExamples(str(path), features, labels, encoding.feature_names)


def encode_frame(frame, encoding):
    """Encode a table in memory.

    Parameters
    ----------
    frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
    encoding : encoding.Encoding

    Returns
    -------
    (n, n_features) ndarray of float64

    Raises
    ------
    FormatError
        It lacks a column or has it twice, or holds words where training had numbers, or what is neither.
    """
    pa, where = arrow(), "the table"
    if hasattr(frame, "to_arrow"):  # polars
        table = frame.to_arrow()
    else:
        table = frame if isinstance(frame, pa.Table) else _from_pandas(frame, where)
    encoding.check_names(table.schema.names, where)
    batches = (with_text(batch, where) for batch in table.select(encoding.names).to_batches())
    parts = [encoding.encode(batch, np.float64, where) for batch in batches]
    return np.concatenate([np.empty((0, len(encoding.feature_names))), *parts])


def _from_pandas(frame, where):
    """Return a frame of pandas as a pyarrow.Table."""
    pa = arrow()
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.lib.ArrowException, ValueError) as error:  # such as a column of words and numbers
        raise FormatError(where, error) from None
