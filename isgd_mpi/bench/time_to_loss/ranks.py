"""The part of the benchmark ``time-to-loss`` that runs on ranks: train, and evaluate snapshots."""

import logging
from functools import partial

import numpy as np
import threadpoolctl

from isgd_mpi.bench.time_to_loss.descent import Snapshots, WatchedBlueprint, first_below
from isgd_mpi.data import datasets
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
    config = Config(**plan["options"])
    logging.getLogger("isgd_mpi").setLevel(logging.ERROR)
    snapshots = Snapshots(plan["every"])
    load = partial(datasets.load, config.data, config.data_dir)
    job = Job(comm, config, load, partial(WatchedBlueprint, snapshots), in_memory=True)
    environment = describe_environment(comm, job.node)
    with np.errstate(all="ignore"), Interruption() as interruption:
        stopped = job.run(interruption)
    if comm.Get_rank() > 0:
        return None
    threadpoolctl.threadpool_limits(None)
    result = first_below(snapshots.kept, plan["target"], job.dataset, job.models.widths)
    return result | {"environment": environment, "stopped": stopped}
