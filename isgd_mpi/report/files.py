"""Read the options and the timeline of a run; an error is one line that names the file."""

import math

import numpy as np

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import toml as tomllib

from isgd_mpi.data.files import excerpt, read_text
from isgd_mpi.data.npz import read_arrays
from isgd_mpi.settings.errors import InputError

_LARGEST = 1e150  # squares and margins of what is drawn must be finite too
_TIMELINE = ("rank", "activity", "begin", "end", "stretch", "activities")


def read_toml(path):
    """Return the options in a TOML file, none if there is no such file.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    try:
        return tomllib.loads(read_text(path) or "")
    except (ValueError, IndexError, RecursionError) as error:
        raise InputError(f"{path} is not valid TOML ({excerpt(error)}): mend it or leave this run out") from None


def read_spans(path):
    """Return the arrays of a timeline, or None if there is no such file.

    Parameters
    ----------
    path : pathlib.Path
        Written by :func:`isgd_mpi.ranks.timeline.gather_timeline`, which describes the arrays.

    Raises
    ------
    InputError
        The file is damaged, or its arrays do not fit together.
    """
    if not path.exists():
        return None
    try:
        spans = read_arrays(path, _TIMELINE)
        _check_spans(spans)
    except (InputError, ValueError) as error:
        problem = str(error).removeprefix(f"{path}: ")
        raise InputError(f"{path} is not a timeline ({problem}): remove it to leave it out") from None
    return spans


def _check_spans(spans):
    """Raise ValueError unless the arrays are all there and fit together."""
    if missing := [name for name in _TIMELINE if name not in spans]:
        raise ValueError(f"it has no {', '.join(missing)}")
    n_spans = spans["rank"].size
    integers, times = [spans["rank"], spans["activity"]], [spans["begin"], spans["end"], spans["stretch"]]
    if not all(np.issubdtype(values.dtype, np.integer) for values in integers):
        raise ValueError("a rank or an activity is not an integer")
    if any(values.shape != (n_spans,) for values in (*integers, *times[:2])):
        raise ValueError("its arrays differ in length")
    if not all(np.issubdtype(values.dtype, np.floating) and np.isfinite(values).all() for values in times):
        raise ValueError("a time is not a number")
    if spans["stretch"].shape != (2,) or spans["activities"].ndim != 1:
        raise ValueError("its stretch is not two times, or its activities are not a list")
    if n_spans and not spans["stretch"][0] < spans["stretch"][1]:
        raise ValueError("its stretch is empty")
    if n_spans and not (spans["rank"].min() >= 0 and spans["activity"].min() >= 0):
        raise ValueError("a rank or an activity is negative")
    if n_spans and spans["activity"].max() >= len(spans["activities"]):
        raise ValueError("an activity has no name")


def number(value, place):
    """Return a number of a file as a float; NaN if it is null, not finite, or too large to be drawn.

    Raises
    ------
    InputError
        The value is not a number; the message names the `place`.
    """
    if value is None:
        return math.nan
    if not isinstance(value, (bool, int, float)):
        raise InputError(f"{place} must be a number, not {excerpt(value)!r}")
    try:
        result = float(value)
    except OverflowError:
        return math.nan
    return result if abs(result) < _LARGEST else math.nan
