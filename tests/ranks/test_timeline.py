import numpy as np
import pytest

from isgd_mpi.ranks import timeline as module
from isgd_mpi.ranks.timeline import ACTIVITIES, Timeline


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a second each time it is read, from 10."""
    times = iter(range(10, 1000))
    monkeypatch.setattr(module, "perf_counter", lambda: float(next(times)))


class Worker:
    def score(self, n, fail=False):
        if fail:
            raise FloatingPointError
        return 2 * n

    def wait(self):
        return None


def watched(n_spans):
    timeline, worker = Timeline(n_spans), Worker()
    timeline.watch(worker, score="scoring", wait="waiting")
    timeline.start()
    return timeline, worker


def test_a_span_is_a_call_with_its_begin_and_end(clock):
    timeline, worker = watched(4)  # the zero of the clock is read at 11
    assert worker.score(3) == 6 and worker.wait() is None
    activities, begins, ends = timeline.spans(-np.inf, np.inf)
    assert [ACTIVITIES[code] for code in activities] == ["scoring", "waiting"]
    assert begins.tolist() == [1, 3] and ends.tolist() == [2, 4]


def test_a_call_that_raises_leaves_no_span(clock):
    timeline, worker = watched(4)
    with pytest.raises(FloatingPointError):
        worker.score(3, fail=True)
    assert len(timeline.spans(-np.inf, np.inf)[0]) == 0


def test_only_the_object_that_was_named_is_watched():
    timeline, worker = watched(4)
    Worker().score(1)
    assert len(timeline.spans(-np.inf, np.inf)[0]) == 0


@pytest.mark.parametrize("n_calls", [0, 1, 4, 5, 11])
def test_the_ring_keeps_the_last_spans_in_order(clock, n_calls):
    timeline, worker = watched(4)
    for n in range(n_calls):
        worker.score(n)
    _, begins, ends = timeline.spans(-np.inf, np.inf)
    assert begins.tolist() == [1 + 2 * n for n in range(max(0, n_calls - 4), n_calls)]
    np.testing.assert_array_equal(ends, begins + 1)
    timeline.stop()
    begin, end = timeline.stretch()
    assert begin == (begins[0] if n_calls > 4 else 0)
    assert end == 1 + 2 * n_calls


def test_spans_are_cut_to_the_stretch(clock):
    timeline, worker = watched(9)
    for n in range(4):  # 1-2, 3-4, 5-6, 7-8
        worker.score(n)
    _, begins, ends = timeline.spans(1.5, 5.5)
    assert begins.tolist() == [1.5, 3, 5] and ends.tolist() == [2, 4, 5.5]


def test_start_forgets_what_was_before(clock):
    timeline, worker = watched(4)
    worker.score(1)
    timeline.start()
    assert len(timeline.spans(-np.inf, np.inf)[0]) == 0


def test_spans_inside_each_other_do_not_overlap():
    class Worker:
        def outer(self):
            self.inner()
            self.inner()

        def inner(self):
            return None

        def fails(self):
            self.inner()
            raise RuntimeError

    timeline, worker = Timeline(64), Worker()
    timeline.watch(worker, inner="waiting", outer="training", fails="scoring")
    timeline.start()
    worker.outer()
    with pytest.raises(RuntimeError):
        worker.fails()
    worker.inner()
    timeline.stop()
    activities, begins, ends = timeline.spans(*timeline.stretch())
    names = [ACTIVITIES[code] for code in activities]
    assert names[:5] == ["training", "waiting", "training", "waiting", "training"] and names[-1] == "waiting"
    assert (begins <= ends).all() and (ends[:-1] <= begins[1:]).all()
