"""Heartbeats, by which trainer 0 and each other rank notice that the other end has stopped responding.

Each of them sends a beat now and then, also while it waits: a collective that does not complete does not tell which
rank it waits for. A beat is a message of eight bytes, outside of the exchange; the last one tells that no more will
come. A beat also tells whether other processes leave the rank too little CPU time.
"""

import math
import time

import numpy as np
from mpi4py import MPI

from isgd_mpi.ranks.waiting import POLITE
from isgd_mpi.settings.exit_codes import FAILED, TRY_AGAIN

_BEAT, _LAST, _STARVED_BEAT = 0, 1, 2
_LONGEST_INTERVAL_SECONDS = 1.0
_LATEST_WARNING_SECONDS = 60.0
_CHECK_EVERY_SECONDS = 0.02


class Silent(Exception):
    """A rank has sent no beat for too long; the message names it.

    Attributes
    ----------
    can_go_on : bool
        Whether the run can be resumed: it has a checkpoint.
    """

    can_go_on = False

    @property
    def exit_code(self):
        """Return the exit code of the job."""
        return TRY_AGAIN if self.can_go_on else FAILED


class Heartbeat:
    """Beats for other ranks, and watches these. Each of them has one that does the same for this rank.

    Parameters
    ----------
    comm, others, timeout_seconds, names
        See :class:`Watch`, whose `sources` are the others.

    Attributes
    ----------
    pulse : Pulse
    """

    def __init__(self, comm, others, timeout_seconds, names):
        self.pulse = Pulse(comm, timeout_seconds, others)
        self._tell = None
        self._watch = Watch(comm, others, timeout_seconds, names, lambda line: self._tell and self._tell(line))

    def tell_to(self, tell):
        """Tell a callable of ranks that fall silent, as :class:`Watch` does; so far nobody is told."""
        self._tell = tell

    def tick(self):
        """Send and receive the beats that are due; to be called often.

        Raises
        ------
        Silent
            See :meth:`Watch.check`.
        """
        self.pulse.beat()
        self._watch.check()

    def stop(self):
        """Tell the other ranks that no more beats will come, and wait until they have told so; see :meth:`tick`."""
        self.pulse.stop()
        self._watch.close()


class Pulse:
    """Sends the beats of a rank.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Private to the heartbeat.
    timeout_seconds : float
        Silence after which the others give up. A beat is sent each 40th part of this, at least each second.
    others : sequence of int
        Ranks to send them to.

    Attributes
    ----------
    starved : bool
        Whether to tell that this rank gets too little CPU time.
    """

    def __init__(self, comm, timeout_seconds, others=(0,)):
        self.starved = False
        self._comm = comm
        self._others = others
        self._interval = min(_LONGEST_INTERVAL_SECONDS, timeout_seconds / 40)
        self._due = 0.0
        self._message = np.array([_BEAT])
        self._requests = []

    def beat(self):
        """Send a beat if one is due. Not collective, does not wait."""
        now = time.monotonic()
        if now >= self._due and MPI.Request.Testall(self._requests):
            self._due = now + self._interval
            self._send(_STARVED_BEAT if self.starved else _BEAT)

    def stop(self):
        """Send the last beat. Returns once it is sent."""
        POLITE.wait(self._requests)
        self._due = math.inf
        self._send(_LAST)
        POLITE.wait(self._requests)

    def _send(self, kind):
        self._message[0] = kind
        self._requests = [self._comm.Isend(self._message, other) for other in self._others]


class Watch:
    """Receives the beats of other ranks, and measures for how long each has been silent.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Private to the heartbeat.
    sources : sequence of int
        Ranks that send beats.
    timeout_seconds : float
        Silence after which :meth:`check` gives up.
    names : sequence of str
        Name of each rank of `comm`, for messages.
    tell : callable
        Takes a line of text when a rank falls silent, and when it is heard again; and once when a rank gets too little
        CPU time.

    Notes
    -----
    A rank counts as silent after a quarter of the time limit, at the latest after a minute. Between two checks
    at most a tenth of the limit is counted: this rank may have been stopped itself.
    """

    def __init__(self, comm, sources, timeout_seconds, names, tell):
        self._comm = comm
        self._sources = list(sources)
        self._timeout = timeout_seconds
        self._warning = min(_LATEST_WARNING_SECONDS, timeout_seconds / 4)
        self._names = names
        self._tell = tell
        self._messages = np.zeros((len(self._sources), 1), np.int64)
        self._requests = [self._expect(i) for i in range(len(self._sources))]
        self._silence = np.zeros(len(self._sources))  # seconds
        self._warned = np.zeros(len(self._sources), bool)
        self._told_of_starved = False
        self._checked = None

    def _expect(self, i):
        return self._comm.Irecv(self._messages[i], self._sources[i])

    def check(self):
        """Receive beats, and measure the silence of each rank; to be called often.

        Raises
        ------
        Silent
            A rank has been silent for too long.
        """
        now = time.monotonic()
        if self._checked is None:
            self._checked = now
        if not self._sources or now - self._checked < _CHECK_EVERY_SECONDS:
            return
        self._silence += min(now - self._checked, self._timeout / 10)
        self._checked = now
        self._listen()
        self._judge()

    def _listen(self):
        """Receive the beats that have arrived."""
        while indices := MPI.Request.Testsome(self._requests):
            for i in indices:
                if self._warned[i]:
                    self._warned[i] = False
                    self._tell(f"{self._names[self._sources[i]]} answers again after {self._silence[i]:.1f} s")
                if self._messages[i, 0] == _STARVED_BEAT:
                    self._tell_of_starved(self._names[self._sources[i]])
                is_last = self._messages[i, 0] == _LAST
                self._silence[i] = -np.inf if is_last else 0
                self._requests[i] = MPI.REQUEST_NULL if is_last else self._expect(i)

    def _tell_of_starved(self, name):
        """Report a rank that gets too little CPU time, once in a run."""
        if not self._told_of_starved:
            self._told_of_starved = True
            self._tell(
                f"{name} gets little CPU time: other processes keep the cores busy, and scores grow old; "
                "run fewer of these, or fewer ranks"
            )

    def _judge(self):
        """Report ranks that have fallen silent, and give up on those that were silent for too long."""
        fallen = (self._silence > self._warning) & ~self._warned
        for i in np.flatnonzero(fallen):
            self._tell(f"{self._names[self._sources[i]]} has not answered for {self._silence[i]:.1f} s")
        self._warned |= fallen
        lost = [self._names[self._sources[i]] for i in np.flatnonzero(self._silence > self._timeout)]
        if lost:
            raise Silent(f"no answer from {', '.join(lost)} for {self._timeout:g} s (--scorer-timeout)")

    def close(self):
        """Wait for the last beat of each rank.

        Raises
        ------
        Silent
            See :meth:`check`.
        """
        while any(request != MPI.REQUEST_NULL for request in self._requests):
            self.check()
            time.sleep(_CHECK_EVERY_SECONDS)
