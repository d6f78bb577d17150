"""The trainer's end of the loss predictor without MPI: the losses that it sends, and the predictions that come back."""

from types import SimpleNamespace

import numpy as np
import pytest
from samplers import make_sampler

from isgd_mpi.ranks.records import STOP, observations_dtype, predictions_dtype
from isgd_mpi.ranks.shards import Grid
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.settings.config import Config
from isgd_mpi.training.predictor.observations import PredictedScores

N, BATCH, CAPACITY = 10, 4, 12
(WHOLE,) = Grid(BATCH, 1).shards(N)
STATE = {"predictor/last": np.zeros(N, np.float32)}


class Exchange:
    """An exchange whose report arrives when the test sets `is_complete`."""

    def __init__(self):
        self.published = np.zeros((), observations_dtype(CAPACITY))
        report = np.zeros((), predictions_dtype(WHOLE, STATE))
        report["batch_steps"], report["correlation"] = NEVER, 0.5
        self.reports = [report]
        self.sent = []
        self.pending = self.is_complete = self.answered = False

    def start(self):
        assert not self.pending
        n = int(self.published["n"])
        fields = (self.published[name][:n].tolist() for name in ("rows", "losses"))
        self.sent.append((int(self.published["step"]), int(self.published["command"]), *fields))
        self.pending = True

    def poll(self):
        return self.is_complete

    def wait(self):
        self.pending, self.answered = False, True

    def complete(self):
        self.answered |= self.pending

    def restore(self, reports, pending):
        self.reports, self.pending = reports, pending


def make(schedule):
    sampler = make_sampler(Config(score="predicted-loss", schedule=schedule), np.zeros(N, np.int32))
    events = []
    exchange = Exchange()
    log = SimpleNamespace(event=lambda step, message: events.append((step, message)))
    return PredictedScores(exchange, schedule, sampler, log, WHOLE), exchange, sampler.table, events


def observe(predicted, rows, losses, step=0):
    predicted.observe(np.asarray(rows), np.array(losses, np.float32), step)


@pytest.mark.parametrize("schedule", ["pipelined", "relaxed"])
def test_losses_are_sent_in_order_and_once(schedule):
    predicted, exchange, _, _ = make(schedule)
    observe(predicted, np.array([7, 3, 7]), [1, 2, 3])
    observe(predicted, range(2), [4, 5])
    predicted.publish(10, 0)
    observe(predicted, np.array([9]), [6])
    exchange.is_complete = True
    predicted.merge(12)
    predicted.publish(12, 0)
    assert exchange.sent == [(10, 0, [7, 3, 7, 0, 1], [1, 2, 3, 4, 5]), (12, 0, [9], [6])]


def test_exact_sends_and_waits_at_the_merge():
    predicted, exchange, table, _ = make("exact")
    observe(predicted, range(N), range(N))
    predicted.publish(3, 0)
    assert not exchange.sent
    exchange.reports[0]["batch_steps"][:] = 3
    exchange.reports[0]["scores"] = 2 * np.arange(N)
    predicted.merge(3)
    assert len(exchange.sent) == 1 and not exchange.pending
    np.testing.assert_array_equal(table.scores, 2 * np.arange(N))
    np.testing.assert_array_equal(table.steps, 3)


@pytest.mark.parametrize(("schedule", "merged"), [("pipelined", True), ("relaxed", False)])
def test_relaxed_never_waits_and_sends_nothing_meanwhile(schedule, merged):
    predicted, exchange, table, _ = make(schedule)
    predicted.publish(0, 0)
    exchange.reports[0]["batch_steps"][:] = 0
    predicted.merge(5)
    assert (table.steps == 0).all() == merged and exchange.pending != merged
    predicted.publish(5, 0)
    assert len(exchange.sent) == 1 + merged


def test_only_batches_predicted_anew_are_written():
    predicted, exchange, table, _ = make("pipelined")
    report = exchange.reports[0]
    report["batch_steps"][:2], report["scores"] = [4, 6], 1
    predicted.publish(6, 0)
    predicted.merge(8)
    np.testing.assert_array_equal(table.steps, 4 * [4] + 4 * [6] + 2 * [NEVER])
    report["batch_steps"][2], report["scores"] = 8, 2
    predicted.publish(8, 0)
    predicted.merge(9)
    np.testing.assert_array_equal(table.scores, 8 * [1] + 2 * [2])
    assert predicted.correlation == 0.5


def test_a_predictor_that_does_not_keep_up_misses_the_oldest_losses_and_the_log_says_so_once():
    predicted, exchange, _, events = make("relaxed")
    for step in range(8):
        observe(predicted, range(5), [step] * 5, step)
    predicted.publish(8, 0)
    assert exchange.sent == [(8, 0, 2 * [0, 1, 2, 3, 4], 5 * [6] + 5 * [7])]
    assert len(events) == 1 and events[0][0] == 2


def test_losses_that_are_not_finite_are_not_sent():
    predicted, exchange, _, _ = make("pipelined")
    observe(predicted, np.array([1, 2, 3]), [np.nan, 5, np.inf])
    predicted.publish(0, 0)
    assert exchange.sent == [(0, 0, [2], [5])]


@pytest.mark.parametrize("pending", [False, True])
def test_stop_waits_for_what_is_under_way_and_for_the_last_answer(pending):
    predicted, exchange, _, _ = make("relaxed")
    if pending:
        predicted.publish(4, 0)
    observe(predicted, np.array([1]), [1])
    predicted.publish(9, STOP)
    assert exchange.sent[-1] == (9, STOP, [], []) and not exchange.pending


@pytest.mark.parametrize("pending", [False, True])
def test_losses_that_wait_and_the_last_report_are_saved(pending):
    predicted, exchange, _, _ = make("pipelined")
    predicted.publish(1, 0)
    predicted.merge(2)
    observe(predicted, [3, 1], [5, 6])
    exchange.reports[0]["predictor/last"] = 7
    if pending:
        predicted.publish(3, 0)
        observe(predicted, [2], [9])
    other, other_exchange, _, _ = make("pipelined")
    other.restore(predicted.state())
    assert other_exchange.pending == pending
    np.testing.assert_array_equal(other.restored_report["predictor/last"], 7)
    other.merge(4)
    other.publish(5, 0)
    assert other_exchange.sent == [(5, 0, [2], [9]) if pending else (5, 0, [3, 1], [5, 6])]


@pytest.mark.parametrize(
    ("name", "value"), [("n_waiting", 99), ("rows", np.full(CAPACITY, N, np.int32)), ("report", {"scores": 1})]
)
def test_a_state_of_another_kind_is_refused(name, value):
    predicted, _, _, _ = make("pipelined")
    predicted.publish(1, 0)
    state = predicted.state() | {name: value}
    with pytest.raises(ValueError, match="n_waiting|rows|is missing"):
        make("pipelined")[0].restore(state)
