"""Describe the target of a data set: one of several classes, several yes-or-no labels, or numbers."""

from typing import NamedTuple

import numpy as np


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
    mean, scale : tuple of float
        Numbers y are kept as ``(y - mean) / scale``; empty for the other kinds.
    """

    kind: str
    n_outputs: int
    names: tuple = ()
    mean: tuple = ()
    scale: tuple = ()

    @property
    def row_shape(self):
        """Shape of the target of one example: () for classes, else (n_outputs,)."""
        return () if self.kind == "classes" else (self.n_outputs,)

    @property
    def dtype(self):
        """The dtype in which targets are kept: int32 for classes, else float32."""
        return np.dtype(np.int32 if self.kind == "classes" else np.float32)
