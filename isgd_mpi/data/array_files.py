"""Read examples and their targets from files of arrays: .npz, HDF5, and .npy files beside each other."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from isgd_mpi.data import hdf5
from isgd_mpi.data.examples import FormatError, check_fits
from isgd_mpi.data.given_target import Given, read_examples
from isgd_mpi.data.npy import read_npy
from isgd_mpi.data.npz import open_npz
from isgd_mpi.data.rows import Rows
from isgd_mpi.data.weights import checked
from isgd_mpi.settings.errors import InputError

ENDINGS = (".npz", ".npy", *hdf5.ENDINGS)
"""Endings of the names of files of arrays."""

_VALID = ("valid", "val", "validation")  # names of that split
_SPLITS = ("train", *_VALID, "test")


def is_array_file(path):
    """Return whether the name of a file is that of a file of arrays."""
    return str(path).endswith(ENDINGS)


def files_of(path):
    """Return the files that hold a data set, of which one is named: tuple of Path.

    Raises
    ------
    InputError
        A file is missing, is no regular file, or has none of the names of examples.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is not a regular file: name one")
    if not path.is_file():
        names = "x.npy, with y.npy beside it" if path.suffix == ".npy" else "a file with x_train, y_train"
        raise InputError(
            f"no such file: {path}; give {names} and perhaps a test set (--data names its new place where a run is "
            "resumed)"
        )
    return tuple(_npy_files(path).values()) if path.suffix == ".npy" else (path,)


def _npy_files(path):
    """Return the .npy files that belong to the one that is named, by the names of their arrays."""
    ends = {"x": [""], "x_train": [f"_{split}" for split in _SPLITS]}.get(path.stem)
    if ends is None:
        raise InputError(f"{path}: name x.npy, with y.npy beside it, or x_train.npy, with y_train.npy")
    beside = {f"{letter}{end}": path.with_name(f"{letter}{end}.npy") for end in ends for letter in "xyw"}
    return {name: file for name, file in beside.items() if file.is_file()}


def set_name(path):
    """Return the name of the data set in a file: of an .npy file that of its folder."""
    return (path.resolve().parent.name or path.stem) if path.suffix == ".npy" else path.stem


def read_array_files(path, loss="auto"):
    """Read the examples of a file of arrays.

    Parameters
    ----------
    path : Path
        Holds x_train and y_train, perhaps x_valid, y_valid (or x_val, y_val), perhaps x_test, y_test; or x and y; and
        perhaps weights of the examples, w_train and so on. An .npy file holds one of these arrays, and the others lie
        beside it.
    loss : str
        See :func:`isgd_mpi.data.given_target.read_targets`.

    Returns
    -------
    target, parts
        See :func:`isgd_mpi.data.given_target.read_examples`; of each split that there is, with images of any trailing
        shape.

    Raises
    ------
    FormatError
        An array is missing, would not be used, or is damaged, or examples and targets do not fit each other.
    """
    if path.suffix == ".npy":
        files = _npy_files(path)
        keys = _splits(path, list(files))
        arrays = {name: read_npy(files[name]) for group in keys.values() for name in group}
    elif path.suffix == ".npz":
        with open_npz(path) as archive:
            keys = _splits(path, archive.names)
            arrays = {name: archive[name] for group in keys.values() for name in group}
    else:
        keys = _splits(path, hdf5.names_in(path))
        arrays = hdf5.read_hdf5(path, [name for group in keys.values() for name in group])
    target, parts = read_examples({split: _given(path, split, group, arrays) for split, group in keys.items()}, loss)
    return target, {split: _with_weights(part, arrays, *keys[split][2:]) for split, part in parts.items()}


def _splits(path, names):
    """Return the names of the arrays of each split: of examples, targets, and perhaps weights."""
    weights = ["w", *(f"w_{split}" for split in _SPLITS)]
    examples = [name for name in names if name.lower().startswith(("x_", "y_")) or name in ("x", "y", *weights)]
    if "x" in examples and "x_train" not in examples:
        keys = {"train": ("x", "y")}
    else:
        valid = [("valid", key) for key in _VALID if f"x_{key}" in examples]
        test = [("test", "test")] if {"x_test", "y_test"}.intersection(examples) else []
        keys = {split: (f"x_{key}", f"y_{key}") for split, key in [("train", "train"), *valid[:1], *test]}
    keys = {split: (x, y, *(name for name in (f"w{x[1:]}",) if name in names)) for split, (x, y) in keys.items()}
    wanted = [name for group in keys.values() for name in group]
    if missing := [name for name in wanted if name not in names]:
        raise FormatError(path, f"has no {', '.join(missing)}, only {', '.join(names) or 'nothing'}")
    if unused := [name for name in examples if name not in wanted]:
        raise FormatError(path, f"{unused[0]} would not be used: rename it, or leave it out")
    return keys


def _given(path, split, group, arrays):
    """Return the examples of a split, as they are given; targets are read whole."""
    where, (images, targets) = f"{path} ({split})", (arrays[name] for name in group[:2])
    if isinstance(images, Rows) and images.dtype.kind not in "biuf":
        raise FormatError(where, f"examples are {images.dtype} of shape {images.shape}: turn them into real numbers")
    check_fits(where, targets.dtype.itemsize * targets.size)
    return Given(where, f"{path}, {group[1]}", images, targets[:] if targets.ndim else np.asarray(targets))


def _with_weights(examples, arrays, name=None):
    """Return examples with the weights in the array of this name, if there is one; they are read whole."""
    if name is None:
        return examples
    weights = arrays[name]
    check_fits(examples.where, 8 * weights.size)
    given = weights[:] if weights.ndim else weights
    return replace(examples, weights=checked(examples.where, given, len(examples), name))


def read_features(path):
    """Return the features in a file of arrays, to be predicted: ``x``, the only array so named, or ``x_test``.

    Parameters
    ----------
    path : Path
        Of an .npy file any name will do.

    Returns
    -------
    name : str
        Of the array.
    ndarray or rows.Rows

    Raises
    ------
    FormatError
        There is no such array, or it is damaged.
    """
    path = Path(path)
    if path.suffix == ".npy":
        return path.stem, read_npy(path)
    if path.suffix == ".npz":
        with open_npz(path) as archive:
            name = _features_among(path, archive.names)
            return name, archive[name]
    name = _features_among(path, hdf5.names_in(path))
    return name, hdf5.read_hdf5(path, [name])[name]


def _features_among(path, names):
    candidates = [name for name in names if name.lower().startswith("x_")]
    for name in ("x", *candidates[: len(candidates) == 1], "x_test"):
        if name in names:
            return name
    raise FormatError(path, f"has neither x nor x_test to predict, only {', '.join(names) or 'nothing'}")
