"""``mpirun -n R python -m isgd_mpi.bench.time_to_loss.ranks PLAN RESULT``: train, and evaluate snapshots.

The bench `time-to-loss` starts it.
"""

import json
import logging
import sys
from functools import partial
from pathlib import Path

from isgd_mpi.ranks.start import prepare_mpi

prepare_mpi()

import numpy as np  # noqa: E402
import threadpoolctl  # noqa: E402
from mpi4py import MPI  # noqa: E402

from isgd_mpi.bench.time_to_loss.descent import Snapshots, WatchedBlueprint, first_below  # noqa: E402
from isgd_mpi.data import datasets  # noqa: E402
from isgd_mpi.data.files import write_json  # noqa: E402
from isgd_mpi.ranks.faults import Interruption, abort_on_exception  # noqa: E402
from isgd_mpi.ranks.waiting import meet  # noqa: E402
from isgd_mpi.run.job import Job  # noqa: E402
from isgd_mpi.run.record.environment import describe_environment  # noqa: E402
from isgd_mpi.settings.config import Config  # noqa: E402


def main(plan_path, result_path):
    """Train, then evaluate. Collective over all ranks.

    Parameters
    ----------
    plan_path : str
        File with ``options`` (of the run), ``every`` (steps between snapshots) and ``target`` (loss).
    result_path : str
        File to write: as :func:`descent.first_below`, and ``environment``.
    """
    comm = MPI.COMM_WORLD
    plan = json.loads(Path(plan_path).read_text())
    config = Config(**plan["options"])
    logging.getLogger("isgd_mpi").setLevel(logging.ERROR)
    snapshots = Snapshots(plan["every"])
    job = Job(
        comm,
        config,
        partial(datasets.load, config.data, config.data_dir),
        partial(WatchedBlueprint, snapshots),
        in_memory=True,
    )
    environment = describe_environment(comm, job.node)
    with np.errstate(all="ignore"), Interruption() as interruption:
        stopped = job.run(interruption)
    if comm.Get_rank() == 0:
        threadpoolctl.threadpool_limits(None)
        result = first_below(snapshots.kept, plan["target"], job.dataset, job.models.widths)
        write_json(Path(result_path), result | {"environment": environment, "stopped": stopped})
    meet(comm, polite=True)


if __name__ == "__main__":
    abort_on_exception(MPI.COMM_WORLD)
    main(*sys.argv[1:])
