"""Measure predictions beside the loss: sums over the examples of a split, and the figures that they give.

A rank sums over its part of a split; sums of all ranks are added, and trainer 0 turns them into figures. What depends
on the split alone, such as the number of examples of each class, is counted by trainer 0 when it is first needed.
Examples count by the weights that they were given, if they were; the weights of their classes do not matter here.
"""

import math
from functools import cache

import numpy as np

_OF_NUMBERS = "rmse", "mae", "r2"
_MOST_CONFUSED = 32  # classes of a confusion matrix, which travels with every report, for each split


def n_sums(target):
    """Return the number of sums that measure the predictions of a target, :class:`isgd_mpi.data.target.Target`."""
    return _KINDS[target.kind].n_sums(target.n_outputs)


def measures_of(dataset):
    """Return the measures for the target of a data set, such as :class:`ClassErrors`."""
    return _KINDS[dataset.target.kind](dataset)


class ClassErrors:
    """Measures classes by the wrong predictions of each class, and few of them by the confusion matrix.

    Parameters
    ----------
    dataset : datasets.Dataset
    """

    def __init__(self, dataset):
        self._names, self._n_classes = dataset.target.output_names, dataset.target.n_outputs
        self._splits = dataset.splits
        self._n_of_each = cache(self._count)

    @staticmethod
    def n_sums(n_outputs):
        """Return the number of sums."""
        return n_outputs * (1 + n_outputs) if n_outputs <= _MOST_CONFUSED else n_outputs

    def measure(self, model, x, y, weights=None):
        """Return losses (B,) of examples, and their sums, by weight if given.

        Sums are the wrong predictions of each class, (n_classes,), and the predictions of each class (column) for each
        true one (row), flattened, NaN where the model does not tell them.
        """
        losses, measures = model.evaluate(x, y)
        weights = np.ones(len(y)) if weights is None else weights
        wrong, n = np.bincount(y, weights * measures[:, 0], self._n_classes), self._n_classes
        if n > _MOST_CONFUSED:
            return losses, wrong
        is_told = np.isfinite(measures[:, 1])
        pairs = n * y + np.where(is_told, measures[:, 1], 0).astype(np.intp)
        return losses, np.concatenate([wrong, np.bincount(pairs, np.where(is_told, weights, np.nan), n * n)])

    def _count(self, split):
        examples = self._splits[split]
        return np.bincount(examples.labels, examples.weights, self._n_classes)

    def _errors(self, split, sums):
        """Return the error of each class, (n_classes,) ndarray; NaN for a class that the split lacks."""
        n = self._n_of_each(split)
        return np.divide(sums[: len(n)], n, out=np.full(len(n), np.nan), where=n > 0)

    def figures(self, split, sums):
        """Return the figures of a split, given its sums over all ranks.

        Returns
        -------
        dict of str to float
            ``error``: fraction of wrong predictions, by the weights that examples were given; ``balanced_error``: mean
            over the split's classes of theirs.
        """
        error = sums[: self._n_classes].sum() / self._n_of_each(split).sum()
        return {"error": float(error), "balanced_error": float(np.nanmean(self._errors(split, sums)))}

    def details(self, split, sums):
        """Return what only the summary of a run tells of a split: errors and confusions of classes, by their names."""
        errors = {"class_errors": dict(zip(self._names, self._errors(split, sums).tolist()))}
        matrix = sums[self._n_classes :]
        return errors | {"confusion": self._by_names(matrix)} if len(matrix) and np.isfinite(matrix).all() else errors

    def _by_names(self, matrix):
        """Return the predictions of each class by their names, for each true class by its name, without zeros."""
        rows = matrix.reshape(self._n_classes, -1)
        rows = rows.astype(np.int64) if (rows == np.rint(rows)).all() else rows
        return {
            name: {predicted: n for predicted, n in zip(self._names, row) if n}
            for name, row in zip(self._names, rows.tolist())
        }


class LabelErrors:
    """Measures yes-or-no labels by the examples with any wrong one, and by the share of wrong ones.

    Parameters
    ----------
    dataset : datasets.Dataset
    """

    def __init__(self, dataset):
        self._splits = dataset.splits

    @staticmethod
    def n_sums(n_outputs):
        """Return the number of sums."""
        return 2

    def measure(self, model, x, y, weights=None):
        """Return losses (B,) of examples, and the sums of what is wrong, (2,)."""
        losses, measures = model.evaluate(x, y)
        return losses, _summed(measures, weights)

    def figures(self, split, sums):
        """Return the figures of a split, given its sums over all ranks.

        Returns
        -------
        dict of str to float
            ``error``: fraction of examples with a wrong label; ``label_error``: fraction of labels that are wrong.
        """
        error, label_error = (sums / self._splits[split].total_weight).tolist()
        return {"error": error, "label_error": label_error}

    def details(self, split, sums):
        """Return what only the summary of a run tells of a split: nothing."""
        return {}


