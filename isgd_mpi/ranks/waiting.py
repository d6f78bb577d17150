"""Wait for MPI: by spinning where each rank has a core of its own, politely where ranks outnumber cores."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mpi4py import MPI

from isgd_mpi.ranks.timeline import Timeline

TESTS_A_POLL = 16
"""MPICH completes about one message a Test: this many bring a gather home in one poll, for 2 to 30 us."""

TRAINER_TESTS = 4 if MPI.get_vendor()[0] == "Open MPI" else TESTS_A_POLL
"""The same for the trainer: where ranks outnumber cores, each Test of Open MPI offers its core to a scorer."""

_FIRST_SLEEP_SECONDS = 20e-6
_LONGEST_SLEEP_SECONDS = 1e-3


@dataclass(frozen=True)
class Waiter:
    """A rank's way of waiting for others; made once for a node, and varied with ``dataclasses.replace``.

    Attributes
    ----------
    polite : bool
        Whether to test and sleep, up to 1 ms at a time, instead of burning a core that another
        rank needs.
    idle : callable or None
        Called now and then during a wait; may raise to end the wait.
    n_tests : int
        Largest number of tests in a poll.
    timeline : timeline.Timeline
        This rank's timeline, which records each wait and each poll.
    activity : str
        Activity that waits are recorded as.
    """

    polite: bool
    idle: Callable[[], None] | None = None
    n_tests: int = TESTS_A_POLL
    timeline: Timeline = field(default_factory=Timeline)
    activity: str = "waiting"

    def wait(self, requests):
        """Wait until all requests are complete.

        Parameters
        ----------
        requests : list of mpi4py.MPI.Request
        """
        with self.timeline(self.activity):
            if self.polite or self.idle is not None:
                self._test_and_sleep(requests)
            else:
                MPI.Request.Waitall(requests)

    def _test_and_sleep(self, requests):
        pause = _FIRST_SLEEP_SECONDS
        while not _complete(requests, TESTS_A_POLL):
            if self.idle is not None:
                self.idle()
            if self.polite:
                time.sleep(pause)
            pause = min(2 * pause, _LONGEST_SLEEP_SECONDS)

    def poll(self, requests):
        """Return whether all requests are complete, and give MPI time to go on with them."""
        with self.timeline("sending"):
            return _complete(requests, self.n_tests)

    def meet(self, comm):
        """Wait until every rank of a communicator has called this. Collective."""
        self.wait([comm.Ibarrier()])


POLITE = Waiter(polite=True)
"""For waits before and after training, when a rank that is not ready yet may need the core."""


def _complete(requests, n_tests):
    return any(MPI.Request.Testall(requests) for _ in range(n_tests))
