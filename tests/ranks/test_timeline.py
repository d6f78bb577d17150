import numpy as np
import pytest

from isgd_mpi.ranks import timeline as module
from isgd_mpi.ranks.timeline import ACTIVITIES, Timeline


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a second each time it is read, from 10."""
    times = iter(range(10, 1000))
    monkeypatch.setattr(module, "perf_counter", lambda: float(next(times)))


def started(n_spans):
    timeline = Timeline(n_spans)
    timeline.start()
    return timeline


def work(timeline, activity="scoring"):
    with timeline(activity):
        pass


def test_a_span_is_a_block_with_its_begin_and_end(clock):
    timeline = started(4)  # the zero of the clock is read at 11
    work(timeline)
    work(timeline, "waiting")
    activities, begins, ends = timeline.spans(-np.inf, np.inf)
    assert [ACTIVITIES[code] for code in activities] == ["scoring", "waiting"]
    assert begins.tolist() == [1, 3] and ends.tolist() == [2, 4]


def test_a_block_that_raises_leaves_no_span(clock):
    timeline = started(4)
    with pytest.raises(FloatingPointError), timeline("scoring"):
        raise FloatingPointError
    assert len(timeline.spans(-np.inf, np.inf)[0]) == 0 and timeline.seconds("scoring") == 0


@pytest.mark.parametrize("n_spans", [0, 1, 4, 5, 11])
def test_the_ring_keeps_the_last_spans_in_order_and_the_totals_count_all(clock, n_spans):
    timeline = started(4)
    for _ in range(n_spans):
        work(timeline)
    _, begins, ends = timeline.spans(-np.inf, np.inf)
    assert begins.tolist() == [1 + 2 * n for n in range(max(0, n_spans - 4), n_spans)]
    np.testing.assert_array_equal(ends, begins + 1)
    timeline.stop()
    begin, end = timeline.stretch()
    assert begin == (begins[0] if n_spans > 4 else 0)
    assert end == 1 + 2 * n_spans
    assert timeline.seconds("scoring") == n_spans and timeline.seconds("waiting", "sending") == 0


def test_spans_are_cut_to_the_stretch(clock):
    timeline = started(9)
    for _ in range(4):  # 1-2, 3-4, 5-6, 7-8
        work(timeline)
    _, begins, ends = timeline.spans(1.5, 5.5)
    assert begins.tolist() == [1.5, 3, 5] and ends.tolist() == [2, 4, 5.5]


def test_nothing_is_recorded_before_the_start_or_after_the_end():
    timeline = Timeline(4)
    work(timeline)
    timeline.start()
    timeline.close()
    work(timeline)
    assert len(timeline.spans(-np.inf, np.inf)[0]) == 0 and not timeline.totals.any()


def test_totals_go_on_from_those_of_an_earlier_life(clock):
    one, other = started(4), Timeline(4)
    work(one)
    other.restore(one.state())
    other.start()
    work(other)
    assert other.seconds("scoring") == 2


def test_spans_inside_each_other_do_not_overlap():
    timeline = started(64)
    with timeline("training"):
        work(timeline, "waiting")
        work(timeline, "waiting")
    with pytest.raises(RuntimeError), timeline("scoring"):
        work(timeline, "waiting")
        raise RuntimeError
    work(timeline, "waiting")
    timeline.stop()
    activities, begins, ends = timeline.spans(*timeline.stretch())
    names = [ACTIVITIES[code] for code in activities]
    assert names[:5] == ["training", "waiting", "training", "waiting", "training"] and names[-1] == "waiting"
    assert (begins <= ends).all() and (ends[:-1] <= begins[1:]).all()
    inside = [end - begin for name, begin, end in zip(names, begins, ends) if name == "training"]
    np.testing.assert_allclose(timeline.seconds("training"), sum(inside))
