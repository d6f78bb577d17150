"""Train: ``mpirun -n R python -m isgd_mpi [OPTIONS]``."""

import signal
import sys

from isgd_mpi.ranks.start import start_mpi

start_mpi()

from mpi4py import MPI  # noqa: E402

from isgd_mpi.ranks.crashes import call_as  # noqa: E402
from isgd_mpi.ranks.faults import Interruption, abort_on_exception  # noqa: E402

abort_on_exception(MPI.COMM_WORLD)  # before anything else can fail
interruption = Interruption(final=True)
interruption.remember(signal.SIGUSR1)  # which MPICH swallows; the others may end what has not begun

from isgd_mpi.run.cli import main  # noqa: E402

if __name__ == "__main__":
    name = f"rank {MPI.COMM_WORLD.Get_rank()} of {MPI.COMM_WORLD.Get_size()}"
    sys.exit(call_as(name, lambda: main(interruption=interruption)))
