"""The priority of a scorer where ranks outnumber cores: it gives way to the trainer, but not to strangers.

A scorer at the lowest priority leaves the trainer its core, and everybody else every core: beside one busy process of
somebody else, scores were hardly ever renewed. So all scorers of a node together weigh a quarter of its trainers, which
costs these nothing where nobody else wants the cores. Each scorer measures the share of a core that it gets while it
has work, and the trainer tells the user where that is a fraction of what it would be without strangers.
"""

import math
import os
import time
from contextlib import suppress

_LOWEST = 19  # niceness
_WEIGHT_PER_NICENESS = 1.25  # Linux: a process gets 1.25 times the CPU time of one whose niceness is larger by one
_WEIGHT = 0.25  # of all scorers of a node together, by that of its trainers
_STARVED = 0.2  # of the CPU time that a scorer would get without strangers
_LEAST_WANTED_SECONDS = 0.5  # of work behind a measurement
_LEAST_FAIR_SECONDS = 0.1  # the same, in CPU time that the scorer would have got
_LOOK_EVERY_SECONDS = 0.05


class Priority:
    """The priority of this rank, which gives way to trainers until it is taken back, and the CPU time that it gets.

    Parameters
    ----------
    node : node.Node
    n_trainers, n_scorers : int
        Ranks on this node that train, and that score.
    clocks : tuple of callable, optional
        Return the seconds of the wall clock, and of this process's CPU time.

    Attributes
    ----------
    starved : bool
        Whether other processes leave this rank a fraction of the CPU time that it would get without them.
    """

    def __init__(self, node, n_trainers, n_scorers, clocks=(time.monotonic, time.process_time)):
        self._node = node
        self._clock, self._cpu_clock = clocks
        self._niceness = max(node.niceness, scorer_niceness(n_trainers, n_scorers))
        self._fair_share = fair_share(node.n_cores - n_trainers * node.threads, n_scorers * node.threads)
        self._window_seconds = max(_LEAST_WANTED_SECONDS, _LEAST_FAIR_SECONDS / max(self._fair_share, 1e-3))
        self._gives_way = False
        self._due = 0.0
        self._wanted_before = self._got_before = 0.0
        self.starved = False

    def give_way(self):
        """Lower this rank's priority below that of the trainers, and begin to measure."""
        set_niceness(self._niceness, self._node.own_session)
        self._gives_way = True
        self._begin()

    def take_back(self):
        """Undo :meth:`give_way` where that is permitted: a rank without CPU time would keep the others from ending."""
        set_niceness(self._node.niceness, self._node.own_session)
        self._gives_way = self.starved = False

    def measure(self):
        """Measure the CPU time that this rank gets while it has work; to be called often."""
        now = self._clock()
        if now < self._due or not self._gives_way:
            return
        self._due = now + _LOOK_EVERY_SECONDS
        wanted = self._worked() - self._wanted_before
        if wanted >= self._window_seconds:
            got = self._cpu_clock() - self._got_before
            self.starved = got < _STARVED * self._fair_share * wanted * self._node.threads
            self._begin()

    def _begin(self):
        """Begin a measurement."""
        self._wanted_before, self._got_before = self._worked(), self._cpu_clock()

    def _worked(self):
        """Return the seconds in which this rank worked, or would have worked if it had had a core."""
        return self._node.waiter.timeline.seconds("scoring", "evaluating")


def fair_share(n_free_cores, n_threads):
    """Return the share of a core that each thread of scorers gets where nobody else wants the cores."""
    return min(1.0, max(0, n_free_cores) / n_threads)


def scorer_niceness(n_trainers, n_scorers):
    """Return the niceness at which all scorers of a node together weigh a quarter of its trainers.

    A trainer at niceness 0 then keeps at least four fifths of a core that it must share with all of them.
    """
    weight = _WEIGHT * max(1, n_trainers) / n_scorers
    return min(_LOWEST, max(0, round(-math.log(weight) / math.log(_WEIGHT_PER_NICENESS))))


def set_niceness(niceness, own_session):
    """Set the niceness of this process, and of its scheduling group if that has no other ranks, where permitted."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, niceness)
    if own_session:
        # between sessions the niceness of the group counts, not that of the process; not all kernels have groups
        with suppress(OSError), open("/proc/self/autogroup", "w") as file:
            file.write(str(niceness))
