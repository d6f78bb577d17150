"""Standardise numbers that are to be predicted, as those of the training set are."""

from dataclasses import replace

import numpy as np

from isgd_mpi.data.examples import FormatError

_QUARTILE_DISTANCE = 1.3489795  # of a normal distribution, in standard deviations
_FAR = 12  # standard deviations: the square is that of 144 usual examples


def standardise(target, parts, training=slice(None), loss="auto"):
    """Standardise numbers that are to be predicted.

    Parameters
    ----------
    target : target.Target
        Of any kind; only numbers are changed.
    parts : dict of str to RawExamples
        With numbers (n, K) of float64.
    training : (n,) ndarray of int or slice
        The rows of the first part that are the training set.
    loss : str
        With "huber" the measures are robust, as the loss is: a few numbers far out do not change them.

    Returns
    -------
    target : target.Target
        With the mean and the standard deviation of the training set; with "huber" the median, and the standard
        deviation that a normal distribution of the same quartiles has, unless these are equal.
    parts : dict of str to RawExamples
        With ``(numbers - mean) / scale`` in float32.

    Raises
    ------
    FormatError
        A column never varies, its variance is infinite, or a number is too far from those of training.
    """
    if target.kind != "numbers":
        return target, parts
    first, *_ = parts.values()
    target = _measured(first.where, first.labels[training], target, loss == "huber")
    return target, {name: replace(part, labels=_kept(part.where, part.labels, target)) for name, part in parts.items()}


def far_out(dataset, loss):
    """Return in words how far out the farthest number of training is, for a note; empty if it is not.

    Parameters
    ----------
    dataset : datasets.Dataset
    loss : str
        With "huber" no number is too far out.
    """
    if dataset.target.kind != "numbers" or loss == "huber":
        return ""
    labels = dataset.splits["train"].labels
    farthest = max(labels.max(), -labels.min())
    if farthest < _FAR:
        return ""
    return f"a target is {farthest:.0f} standard deviations from the mean, and outweighs others: see --loss huber"


def _measured(where, numbers, target, is_robust):
    """Return a target with the mean and the standard deviation of numbers, or robust measures in their place."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = numbers.mean(axis=0), numbers.std(axis=0)
        if is_robust:
            lower, mean, upper = np.quantile(numbers, [0.25, 0.5, 0.75], axis=0)
            scale = np.where(upper > lower, (upper - lower) / _QUARTILE_DISTANCE, scale)
    for column in range(target.n_outputs):
        name = repr(target.names[column]) if target.names else str(column) if target.n_outputs > 1 else ""
        name = f"the target {name}".rstrip()
        if numbers[:, column].min() == numbers[:, column].max():
            raise FormatError(where, f"{name} is {numbers[0, column]:g} in every example: there is nothing to learn")
        if not (np.isfinite(mean[column]) and 0 < scale[column] < np.inf):
            raise FormatError(where, f"{name} is too large or varies too little for its variance to be known: scale it")
    return target._replace(mean=tuple(mean.tolist()), scale=tuple(scale.tolist()))


def _kept(where, numbers, target):
    """Return numbers as they are kept."""
    with np.errstate(over="ignore"):
        kept = ((numbers - np.array(target.mean)) / np.array(target.scale)).astype(np.float32)
    finite = np.isfinite(kept).all(axis=1)
    if not finite.all():
        row = int(finite.argmin())
        raise FormatError(where, f"example {row} has a target too far from those of training: leave the example out")
    return kept
