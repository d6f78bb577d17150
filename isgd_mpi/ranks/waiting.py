"""Waiting for MPI: spinning where each rank has a core, politely where it does not."""

import time

from mpi4py import MPI

TESTS_A_LOOK = 16
"""MPICH completes about one message a Test: this many bring a gather home in one look, for 2 to 30 us."""

TRAINER_TESTS = 4 if MPI.get_vendor()[0] == "Open MPI" else TESTS_A_LOOK
"""The same for the trainer: where ranks outnumber cores, each Test of Open MPI offers its core to a scorer."""

_FIRST_SLEEP_SECONDS = 20e-6
_LONGEST_SLEEP_SECONDS = 1e-3


def wait(requests, polite, idle=None):
    """Wait until all requests are complete.

    Parameters
    ----------
    requests : list of mpi4py.MPI.Request
    polite : bool
        Test and sleep, up to 1 ms at a time, instead of burning a core that another rank needs.
    idle : callable, optional
        Called now and then while there is nothing to do.
    """
    if not polite and idle is None:
        MPI.Request.Waitall(requests)
        return
    pause = _FIRST_SLEEP_SECONDS
    while not look(requests):
        if idle is not None:
            idle()
        if polite:
            time.sleep(pause)
        pause = min(2 * pause, _LONGEST_SLEEP_SECONDS)


def look(requests, n_tests=TESTS_A_LOOK):
    """Return whether all requests are complete, and give MPI time to go on with them.

    Parameters
    ----------
    requests : list of mpi4py.MPI.Request
    n_tests : int
        How often to ask, at most.
    """
    return any(MPI.Request.Testall(requests) for _ in range(n_tests))


def meet(comm, polite):
    """Wait until every rank is here. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    polite : bool
        See :func:`wait`.
    """
    wait([comm.Ibarrier()], polite)
