"""What each rank did when: a ring of spans, written as the run goes on and gathered at its end.

A span is a call that :meth:`Timeline.watch` was told of: what it counts as, and when it began and ended, in
seconds since the ranks met before training. The loops know nothing of it.
"""

from functools import wraps
from time import perf_counter

import numpy as np

from isgd_mpi.ranks.waiting import wait

ACTIVITIES = ("training", "proposing", "scoring", "evaluating", "sending", "waiting")
"""What a span can be: a training step; merging scores and forming the proposal; scoring; evaluating; publishing,
reporting and looking for messages; waiting for them."""

_SPANS_KEPT = 8192  # the last 4 s of a trainer that takes 1 000 steps a second and looks for messages after each


class Timeline:
    """The last spans of one rank.

    Parameters
    ----------
    n_spans : int
        Spans kept, and allocated at once.
    """

    def __init__(self, n_spans=_SPANS_KEPT):
        self._activities = np.zeros(n_spans, np.int8)
        self._begins = np.zeros(n_spans)
        self._ends = np.zeros(n_spans)
        self._size = n_spans
        self._n = 0
        self._code, self._begin = None, 0.0  # of the span that is open
        self._zero = self._stop = perf_counter()

    def watch(self, owner, **activities):
        """Record a span for each call of some methods of one object, from now on.

        Parameters
        ----------
        owner : object
        activities : str
            For each method, by its name, the activity (of ACTIVITIES) that its calls count as. Calls that raise
            leave no span.
        """
        for name, activity in activities.items():
            setattr(owner, name, self._timed(getattr(owner, name), ACTIVITIES.index(activity)))

    def _timed(self, method, code):
        @wraps(method)
        def timed(*args, **kwargs):
            outer, begin = self._code, perf_counter()
            if outer is not None:  # what is inside a span interrupts it: spans never overlap
                self._keep(outer, self._begin, begin)
            self._code, self._begin = code, begin
            try:
                result = method(*args, **kwargs)
            except BaseException:
                self._code, self._begin = outer, perf_counter()
                raise
            end = perf_counter()
            self._keep(code, self._begin, end)
            self._code, self._begin = outer, end
            return result

        return timed

    def _keep(self, code, begin, end):
        i = self._n % self._size
        self._activities[i] = code
        self._begins[i] = begin
        self._ends[i] = end
        self._n += 1

    def start(self):
        """Set the clock to zero and forget all spans: to be called when the ranks have just met."""
        self._n = 0
        self._zero = self._stop = perf_counter()

    def stop(self):
        """End the stretch that is gathered, if this is the rank that gathers."""
        self._stop = perf_counter()

    def spans(self, begin, end):
        """Return the spans kept that overlap a stretch, cut to it.

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
        """Return the begin and end, in seconds, of what this rank has kept up to :meth:`stop`."""
        begin = self._begins[self._n % self._size] - self._zero if self._n > self._size else 0.0
        return begin, self._stop - self._zero


def gather_timeline(comm, timeline, polite, root=0):
    """Gather every rank's spans of the stretch that the root has kept. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    timeline : Timeline
    polite : bool
        See :func:`waiting.wait`.
    root : int
        Its :meth:`Timeline.stop` ends the stretch, which begins where all ranks have kept what they did.

    Returns
    -------
    dict of str to ndarray, or None
        At the root, for :func:`numpy.savez`: of each span ``rank`` (int32), ``activity`` (int8, index into
        ``activities``), ``begin`` and ``end`` (float64, seconds); and the ``stretch`` (2,). None elsewhere.
    """
    n_ranks, is_root = comm.Get_size(), comm.Get_rank() == root
    kept = np.empty((n_ranks, 2))
    wait([comm.Iallgather(np.array(timeline.stretch()), kept)], polite)
    stretch = np.array([kept[:, 0].max(), kept[root, 1]])
    activities, begins, ends = timeline.spans(*stretch)
    counts = np.zeros(n_ranks, np.int64)
    wait([comm.Igather(np.array([len(begins)]), counts if is_root else None, root=root)], polite)

    sent = {"activity": activities, "begin": begins, "end": ends}
    parts = {name: np.empty(counts.sum(), part.dtype) for name, part in sent.items()}
    wait(
        [comm.Igatherv(sent[name], [parts[name], counts] if is_root else None, root=root) for name in sent],
        polite,
    )
    if not is_root:
        return None
    rank = np.repeat(np.arange(n_ranks, dtype=np.int32), counts)
    return {"rank": rank, **parts, "stretch": stretch, "activities": np.array(ACTIVITIES)}
