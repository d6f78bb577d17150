"""Show the hardest examples of a run: as pictures where the data are images, else as rows of a table."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from isgd_mpi.data import datasets
from isgd_mpi.data.sources import Division
from isgd_mpi.report.runs import SPLITS, Run
from isgd_mpi.report.scores import Scores, hardest, read_scores
from isgd_mpi.settings.errors import InputError

SHOWN = 32
"""Examples of each split."""

_LEAST_SIDE = 4  # of an image, pixels
_LEAST_PIXELS = 64  # of a square image whose rows and columns are not known
_MOST_COLUMNS = 40  # of a table that are shown
TITLES = {"train": "training", "valid": "validation", "test": "test"}
_OPTIONS = ("data_dir", "synthetic_size", "standardize", "loss", *Division._fields)


class Examples(NamedTuple):
    """A run whose examples are shown, with its data, or the reason why they are not there."""

    run: Run
    scores: Scores
    dataset: datasets.Dataset | None
    problem: str


class Section(NamedTuple):
    """A table on the page."""

    heading: str
    explanation: str
    head: list[str]
    rows: list[list[str]]


def examples_of(study):
    """Return the Examples of the first run with scores, or None; complete runs come first."""
    runs = sorted(study.runs, key=lambda run: not run.complete)
    return next((found for run in runs if (found := _examples(run))), None)


@lru_cache(maxsize=4)  # each figure asks for them
def _examples(run):
    scores = read_scores(run.folder)
    if scores is None:
        return None
    try:
        return Examples(run, scores, _load(run.options, scores), "")
    except InputError as error:
        return Examples(run, scores, None, str(error))


def _load(options, scores):
    """Return the data set that the options name; raise InputError if it is not there, or is another one."""
    name = options.get("data")
    if not isinstance(name, str) or name == "arrays":
        raise InputError("the run was on arrays in memory")
    given = {option: options[option] for option in _OPTIONS if option in options}
    try:
        dataset = datasets.load(name, verify=False, **given)
    except (TypeError, ValueError, OSError) as error:
        raise InputError(f"{name}: {error}") from None
    for split, columns in scores.splits.items():
        labels = dataset.splits[split].labels if split in dataset.splits else np.empty(0)
        if len(labels) != len(columns["label"]) or not _alike(dataset.target.as_given(labels), columns["label"]):
            raise InputError(f"{name} is not the data set that the run was on: its split {split} has other labels")
    return dataset


def _alike(one, other):
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-5)


def image_shape(dataset):
    """Return the shape of an image, (rows, columns) or (rows, columns, 3), and whether colours come first; else None.

    Images have rows and columns; or they are whole numbers from 0 to 255, as many as a square of 8 x 8 or more has.
    """
    if dataset is None or dataset.encoding:
        return None
    shape, n = dataset.example_shape, dataset.n_features
    if len(shape) == 2 or (len(shape) == 3 and 1 in shape):
        sides = tuple(side for side in shape if side > 1)
        return (sides, False) if len(sides) == 2 and min(sides) >= _LEAST_SIDE else None
    if len(shape) == 3 and 3 in (shape[0], shape[2]):
        first = shape[0] == 3
        return (*(shape[1:] if first else shape[:2]), 3), first
    pixels = dataset.splits["train"].images.dtype == np.uint8 and n >= _LEAST_PIXELS
    for n_colours in (1, 3):
        side = int(np.sqrt(n // n_colours))
        if pixels and side * side * n_colours == n:
            return ((side, side) + (3,) * (n_colours == 3)), n_colours == 3
    return None


def picture(features, shape, colours_first):
    """Return an image between 0 and 1 from the features of one example."""
    pixels = np.asarray(features, np.float64)
    if colours_first:
        pixels = np.moveaxis(pixels.reshape(3, *shape[:2]), 0, -1)
    pixels = pixels.reshape(shape)
    low, high = (0, 255) if features.dtype == np.uint8 else (pixels.min(), pixels.max())
    return (pixels - low) / (high - low if high > low else 1)


def as_given(dataset, features):
    """Return the features of some examples, (n, n_features) ndarray, in the units in which they were given."""
    if dataset.given is None:
        return features.astype(np.float64)
    mean, factor = dataset.given
    unit = np.divide(dataset.inverse_std, factor, out=np.zeros_like(factor), where=factor != 0)
    values = mean + (features.astype(np.float64) - dataset.mean) * unit
    steps = 10.0 ** np.floor(6 + np.log10(np.where(factor > 0, factor, 1)))  # what float32 can tell apart, a unit has
    return np.rint(values * steps) / steps + 0.0  # no -0


def sections(study):
    """Return the hardest examples of each split as tables, where they are no pictures, and notes: two lists."""
    found = examples_of(study)
    if found is None:
        return [], []
    notes = [f"{found.run.name}: the examples are not shown, only their numbers: {found.problem}"] * bool(found.problem)
    if image_shape(found.dataset):
        return [], notes
    splits = [split for split in SPLITS if split in found.scores.splits]
    return [_section(found, split) for split in splits], notes


def heading_of(split):
    """Return the heading of the hardest examples of a split."""
    return f"The hardest {TITLES[split]} examples"


def explanation_of(found, split):
    """Return how the hardest examples were chosen."""
    n = min(SHOWN, len(found.scores.splits[split]["loss"]))
    return (
        f"The {n} with the largest loss, measured with the parameters of step {found.scores.step} of the run "
        f"{found.run.name}. Numbers count the examples of the split."
    )


def _section(found, split):
    columns = found.scores.splits[split]
    chosen = hardest(columns, SHOWN)
    names, values = _features(found.dataset, split, chosen)
    rows = []
    for example, own in zip(chosen.tolist(), values):
        answers = [found.scores.text(columns[name][example]) for name in ("label", "prediction") if name in columns]
        figures = [f"{columns[name][example]:.3g}" for name in ("loss", "grad_norm")]
        rows.append([str(example), *answers, *figures, *own])
    answers = ["label", "prediction"][: 1 + ("prediction" in columns)]
    return Section(heading_of(split), explanation_of(found, split), ["number", *answers, "loss", "norm", *names], rows)


def _features(dataset, split, chosen):
    """Return names of columns, and the values of some examples as texts."""
    if dataset is None:
        return [], [[] for _ in chosen]
    features = as_given(dataset, dataset.splits[split].images[chosen])
    digits = ".7g" if dataset.given is None else ".10g"  # of float32, and of what is rounded already
    if dataset.encoding is None:
        n = min(features.shape[1], _MOST_COLUMNS)
        return [f"feature {i}" for i in range(n)], [
            [f"{value:{digits}}" for value in row] for row in features[:, :n].tolist()
        ]
    columns = dataset.encoding.columns[:_MOST_COLUMNS]
    starts = np.cumsum([0] + [column.n_features for column in columns]).tolist()
    parts = [[_value(column, row[start:], digits) for column, start in zip(columns, starts)] for row in features]
    return [column.name for column in columns], parts


def _value(column, features, digits):
    """Return the value of a column of a table as a text, given its features, which others may follow."""
    n_values = column.n_features - column.has_indicator
    if column.has_indicator and features[n_values] > 0.5:
        return "–"
    if column.categories is None:
        return f"{features[0]:{digits}}"
    place = int(features[:n_values].argmax())
    return column.categories[place] if features[place] > 0.5 else "–"
