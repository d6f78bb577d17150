from dataclasses import replace

import numpy as np
import pytest

from isgd_mpi.sampling.forecast import Costs, exchange_seconds, gain_at, predict, saturation

COSTS = Costs(
    n_examples=32 * 100, batch_size=100, refresh_every=10, params_bytes=1000, report_bytes=100,
    step_seconds=1.0, score_seconds=0.01, publish_seconds=0.0, message_seconds=0.0, merge_seconds=0.0,
    wake_seconds=0.0, copy_seconds=0.0, cores=64, network_seconds=0.0, network_bytes_per_second=1e12,
)  # fmt: skip
"""A score batch takes a step's time, and nothing else takes any; 32 batches."""

TABLE = [(1, 8.0), (10, 4.0), (100, 1.0)]


def test_where_nothing_else_costs_the_trainer_refreshes_as_often_as_it_may():
    got = predict(COSTS, 2, 64)
    assert (got.refresh_steps, got.refresh_seconds, got.refreshing) == (10, 10, 0)
    assert got.scored_per_second == pytest.approx(100) and got.idle == 0


def test_a_sweep_by_one_scorer_makes_scores_as_old_as_the_sweep():
    # 32 batches, 10 a refresh: when they are merged, a step after publication, the 10 new ones are 11 steps old,
    # those before 21, then 31, and the last two 41
    assert predict(COSTS, 2, 64).staleness == pytest.approx((10 * (11 + 21 + 31) + 2 * 41) / 32, rel=0.01)


def test_scorers_with_more_time_than_work_are_idle():
    got = predict(COSTS, 17, 64)  # two batches each, ten steps' time
    assert got.idle == pytest.approx(0.8) and got.scored_per_second == pytest.approx(320)
    assert got.staleness == pytest.approx(11)
    many = predict(COSTS, 65, 128)  # half of them have no batch
    assert many.scored_per_second == pytest.approx(320) and many.idle == pytest.approx(0.95, rel=0.01)


def test_an_exchange_longer_than_the_interval_makes_it_longer():
    slow = replace(COSTS, wake_seconds=20.0, copy_seconds=0.02)  # 20 s for the parameters, 2 s for the reports
    got = predict(slow, 2, 64)
    assert 22 <= got.refresh_steps <= 23 and got.exchange_seconds == pytest.approx(20)


def test_what_refreshes_cost_the_trainer_is_its_share():
    costs = replace(COSTS, publish_seconds=0.5, message_seconds=0.1, merge_seconds=1 / 3200)
    got = predict(costs, 33, 64)  # 0.5 + 32 * 0.1 + 1 for all examples
    assert got.refreshing == pytest.approx(4.7 / 14.7, rel=0.01)


def test_crowded_scorers_share_what_the_trainer_leaves():
    # four scorers: on cores of their own they score all 32 batches in ten steps, on one core ten of them
    rates = [predict(replace(COSTS, cores=cores), 5, 5).scored_per_second for cores in (64, 2)]
    assert rates == pytest.approx([320, 100], rel=0.2)


def test_between_nodes_parameters_take_a_tree():
    costs = replace(COSTS, network_seconds=1.0, network_bytes_per_second=100.0, copy_seconds=0.001)
    assert exchange_seconds(costs, 4, 4)[0] == 0  # on one node nothing is copied
    out, back = exchange_seconds(costs, 32, 4)  # 8 nodes: a depth of 3
    assert out == pytest.approx(3 + 3 * 11) and back == pytest.approx(0.1 + 1 + 100 * 28 / 32 / 100)


def test_gains_are_interpolated_and_do_not_go_on_beyond_the_table():
    assert [gain_at(age, TABLE) for age, _ in TABLE] == pytest.approx([8, 4, 1])
    assert gain_at(1000, TABLE) == 1 and 1 < gain_at(30, TABLE) < 4
    assert (np.diff([gain_at(age, TABLE) for age in range(1, 100)]) < 0).all()


def test_saturation_names_the_ranks_and_the_reason():
    predictions = [predict(COSTS, ranks, 64) for ranks in (2, 4, 8, 16, 32, 64, 128)]
    ranks, reason = saturation(predictions, TABLE, 32)
    assert ranks in (8, 16) and ("idle" in reason or "gain" in reason)
    costly = replace(COSTS, message_seconds=0.5)
    ranks, reason = saturation([predict(costly, ranks, 64) for ranks in (2, 4, 8, 16, 32)], TABLE, 32)
    assert ranks == 2 and "refreshes take" in reason
    assert saturation(predictions[-2:], TABLE, 32)[0] == 33
    assert saturation(predictions[:2], TABLE, 32)[0] is None
