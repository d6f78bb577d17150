"""Read CSV and Parquet files batch by batch, through pyarrow: a file may be larger than the memory."""

import csv
import gzip
import io
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

from isgd_mpi.data.examples import FormatError, refusing_damage
from isgd_mpi.data.safe_files import open_regular
from isgd_mpi.settings.errors import InputError

ENDINGS = (".csv", ".csv.gz", ".parquet")
"""Endings of the names of files that are read as tables."""

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "?")
"""Fields of a CSV file that stand for a missing value, also behind a space."""

_BLOCK_BYTES = 2**23
_BATCH_ROWS = 2**14
_LONGEST_HEADER = 2**20
_MOST_HEADER_LINES = 1000
_DELIMITERS = ",;\t"


def is_table(path):
    """Return whether the name of a file is that of a table."""
    return str(path).endswith(ENDINGS)


def arrow():
    """Return pyarrow, with its modules `compute`, `csv` and `parquet`.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError:
        raise InputError('tables need pyarrow: pip install "isgd_mpi[tables]"') from None
    return pyarrow


class TableFile:
    """A CSV or Parquet file.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    path : Path
    names : list of str
        Names of the columns, in their order.

    Raises
    ------
    FormatError
        The file cannot be read, has no header, or two columns of one name.
    """

    def __init__(self, path):
        self.path = Path(path)
        arrow()
        with self._refusing():
            open_regular(path).close()
            self.names = self._read_names()
        twice = [name for name in self.names if self.names.count(name) > 1]
        if twice:
            raise FormatError(path, f"has two columns named {twice[0]!r}: rename one of them")

    @property
    def _is_parquet(self):
        return self.path.suffix == ".parquet"

    def batches(self, names=None):
        """Yield the rows, some thousand at a time.

        Parameters
        ----------
        names : list of str, optional
            The columns that are wanted; all if not given.

        Yields
        ------
        pyarrow.RecordBatch
            Its columns are text in a CSV file, and of the file's types in a Parquet file, but bytes are text.
        """
        with self._refusing():
            if self._is_parquet:
                with arrow().parquet.ParquetFile(self.path) as file:
                    for batch in file.iter_batches(_BATCH_ROWS, columns=names):
                        yield with_text(batch, self.path)
            else:
                with self._open_csv() as reader:
                    for batch in reader:
                        self._check_quotes(batch)
                        yield batch.select(names or self.names)

    @contextmanager
    def _refusing(self):
        try:
            with refusing_damage(self.path, csv.Error):
                yield
        except FormatError as error:
            if "UnicodeDecodeError" in str(error) or "invalid UTF8" in str(error):
                raise FormatError(self.path, "is no text in UTF-8: save it in this encoding") from None
            if arrow().lib.ArrowInvalid.__name__ not in str(error):
                raise
            raise FormatError(self.path, str(error).partition(": ")[2]) from None

    def _read_names(self):
        if self._is_parquet:
            with arrow().parquet.ParquetFile(self.path) as file:
                return file.schema_arrow.names
        names = [name.strip() for name in self._read_header()]
        if not names:
            raise FormatError(self.path, "is empty")
        numbers = [name for name in names if _is_number(name)]
        if len(numbers) == len(names) or 2 * sum("." in name for name in numbers) > len(names):
            raise FormatError(self.path, f"begins with numbers ({', '.join(numbers)}), not with the names of columns")
        return names

    def _read_header(self):
        """Return the first row of a CSV file; find out what separates its fields, and how many lines it has."""
        opener = gzip.open if self._is_gzipped() else io.BufferedReader
        with (
            open_regular(self.path) as file,
            opener(file) as unpacked,
            io.TextIOWrapper(unpacked, "utf-8-sig") as lines,
        ):
            first = lines.readline(_LONGEST_HEADER)
            self._delimiter = max(_DELIMITERS, key=first.count)
            more = iter(lambda: lines.readline(_LONGEST_HEADER), "")  # a name in quotes may have several lines
            reader = csv.reader(chain([first], islice(more, _MOST_HEADER_LINES)), delimiter=self._delimiter)
            names = next(reader, [])
        self._n_header_lines = reader.line_num
        return names

    def _check_quotes(self, batch):
        """Refuse a field that holds whole rows, because a quote is not closed."""
        pa = arrow()
        for name, column in zip(batch.schema.names, batch.columns):
            several_lines = column.filter(pa.compute.match_substring(column, "\n").fill_null(False))
            for text in several_lines.to_pylist():
                if any(line.count(self._delimiter) == len(self.names) - 1 > 1 for line in text.split("\n")[1:]):
                    problem = f"column {name!r} holds a text of several rows, {text[:30]!r}: close its quote"
                    raise FormatError(self.path, problem)

    def _open_csv(self):
        pa = arrow()
        types = dict.fromkeys(self.names, pa.string())
        return pa.csv.open_csv(
            pa.input_stream(str(self.path), compression="gzip" if self._is_gzipped() else None),
            pa.csv.ReadOptions(
                block_size=_BLOCK_BYTES, column_names=self.names, skip_rows=self._n_header_lines, use_threads=False
            ),
            pa.csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True),
            pa.csv.ConvertOptions(
                column_types=types,
                null_values=[space + field for space in ("", " ") for field in MISSING],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )

    def _is_gzipped(self):
        with open_regular(self.path) as file:
            return file.read(2) == b"\x1f\x8b"


def with_text(batch, where):
    """Return rows in which columns of bytes, and whatever else text may be made of, are text.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
    where : str or Path
        Source of the rows, for messages.

    Returns
    -------
    pyarrow.RecordBatch

    Raises
    ------
    FormatError
        A column holds lists, other structures or bytes that are no text.
    """
    pa = arrow()
    kinds = pa.types
    unusual = (kinds.is_nested, kinds.is_binary, kinds.is_large_binary, kinds.is_fixed_size_binary)
    for place, field in enumerate(batch.schema):
        if not any(is_kind(field.type) for is_kind in unusual):
            continue
        try:
            batch = batch.set_column(place, field.name, batch.column(place).cast(pa.string()))
        except pa.lib.ArrowException:
            problem = f"column {field.name!r} holds {field.type}, neither numbers nor text"
            raise FormatError(where, f"{problem}: leave it out of the file") from None
    return batch


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