class Residuals:
    """Measures numbers by their squared and absolute residuals.

    Parameters
    ----------
    dataset : datasets.Dataset
    """

    def __init__(self, dataset):
        self._names, self._splits = dataset.target.output_names, dataset.splits
        self._scale = np.array(dataset.target.scale)
        self._variances = cache(self._variance)

    @staticmethod
    def n_sums(n_outputs):
        """Return the number of sums."""
        return 2 * n_outputs

    def measure(self, model, x, y, weights=None):
        """Return losses (B,) of examples, and the sums of squared and absolute residuals of each number, (2 K,)."""
        losses, measures = model.evaluate(x, y)
        return losses, _summed(measures, weights)

    def _variance(self, split):
        examples = self._splits[split]
        if examples.weights is None:
            return np.var(examples.labels, axis=0, dtype=np.float64)
        mean = np.average(examples.labels, axis=0, weights=examples.weights)
        return np.average((examples.labels - mean) ** 2, axis=0, weights=examples.weights)

    def _of_each(self, split, sums):
        """Return RMSE, MAE and R^2 of each number, (3, K) ndarray; the first two in standard deviations."""
        squared, absolute = sums.reshape(2, -1) / self._splits[split].total_weight
        variances = self._variances(split)
        explained = 1 - np.divide(squared, variances, out=np.full(len(variances), np.nan), where=variances > 0)
        return np.sqrt(squared), absolute, explained

    def figures(self, split, sums):
        """Return the figures of a split, given its sums over all ranks.

        Returns
        -------
        dict of str to float
            ``rmse``, ``mae`` in the number's own unit, ``r2``; of several numbers the means of squares, residuals and
            R^2 of each, in standard deviations.
        """
        rmse, mae, r2 = self._of_each(split, sums)
        unit = self._scale[0] if len(self._scale) == 1 else 1.0
        values = unit * math.sqrt(np.mean(rmse**2)), unit * mae.mean(), r2.mean()
        return dict(zip(_OF_NUMBERS, map(float, values)))

    def details(self, split, sums):
        """Return what only the summary of a run tells of a split: the figures of each of several numbers, by name."""
        if len(self._names) == 1:
            return {}
        rmse, mae, r2 = self._of_each(split, sums)
        of_each = zip(rmse * self._scale, mae * self._scale, r2)
        return {"targets": {name: dict(zip(_OF_NUMBERS, map(float, each))) for name, each in zip(self._names, of_each)}}


def areas_under_curves(model, dataset, n_rows):
    """Return the area under the receiver operating characteristic of each held-out split.

    Parameters
    ----------
    model : Model
        With the parameters to be evaluated.
    dataset : datasets.Dataset
        Its target is two classes, or one label.
    n_rows : int
        The most examples in one call of the model.

    Returns
    -------
    dict of str to float
    """
    images = np.empty((n_rows, dataset.n_features), np.float32)
    areas = {}
    for split in (name for name in ("valid", "test") if name in dataset.splits):
        pieces = dataset.pieces(split, 0, len(dataset.splits[split]), images)
        scores = np.concatenate([_log_odds(model, x, y) for x, y in pieces])
        examples = dataset.splits[split]
        areas[split] = area_under_curve(scores, examples.labels.reshape(-1) > 0, examples.weights)
    return areas


def _summed(measures, weights):
    """Return the sums of the columns of measures, (B, n) ndarray, over examples that may have weights, (B,)."""
    return measures.sum(axis=0) if weights is None else weights @ measures


def is_binary(target):
    """Return whether a target has an area under a curve: two classes, or one label."""
    return target.n_outputs == {"classes": 2, "labels": 1}.get(target.kind)


def _log_odds(model, x, y):
    """Return the logarithm of the odds that examples are positive, by the losses that either answer would have."""
    if_not, if_so = (model.evaluate(x, np.full_like(y, answer))[0].astype(np.float64) for answer in (0, 1))
    return if_not - if_so


def area_under_curve(scores, is_positive, weights=None):
    """Return the area under the receiver operating characteristic, exactly: Mann and Whitney's statistic, with ties.

    Parameters
    ----------
    scores : (n,) ndarray
        Larger ones speak for an example to be positive.
    is_positive : (n,) ndarray of bool
    weights : (n,) ndarray, optional
        Weights of the examples, if they have any.

    Returns
    -------
    float
        The probability that a positive example has a larger score than another, drawn by weight; equal ones count
        half. NaN where all examples are alike, or a score is not finite.
    """
    weights = np.ones(len(scores)) if weights is None else weights
    pairs = weights[is_positive].sum() * weights[~is_positive].sum()
    if pairs == 0 or not np.isfinite(scores).all():
        return math.nan
    _, places = np.unique(scores, return_inverse=True)
    negatives = np.bincount(places[~is_positive], weights[~is_positive], 1 + places.max())
    below = np.cumsum(negatives) - negatives / 2
    return float(weights[is_positive] @ below[places[is_positive]] / pairs)


_KINDS = {"classes": ClassErrors, "labels": LabelErrors, "numbers": Residuals}
