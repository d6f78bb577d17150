"""Take targets that a user gives as arrays: decide what they are, number their classes.

Training's targets decide; those of the other splits follow. Words, truth values and whole numbers become classes, of
which the user's own names are kept; columns of 0 and 1 become labels; everything else is numbers. A loss that the user
names decides otherwise.
"""

from typing import NamedTuple

import numpy as np

from isgd_mpi.data.examples import FormatError, RawExamples, check_pair
from isgd_mpi.data.given import EXCERPT, describe
from isgd_mpi.data.target import KIND_OF_LOSS, MOST_CLASSES, Target

_LAST_CODE, _SURROGATES = 0x10FFFF, (0xD800, 0xDFFF)  # of Unicode
_WAY_OUT = "give a class, a number, or a row of numbers for each example"


class Given(NamedTuple):
    """The examples of a split and their targets, as a user gives them.

    Attributes
    ----------
    where, target : str
        Names of the examples and of the targets, for messages.
    x : (n, ...) ndarray
    y : (n,), (n, 1) or (n, K) ndarray
    names : list of str or None
        Of the features.
    """

    where: str
    target: str
    x: np.ndarray
    y: np.ndarray
    names: list | None = None


def read_examples(given, loss="auto", target_names=()):
    """Turn examples as a user gives them into those of a data set.

    Parameters
    ----------
    given : dict of str to Given
        By split, of training first.
    loss, target_names
        See :func:`read_targets`.

    Returns
    -------
    target : target.Target
        Numbers have neither mean nor scale yet.
    parts : dict of str to RawExamples
        Numbers are (n, K) of float64, to be standardised; see :func:`isgd_mpi.data.numbers.standardise`.

    Raises
    ------
    FormatError
        Shapes, dtypes or counts are wrong, or the targets do not fit each other.
    """
    for one in given.values():
        check_pair(one.where, one.x, one.y, one.names)
    target, kept = read_targets({one.target: one.y for one in given.values()}, loss, target_names)
    return target, {split: RawExamples(one.where, one.x, kept[one.target], one.names) for split, one in given.items()}


def read_targets(given, loss="auto", names=()):
    """Turn targets as a user gives them into those of a data set.

    Parameters
    ----------
    given : dict of str to ndarray
        Targets of each split, of training first, (n,), (n, 1) or (n, K) each. The keys name them in messages.
    loss : "auto", "cross-entropy", "logistic", "squared" or "huber"
        What they are read as; by training's targets, if "auto".
    names : sequence of str
        Names of the columns, if they have names.

    Returns
    -------
    target : target.Target
        Numbers have neither mean nor scale yet.
    kept : dict of str to ndarray
        Targets of each split as they are kept, (n, ...) of target.dtype; but numbers as they are given,
        in float64.

    Raises
    ------
    FormatError
        They are neither classes, labels nor numbers, or training lacks one of their classes.
    """
    arrays = {name: _plain(name, array) for name, array in given.items()}
    first, *_ = arrays
    for name, array in arrays.items():
        _check_like_training(name, array, first, arrays[first])
    kind = _kind(arrays[first], loss)
    target, keep = {"classes": _classes, "labels": _labels, "numbers": _numbers}[kind](first, arrays[first], loss)
    if len(names) == target.n_outputs and (arrays[first].ndim == 2 or kind == "numbers"):
        target = target._replace(names=tuple(names))
    return target, {name: keep(name, array) for name, array in arrays.items()}


def _plain(name, array):
    """Return targets as an array of text, truth values, integers or floats, of one axis if they have one column."""
    if array.ndim not in (1, 2) or array.ndim == 2 and array.shape[1] == 0:
        raise FormatError(name, f"must have one row for each example, not {describe(array)}: {_WAY_OUT}")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind == "O":
        array = _of_one_kind(name, array)
    if array.dtype.kind == "S":
        array = _decoded(name, array)
    if array.dtype.kind not in "biufU" or array.dtype.kind == "U" and array.ndim == 2:
        raise FormatError(name, f"holds {describe(array)}: {_WAY_OUT}")
    if array.dtype.kind == "f":
        _check_finite(name, array)
    if array.dtype.kind == "U" and array.nbytes:
        _check_text(name, array)
    return array


def _of_one_kind(name, array):
    """Return an array of Python objects as one of text or of numbers."""
    is_text = isinstance(array.flat[0], str) if array.size else False
    wanted, noun = (str, "a word") if is_text else ((bool, int, float, np.generic), "a number")
    for place, value in enumerate(array.flat):
        if not isinstance(value, wanted) or isinstance(value, (str, bytes)) != is_text:
            row = place // (array.size // len(array))
            problem = f"example {row} has {str(value)[:EXCERPT]!r}, not {noun} as the first one"
            raise FormatError(name, f"{problem}: leave it out, or give all targets the same type")
    return np.array(array.tolist())


