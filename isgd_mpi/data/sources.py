"""Find the files of each data set, read them, and divide their examples into splits."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from isgd_mpi.data import array_files, folders, formats, synthetic
from isgd_mpi.data.examples import FormatError, check_alike
from isgd_mpi.data.numbers import standardise
from isgd_mpi.data.splitting import TEST_FRACTION, VALID_FRACTION, divide, fixed_permutation
from isgd_mpi.data.tables.encoding import Encoding
from isgd_mpi.data.tables.files import ENDINGS, is_table
from isgd_mpi.data.tables.read import read_table, survey_table
from isgd_mpi.data.tables.weight_column import read_weights
from isgd_mpi.data.target import Target, check_loss
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.nearest import suggestion

NAMES = ("mnist10k", "mnist", "cifar10", "svhn", "svhn-small", "synthetic")

_ENDINGS = ", ".join((*array_files.ENDINGS, *ENDINGS))
_BUNDLED = Path(__file__).parent / "mnist10k"
_MNIST_TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
_MNIST_TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_CIFAR10_BATCHES = [f"data_batch_{k}" for k in (1, 2, 3, 4, 5)] + ["test_batch"]
_SVHN_FILES = {
    "svhn": ("train_32x32.mat", "extra_32x32.mat", "test_32x32.mat"),
    "svhn-small": ("train_32x32.mat", "test_32x32.mat"),
}
_TEN_CLASSES = Target("classes", 10)
_SVHN_TRAIN_PERCENT = 95  # of all files but the test file; the rest is "valid"


@dataclass(frozen=True)
class Source:
    """The examples of a data set, as its files hold them."""

    target: Target
    splits: dict[str, np.ndarray]  # rows of each split, in its order
    take: Callable  # rows -> images (B, n_features) uint8, float32 or float64, targets (B, *row_shape)
    shape: tuple[int, ...]  # of an image, before it was flattened to features; empty for the columns of a table
    encoding: Encoding | None = None  # of a table
    weights: dict[str, np.ndarray] = field(default_factory=dict)  # of the examples of each split that has any


@dataclass(frozen=True)
class Recipe:
    """The identity of a data set, and the function that reads it."""

    name: str
    files: tuple[Path, ...]
    read: Callable[[], Source]
    way_out: str = ""  # advice to the user if a file is damaged
    options: object = None  # whatever else than its files decides the content


class Division(NamedTuple):
    """The parts of a file: which columns are to be predicted, and which rows are for testing and for validation.

    Attributes
    ----------
    target : str or None
        A column's name, or several with commas between, of a table; the last column if None.
    weight : str or None
        Name of the column of a table that holds the weights of its rows, if there is one.
    test, valid : float or str or None
        A share of the rows, or the path of a further table. None for TEST_FRACTION, and for VALID_FRACTION of
        the rest, or no validation set if the test set has a file, or arrays, of its own.
    """

    target: str | None = None
    weight: str | None = None
    test: float | str | None = None
    valid: float | str | None = None


_AS_IT_COMES = Division()
_FEW_NUMBERS = 50  # fewer are divided as a whole: of a tenth of them no split would get its share


def recipe(name, data_dir=None, synthetic_size=synthetic.DEFAULT_SIZE, division=_AS_IT_COMES, loss="auto"):
    """Find the files of a data set, without reading them.

    Parameters
    ----------
    name : str
        A name in `NAMES`, or the path of a file of arrays or of a table.
    data_dir : str or Path, optional
        Folder of original files; see :func:`isgd_mpi.data.folders.data_folder`.
    synthetic_size : int
        Training examples of the synthetic set.
    division : Division
        Of a table or a file of arrays.
    loss : "auto", "cross-entropy", "logistic", "squared" or "huber"
        Decides what the target of a file is read as.

    Returns
    -------
    Recipe
        Its `read` may raise `FormatError`.

    Raises
    ------
    InputError
        The name is unknown or a file is missing, or a division is asked for that only a table can have.
    """
    if is_table(name):
        return _table_recipe(Path(name).expanduser(), division, loss)
    is_arrays = array_files.is_array_file(name)
    for option, value in division._asdict().items():
        if value is not None and (not is_arrays or option in ("target", "weight") or isinstance(value, str)):
            raise InputError(
                f"--{option} {value} is for tables ({', '.join(ENDINGS)}), and {name} has its own: omit it"
            )
    if is_arrays:
        return _array_recipe(Path(os.path.expanduser(name)), division, loss)
    if name not in NAMES:
        meant = suggestion(str(name), NAMES)
        raise InputError(f"unknown data set {name!r}{meant}; choose {', '.join(NAMES)}, or a path ending in {_ENDINGS}")
    check_loss(loss, name)
    if name == "synthetic":
        sizes = synthetic.split_sizes(synthetic_size)
        return Recipe(name, (), partial(_read_synthetic, sizes), options=synthetic_size)
    if name == "mnist10k":
        files = tuple(_BUNDLED / f"{file_name}.gz" for file_name in _MNIST_TEST)
        return Recipe(name, files, partial(_read_mnist10k, files), "install isgd_mpi again, it brings this file")
    files = tuple(_find_originals(name, data_dir))
    read = {"mnist": _read_mnist, "cifar10": _read_cifar10}.get(name, _read_svhn)
    return Recipe(name, files, partial(read, files), f"delete it and run: {folders.fetch_command(name, data_dir)}")


def _find_originals(name, data_dir):
    if name == "mnist":
        return folders.find_files(name, _MNIST_TRAIN + _MNIST_TEST, data_dir, suffixes=("", ".gz"))
    if name in _SVHN_FILES:
        return folders.find_files(name, _SVHN_FILES[name], data_dir)
    try:
        return folders.find_files(name, [f"{batch}.bin" for batch in _CIFAR10_BATCHES], data_dir)
    except InputError:
        with suppress(InputError):  # Python's batches will do, but the message names the binary ones
            return folders.find_files(name, _CIFAR10_BATCHES, data_dir)
        raise


def _consecutive(sizes):
    """Return the rows of each split, by name, where splits of these sizes follow each other."""
    stops = np.cumsum(list(sizes.values()))
    return {name: np.arange(stop - sizes[name], stop) for name, stop in zip(sizes, stops)}


def _end_to_end(parts, splits, target=_TEN_CLASSES):
    """Return the source of several parts, whose rows are numbered through all of them."""
    starts = np.cumsum([0] + [len(part) for part in parts])
    check_alike(parts)

    def take(rows):
        part_of = np.searchsorted(starts, rows, side="right") - 1
        taken = [parts[k].take(rows[part_of == k] - starts[k]) for k in np.unique(part_of)]
        images, labels = (np.concatenate(arrays) for arrays in zip(*taken))
        back = np.argsort(np.argsort(part_of, kind="stable"))
        return images[back], labels[back]

    return Source(target, splits, take, parts[0].images.shape[1:], weights=_weights(parts, splits))


def _weights(parts, splits):
    """Return the weights of the examples of each split whose parts have weights, by name."""
    if all(part.weights is None for part in parts):
        return {}
    whole = np.concatenate([np.full(len(part), np.nan) if part.weights is None else part.weights for part in parts])
    return {name: whole[rows] for name, rows in splits.items() if not np.isnan(whole[rows]).any()}


def _read_mnist10k(files):
    # permuted: the first half of the test file was written by other people, and more neatly
    train, valid, test = np.split(fixed_permutation(10_000), [8_000, 9_000])
    return _end_to_end([formats.read_idx(*files)], {"train": train, "valid": valid, "test": test})


def _read_mnist(files):
    train, test = formats.read_idx(*files[:2]), formats.read_idx(*files[2:])
    return _end_to_end([train, test], _consecutive({"train": len(train), "test": len(test)}))


def _read_cifar10(files):
    read_batch = formats.read_cifar10_binary if files[0].suffix == ".bin" else formats.read_cifar10_pickle
    batches = [read_batch(path) for path in files]
    sizes = {"train": sum(map(len, batches[:-1])), "test": len(batches[-1])}
    return _end_to_end(batches, _consecutive(sizes))


def _read_svhn(files):
    *learning, test = [formats.read_svhn(path) for path in files]
    n_learning = sum(map(len, learning))
    # percent in integers: 0.95 * n may round to either side
    train, valid = np.split(fixed_permutation(n_learning), [n_learning * _SVHN_TRAIN_PERCENT // 100])
    if train.size == 0:
        raise FormatError(files[0], "a single example leaves the training set empty")
    splits = {"train": train, "valid": valid, "test": np.arange(n_learning, n_learning + len(test))}
    return _end_to_end([*learning, test], splits)


def _read_synthetic(sizes):
    return Source(Target("classes", synthetic.N_CLASSES), _consecutive(sizes), synthetic.examples_at, synthetic.SHAPE)


def _array_recipe(path, division, loss):
    way_out = "save x_train, y_train, x_test, y_test: numbers, and as labels also words"
    read = partial(_read_arrays, path, division, loss)
    return Recipe(array_files.set_name(path), array_files.files_of(path), read, way_out, (*division, loss))


def _read_arrays(path, division, loss):
    target, parts = array_files.read_array_files(path, loss)
    if "test" in parts and division.test is not None:
        raise FormatError(path, f"has a test set of its own: leave --test {division.test} out")
    return _source(path, target, parts, division, loss)


def _table_recipe(path, division, loss):
    others = {name: Path(own).expanduser() for name, own in division._asdict().items() if _is_file(name, own)}
    for name, file in {"data": path, **others}.items():
        if not file.is_file():
            share = "" if name == "data" else ", or a share such as 0.2"
            problem = f"--{name} {file} is a folder" if file.is_dir() else f"no such file: {file}"
            raise InputError(f"{problem}; give a table ({', '.join(ENDINGS)}){share}")
    way_out = "mend the table, or leave these rows or columns out"
    read = partial(_read_table, path, others, division, loss)
    return Recipe(path.name.partition(".")[0], (path, *others.values()), read, way_out, (*division, loss))


def _is_file(name, value):
    """Return whether a field of a division names a file, not a share."""
    return name in ("test", "valid") and isinstance(value, str)


def _read_table(path, others, division, loss):
    encoding, target, dtype = survey_table(path, division.target, loss, division.weight)
    files = {"train": path, **others}
    parts = {name: read_table(file, encoding, target, dtype) for name, file in files.items()}
    if (column := division.weight) is not None:
        parts = {name: replace(part, weights=read_weights(files[name], column)) for name, part in parts.items()}
    return replace(_source(path, target, parts, division, loss), shape=(), encoding=encoding)


def _source(path, target, parts, division, loss):
    """Return the source of the parts of a file, in splits, with numbers that are standardised as training's are."""
    strata = target.strata(parts["train"].labels)
    if target.kind == "numbers" and len(strata) < _FEW_NUMBERS:
        strata = np.zeros_like(strata)
    splits = _divided(path, strata, parts, division)
    target, parts = standardise(target, parts, splits["train"], loss)
    return _end_to_end(list(parts.values()), splits, target)


def _divided(path, strata, parts, division):
    """Return the rows of each split of a file: of its first part, test and validation sets take what others lack."""
    splits = _consecutive({name: len(part) for name, part in parts.items()})
    shares = {
        "test": 0.0 if "test" in parts else _share(division.test, TEST_FRACTION),
        "valid": 0.0 if "valid" in parts else _share(division.valid, 0.0 if "test" in parts else VALID_FRACTION),
    }
    for name, share in shares.items():
        kept, taken = divide(strata[splits["train"]], share)
        if len(taken):
            splits |= {name: splits["train"][taken], "train": splits["train"][kept]}
        elif name == "test" and name not in parts:
            problem = f"{len(kept)} rows leave nothing for the test set, as one of each class is for training"
            raise FormatError(path, f"{problem}: give --test a larger share, or a file")
    return {name: splits[name] for name in ("train", "valid", "test") if name in splits}


def _share(given, default):
    return default if given is None else given
