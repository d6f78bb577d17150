"""Measure predictions beside the loss: sums over the examples of a split, and the figures that they give.

A rank sums over its part of a split; sums of all ranks are added, and trainer 0 turns them into figures. What depends
on the split alone, such as the number of examples of each class, is counted by trainer 0 when it is first needed.
"""

from functools import cache

import numpy as np


def n_sums(target):
    """Return the number of sums that measure the predictions of a target, :class:`isgd_mpi.data.target.Target`."""
    return _KINDS[target.kind].sums_per_output * target.n_outputs


def measures_of(dataset):
    """Return the measures for the target of a data set, such as :class:`ClassErrors`."""
    return _KINDS[dataset.target.kind](dataset)


class ClassErrors:
    """Measures classes by the wrong predictions of each class.

    Parameters
    ----------
    dataset : datasets.Dataset
    """

    sums_per_output = 1

    def __init__(self, dataset):
        self._names, self._n_classes = names_of(dataset.target), dataset.target.n_outputs
        self._splits = dataset.splits
        self._n_of_each = cache(self._count)

    def measure(self, model, x, y):
        """Return losses (B,) of examples, and the wrong predictions of each class, (n_classes,)."""
        _, losses, correct = model.scores(x, y)
        return losses, np.bincount(y[~correct], minlength=self._n_classes)

    def _count(self, split):
        return np.bincount(self._splits[split].labels, minlength=self._n_classes)

    def _errors(self, split, sums):
        """Return the error of each class, (n_classes,) ndarray; NaN for a class that the split lacks."""
        n = self._n_of_each(split)
        return np.divide(sums, n, out=np.full(len(n), np.nan), where=n > 0)

    def figures(self, split, sums):
        """Return the figures of a split, given its sums over all ranks.

        Returns
        -------
        dict of str to float
            ``error``: fraction of wrong predictions; ``balanced_error``: mean over the split's classes of theirs.
        """
        error = sums.sum() / self._n_of_each(split).sum()
        return {"error": float(error), "balanced_error": float(np.nanmean(self._errors(split, sums)))}

    def details(self, split, sums):
        """Return what only the summary of a run tells of a split: the error of each class, by its name."""
        return {"class_errors": dict(zip(self._names, self._errors(split, sums).tolist()))}


def names_of(target):
    """Return the names of the outputs of a target, list of str: the user's own, else numbers from 0 on."""
    return list(target.names) or [str(number) for number in range(target.n_outputs)]


_KINDS = {"classes": ClassErrors}
