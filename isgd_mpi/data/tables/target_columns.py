"""Read the target of a table: choose what its columns are, classes, labels or numbers, and read them."""

import numpy as np

from isgd_mpi.data.examples import FormatError
from isgd_mpi.data.tables.survey import MOST_CATEGORIES, as_numbers, as_text, without_nan
from isgd_mpi.data.target import KIND_OF_LOSS, MOST_CLASSES, Target


def target_names(names, wanted, where):
    """Return the names of the columns to predict, list of str.

    Parameters
    ----------
    names : list of str
        Of all columns.
    wanted : str or None
        A column, or several with commas between; the last column if None.
    where : str or Path
        The table, for messages.

    Raises
    ------
    FormatError
        A column is not there, or named twice.
    """
    if wanted is None:
        return names[-1:]
    targets = [wanted] if wanted in names else [name.strip() for name in wanted.split(",")]
    for name in targets:
        if name not in names:
            raise FormatError(where, f"has no column {name!r}, only {', '.join(names)}")
        if targets.count(name) > 1:
            raise FormatError(where, f"column {name!r} is named twice by --target {wanted}")
    return targets


def choose_target(surveys, loss, where):
    """Choose what the columns to predict are.

    Parameters
    ----------
    surveys : list of survey.ColumnSurvey
        Of these columns.
    loss : "auto", "cross-entropy", "logistic", "squared" or "huber"
    where : str or Path
        The table, for messages.

    Returns
    -------
    target.Target
        Numbers have neither mean nor scale yet.

    Raises
    ------
    FormatError
        A column lacks a value, never varies, or cannot be what the loss is for.
    """
    for survey in surveys:
        _check_complete(survey, where)
        survey.check_notation(where, _the_target(survey))
    kind = KIND_OF_LOSS[loss] if loss != "auto" else _kind(surveys)
    names = tuple(survey.name for survey in surveys)
    if kind == "numbers":
        _check_numbers(surveys, loss, where)
        return Target("numbers", len(names), names)
    if len(surveys) == 1:
        classes = tuple(class_names(surveys[0], loss, where))
        if kind == "classes":
            return Target("classes", len(classes), classes)
        if len(classes) != 2:
            problem = f"{_the_target(surveys[0])} holds {len(classes)} different values, and --loss {loss} is for two"
            raise FormatError(where, problem)
        return Target("labels", 1, classes)
    if kind == "classes":
        raise FormatError(where, f"--loss {loss} is for one column of classes, not for {', '.join(names)}")
    for survey in surveys:
        if not _is_yes_or_no(survey):
            raise FormatError(where, f"{_the_target(survey)} holds more than 0 and 1: see --loss squared")
    return Target("labels", len(names), names)


def _the_target(survey):
    return f"column {survey.name!r}, the target,"


def _check_complete(survey, where):
    if survey.n_missing:
        problem = f"lacks a value in {survey.n_missing} rows, first in row {survey.first_missing + 1}: leave them out"
        raise FormatError(where, f"{_the_target(survey)} {problem}")


def _kind(surveys):
    """Return what columns are if no loss says it."""
    if len(surveys) > 1:
        return "labels" if all(map(_is_yes_or_no, surveys)) else "numbers"
    (survey,) = surveys
    if not survey.is_number:
        return "classes"
    is_few = survey.values is not None and len(survey.values) <= MOST_CLASSES
    return "classes" if survey.is_whole and is_few else "numbers"


def _is_yes_or_no(survey):
    return survey.is_number and survey.is_whole and survey.lowest >= 0 and survey.highest <= 1


def _check_numbers(surveys, loss, where):
    way_out = "give one column of classes, or several of numbers" if loss == "auto" else f"leave --loss {loss} out"
    for survey in surveys:
        if not survey.is_number:
            raise FormatError(where, f"{_the_target(survey)} holds words, such as {survey.stray[:30]!r}: {way_out}")


