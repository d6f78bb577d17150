"""Read the files of a run; whatever is wrong with one is told in one line that names it."""

import json
import math
import zipfile
import zlib

import numpy as np

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import toml as tomllib

from isgd_mpi.data.npz import Npz
from isgd_mpi.settings.errors import InputError

_LARGEST = 1e150  # squares and margins of what is drawn must be finite too


def read_json(path):
    """Return the object in a JSON file, or None if there is no such file.

    Raises
    ------
    InputError
        If it cannot be read, or holds anything else.
    """
    text = _read_text(path)
    return None if text is None else _object(text, path)


def read_toml(path):
    """Return the options in a TOML file, none if there is no such file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        return tomllib.loads(_read_text(path) or "")
    except (ValueError, IndexError, RecursionError) as error:
        raise InputError(f"{path} is not valid TOML ({_short(error)}): mend it or leave this run out") from None


def read_lines(path):
    """Return the objects of a file that holds one a line, and whether a last line was cut off.

    Returns
    -------
    lines : list of dict
    truncated : bool
        Whether the last line is only begun, as in a run that is being written; it is left out.

    Raises
    ------
    InputError
        If there is no such file, or another line is no object.
    """
    text = _read_text(path)
    if text is None:
        raise InputError(f"{path} is not there: name the folder of a run, or a folder of such folders")
    *whole, last = text.split("\n")
    lines = [_object(line, f"{path}, line {n}") for n, line in enumerate(whole, start=1) if line.strip()]
    try:
        return lines + ([_object(last, path)] if last.strip() else []), False
    except InputError:
        return lines, True


def read_spans(path):
    """Return the arrays of a timeline, or None if there is no such file.

    Parameters
    ----------
    path : pathlib.Path
        As :func:`timeline.gather_timeline` describes it.

    Raises
    ------
    InputError
        If they are not what they should be.
    """
    if not path.exists():
        return None
    try:
        with open(path, "rb") as file:
            archive = Npz(file)
            spans = {name: archive[name] for name in ("rank", "activity", "begin", "end", "stretch", "activities")}
        _check_spans(spans)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, RuntimeError, TypeError, zlib.error) as error:
        raise InputError(f"{path} is no timeline ({_short(error)}): remove it to leave it out") from None
    return spans


def _check_spans(spans):
    """Raise ValueError unless the arrays fit together."""
    n_spans = len(spans["rank"])
    integers = all(np.issubdtype(spans[name].dtype, np.integer) for name in ("rank", "activity"))
    times = [spans[name] for name in ("begin", "end", "stretch")]
    if not integers or any(not np.issubdtype(values.dtype, np.floating) for values in times):
        raise ValueError("an array has the wrong type")
    if any(spans[name].shape != (n_spans,) for name in ("rank", "activity", "begin", "end")):
        raise ValueError("its arrays differ in length")
    if spans["stretch"].shape != (2,) or not all(np.isfinite(values).all() for values in times):
        raise ValueError("a time is not a number")
    if spans["activities"].ndim != 1 or (n_spans and not spans["stretch"][0] < spans["stretch"][1]):
        raise ValueError("its stretch is empty, or its activities are no list")
    if n_spans and not (spans["rank"].min() >= 0 and 0 <= spans["activity"].min() <= spans["activity"].max()):
        raise ValueError("a rank or an activity is negative")
    if n_spans and spans["activity"].max() >= len(spans["activities"]):
        raise ValueError("an activity has no name")


def number(value, place):
    """Return a number of a file as a float, NaN where it is null, or not finite, or too large to be drawn.

    Raises
    ------
    InputError
        If it is no number; `place` says where.
    """
    if value is None:
        return math.nan
    if not isinstance(value, (bool, int, float)):
        raise InputError(f"{place} must be a number, not {_short(value)!r}")
    try:
        result = float(value)
    except OverflowError:
        return math.nan
    return result if abs(result) < _LARGEST else math.nan


def _read_text(path):
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({getattr(error, 'strerror', None) or 'it is no text'})") from None


def _object(text, place):
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place} is not valid JSON ({_short(error)}): mend it or leave this run out") from None
    if not isinstance(content, dict):
        raise InputError(f"{place} must be a JSON object, not {_short(content)!r}")
    return content


def _short(value):
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else text[:57] + "..."
