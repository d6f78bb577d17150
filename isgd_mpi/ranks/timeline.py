"""Measure the time that a rank spends on each activity: the sum of seconds, and a ring of the last spans.

A span is a block of code, ``with timeline("scoring"): ...``: an activity, its begin and its end, in
seconds since the ranks met before training. Spans never overlap: one inside another interrupts it.
"""

from time import perf_counter

import numpy as np

from isgd_mpi.settings.saved import Saved

ACTIVITIES = ("training", "proposing", "scoring", "evaluating", "sending", "waiting", "summing")
"""A training step; merging scores and forming the proposal; scoring; evaluating; publishing, reporting and polling for
messages; waiting for them; summing gradients over trainers, and waiting for the slowest of these."""

_SPANS_KEPT = 8192  # the last 4 s of a trainer that takes 1 000 steps a second and polls for messages after each


class Timeline(Saved):
    """The seconds that one rank spent on each activity, and its last spans.

    Parameters
    ----------
    n_spans : int
        Spans that are kept; their memory is allocated at once.

    Attributes
    ----------
    totals : (n_activities,) ndarray of float64
        Seconds spent on each of ACTIVITIES since :meth:`start`, and before the run was resumed.
    """

    saved = ("totals",)

    def __init__(self, n_spans=_SPANS_KEPT):
        self._activities = np.zeros(n_spans, np.int8)
        self._begins = np.zeros(n_spans)
        self._ends = np.zeros(n_spans)
        self._size = n_spans
        self._n = 0
        self._spans = {activity: _Span(self, code) for code, activity in enumerate(ACTIVITIES)}
        self._open, self._begin = [], 0.0  # codes of the open spans, the innermost last; time since which that one runs
        self._started = False
        self._zero = self._stop = perf_counter()
        self.totals = np.zeros(len(ACTIVITIES))

    def __call__(self, activity):
        """Return a context manager that records its block as a span, unless the block raises.

        Parameters
        ----------
        activity : str
            One of ACTIVITIES.
        """
        return self._spans[activity]

    def seconds(self, *activities):
        """Return the seconds spent on some activities so far, in spans that are complete."""
        totals = self.totals.tolist()
        return sum(totals[self._spans[activity].code] for activity in activities)

    @property
    def seconds_of_refreshes(self):
        """Seconds spent on refreshes, without merging: on messages, and on the trainer's own scoring."""
        return self.seconds("scoring", "evaluating", "sending", "waiting")

    def begin(self, code):
        """Open a span, which interrupts the span that is open."""
        now = perf_counter()
        if self._open:
            self._keep(self._open[-1], now)
        self._open.append(code)
        self._begin = now

    def end(self, failed):
        """Close the innermost span, and continue the span around it."""
        now = perf_counter()
        code = self._open.pop()
        if not failed:
            self._keep(code, now)
        self._begin = now

    def _keep(self, code, end):
        if not self._started:
            return
        i = self._n % self._size
        self._activities[i] = code
        self._begins[i] = self._begin
        self._ends[i] = end
        self._n += 1
        self.totals[code] += end - self._begin

    def start(self):
        """Set the clock to zero and record from now on; to be called when all ranks have just met."""
        self._started = True
        self._zero = self._stop = perf_counter()

    def stop(self):
        """End the stretch of time that :func:`gather_timeline` gathers; it counts on the root."""
        self._stop = perf_counter()

    def close(self):
        """Record nothing more: later spans would overwrite the first ones of the stretch."""
        self._started = False

    def spans(self, begin, end):
        """Return the kept spans that overlap a stretch of time, cut to the stretch.

        Parameters
        ----------
        begin, end : float
            Seconds since the clock's zero.

        Returns
        -------
        activities : (n,) ndarray of int8
            Indices into ACTIVITIES.
        begins, ends : (n,) ndarray of float64
            Seconds.
        """
        kept = np.arange(max(0, self._n - self._size), self._n) % self._size
        begins, ends = self._begins[kept] - self._zero, self._ends[kept] - self._zero
        inside = (begins < end) & (ends > begin)
        return self._activities[kept[inside]], np.maximum(begins[inside], begin), np.minimum(ends[inside], end)

    def stretch(self):
        """Return begin and end, in seconds, of the longest stretch up to :meth:`stop` of which all spans are kept."""
        begin = self._begins[self._n % self._size] - self._zero if self._n > self._size else 0.0
        return begin, self._stop - self._zero


class _Span:
    """The context manager of one activity, made once: to enter it costs less than a microsecond."""

    def __init__(self, timeline, code):
        self._timeline = timeline
        self.code = code

    def __enter__(self):
        self._timeline.begin(self.code)

    def __exit__(self, kind, value, trace):
        self._timeline.end(failed=kind is not None)


def gather_timeline(comm, waiter, root=0):
    """Gather the spans of all ranks at the root. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    waiter : waiting.Waiter
        This rank's waiter, whose timeline is gathered.
    root : int
        The spans are those of a stretch of time that begins where those of all ranks are kept, and ends with
        the root's :meth:`Timeline.stop`.

    Returns
    -------
    dict of str to ndarray, or None
        At the root, for :func:`numpy.savez`: of each span ``rank`` (int32), ``activity`` (int8, index into
        ``activities``), ``begin`` and ``end`` (float64, seconds); and the ``stretch`` (2,). None elsewhere.
    """
    timeline, n_ranks, is_root = waiter.timeline, comm.Get_size(), comm.Get_rank() == root
    timeline.close()
    kept = np.empty((n_ranks, 2))
    waiter.wait([comm.Iallgather(np.array(timeline.stretch()), kept)])
    stretch = np.array([kept[:, 0].max(), kept[root, 1]])
    activities, begins, ends = timeline.spans(*stretch)
    counts = np.zeros(n_ranks, np.int64)
    waiter.wait([comm.Igather(np.array([len(begins)]), counts if is_root else None, root=root)])

    sent = {"activity": activities, "begin": begins, "end": ends}
    parts = {name: np.empty(counts.sum(), part.dtype) for name, part in sent.items()}
    waiter.wait([comm.Igatherv(sent[name], [parts[name], counts] if is_root else None, root=root) for name in sent])
    if not is_root:
        return None
    rank = np.repeat(np.arange(n_ranks, dtype=np.int32), counts)
    return {"rank": rank, **parts, "stretch": stretch, "activities": np.array(ACTIVITIES)}
