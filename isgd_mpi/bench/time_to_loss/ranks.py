"""The part of the benchmark ``time-to-loss`` that runs on ranks: train, and evaluate snapshots."""

import logging
from functools import partial

import numpy as np
import threadpoolctl

from isgd_mpi.bench.time_to_loss.descent import Snapshots, first_below
from isgd_mpi.data import datasets
from isgd_mpi.model.blueprints import MLPBlueprint
from isgd_mpi.ranks.faults import Interruption
from isgd_mpi.run.job import Job
from isgd_mpi.run.record.environment import describe_environment
from isgd_mpi.settings.config import Config


def measure(comm, plan):
    """Train, then evaluate. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    plan : dict
        ``options`` (of the run), ``every`` (steps between snapshots) and ``target`` (loss).

    Returns
    -------
    dict or None
        On rank 0: see :func:`descent.first_below`, and ``environment``.
    """
    options = plan["options"]
    load = partial(datasets.load, options["data"], options["data_dir"])
    logging.getLogger("isgd_mpi").setLevel(logging.ERROR)
    job = Job(comm, Config(**options | {"data": "arrays"}), load, MLPBlueprint)  # which writes no files
    environment = describe_environment(comm, job.setup.node)
    snapshots = Snapshots(plan["every"])

    def on_step(trainer):
        snapshots.take_if_due(trainer.step, lambda: trainer.params)

    with np.errstate(all="ignore"), Interruption() as interruption:
        outcome = job.run(interruption, on_step)
    if comm.Get_rank() > 0:
        return None
    threadpoolctl.threadpool_limits(None)
    result = first_below(snapshots.taken, plan["target"], job.setup.dataset, job.setup.models.widths)
    return result | {"environment": environment, "stopped": outcome.stopped}
