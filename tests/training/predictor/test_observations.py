"""Where observed scores go, without MPI: what is sent to the predictor when, and what comes back."""

from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.ranks.records import STOP, observations_dtype, predictions_dtype
from isgd_mpi.ranks.shards import shards
from isgd_mpi.sampling.sampler import Sampler
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.settings.config import Config
from isgd_mpi.training.predictor.observations import DirectScores, PredictedScores

N, BATCH, CAPACITY = 10, 4, 12


class Exchange:
    """One whose answers come when the test says so."""

    def __init__(self):
        self.published = np.zeros((), observations_dtype(CAPACITY))
        report = np.zeros((), predictions_dtype(shards(N, BATCH, 1)[0]))
        report["batch_steps"], report["correlation"] = NEVER, 0.5
        self.reports = [report]
        self.sent = []
        self.pending = self.complete = False
        self.seconds = 1.5

    def start(self):
        assert not self.pending
        n = int(self.published["n"])
        fields = (self.published[name][:n].tolist() for name in ("rows", "losses"))
        self.sent.append((int(self.published["step"]), int(self.published["command"]), *fields))
        self.pending = True

    def look(self):
        return self.complete

    def wait(self):
        self.pending = False


def make(schedule):
    config = Config(score="predicted-loss", schedule=schedule)
    sampler = Sampler(config, np.zeros(N, np.int32), 2, np.random.default_rng(0), N)
    events = []
    exchange = Exchange()
    forecaster = SimpleNamespace(record={"batch_steps": np.zeros(-(-N // BATCH), np.int64)})
    log = SimpleNamespace(event=lambda step, message: events.append((step, message)))
    return PredictedScores(exchange, forecaster, schedule, sampler, log, BATCH), exchange, sampler.table, events


def write(intake, rows, losses, step=0):
    n = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
    intake.write(rows, np.array(losses, np.float32), np.ones(n, np.int32), step)


def test_losses_do_not_enter_the_table_but_predicted_classes_do():
    intake, _, table, _ = make("relaxed")
    write(intake, slice(2, 5), [1, 2, 3])
    assert (table.steps == NEVER).all()
    np.testing.assert_array_equal(np.flatnonzero(table.predictions), [2, 3, 4])


@pytest.mark.parametrize("schedule", ["pipelined", "relaxed"])
def test_losses_are_sent_in_order_and_once(schedule):
    intake, exchange, _, _ = make(schedule)
    write(intake, np.array([7, 3, 7]), [1, 2, 3])
    write(intake, slice(0, 2), [4, 5])
    intake.publish(10, 0)
    write(intake, np.array([9]), [6])
    exchange.complete = True
    intake.merge(12)
    intake.publish(12, 0)
    assert exchange.sent == [(10, 0, [7, 3, 7, 0, 1], [1, 2, 3, 4, 5]), (12, 0, [9], [6])]


def test_exact_sends_and_waits_at_the_merge():
    intake, exchange, table, _ = make("exact")
    write(intake, slice(0, N), range(N))
    intake.publish(3, 0)
    assert not exchange.sent
    exchange.reports[0]["batch_steps"][:] = 3
    exchange.reports[0]["scores"] = 2 * np.arange(N)
    intake.merge(3)
    assert len(exchange.sent) == 1 and not exchange.pending
    np.testing.assert_array_equal(table.scores, 2 * np.arange(N))
    np.testing.assert_array_equal(table.steps, 3)


@pytest.mark.parametrize(("schedule", "merged"), [("pipelined", True), ("relaxed", False)])
def test_relaxed_never_waits_and_sends_nothing_meanwhile(schedule, merged):
    intake, exchange, table, _ = make(schedule)
    intake.publish(0, 0)
    exchange.reports[0]["batch_steps"][:] = 0
    intake.merge(5)
    assert (table.steps == 0).all() == merged and exchange.pending != merged
    intake.publish(5, 0)
    assert len(exchange.sent) == 1 + merged


def test_only_batches_predicted_anew_are_written():
    intake, exchange, table, _ = make("pipelined")
    report = exchange.reports[0]
    report["batch_steps"][:2], report["scores"] = [4, 6], 1
    intake.publish(6, 0)
    intake.merge(8)
    np.testing.assert_array_equal(table.steps, 4 * [4] + 4 * [6] + 2 * [NEVER])
    report["batch_steps"][2], report["scores"] = 8, 2
    intake.publish(8, 0)
    intake.merge(9)
    np.testing.assert_array_equal(table.scores, 8 * [1] + 2 * [2])
    assert intake.correlation == 0.5 and intake.seconds == 1.5


def test_a_predictor_that_does_not_keep_up_misses_the_oldest_losses_and_the_log_says_so_once():
    intake, exchange, _, events = make("relaxed")
    for step in range(8):
        write(intake, slice(0, 5), [step] * 5, step)
    intake.publish(8, 0)
    assert exchange.sent == [(8, 0, 2 * [0, 1, 2, 3, 4], 5 * [6] + 5 * [7])]
    assert len(events) == 1 and events[0][0] == 2


def test_losses_that_are_not_finite_are_not_sent():
    intake, exchange, _, _ = make("pipelined")
    write(intake, np.array([1, 2, 3]), [np.nan, 5, np.inf])
    intake.publish(0, 0)
    assert exchange.sent == [(0, 0, [2], [5])]


@pytest.mark.parametrize("pending", [False, True])
def test_stop_waits_for_what_is_under_way_and_for_the_last_answer(pending):
    intake, exchange, _, _ = make("relaxed")
    if pending:
        intake.publish(4, 0)
    write(intake, np.array([1]), [1])
    intake.publish(9, STOP)
    assert exchange.sent[-1] == (9, STOP, [], []) and not exchange.pending


def test_direct_scores_are_written_as_they_come():
    sampler = Sampler(Config(), np.zeros(N, np.int32), 2, np.random.default_rng(0), N)
    intake = DirectScores(sampler)
    intake.write(np.array([3, 4]), np.array([1, 2], np.float32), np.ones(2, np.int32), 6)
    np.testing.assert_array_equal(sampler.table.scores[[3, 4]], [1, 2])
    assert np.isnan(intake.correlation) and intake.signal == 0 and intake.seconds == 0
