"""A training run of the benchmark ``memory``: its memory, and the time of its steps and activities."""

import signal
import time
from functools import partial
from os import getpid

import numpy as np

from isgd_mpi.bench.memory.resident import Watch
from isgd_mpi.data import datasets
from isgd_mpi.model.blueprints import MLPBlueprint
from isgd_mpi.ranks.faults import Interruption
from isgd_mpi.ranks.timeline import ACTIVITIES
from isgd_mpi.ranks.waiting import POLITE
from isgd_mpi.run.job import Job
from isgd_mpi.run.record.environment import describe_environment
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
        ``environment``; ``memory`` of each rank when all together had most; of the trainer ``n_steps``,
        ``median_seconds`` and ``longest_seconds`` of a step, ``activity_seconds`` (see :class:`Account`).
    """
    trains = comm.Get_rank() == 0
    pids = np.zeros(comm.Get_size(), np.int64)
    POLITE.wait([comm.Igather(np.array([getpid()], np.int64), pids if trains else None)])
    config, account, watch = Config(**plan["options"]), Account(plan["seconds"]), Watch(pids if trains else [])
    load = partial(datasets.load, config.data, config.data_dir, config.synthetic_size)
    with np.errstate(all="ignore"), Interruption() as interruption, watch:
        job = Job(comm, config, load, MLPBlueprint)
        environment = describe_environment(comm, job.setup.node)
        job.run(interruption, account)
    if not trains:
        return None
    return {
        "environment": environment,
        "memory": watch.largest,
        "n_steps": len(account.step_seconds),
        "median_seconds": float(np.median(account.step_seconds)),
        "longest_seconds": max(account.step_seconds),
        "activity_seconds": account.activity_seconds,
    }
