"""Read the findings of a run on each example, ``scores.npz``, and derive figures from them."""

from dataclasses import dataclass

import numpy as np

from isgd_mpi.data.npz import read_arrays
from isgd_mpi.report.runs import SPLITS
from isgd_mpi.settings.errors import InputError

FILE = "scores.npz"
TOP = 0.01
"""Share of the training examples, those with the largest norms, whose classes are counted."""

_COLUMNS = ("label", "prediction", "loss", "grad_norm")


@dataclass(frozen=True, eq=False)
class Scores:
    """The findings of a run on each example.

    Attributes
    ----------
    step : int
        Step of the parameters.
    classes : list of str
        Names of the classes; empty if there are none.
    splits : dict of str to dict of str to ndarray
        Of each split ``label``, ``loss``, ``grad_norm`` and perhaps ``prediction``, (n, ...) each.
    """

    step: int
    classes: list[str]
    splits: dict[str, dict[str, np.ndarray]]

    def text(self, targets):
        """Return the targets or predictions of one example as a text."""
        if self.classes:
            return self.classes[int(targets)]
        return " ".join(f"{value:.4g}" for value in np.atleast_1d(targets).tolist())


def read_scores(folder):
    """Return the scores in a run's folder, or None if there is no such file.

    Raises
    ------
    InputError
        The file is damaged, or its arrays do not fit together.
    """
    path = folder / FILE
    if not path.exists():
        return None
    names = [f"{split}/{name}" for split in SPLITS for name in _COLUMNS]
    try:
        arrays = read_arrays(path, ("step", "classes", *names))
        splits = {split: _of_split(arrays, split) for split in SPLITS if f"{split}/loss" in arrays}
        classes = [str(name) for name in arrays.get("classes", np.empty(0)).reshape(-1).tolist()]
        _check(splits, classes)
        return Scores(int(arrays["step"]), classes, splits)
    except (InputError, ValueError, TypeError, KeyError) as error:
        problem = str(error).removeprefix(f"{path}: ")
        raise InputError(f"{path} holds no scores ({problem}): remove it to leave it out") from None


def _of_split(arrays, split):
    return {name: arrays[f"{split}/{name}"] for name in _COLUMNS if f"{split}/{name}" in arrays}


def _check(splits, classes):
    """Raise ValueError unless the columns of a split fit together, and classes have names."""
    if "train" not in splits:
        raise ValueError("there is nothing of the training set")
    for split, columns in splits.items():
        if missing := {"label", "grad_norm"} - columns.keys():
            raise ValueError(f"{split}/{min(missing)} is missing")
        if {array.shape[:1] for array in columns.values()} != {(columns["loss"].size,)} or not columns["loss"].size:
            raise ValueError(f"the columns of {split} differ in length")
        if any(array.dtype.kind not in "iuf" for array in columns.values()):
            raise ValueError(f"a column of {split} is not numbers")
        for name in ("label", "prediction") if classes else ():
            numbers = columns.get(name, np.zeros(1, int))
            if numbers.ndim > 1 or numbers.dtype.kind == "f" or not 0 <= numbers.min() <= numbers.max() < len(classes):
                raise ValueError(f"{split}/{name} is out of range")


def hardest(columns, n):
    """Return the numbers of the n examples of a split with the largest losses, the largest first.

    Losses that are not finite come first.
    """
    losses = np.where(np.isfinite(columns["loss"]), columns["loss"], np.inf)
    return np.argsort(-losses, kind="stable")[:n]


def lorenz(norms):
    """Return the Lorenz curve of some norms, and the Gini coefficient.

    Parameters
    ----------
    norms : (n,) ndarray
        Not negative; those that are not finite are left out.

    Returns
    -------
    shares : (n + 1,) ndarray
        Share of the sum that the k smallest have, for k = 0 to n; NaN if all are zero.
    gini : float
        Twice the area between this curve and the straight line: 0 if all norms are equal, 1 if one has all of the sum.
    """
    values = np.sort(norms[np.isfinite(norms)].astype(np.float64))
    with np.errstate(invalid="ignore"):
        shares = np.concatenate([[0.0], np.cumsum(values)]) / values.sum()
    return shares, float(1 - 2 * np.mean((shares[1:] + shares[:-1]) / 2)) if len(values) else np.nan


def class_shares(columns, n_classes):
    """Return the share of each class in the training set, and among the TOP of its examples by norm, (2, C) ndarray."""
    norms = np.where(np.isfinite(columns["grad_norm"]), columns["grad_norm"], np.inf)
    top = np.argsort(-norms, kind="stable")[: max(1, round(TOP * len(norms)))]
    counts = [np.bincount(columns["label"][rows], minlength=n_classes) for rows in (slice(None), top)]
    return np.array([count / count.sum() for count in counts])
