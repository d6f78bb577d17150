"""When a training run reaches a loss: parameters kept on the way, evaluated once it has ended."""

import time

import numpy as np

from isgd_mpi.model.blueprints import MLPBlueprint
from isgd_mpi.model.mlp import MLP
from isgd_mpi.sampling.variance import PAIR_EVERY

_ROWS = 2048  # evaluated at a time


class Snapshots:
    """Keeps parameters every so many steps, with the time since the first step; keeping takes none of it.

    Parameters
    ----------
    every : int
        Steps between two.

    Attributes
    ----------
    kept : list of (int, float, ndarray)
        Step, seconds, parameters.
    """

    def __init__(self, every):
        self._every = every
        self._begin = None
        self.kept = []

    def look(self, step, params):
        """Keep the parameters if it is time; call this before each step, with all the steps done.

        Parameters
        ----------
        step : int
        params : callable
            Returns the parameters, which are copied.
        """
        now = time.perf_counter()
        if self._begin is None:
            self._begin = now
        elif step % self._every == 0:
            self.kept.append((step, now - self._begin, np.array(params(), np.float32)))
            self._begin += time.perf_counter() - now


class WatchedMLP(MLP):
    """An MLP that shows its parameters before each step of a trainer.

    Parameters
    ----------
    snapshots : Snapshots
    *arguments, **keywords
        Of :class:`mlp.MLP`.
    """

    def __init__(self, snapshots, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self._snapshots = snapshots
        self._n_calls = 0

    def gradient(self, *arguments):
        """Compute a gradient: as :meth:`mlp.MLP.gradient`."""
        self._look()
        return super().gradient(*arguments)

    def descend(self, *arguments):
        """Take a step: as :meth:`mlp.MLP.descend`."""
        self._look()
        return super().descend(*arguments)

    def _look(self):
        """Show the parameters, if this is the first call of a step: at some steps the monitor has one too."""
        blocks, position = divmod(self._n_calls, PAIR_EVERY + 1)
        if position != 1:
            self._snapshots.look(blocks * PAIR_EVERY + max(0, position - 1), lambda: self.params)
        self._n_calls += 1


class WatchedBlueprint(MLPBlueprint):
    """Makes MLPs, that of trainer 0 with snapshots.

    Parameters
    ----------
    snapshots : Snapshots
    config, dataset
        As of :class:`blueprints.MLPBlueprint`.
    """

    def __init__(self, snapshots, config, dataset):
        super().__init__(config, dataset)
        self._snapshots = snapshots

    def make_initial(self, max_rows, rng):
        """Return the model that trainer 0 begins with."""
        model = WatchedMLP(self._snapshots, self.widths, max_rows, score=self._score)
        model.params = super().make_initial(max_rows, rng).params
        return model


def first_below(kept, target, dataset, widths):
    """Return the first snapshot whose training loss is at most the target.

    Parameters
    ----------
    kept : list
        As of :class:`Snapshots`.
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
    last_step, last_seconds, _ = kept[-1]
    found = {"steps": None, "seconds": None}
    for step, seconds, params in kept:
        model.params = params
        losses[step] = training_loss(model, dataset, images)
        if losses[step] <= target:
            found = {"steps": step, "seconds": seconds}
            break
    return found | {"losses": losses, "steps_per_second": last_step / last_seconds}


def training_loss(model, dataset, images):
    """Return the mean loss over the training set, in nats."""
    total = 0.0
    for start in range(0, dataset.n_train, len(images)):
        x, y = dataset.batch("train", start, min(start + len(images), dataset.n_train), images)
        _, losses, _ = model.scores(x, y)
        total += losses.sum(dtype=np.float64)
    return total / dataset.n_train
