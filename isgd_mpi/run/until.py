"""Train on all ranks until trainer 0 says that it is enough; nothing is written, and more runs may follow."""

import logging
import signal

import numpy as np

from isgd_mpi.model.blueprints import MLPBlueprint
from isgd_mpi.ranks.faults import Interruption
from isgd_mpi.run.job import Job
from isgd_mpi.settings.config import Config

OVER = signal.SIGUSR1
"""Ends a run as from outside: at the next step, without an evaluation."""
_NO_END = 2**40  # steps


def train_until(comm, options, dataset, is_over):
    """Train; may be called again and again. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    options : dict
        Options of the run, which has no limit of its own and prints nothing.
    dataset : datasets.Dataset
    is_over : callable
        Takes trainer 0's Trainer, after each of its steps; returns whether the run ends.

    Returns
    -------
    job : job.Job
        It is over.
    outcome : leader.Outcome
    """
    logging.getLogger("isgd_mpi").setLevel(logging.ERROR)
    config = Config(**options, data="arrays", steps=_NO_END, eval_every=_NO_END, quiet=True)
    job = Job(comm, config, lambda verify: dataset, MLPBlueprint)
    with np.errstate(all="ignore"), Interruption() as interruption:

        def on_step(trainer):
            if is_over(trainer):
                interruption.signal = interruption.signal or OVER

        outcome = job.run(interruption, on_step)
    if outcome.stopped in signal.Signals.__members__ and outcome.stopped != OVER.name:
        signal.raise_signal(signal.Signals[outcome.stopped])  # it did come from outside
    return job, outcome
