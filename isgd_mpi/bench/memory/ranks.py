"""A training run of the benchmark ``memory``, whose steps and activities are timed."""

import signal
import time
from functools import partial
from os import getpid

import numpy as np

from isgd_mpi.data import datasets
from isgd_mpi.model.blueprints import MLPBlueprint
from isgd_mpi.ranks.faults import Interruption
from isgd_mpi.ranks.timeline import ACTIVITIES
from isgd_mpi.ranks.waiting import POLITE
from isgd_mpi.run.job import Job
from isgd_mpi.settings.config import Config


class Account:
    """An account of the trainer's time from its first step on; to be called after each step.

    Parameters
    ----------
    seconds : float
        After this time a signal stops the run: the evaluation at a regular end would take longer than the run.

    Attributes
    ----------
    step_seconds : list of float
        From each step to the next.
    activity_seconds : dict of str to float
        Of each activity in the timeline; and the ``rest``, which includes checkpoints.
    """

    def __init__(self, seconds):
        self._seconds = seconds
        self._begin = self._last = None
        self.step_seconds = []
        self.activity_seconds = {}

    def __call__(self, trainer):
        """Count a step."""
        now = time.perf_counter()
        if self._begin is None:
            self._begin, self._totals = now, trainer.timeline.totals.copy()
        else:
            self.step_seconds.append(now - self._last)
        self._last = now
        if now - self._begin >= self._seconds:
            seconds = (trainer.timeline.totals - self._totals).tolist()
            self.activity_seconds = dict(zip(ACTIVITIES, seconds)) | {"rest": now - self._begin - sum(seconds)}
            signal.raise_signal(signal.SIGTERM)


def measure(comm, plan):
    """Train as a plan says. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    plan : dict
        ``options`` of the run, and its ``seconds``.

    Returns
    -------
    dict
        ``pids`` of the ranks; of the trainer ``n_steps``, ``median_seconds`` and ``longest_seconds`` of a step,
        ``activity_seconds`` (see :class:`Account`).
    """
    pids = np.zeros(comm.Get_size(), np.int64)
    POLITE.wait([comm.Igather(np.array([getpid()], np.int64), pids if comm.Get_rank() == 0 else None)])
    config, account = Config(**plan["options"]), Account(plan["seconds"])
    load = partial(datasets.load, config.data, config.data_dir, config.synthetic_size)
    with np.errstate(all="ignore"), Interruption() as interruption:
        Job(comm, config, load, MLPBlueprint).run(interruption, account)
    if comm.Get_rank() > 0:
        return None
    return {
        "pids": pids.tolist(),
        "n_steps": len(account.step_seconds),
        "median_seconds": float(np.median(account.step_seconds)),
        "longest_seconds": max(account.step_seconds),
        "activity_seconds": account.activity_seconds,
    }
