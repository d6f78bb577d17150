"""What MPI reads when it is initialised, which importing ``mpi4py.MPI`` does: to be set before."""

import os

import mpi4py


def prepare_mpi():
    """Set how MPI is to be initialised. Without effect where it already is."""
    # MPICH's default Ibcast needs the trainer to look at it dozens of times, this algorithm about four.
    os.environ.setdefault("MPIR_CVAR_IBCAST_INTRA_ALGORITHM", "tsp_tree")
    # Open MPI's UCX component for windows complains of itself; those of the exchange are within a node anyway
    os.environ.setdefault("OMPI_MCA_osc", "^ucx")
    mpi4py.rc.thread_level = "funneled"  # one thread calls MPI: no locks on its way
