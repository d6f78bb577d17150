"""Describe the target of a data set: one of several classes, several yes-or-no labels, or numbers."""

import json
import math
import textwrap
from typing import NamedTuple

import numpy as np

from isgd_mpi.settings.errors import InputError

KINDS = ("classes", "labels", "numbers")

KIND_OF_LOSS = {"cross-entropy": "classes", "logistic": "labels", "squared": "numbers", "huber": "numbers"}
"""What a loss reads the target as."""

MOST_CLASSES = 100
"""Different whole numbers that a target may hold and still be classes, unless the user asks for it."""

_MOST_OUTPUTS = 2**31
_SINGULAR = {"classes": "class", "labels": "label", "numbers": "number"}
_MOST_NAMES, _LONGEST_NAME = 6, 24  # that a description quotes
_MOST_LABEL_STRATA = 10
_N_NUMBER_STRATA = 10


class Target(NamedTuple):
    """The target of a data set: its kind, its size, and the way back to the user's own names and units.

    Attributes
    ----------
    kind : "classes", "labels" or "numbers"
        One class of several; K labels, each of which holds or not; K numbers.
    n_outputs : int
        Classes, labels or numbers: the width of a model's last layer.
    names : tuple of str
        The user's own names of the classes, labels or numbers, in order; empty if they are 0 to ``n_outputs - 1``.
        A single label stands for two classes, of which the second one is that it holds: then names are those of both.
    mean, scale : tuple of float
        Numbers y are kept as ``(y - mean) / scale``; empty for the other kinds.
    type : str
        Name of the NumPy type of the user's own classes: "str", or "int64", "bool" and the like.
    """

    kind: str
    n_outputs: int
    names: tuple = ()
    mean: tuple = ()
    scale: tuple = ()
    type: str = "str"

    @property
    def row_shape(self):
        """Shape of the target of one example: () for classes, else (n_outputs,)."""
        return () if self.kind == "classes" else (self.n_outputs,)

    @property
    def dtype(self):
        """The dtype in which targets are kept: int32 for classes, else float32."""
        return np.dtype(np.int32 if self.kind == "classes" else np.float32)

    @property
    def n_classes(self):
        """Number of classes that a user sees: two for a single label, 0 where there are none."""
        return {"classes": self.n_outputs, "labels": 2 * (self.n_outputs == 1)}.get(self.kind, 0)

    @property
    def classes(self):
        """The user's own classes in the order of their numbers, (n_classes,) ndarray of the user's own type."""
        if not self.names or not self.n_classes:
            return np.arange(self.n_classes)
        if self.type == "bool":
            return np.array(self.names) == "True"
        return np.array(self.names) if self.type == "str" else np.array([*map(float_or_int, self.names)], self.type)

    @property
    def output_names(self):
        """Names of several labels, numbers or classes in their order, list of str; counted from 0 if they have none."""
        return list(self.names) or [str(number) for number in range(self.n_outputs)]

    @property
    def n_strata(self):
        """Number of the strata of :meth:`strata`."""
        return {
            "classes": self.n_outputs,
            "labels": min(self.n_outputs + 1, _MOST_LABEL_STRATA),
            "numbers": _N_NUMBER_STRATA,
        }[self.kind]

    def strata(self, targets):
        """Sort examples into strata, of which minibatches hold equal shares.

        Parameters
        ----------
        targets : (n, ...) ndarray of `dtype`

        Returns
        -------
        (n,) ndarray of int32
            Classes; the number of labels that hold; the tenth of all examples by the first number.
        """
        if self.kind == "classes":
            return targets
        if self.kind == "labels":
            return np.minimum(targets.sum(axis=1), self.n_strata - 1).astype(np.int32)
        return tenths(targets[:, 0])

    def as_given(self, targets):
        """Return targets in the form in which they were given: numbers in their units, float64; a single one as (n,).

        Classes stay numbers; see `classes`.
        """
        if self.kind == "numbers":
            targets = targets * np.array(self.scale) + np.array(self.mean)
        return targets[:, 0] if self.row_shape == (1,) else targets

    def problem_of(self, targets):
        """Return what is wrong with targets as they are kept, such as "has a label out of range 0..9"; None if nothing.

        Parameters
        ----------
        targets : ndarray
        """
        if targets.shape[1:] != self.row_shape or targets.dtype != self.dtype:
            return f"has targets of type {targets.dtype} and shape {targets.shape}"
        if self.kind == "classes" and (targets.min() < 0 or targets.max() >= self.n_outputs):
            return f"has a label out of range 0..{self.n_outputs - 1}"
        if self.kind == "labels" and not ((targets == 0) | (targets == 1)).all():
            return "has labels that are neither 0 nor 1"
        return None if np.isfinite(targets).all() else "has a number that is not finite"

    @property
    def text(self):
        """The target in words: its size, kind and names."""
        size = f"{self.n_outputs} {self.kind if self.n_outputs > 1 else _SINGULAR[self.kind]}"
        if self.kind == "labels" and self.n_outputs == 1:
            size = "2 classes with one output"
        names = [_printable(name) for name in self.names]
        if len(names) > _MOST_NAMES:
            names = [*names[: _MOST_NAMES - 2], "...", names[-1]]
        return size + (f" ({', '.join(names)})" if names else "")

    def to_json(self):
        """Return the target as text."""
        return json.dumps(self._asdict())

    @classmethod
    def from_dict(cls, content):
        """Return the target that a dict of its fields describes.

        Raises
        ------
        TypeError, ValueError
            It describes none.
        """
        if not isinstance(content, dict):
            raise TypeError(f"a dict is wanted, not {content!r:.30}")
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
        target = cls(**fields)
        if problem := target._problem():
            raise ValueError(f"target: {problem}")
        return target

    def _problem(self):
        """Return what is wrong with the fields, or None."""
        if self.kind not in KINDS or type(self.n_outputs) is not int or not 0 < self.n_outputs <= _MOST_OUTPUTS:
            return "kind or n_outputs is wrong"
        n_names = 2 if self.kind == "labels" and self.n_outputs == 1 else self.n_outputs
        if self.names and (len(self.names) != n_names or not all(isinstance(name, str) for name in self.names)):
            return f"names are not {n_names} texts"
        n_numbers = self.n_outputs if self.kind == "numbers" else 0
        for values in (self.mean, self.scale):
            if len(values) != n_numbers or not all(type(value) is float and math.isfinite(value) for value in values):
                return f"mean and scale are not {n_numbers} numbers each"
        if any(value <= 0 for value in self.scale):
            return "a scale is not above 0"
        if self.type != "str" and np.dtype(self.type).kind not in "biuf":
            return "type is not that of classes"
        return None if len(self.classes) == self.n_classes else "names are no classes"


def check_loss(loss, name):
    """Refuse a loss that would read a data set as something else than the classes that it is known to hold."""
    if KIND_OF_LOSS.get(loss, "classes") != "classes":
        raise InputError(f"--loss {loss} is for {KIND_OF_LOSS[loss]}, and {name} holds classes: leave --loss out")


def _printable(name):
    """Return a name in few characters, none of which controls a terminal."""
    short = textwrap.shorten(name, _LONGEST_NAME, placeholder=" ...")
    return "".join(character if character.isprintable() else "?" for character in short)


def float_or_int(text):
    """Return the number that a text stands for: an int where it is one, which a float need not hold."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def tenths(numbers):
    """Return the tenth of all numbers to which each belongs, (n,) ndarray of int32, 0 for the lowest."""
    limits = np.quantile(numbers, np.arange(1, _N_NUMBER_STRATA) / _N_NUMBER_STRATA)
    return np.searchsorted(limits, numbers, side="right").astype(np.int32)
