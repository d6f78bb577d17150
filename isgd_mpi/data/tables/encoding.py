"""Encode the columns of a table as features: the same way for training and, later, for predictions."""

from dataclasses import asdict, dataclass

import numpy as np

from isgd_mpi.data.examples import FormatError
from isgd_mpi.data.tables.files import arrow
from isgd_mpi.data.tables.survey import as_numbers, as_text, without_nan


@dataclass(frozen=True)
class Column:
    """A column that becomes one feature or several.

    Attributes
    ----------
    name : str
    categories : list of str or None
        The words of a column, each of which becomes a feature that is 1 or 0; None for a column of numbers.
    mean : float
        Stands for a missing number.
    has_indicator : bool
        Whether a further feature says that a value is missing.
    """

    name: str
    categories: list[str] | None = None
    mean: float = 0.0
    has_indicator: bool = False

    @property
    def n_features(self):
        """Number of features."""
        return (1 if self.categories is None else len(self.categories)) + self.has_indicator

    @property
    def feature_names(self):
        """Names of the features, list of str."""
        words = [self.name] if self.categories is None else [f"{self.name}={word}" for word in self.categories]
        return words + [f"{self.name} is missing"] * self.has_indicator

    def encode(self, values, out, where):
        """Write the features of a column.

        Parameters
        ----------
        values : pyarrow.Array
            (B,) of numbers or text.
        out : (B, n_features) ndarray
            Overwritten.
        where : str or Path
            Source of the values, for messages.

        Raises
        ------
        FormatError
            A number is wanted, and something else is there.
        """
        values = without_nan(values)
        missing = values.is_null().to_numpy(zero_copy_only=False)
        if self.categories is None:
            numbers = as_numbers(values)
            if numbers is None:
                raise FormatError(where, f"column {self.name!r} holds words where training had numbers")
            out[:, 0] = np.where(missing, self.mean, numbers)
        else:
            pa = arrow()
            places = pa.compute.index_in(as_text(values), pa.array(self.categories, pa.string()))
            place = places.fill_null(-1).to_numpy(zero_copy_only=False)
            out[:] = 0
            known = place >= 0
            out[np.flatnonzero(known), place[known]] = 1
        if self.has_indicator:
            out[:, -1] = missing


@dataclass(frozen=True)
class Encoding:
    """The columns of a table that become features, and those that are to be predicted.

    Attributes
    ----------
    targets : list of str
        Names of the columns to predict.
    columns : list of Column
    dropped : list of str
        Columns that never vary.
    """

    targets: list[str]
    columns: list[Column]
    dropped: list[str]

    @classmethod
    def of(cls, surveys, targets, where):
        """Choose the form of each column.

        Parameters
        ----------
        surveys : list of survey.ColumnSurvey
            Of all columns.
        targets : list of str
            Names of the columns to predict.
        where : str or Path
            The table, for messages.

        Raises
        ------
        FormatError
            A column holds dates or long texts, or none is left.
        """
        columns, dropped = [], []
        for survey in surveys:
            if survey.name in targets:
                continue
            survey.check(where)
            if not survey.varies:
                dropped.append(survey.name)
            else:
                columns.append(_column(survey))
        if not columns:
            beside = " and ".join(map(repr, targets))
            raise FormatError(where, f"no column beside {beside} varies: there is nothing to learn from")
        return cls(targets, columns, dropped)

    @property
    def names(self):
        """Names of the columns that become features, list of str."""
        return [column.name for column in self.columns]

    @property
    def feature_names(self):
        """Names of the features, list of str."""
        return [name for column in self.columns for name in column.feature_names]

    def check_names(self, names, where):
        """Refuse a table that lacks a column from which features are made, or has it twice.

        Raises
        ------
        FormatError
        """
        missing = [name for name in self.names if name not in names]
        if missing:
            raise FormatError(where, f"has no column {missing[0]!r}, from which the model learns")
        if twice := [name for name in self.names if names.count(name) > 1]:
            raise FormatError(where, f"has two columns named {twice[0]!r}: rename one of them")

    def encode(self, batch, dtype, where):
        """Return the features of some rows.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            With all columns in `names`, in any order.
        dtype : numpy dtype
        where : str or Path
            The table, for messages.

        Returns
        -------
        (B, n_features) ndarray

        Raises
        ------
        FormatError
            A column is missing, or holds words where training had numbers.
        """
        self.check_names(batch.schema.names, where)
        features, start = np.empty((batch.num_rows, len(self.feature_names)), dtype), 0
        for column in self.columns:
            values = batch.column(batch.schema.get_field_index(column.name))
            column.encode(values, features[:, start : start + column.n_features], where)
            start += column.n_features
        return features

    @property
    def description(self):
        """The making of features from columns, in words."""
        numbers = sum(column.categories is None for column in self.columns)
        words = len(self.columns) - numbers
        parts = [f"{numbers} columns of numbers"] if numbers else []
        parts += [f"{words} of words"] if words else []
        text = f"{' and '.join(parts)} give {len(self.feature_names)} features"
        missing = sum(column.has_indicator for column in self.columns)
        text += f"; {missing} have missing values" if missing else ""
        return text + (f"; never vary, left out: {', '.join(self.dropped)}" if self.dropped else "")

    def to_dict(self):
        """Return the encoding as plain dicts and lists, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content):
        """Return the encoding that :meth:`to_dict` describes.

        Raises
        ------
        TypeError, KeyError, ValueError
            It describes none.
        """
        columns = [Column(**column) for column in content["columns"]]
        targets = content["targets"] if "targets" in content else [content["target"]]  # of an older version
        return cls(list(targets), columns, content["dropped"])


def _column(survey):
    has_missing = survey.n_missing > 0
    if survey.is_number:
        return Column(survey.name, None, float(survey.mean), has_missing)
    return Column(survey.name, sorted(survey.values), 0.0, has_missing)
