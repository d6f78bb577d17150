"""Say how a run ended on held-out data, and what went wrong on the way there: overfitting, a relapse."""

import math
from typing import NamedTuple

from isgd_mpi.data.measure import ERROR, measure_of

_RISE = 1.1  # held-out loss at the end over its least, above which it has risen
_RELAPSE = 1.2  # the same of the training loss
_LEAST_EVALUATIONS = 3  # fewer make no curve
_UNBALANCED = 1.2  # balanced error over error, above which classes are unequal
_TEXTS = {"label_error": "label error", "mae": "MAE", "r2": "R²", "auc": "AUC"}


class Point(NamedTuple):
    """An evaluation of one split."""

    step: int
    loss: float
    measured: float
    """By the measure that the split is judged by."""


def curves(lines):
    """Return the evaluations of each split, by the step of the parameters evaluated.

    Parameters
    ----------
    lines : list of dict
        Of the metrics file.

    Returns
    -------
    dict of str to list of Point
        Without evaluations of which a figure is not finite.
    """
    found = {}
    for line in lines:
        if line["kind"] != "eval":
            continue
        values = line["loss"], line[measure_of(line).name]
        if None not in values:
            point = Point(line["step"] - line["staleness"], *values)
            found.setdefault(line["split"], {})[point.step] = point
    return {split: [points[step] for step in sorted(points)] for split, points in found.items()}


def describe_end(lines, last=None):
    """Return in a few lines how a run ended: held-out data first, each at its best step too, training loss second.

    Parameters
    ----------
    lines : list of dict
        Of the metrics file.
    last : dict of str to dict, optional
        Figures of the last evaluation of each split, of which those beside loss and measure are told too.

    Returns
    -------
    list of str
    """
    by_split = curves(lines)
    train = by_split.get("train", [])
    held_out = next((split for split in ("valid", "test") if split in by_split), None)
    if held_out is None:
        return [f"training loss {point.loss:.3g}" for point in train[-1:]] + _relapse(train)
    points = by_split[held_out]
    measure = next(measure_of(line) for line in lines if line["kind"] == "eval")
    parts = [_beside_best(points, "measured", measure.text, measure.words)]
    parts += _others((last or {}).get(held_out) or {})
    parts.append(_beside_best(points, "loss", "loss", "{:.3g}".format))
    text = f"{held_out} {', '.join(parts)}" + (f"; training loss {train[-1].loss:.3g}" if train else "")
    return [text] + (_rise(held_out, points, train) or _relapse(train))


def _others(figures):
    """Return further figures in words; balanced and label error only where they say something else than the error."""
    parts = []
    if figures.get("balanced_error", 0) > _UNBALANCED * figures.get("error", 0):
        parts.append(f"balanced error {figures['balanced_error']:.2%}")
    for name, text in _TEXTS.items():
        value = figures.get(name)
        is_known = value is not None and not math.isnan(value)  # AUC of one class, R² of a constant: neither
        if is_known and not (name == "label_error" and value == figures["error"]):
            parts.append(f"{text} {ERROR.words(value) if name == 'label_error' else format(value, '.4g')}")
    return parts


def _beside_best(points, name, text, words):
    """Return the last value of a curve, and its best one if that was at another step."""
    best = min(points, key=lambda point: getattr(point, name))
    least, last = words(getattr(best, name)), words(getattr(points[-1], name))
    now = f"{text} {last}"
    return now if least == last else f"{now} (best {least} at step {best.step})"


def _rise(split, points, train):
    """Return a line if the held-out loss has risen while the training loss fell, and what helps."""
    best, last = min(points, key=lambda point: point.loss), points[-1]
    at = {point.step: point.loss for point in train}
    known = best.step in at and last.step in at
    if (
        len(points) < _LEAST_EVALUATIONS
        or not known
        or last.loss <= _RISE * best.loss
        or at[last.step] >= at[best.step]
    ):
        return []
    ends = f"--patience, --steps {best.step}" if split == "valid" else f"--steps {best.step}"
    way_out = f"{'take the best model, or ' * (split == 'valid')}stop there ({ends})"
    return [
        f"{split} loss has risen from {best.loss:.3g} at step {best.step} to {last.loss:.3g} while training loss fell "
        f"from {at[best.step]:.3g} to {at[last.step]:.3g}: {way_out}, or try --weight-decay, "
        "fewer --hidden units, or more data"
    ]


def _relapse(train):
    """Return a line if the training loss has gone up again at the end."""
    if len(train) < _LEAST_EVALUATIONS:
        return []
    best, last = min(train, key=lambda point: point.loss), train[-1]
    if last.loss <= _RELAPSE * best.loss:
        return []
    return [
        f"a relapse at the end: training loss was {best.loss:.3g} at step {best.step} and is {last.loss:.3g} at step "
        f"{last.step}: a smaller --lr or --lr-schedule linear avoids it"
    ]
