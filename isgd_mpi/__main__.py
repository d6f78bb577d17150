"""``mpirun -n R python -m isgd_mpi [OPTIONS]``: train."""

import os
import sys

# MPICH's default Ibcast needs the trainer to look at it dozens of times, this algorithm about four.
os.environ.setdefault("MPIR_CVAR_IBCAST_INTRA_ALGORITHM", "tsp_tree")

import mpi4py  # noqa: E402

mpi4py.rc.thread_level = "funneled"  # one thread calls MPI: no locks on its way

from mpi4py import MPI  # noqa: E402

from isgd_mpi.faults import abort_on_exception  # noqa: E402

abort_on_exception(MPI.COMM_WORLD)  # before anything else can fail

from isgd_mpi.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
