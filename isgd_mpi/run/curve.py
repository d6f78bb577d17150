"""Measure the way of a training run: parameters are copied meanwhile, and evaluated when the clock has stopped."""

import os
import time
from dataclasses import replace

import numpy as np
import threadpoolctl

from isgd_mpi.data.datasets import Split
from isgd_mpi.kernels.threads import set_threads
from isgd_mpi.model.blueprints import MLPBlueprint
from isgd_mpi.ranks.shards import Grid
from isgd_mpi.training.evaluation import Evaluation, combine
from isgd_mpi.training.measures import measures_of

_ROWS = 1024  # evaluated at a time


class Snapshots:
    """Copies the parameters of a run at some times, and says when the last of them has come.

    Parameters
    ----------
    times : sequence of float
        Training times, ascending [s]. The clock starts at the first step, and stands still while parameters are copied.

    Attributes
    ----------
    taken : list of (int, float, ndarray)
        Step, time and parameters.
    """

    def __init__(self, times):
        self._times = list(times)
        self._begin = None
        self._n_due = 0
        self.taken = []

    def is_over(self, trainer):
        """Take a snapshot if it is time; return whether it was the last one. To be called after each step."""
        now = time.perf_counter()
        self._begin = now if self._begin is None else self._begin
        seconds = now - self._begin
        if seconds < self._times[self._n_due]:
            return False
        self.taken.append((trainer.step, seconds, np.array(trainer.params, np.float32)))
        self._n_due += sum(seconds >= due for due in self._times[self._n_due :])
        self._begin += time.perf_counter() - now
        return self._n_due == len(self._times)


class PartEvaluation:
    """Evaluates parameters on some examples of each split, always the same ones, with all cores of this process.

    Parameters
    ----------
    config : config.Config
        Its net and loss are used.
    dataset : datasets.Dataset
    most : dict of str to int
        Number of examples, at most, of each split that is evaluated.
    """

    def __init__(self, config, dataset, most):
        splits = {name: _part(dataset.splits[name], n) for name, n in most.items() if name in dataset.splits}
        self._part = replace(dataset, splits=splits)
        longest = max(map(len, splits.values()))
        n_rows = min(_ROWS, longest)
        model = MLPBlueprint(config, dataset).make(n_rows)
        images = np.empty((n_rows, dataset.n_features), np.float32)
        self._evaluation = Evaluation(model, self._part, Grid(n_rows, 1), 0, images)

    def figures(self, params):
        """Return loss and measures of each split; see :func:`isgd_mpi.training.evaluation.combine`."""
        n_cores = len(os.sched_getaffinity(0))
        before = set_threads(n_cores)
        with threadpoolctl.threadpool_limits(n_cores), np.errstate(all="ignore"):
            self._evaluation.start(params, 0)
            self._evaluation.advance()
        set_threads(before)
        return combine(self._evaluation.totals, measures_of(self._part))


def _part(split, n):
    """Return at most `n` examples of a split."""
    if len(split) <= n:
        return split
    rows = np.sort(np.random.default_rng(0).permutation(len(split))[:n])
    return Split(split.images[rows], split.labels[rows], split.weights_of(rows))