def class_names(survey, loss, where):
    """Return the names of the classes in a column, in the order of numbers if they are numbers, else of words.

    Parameters
    ----------
    survey : survey.ColumnSurvey
    loss : str
        For messages.
    where : str or Path
        The table, for messages.

    Returns
    -------
    list of str

    Raises
    ------
    FormatError
        The column's values are no classes.
    """
    if survey.is_number and not survey.is_whole:
        raise FormatError(
            where, f"{_the_target(survey)} holds numbers that are not whole, which are no classes: see --loss squared"
        )
    if survey.values is None:
        problem = f"holds more than {MOST_CATEGORIES} different values, which are too many for classes"
        raise FormatError(where, f"{_the_target(survey)} {problem}: see --target and --loss")
    if len(survey.values) < 2:
        value = next(iter(survey.values))
        raise FormatError(where, f"{_the_target(survey)} holds nothing but {value!r}: see --target")
    if loss == "auto" and survey.is_date:
        raise FormatError(
            where, f"{_the_target(survey)} holds dates or times, such as {min(survey.values)}: turn it into numbers"
        )
    if loss == "auto" and not survey.is_number and survey.differs_nearly_everywhere:
        problem = f"holds {len(survey.values)} different values in {survey.n_values} rows, too few of each for classes"
        raise FormatError(where, f"{_the_target(survey)} {problem}: see --target and --loss")
    try:
        return sorted(survey.values, key=lambda text: (float(text), text))
    except ValueError:  # words, or true and false
        return sorted(survey.values)


def read_target(batch, targets, target, where, start):
    """Return the target of some rows.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
    targets : list of str
        Names of the columns to predict.
    target : target.Target
    where : str or Path
        The table, for messages.
    start : int
        Number of the first row, from 0.

    Returns
    -------
    ndarray
        Classes (B,) int32; labels (B, K) float32; numbers (B, K) float64, as they are.

    Raises
    ------
    FormatError
        A value is missing, or is not of the kind that training has.
    """
    columns = [without_nan(batch.column(batch.schema.get_field_index(name))) for name in targets]
    if target.n_classes:
        classes = _class_numbers(columns[0], targets[0], target.names, where, start)
        return classes if target.kind == "classes" else classes[:, None].astype(np.float32)
    values = np.column_stack([_numbers(*pair, where, start) for pair in zip(columns, targets)])
    if target.kind == "numbers":
        return values
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        row, place = np.argwhere(wrong)[0]
        problem = f"column {targets[place]!r} holds {values[row, place]:g} in row {start + row + 1}, neither 0 nor 1"
        raise FormatError(where, f"{problem}: leave such rows out")
    return values.astype(np.float32)


def _class_numbers(column, name, classes, where, start):
    """Return the numbers of classes, (B,) int32."""
    numbers = {text: number for number, text in enumerate(classes)}
    texts = as_text(column).to_pylist()
    places = [numbers.get(text, -1) for text in texts]
    if -1 in places:
        row = places.index(-1)
        if texts[row] is None:
            _refuse_missing(name, where, start + row)
        problem = f"column {name!r} holds {texts[row]!r} in row {start + row + 1}, which training lacks"
        raise FormatError(where, f"{problem}: leave such rows out")
    return np.array(places, np.int32)


def _numbers(column, name, where, start):
    """Return numbers, (B,) float64."""
    numbers = as_numbers(column)
    if numbers is None:
        raise FormatError(where, f"column {name!r} holds words where training had numbers")
    finite = np.isfinite(numbers)
    if not finite.all():
        row = int(finite.argmin())
        if np.isnan(numbers[row]):
            _refuse_missing(name, where, start + row)
        raise FormatError(where, f"column {name!r} holds {numbers[row]} in row {start + row + 1}: leave such rows out")
    return numbers


def _refuse_missing(name, where, row):
    raise FormatError(where, f"column {name!r} is missing in row {row + 1}: leave such rows out")
