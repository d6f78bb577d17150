"""The division of ranks into trainers and scorers, against the runs that its tables come from."""

from dataclasses import replace
from functools import partial

import pytest

from isgd_mpi.sampling.division import Work, best_trainers, progress, rounded_gain, steps_per_second
from isgd_mpi.settings.precisions import AMX, AVX512, TRAINS_FROM

SMALL, LARGE = 669_706, 18_903_050
WORK = Work(
    n_ranks=16, n_on_node=16, n_cores=16, n_params=SMALL, minibatch_size=128, n_examples=60_000,
    score_batch_size=1024, refresh_every=32, arithmetic="float32",
)  # fmt: skip


@pytest.mark.parametrize(
    ("n_params", "minibatch", "n_trainers", "rate"),
    [(SMALL, 16, 1, 1001), (SMALL, 128, 4, 841), (SMALL, 512, 16, 338), (LARGE, 128, 8, 49), (LARGE, 512, 1, 2)],
)
def test_measured_rates_are_kept(n_params, minibatch, n_trainers, rate):
    assert steps_per_second(n_params, minibatch, n_trainers) == pytest.approx(rate)


def test_rates_lie_between_the_measured_ones_and_go_on_beyond_them():
    assert 841 < steps_per_second(SMALL, 128, 6) < 1000
    assert 255 < steps_per_second(SMALL, 100, 1) < 442
    assert 9 < steps_per_second(5_000_000, 128, 1) < 255
    assert steps_per_second(2 * LARGE, 1024, 1) == pytest.approx(0.5)
    assert steps_per_second(SMALL // 10, 128, 1) == pytest.approx(2550, rel=1e-3)


def test_trainers_in_bfloat16_are_as_much_faster_as_was_measured_and_no_clock_decides():
    gain = partial(rounded_gain, AVX512)
    assert gain(SMALL, 128) == pytest.approx(1.9) and gain(LARGE, 512) == pytest.approx(4.0)
    assert 1.8 < gain(SMALL, 100) < 1.9 and 1.8 < gain(5_000_000, 128) < 1.9
    assert rounded_gain(AMX, SMALL, 128) == pytest.approx(1.25) and rounded_gain("its own", SMALL, 128) == 1
    rounded = replace(WORK, train_arithmetic=AVX512)
    assert progress(WORK, 2) < progress(rounded, 2) < 1.9 * progress(WORK, 2)
    assert best_trainers(rounded)[0] <= best_trainers(WORK)[0]  # a shorter step is worth less to divide


@pytest.mark.parametrize("arithmetic", TRAINS_FROM)
@pytest.mark.parametrize("n_params", [SMALL, 5_000_000, LARGE])
def test_training_is_predicted_to_be_faster_where_it_is_taken(arithmetic, n_params):
    assert rounded_gain(arithmetic, n_params, TRAINS_FROM[arithmetic]) > 1


def test_on_sixteen_cores_most_ranks_train_as_in_the_runs_that_came_fastest_to_a_loss():
    assert best_trainers(replace(WORK, minibatch_size=64))[0] == 8
    assert best_trainers(WORK)[0] in (8, 12)
    n_trainers, gain = best_trainers(replace(WORK, minibatch_size=256, arithmetic="bfloat16 (MKL, AMX)"))
    assert n_trainers in (8, 12) and 2 < gain < 6


@pytest.mark.parametrize("n_params", [SMALL, LARGE])
@pytest.mark.parametrize("minibatch", [1, 16, 128, 2048])
@pytest.mark.parametrize(("ranks", "on_node", "cores"), [(2, 2, 2), (4, 4, 4), (64, 16, 16), (5, 1, 8)])
def test_a_rank_is_left_to_score_and_trainers_have_a_core_each_on_one_node(n_params, minibatch, ranks, on_node, cores):
    work = replace(WORK, n_params=n_params, minibatch_size=minibatch, n_ranks=ranks, n_on_node=on_node, n_cores=cores)
    n_trainers, gain = best_trainers(work)
    assert 1 <= n_trainers <= min(ranks - 1, on_node, cores)
    assert gain >= 1 and (gain > 1) == (n_trainers > 1)


def test_a_step_that_is_short_is_not_divided():
    assert best_trainers(replace(WORK, n_params=20_000, minibatch_size=16)) == (1, 1)


def test_where_scoring_costs_much_more_than_training_fewer_ranks_train():
    cheap, dear = (replace(WORK, minibatch_size=16, n_examples=n) for n in (6_000, 6_000_000))
    assert progress(cheap, 8) > progress(dear, 8)
    assert best_trainers(replace(WORK, minibatch_size=16))[0] < best_trainers(replace(WORK, minibatch_size=512))[0]
