"""``mpirun -n R python -m isgd_mpi.bench.ranks MODULE PLAN RESULT``: the part of a benchmark that runs on ranks."""

import json
import sys
from importlib import import_module
from pathlib import Path

from isgd_mpi.ranks.start import start_mpi

start_mpi()

from mpi4py import MPI  # noqa: E402

from isgd_mpi.data.files import write_json  # noqa: E402
from isgd_mpi.ranks.faults import abort_on_exception  # noqa: E402
from isgd_mpi.ranks.waiting import POLITE  # noqa: E402


def main(comm, module, plan_path, result_path):
    """Call a module's ``measure(comm, plan)``. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    module : str
    plan_path : str
        JSON file to read.
    result_path : str
        JSON file to write, with what rank 0 returned.
    """
    result = import_module(module).measure(comm, json.loads(Path(plan_path).read_text()))
    if comm.Get_rank() == 0:
        write_json(Path(result_path), result)
    POLITE.meet(comm)


if __name__ == "__main__":
    abort_on_exception(MPI.COMM_WORLD)
    main(MPI.COMM_WORLD, *sys.argv[1:])
