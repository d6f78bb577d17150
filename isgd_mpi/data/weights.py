"""Weigh examples: check the weights that a user gives, and find those of classes.

The weight of an example is the one given for it times that of its class, over the mean of these products over the
training set. So the weights that training uses have a mean of one, whatever their unit.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from isgd_mpi.data.examples import FormatError, refusing_damage
from isgd_mpi.data.given import as_array, describe
from isgd_mpi.data.safe_files import open_regular
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.nearest import suggestion

_WAY_OUT = "weights are numbers from 0 to 1e30"
_MOST_BYTES = 2**24  # of a file of class weights
_LARGEST = 1e30  # sums of so large ones, squared, are still finite


def checked(where, weights, n_examples, what="sample_weight", noun="example", first=0):
    """Return the weights of examples as (n,) ndarray of float64, if they are weights.

    Parameters
    ----------
    where : str or Path
        Source of the weights, for messages.
    weights : (n,) or (n, 1) array_like of numbers
    n_examples : int
    what : str
        Name of the weights, for messages.
    noun, first : str, int
        Name of an example, and the number of the first one, for messages.

    Raises
    ------
    FormatError
        There are more or fewer of them than examples, or one is missing, negative or too large: names the first; or
        all are zero.
    """
    try:
        array = as_array(weights)
    except InputError as error:
        raise FormatError(where, f"{what}: {error}") from None
    if array.dtype.kind not in "buif" or array.shape not in ((array.size,), (array.size, 1)):
        raise FormatError(where, f"{what} must be one number for each example, not {describe(array)}")
    if array.size != n_examples:
        raise FormatError(where, f"{what} holds {array.size} weights for {n_examples} examples")
    array = array.reshape(-1).astype(np.float64)
    good = (array >= 0) & (array <= _LARGEST)
    if not good.all():
        row = int(good.argmin())
        raise FormatError(where, f"{what}: {noun} {row + first} has the weight {array[row]:g}; {_WAY_OUT}")
    if not array.any():
        raise FormatError(where, f"{what}: all {n_examples} weights are zero; {_WAY_OUT}")
    return array


def weighed(dataset, class_weight=None):
    """Return a data set whose classes have weights, too.

    Parameters
    ----------
    dataset : datasets.Dataset
    class_weight : str or dict, optional
        ``"balanced"``: a class of n_c of the N training examples has the weight ``N / (C n_c)``, as in scikit-learn.
        Or the weight of each class, by the class; or the path of a JSON file, an object with the same by name.

    Raises
    ------
    InputError
        The target is no class, the file is damaged or has other classes, or all examples of a split have the weight
        zero.
    """
    if class_weight is not None:
        if dataset.target.kind != "classes":
            given = "" if isinstance(class_weight, dict) else f" {class_weight}"
            kind = dataset.target.kind
            raise InputError(f"--class-weight{given} is for classes, and the target is {kind}: leave it out")
        dataset = replace(dataset, class_weights=_of_classes(class_weight, dataset))
    for name, split in dataset.splits.items():
        weights = dataset.loss_weights(name)
        if weights is not None and not weights.any():
            raise InputError(f"all {len(split)} examples of the split {name} have the weight zero: leave it out")
    return dataset


def in_words(dataset):
    """Return the weights of a data set in words, for the line `weights`; empty if it has none."""
    weights = dataset.train_weights
    if weights is None:
        return ""
    given = dataset.splits["train"].weights is not None
    of = " and ".join(["examples"] * given + ["classes"] * (dataset.class_weights is not None))
    n_zero = int((weights == 0).sum())
    zero = f" ({n_zero} zero)" if n_zero else ""
    return f"of {of}, {weights.min():.3g} to {weights.max():.3g} times their mean{zero}"


def described(dataset):
    """Return the weights of a data set, ready for JSON: which splits bring them, and those of classes; None if none."""
    splits = [name for name, split in dataset.splits.items() if split.weights is not None]
    classes = None
    if dataset.class_weights is not None:
        classes = dict(zip(_names_of_classes(dataset), dataset.class_weights.tolist()))
    return {"of_examples": splits, "of_classes": classes} if splits or classes else None


def _names_of_classes(dataset):
    return list(dataset.target.names) or [str(number) for number in range(dataset.n_classes)]


def _of_classes(class_weight, dataset):
    """Return the weight of each class, (n_classes,) ndarray of float64."""
    names = _names_of_classes(dataset)
    if isinstance(class_weight, dict):
        return _in_order("class_weight", {str(name): weight for name, weight in class_weight.items()}, names)
    if class_weight != "balanced":
        return _read(Path(class_weight).expanduser(), names)
    counts = np.bincount(dataset.splits["train"].labels, minlength=len(names))
    return np.divide(counts.sum(), len(names) * counts, out=np.zeros(len(names)), where=counts > 0)


def _read(path, names):
    """Return the weights of classes in a file, in the order of their names."""
    if not path.is_file():
        raise InputError(f"--class-weight {path}: no such file; give 'balanced', or a JSON file of class: weight")
    with refusing_damage(path, RecursionError), open_regular(path) as file:
        content = json.loads(file.read(_MOST_BYTES))
    if not isinstance(content, dict):
        raise FormatError(path, 'must be an object such as {"cat": 1, "dog": 2.5}')
    return _in_order(path, content, names)


def _in_order(where, weights, names):
    """Return the weights of classes, given by name, in the order of the names."""
    for name in weights:
        if name not in names:
            raise FormatError(where, f"names the class {name!r}, which the data lack{suggestion(name, names)}")
    for name in names:
        if name not in weights:
            raise FormatError(where, f"has no weight of the class {name!r}")
        if not _is_weight(weights[name]):
            raise FormatError(where, f"the class {name!r} has the weight {weights[name]!r}; {_WAY_OUT}")
    return np.array([float(weights[name]) for name in names])


def _is_weight(value):
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return is_number and 0 <= value <= _LARGEST
