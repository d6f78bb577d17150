"""Find when a training run reached a loss: copy parameters on the way, evaluate them once the run has ended."""

import time

import numpy as np

from isgd_mpi.model.mlp import MLP

_ROWS = 2048  # evaluated at a time


class Snapshots:
    """Copies of the parameters every so often, with the time since the first step; copying takes none of it.

    Parameters
    ----------
    every : int
        Steps between two.

    Attributes
    ----------
    taken : list of (int, float, ndarray)
        Step, seconds, parameters.
    """

    def __init__(self, every):
        self._every = every
        self._begin = None
        self.taken = []

    def take_if_due(self, step, params):
        """Copy the parameters if it is time; to be called after each step.

        Parameters
        ----------
        step : int
            Steps done. The clock starts at the first.
        params : callable
            Returns the parameters.
        """
        now = time.perf_counter()
        if self._begin is None:
            self._begin = now
        elif step % self._every == 0:
            self.taken.append((step, now - self._begin, np.array(params(), np.float32)))
            self._begin += time.perf_counter() - now


def first_below(snapshots, target, dataset, widths):
    """Return the first snapshot whose training loss is at most the target.

    Parameters
    ----------
    snapshots : list
        See :attr:`Snapshots.taken`.
    target : float
        Mean loss over the whole training set, in nats.
    dataset : datasets.Dataset
    widths : sequence of int
        Of the net.

    Returns
    -------
    dict
        ``steps`` and ``seconds`` of that snapshot, None if there is none; ``losses``: up to it, by step;
        ``steps_per_second``: over the whole run.
    """
    model, losses = MLP(widths, _ROWS), {}
    images = np.empty((_ROWS, dataset.n_features), np.float32)
    last_step, last_seconds, _ = snapshots[-1]
    found = {"steps": None, "seconds": None}
    for step, seconds, params in snapshots:
        model.params = params
        losses[step] = training_loss(model, dataset, images)
        if losses[step] <= target:
            found = {"steps": step, "seconds": seconds}
            break
    return found | {"losses": losses, "steps_per_second": (last_step - 1) / last_seconds}


def training_loss(model, dataset, images):
    """Return the mean loss over the training set, in nats."""
    total = 0.0
    for start in range(0, dataset.n_train, len(images)):
        x, y = dataset.batch("train", start, min(start + len(images), dataset.n_train), images)
        _, losses, _ = model.scores(x, y)
        total += losses.sum(dtype=np.float64)
    return total / dataset.n_train
