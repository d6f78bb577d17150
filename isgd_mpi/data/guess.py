"""Tell what guessing comes to: the loss and the measure of the best answer that is the same for every example."""

import numpy as np

from isgd_mpi.data.measure import measure_for


def guess_figures(dataset, split):
    """Return the figures of a model that knows the targets of the training set, and nothing of an example.

    Parameters
    ----------
    dataset : datasets.Dataset
    split : str
        The split that is guessed. Weights of examples are left out of account.

    Returns
    -------
    dict of str to float
        ``error`` or ``rmse``, as :func:`isgd_mpi.data.measure.measure_for` has it; ``loss`` too, but for numbers, of
        which there are several losses.
    """
    known, wanted = (dataset.splits[name].labels for name in ("train", split))
    measure, loss = _OF_KIND[dataset.target.kind](dataset.target, known, wanted)
    figures = {measure_for(dataset.target).name: float(measure)}
    return figures if loss is None else figures | {"loss": float(loss)}


def _of_classes(target, known, wanted):
    counts = np.bincount(known, minlength=target.n_outputs)
    shares = np.maximum(counts, 1) / np.maximum(counts, 1).sum()  # a class that is only held out is not impossible
    return np.mean(wanted != counts.argmax()), -np.mean(np.log(shares[wanted]))


def _of_labels(target, known, wanted):
    shares = np.clip(known.mean(axis=0, dtype=float), 1 / len(known), 1 - 1 / len(known))
    losses = -np.where(wanted > 0.5, np.log(shares), np.log1p(-shares)).sum(axis=1)
    return np.mean(((wanted > 0.5) != (shares > 0.5)).any(axis=1)), np.mean(losses)


def _of_numbers(target, known, wanted):
    unit = target.scale[0] if len(target.scale) == 1 else 1.0
    residuals = wanted - known.mean(axis=0, dtype=float)
    return unit * np.sqrt(np.mean(residuals**2)), None


_OF_KIND = {"classes": _of_classes, "labels": _of_labels, "numbers": _of_numbers}
