"""The predictor's end without MPI."""

from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.data.target import Target
from isgd_mpi.ranks.records import STOP, observations_dtype
from isgd_mpi.ranks.shards import Grid
from isgd_mpi.ranks.waiting import Waiter
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.settings.config import Config
from isgd_mpi.training.predictor.forecaster import Forecaster, forecast_locally

N, BATCH = 50, 20


def make(predictor="last", usable_fraction=0.1):
    config = Config(score="predicted-loss", predictor=predictor, usable_fraction=usable_fraction)
    labels = np.arange(N, dtype=np.int32) % 3
    splits = {"train": SimpleNamespace(labels=labels)}
    dataset = SimpleNamespace(splits=splits, n_train=N, target=Target("classes", 3), strata=labels, n_strata=3)
    (shard,) = Grid(BATCH, 1).shards(N)
    return Forecaster(config, dataset, np.random.SeedSequence(1), shard, Waiter(polite=True))


def observations(rows=range(N), losses=1.0, step=7, command=0):
    record = np.zeros((), observations_dtype(N))
    record["step"], record["command"], record["n"] = step, command, len(rows)
    record["rows"][: len(rows)], record["losses"][: len(rows)] = rows, losses
    return record


def test_nothing_is_predicted_before_enough_examples_were_observed():
    forecaster = make(usable_fraction=0.5)
    forecaster.take(observations(np.zeros(30, int), np.ones(30)))  # thirty times the same
    forecaster.score(3)
    assert not forecaster.advance() and (forecaster.record["batch_steps"] == NEVER).all()
    forecaster.take(observations(np.arange(25), np.ones(25)))
    forecaster.score(3)
    assert (forecaster.record["batch_steps"] == 7).all()


def test_batches_are_predicted_round_robin_with_their_step():
    forecaster = make()
    losses = 1 + np.arange(N)
    forecaster.take(observations(losses=losses, step=7))
    forecaster.score(2)
    np.testing.assert_array_equal(forecaster.record["batch_steps"], [7, 7, NEVER])
    np.testing.assert_allclose(forecaster.record["scores"][: 2 * BATCH], losses[: 2 * BATCH])
    forecaster.take(observations(losses=2 * losses, step=9))
    forecaster.score(2)
    np.testing.assert_array_equal(forecaster.record["batch_steps"], [9, 7, 9])
    np.testing.assert_allclose(forecaster.record["scores"][:BATCH], 2 * losses[:BATCH])


def test_advance_predicts_each_batch_once_a_record():
    forecaster = make()
    for step in (3, 4):
        forecaster.take(observations(step=step))
        assert [forecaster.advance() for _ in range(5)] == [True, True, True, False, False]
        assert (forecaster.record["batch_steps"] == step).all()


@pytest.mark.parametrize("predictor", ["lstm", "lstm-log", "class", "last"])
def test_the_correlation_is_that_of_what_was_predicted_before(predictor):
    forecaster = make(predictor)
    assert np.isnan(forecaster.record["correlation"])
    losses = 1 + np.random.default_rng(0).random(N).astype(np.float32)
    forecaster.take(observations(losses=losses))
    before = forecaster._predictor.predict(slice(0, N)).copy()
    forecaster.take(observations(losses=losses))
    # 50 pairs are more than the memory of 12.5: nothing is left of the first record
    np.testing.assert_allclose(forecaster.record["correlation"], np.corrcoef(before, losses)[0, 1], rtol=1e-3)


def test_the_local_answer_is_what_the_rank_would_report_and_nothing_new_at_the_end():
    forecaster = make()
    record = forecast_locally(forecaster, 3, observations(step=5))
    assert record is forecaster.record and (record["batch_steps"] == 5).all()
    forecast_locally(forecaster, 3, observations([], [], step=8, command=STOP))
    assert (record["batch_steps"] == 5).all()


@pytest.mark.parametrize("predictor", ["lstm", "lstm-log", "class", "last"])
def test_a_report_is_all_that_a_predictor_needs_to_go_on(predictor, rng):
    one, other = make(predictor), make(predictor)
    losses = rng.exponential(size=N).astype(np.float32)
    forecast_locally(one, 2, observations(np.arange(N), losses))
    other.restore_report(one.report().copy())
    for step in (8, 9):
        again = observations(rng.integers(0, N, 30), rng.exponential(size=30), step)
        reports = [forecast_locally(each, 2, again).copy() for each in (one, other)]
        np.testing.assert_array_equal(reports[0], reports[1])


def test_a_report_whose_lengths_lead_beyond_the_histories_is_refused():
    report = make("lstm").report().copy()
    report["predictor/lengths"][3] = 11
    with pytest.raises(ValueError, match="lengths must lie in 1..10"):
        make("lstm").restore_report(report)
