"""Survey the columns of a table: numbers or words, how many are missing, and which values there are."""

import re

import numpy as np

from isgd_mpi.data.examples import FormatError
from isgd_mpi.data.tables.files import arrow

MOST_CATEGORIES = 1000
"""Different words that a column may hold: each becomes a feature."""

_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T].*)?|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}( .*)?")
_NOTATION = re.compile(r"[-+]?(\d{1,3}(,\d{3})+(\.\d+)?|\d{1,3}(\.\d{3})+(,\d+)?|\d+,\d+|\d+(\.\d+)?)( ?%)?")
_WAY_OUT = "leave the column out of the file, or turn it into numbers"
_FEW_WORDS = 50  # that may all be different


class ColumnSurvey:
    """A survey of one column.

    Parameters
    ----------
    name : str

    Attributes
    ----------
    name : str
    n_values, n_missing : int
    values : set or None
        The different values as text; None once there are more than MOST_CATEGORIES.
    is_number : bool
        Whether all values so far are numbers.
    is_date : bool
        Whether all values so far are dates.
    is_notation : bool
        Whether all values so far are numbers as people write them, such as 1,234.5 or 0,5 or 12 %.
    stray : str
        The first value that is no number.
    dtype : numpy dtype
        The smallest of uint8, float32 and float64 that holds all numbers exactly.
    is_whole : bool
        Whether all numbers are whole; an infinite one is not.
    lowest, highest : float
        Of all numbers.
    first_missing : int or None
        The first row without a value, from 0.
    """

    def __init__(self, name):
        self.name = name
        self.n_values = self.n_missing = 0
        self.values = set()
        self.is_number = self.is_date = self.is_notation = self.is_whole = True
        self.stray = ""
        self.dtype = np.dtype(np.uint8)
        self.lowest, self.highest, self.first_missing = np.inf, -np.inf, None
        self._total = 0.0

    @property
    def mean(self):
        """Mean of the numbers."""
        return self._total / max(self.n_values, 1)

    @property
    def varies(self):
        """Return whether there are two different values, of which one may be that a value is missing."""
        return self.values is None or len(self.values) + (self.n_missing > 0) > 1

    def add(self, column):
        """Survey further values, a pyarrow.Array."""
        column = without_nan(column)
        if column.null_count and self.first_missing is None:
            self.first_missing = self.n_values + self.n_missing + column.is_null().index(True).as_py()
        self.n_missing += column.null_count
        present = column.drop_null()
        self.n_values += len(present)
        if not len(present):
            return
        text = as_text(present)
        unique = text.unique().to_pylist()
        self.is_date = self.is_date and (_is_time(present) or all(map(_DATE.fullmatch, unique)))
        self.is_notation = self.is_notation and all(map(_NOTATION.fullmatch, unique))
        if self.values is not None:
            self.values.update(unique)
            if len(self.values) > MOST_CATEGORIES:
                self.values = None
        if self.is_number:
            self._add_numbers(present, unique)

    def _add_numbers(self, present, unique):
        numbers = as_numbers(present)
        if numbers is None:
            self.is_number, self.stray = False, next(filter(_is_no_number, unique), unique[0])
            return
        self._total += numbers.sum()
        self.lowest, self.highest = min(self.lowest, numbers.min()), max(self.highest, numbers.max())
        with np.errstate(invalid="ignore", over="ignore"):
            self.is_whole = self.is_whole and bool((np.isfinite(numbers) & (numbers == np.round(numbers))).all())
            fits = next((kind for kind in (np.uint8, np.float32) if _fits(numbers, kind)), np.float64)
        self.dtype = np.promote_types(self.dtype, fits)

    def check(self, where):
        """Refuse a column that cannot become features.

        Raises
        ------
        FormatError
            It holds dates, numbers in another notation, long texts, or texts that are nearly all different.
        """
        self.check_notation(where, f"column {self.name!r}")
        if self.n_values and self.is_date:
            raise FormatError(
                where, f"column {self.name!r} holds dates or times, such as {min(self._examples())}: {_WAY_OUT}"
            )
        if self.is_number:
            return
        texts, such = "different texts", f"such as {self.stray[:30]!r}"
        if self.values is None:
            problem = f"holds more than {MOST_CATEGORIES} {texts}, {such}"
            raise FormatError(where, f"column {self.name!r} {problem}: {_WAY_OUT}")
        if self.differs_nearly_everywhere:
            problem = f"holds {len(self.values)} {texts} in {self.n_values} rows, {such}"
            raise FormatError(where, f"column {self.name!r} {problem}: {_WAY_OUT}")

    @property
    def differs_nearly_everywhere(self):
        """Return whether the values are many, and fewer than two rows have the same one, on average."""
        n_different = self.n_values if self.values is None else len(self.values)
        return n_different > max(_FEW_WORDS, self.n_values / 2)

    def check_notation(self, where, what):
        """Refuse numbers in another notation, which would be taken for words; `what` names the column in the message.

        Raises
        ------
        FormatError
        """
        if self.n_values and self.is_notation and not (self.is_number or self.is_date):
            raise FormatError(where, f"{what} holds numbers written as {self.stray[:30]!r}: write them as 1234.5")

    def _examples(self):
        return self.values or {self.stray or "a date"}


def _fits(numbers, kind):
    return bool((numbers.astype(kind) == numbers).all()) and not (
        kind == np.uint8 and (numbers.min() < 0 or numbers.max() > 255)
    )


def _is_no_number(text):
    try:
        float(text)
    except ValueError:
        return True
    return False


def _is_time(column):
    """Return whether a column of a Parquet file holds dates, times or differences of them."""
    return arrow().types.is_temporal(column.type)


def without_nan(column):
    """Return a column in which a NaN, which stands for a missing number in a Parquet file or a frame, is missing."""
    pa = arrow()
    if not pa.types.is_floating(column.type):
        return column
    return pa.compute.if_else(pa.compute.is_nan(column), pa.scalar(None, column.type), column)


def as_text(column):
    """Return a column as text, (n,) pyarrow.StringArray; spaces around are left out."""
    pa = arrow()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return pa.compute.utf8_trim_whitespace(column.cast(pa.string()))


def as_numbers(column):
    """Return a column as numbers, (n,) ndarray of float64 with NaN where a value is missing; None if it is not that."""
    pa = arrow()
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)  # of large integers the nearest
    if pa.types.is_temporal(kind):
        return None
    try:
        return as_text(column).cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.lib.ArrowInvalid:
        return None


def survey(table):
    """Survey all columns of a table.

    Parameters
    ----------
    table : files.TableFile

    Returns
    -------
    list of ColumnSurvey

    Raises
    ------
    FormatError
        The table has no row.
    """
    columns = [ColumnSurvey(name) for name in table.names]
    for batch in table.batches():
        for column, values in zip(columns, batch.columns):
            column.add(values)
    if columns[0].n_values + columns[0].n_missing == 0:
        raise FormatError(table.path, "holds no row")
    return columns
