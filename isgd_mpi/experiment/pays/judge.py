"""Judge runs by one measure: of the validation set, or of the training set where there is none."""

import math
from typing import NamedTuple

import numpy as np


class Judge(NamedTuple):
    """A measure of runs; less is better.

    Attributes
    ----------
    split : str
    name : str
        Of a figure of the split.
    text, label, unit : str
    factor : float
        What a value is multiplied by to be in that unit.
    loss_unit : str
        Unit of the loss.
    """

    split: str
    name: str
    text: str
    label: str
    unit: str
    factor: float
    loss_unit: str

    def of(self, figures):
        """Return the value among the figures of some splits, or None."""
        return figures.get(self.split, {}).get(self.name)

    def words(self, value):
        """Return a value for people."""
        return "not finite" if value is None else f"{self.factor * value:.3g} {self.unit}"

    @property
    def description(self):
        """Return what pays.json says of it."""
        names = ("text", "label", "factor", "unit", "loss_unit")
        return {name: getattr(self, name) for name in names}


def judge_for(wanted, facts):
    """Return the judge.

    Parameters
    ----------
    wanted : "error" or "loss"
    facts : dict
        Of the data: ``has_validation``, and ``measure``, the fields of :class:`isgd_mpi.data.measure.Measure`.
    """
    measure = facts["measure"]
    loss_unit = measure["loss_unit"]
    if wanted == "loss" or not facts["has_validation"]:
        split, word = ("valid", "validation") if facts["has_validation"] else ("train", "training")
        return Judge(split, "loss", f"{word} loss", f"loss / {loss_unit}", loss_unit, 1.0, loss_unit)
    text, unit = measure["text"], measure["unit"]
    return Judge("valid", measure["name"], f"validation {text}", f"{text} / {unit}", unit, measure["factor"], loss_unit)


def curve_of(points, judge):
    """Return the columns of a curve, given the figures of its points."""
    return {
        "loss": [point["train"]["loss"] for point in points],
        "valid_loss": [point.get("valid", {}).get("loss") for point in points],
        "valid_judged": [judge.of(point) for point in points],
    }


def median(values, unknown=None):
    """Return the median of a figure over the refreshes of a run, or None if it is not finite.

    Parameters
    ----------
    values : list of float or None
        None where it is unknown.
    unknown : float, optional
        Stands for those; they are left out if not given.
    """
    known = [unknown if value is None else value for value in values if value is not None or unknown is not None]
    found = float(np.quantile(known, 0.5, method="lower")) if known else math.nan
    return found if math.isfinite(found) else None