def _decoded(name, array):
    try:
        return np.char.decode(array, "utf-8")
    except UnicodeDecodeError:
        raise FormatError(name, "holds bytes that are no text: give words or numbers") from None


def _check_finite(name, array):
    finite = np.isfinite(array)
    if not finite.all():
        row = int(finite.reshape(len(array), -1).all(axis=1).argmin())
        raise FormatError(name, f"example {row} has a NaN or infinite target: fill it, or leave the example out")


def _check_text(name, array):
    """Refuse what is not Unicode: Python cannot hold it, or it cannot be written to a file or a terminal."""
    codes = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("=")).view(np.uint32).reshape(len(array), -1)
    wrong = ((codes > _LAST_CODE) | ((codes >= _SURROGATES[0]) & (codes <= _SURROGATES[1]))).any(axis=1)
    if wrong.any():
        raise FormatError(name, f"example {int(wrong.argmax())} has a label that is no text: mend it, or leave it out")


def _check_like_training(name, array, first, of_training):
    """Refuse targets that have another shape than training's, or are text where those are numbers, or not."""
    if array.shape[1:] != of_training.shape[1:] or (array.dtype.kind == "U") != (of_training.dtype.kind == "U"):
        raise FormatError(name, f"holds {describe(array)}, but {first} {describe(of_training)}")


def _kind(array, loss):
    """Return the kind of target that an array of training's holds."""
    if loss != "auto":
        return KIND_OF_LOSS[loss]
    if array.ndim == 2:
        return "labels" if _is_yes_or_no(array) else "numbers"
    if array.dtype.kind in "iu":
        return "classes" if len(np.unique(array)) <= MOST_CLASSES else "numbers"
    return "numbers" if array.dtype.kind == "f" else "classes"


def _is_yes_or_no(array):
    return bool(((array == 0) | (array == 1)).all())


def _classes(first, array, loss):
    """Return the target that is one class of several, and a function that numbers the classes of a split."""
    if array.ndim == 2:
        return _one_hot(first, array, loss)
    if array.dtype.kind == "f" and (array != np.round(array)).any():
        raise FormatError(first, f"holds numbers that are not whole, which are no classes: leave --loss {loss} out")
    values = np.unique(array)
    is_numbered = array.dtype.kind in "iu" and values[0] == 0 and values[-1] == len(values) - 1
    target = Target("classes", len(values))
    if not is_numbered:
        kind = "str" if array.dtype.kind == "U" else array.dtype.name
        target = target._replace(names=tuple(map(str, values.tolist())), type=kind)
    return target, lambda name, own: _places(name, own, first, values)


def _places(name, array, first, values):
    """Return the place of each label among the values of training, (n,) int32."""
    places = np.minimum(np.searchsorted(values, array), len(values) - 1)
    unknown = values[places] != array
    if unknown.any():
        label = repr(array[unknown.argmax()].item())[:EXCERPT]
        raise FormatError(name, f"has label {label}, of which {first} has no example: leave these examples out")
    return places.astype(np.int32)


def _one_hot(first, array, loss):
    """Return the target whose classes are columns, of which each example has a 1 in one, and a function for a split."""

    def keep(name, own):
        if not (_is_yes_or_no(own) and (own.sum(axis=1) == 1).all()):
            raise FormatError(name, f"--loss {loss} is for one class an example: give one column, or a single 1 a row")
        return own.argmax(axis=1).astype(np.int32)

    return Target("classes", array.shape[1]), keep


def _labels(first, array, loss):
    """Return the target of labels that hold or not, and a function that returns those of a split."""
    if array.ndim == 1:
        return _two_classes(first, array, loss)

    def keep(name, own):
        if not _is_yes_or_no(own):
            raise FormatError(name, "holds other numbers than 0 and 1 in columns that are labels: see --loss squared")
        return own.astype(np.float32)

    return Target("labels", array.shape[1]), keep


def _two_classes(first, array, loss):
    """Return the target of a single label, that the second of two classes holds, and a function for a split."""
    classes, keep = _classes(first, array, loss)
    if classes.n_outputs != 2:
        problem = f"holds {classes.n_outputs} different labels: --loss {loss} is for two, or for columns of 0 and 1"
        raise FormatError(first, problem)
    return classes._replace(kind="labels", n_outputs=1), lambda name, own: keep(name, own)[:, None].astype(np.float32)


def _numbers(first, array, loss):
    """Return the target of numbers, without their mean and scale, and a function that returns those of a split."""
    if array.dtype.kind == "U":
        raise FormatError(first, f"holds words, such as {str(array[0])[:EXCERPT]!r}, and --loss {loss} is for numbers")
    n_columns = 1 if array.ndim == 1 else array.shape[1]
    return Target("numbers", n_columns), lambda name, own: own.reshape(-1, n_columns).astype(np.float64)
