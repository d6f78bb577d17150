"""Notice from a thread that a blocking call of MPI does not return, because a rank that takes part in it is lost."""

import threading
import time
from contextlib import contextmanager

from isgd_mpi.ranks.heartbeat import Silent

_LONGEST_INTERVAL_SECONDS = 1.0


class Watchdog:
    """Raises Silent in a thread of its own, for ``threading.excepthook``, if a block takes too long.

    Parameters
    ----------
    timeout_seconds : float
        Most that a block may take. Of a time in which the process was stopped a tenth of this counts.
    message : str
        That of the exception.
    can_go_on : bool
        See :class:`heartbeat.Silent`.
    """

    def __init__(self, timeout_seconds, message, can_go_on):
        self._timeout, self._message, self._can_go_on = timeout_seconds, message, can_go_on
        self._block, self._inside = 0, False
        self._closed = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    @contextmanager
    def watching(self):
        """Watch the block."""
        self._block += 1
        self._inside = True
        try:
            yield
        finally:
            self._inside = False

    def close(self):
        """End the thread."""
        self._closed.set()

    def _watch(self):
        interval = min(_LONGEST_INTERVAL_SECONDS, self._timeout / 40)
        seconds, block, before = 0.0, 0, time.monotonic()
        while seconds <= self._timeout:
            if self._closed.wait(interval):
                return
            now = time.monotonic()
            passed = min(now - before, self._timeout / 10)
            seconds = seconds + passed if self._inside and block == self._block else 0.0
            block, before = self._block, now
        error = Silent(self._message)
        error.can_go_on = self._can_go_on
        raise error
