"""Read the column of a table that holds the weights of its rows."""

import numpy as np

from isgd_mpi.data.examples import FormatError
from isgd_mpi.data.tables.files import TableFile
from isgd_mpi.data.tables.survey import as_numbers, as_text, without_nan
from isgd_mpi.data.weights import checked


def read_weights(path, column):
    """Return the weights of all rows of a table, (n,) ndarray of float64.

    Parameters
    ----------
    path : Path
    column : str
        Its name.

    Raises
    ------
    FormatError
        The table lacks the column, or it holds what is no weight in some row.
    """
    file = TableFile(path)
    if column not in file.names:
        raise FormatError(path, f"has no column {column!r}, the weights, only {', '.join(file.names)}")
    what, parts, n_rows = f"column {column!r}, the weights", [], 0
    for batch in file.batches([column]):
        values = without_nan(batch.column(0))
        numbers = as_numbers(values)
        if numbers is None:
            row, text = next((row, text) for row, text in enumerate(as_text(values).to_pylist()) if _is_word(text))
            raise FormatError(path, f"{what}, holds {text[:30]!r} in row {n_rows + row + 1}, which is no number")
        parts.append(numbers)
        n_rows += len(numbers)
    return checked(path, np.concatenate(parts), n_rows, what, "row", 1)


def _is_word(text):
    try:
        float(text or 0)
    except ValueError:
        return True
    return False
