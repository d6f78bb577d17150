"""The division of ranks into trainers and scorers, against the runs that its tables come from."""

from dataclasses import replace

import pytest

from isgd_mpi.sampling.division import (
    AMD,
    Division,
    Work,
    best_division,
    feeding_pays,
    progress,
    steps_ahead,
    steps_per_second,
    trainers_gain,
)
from isgd_mpi.settings.precisions import AMX, AVX512, FLOAT32, TRAINS_FROM

SMALL, LARGE = 669_706, 18_903_050
WORK = Work(
    n_ranks=16, n_on_node=16, n_cores=16, n_params=SMALL, minibatch_size=128, n_examples=60_000,
    score_batch_size=1024, refresh_every=32, arithmetic="float32",
)  # fmt: skip


ON_XEON = "GenuineIntel", FLOAT32


@pytest.mark.parametrize(
    ("n_params", "minibatch", "n_trainers", "rate"),
    [(SMALL, 16, 1, 1001), (SMALL, 128, 4, 841), (SMALL, 512, 16, 338), (LARGE, 128, 8, 49), (LARGE, 512, 1, 2)],
)
def test_measured_rates_are_kept(n_params, minibatch, n_trainers, rate):
    alone = steps_per_second(*ON_XEON, n_params, minibatch)
    assert alone * trainers_gain(1 / alone, n_trainers) == pytest.approx(rate)


def test_rates_lie_between_the_measured_ones_and_go_on_beyond_them():
    assert 1 < trainers_gain(1 / 255, 6) < 1000 / 255
    assert 255 < steps_per_second(*ON_XEON, SMALL, 100) < 442
    assert 9 < steps_per_second(*ON_XEON, 5_000_000, 128) < 255
    assert steps_per_second(*ON_XEON, 2 * LARGE, 1024) == pytest.approx(0.5)
    assert steps_per_second(*ON_XEON, SMALL // 10, 128) == pytest.approx(2550, rel=1e-3)


def test_a_shorter_step_is_worth_less_to_divide():
    assert trainers_gain(1e-3, 2) < trainers_gain(1e-2, 2)
    rounded = replace(WORK, train_arithmetic=AVX512, vendor=AMD)
    assert progress(replace(WORK, vendor=AMD), 1) < progress(rounded, 1)
    numbers = [best_division(work)[0].n_trainers for work in (rounded, replace(WORK, vendor=AMD), WORK)]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(("arithmetic", "vendor"), [(AMX, "GenuineIntel"), (AVX512, AMD)])
@pytest.mark.parametrize("n_params", [SMALL, 5_000_000, LARGE])
def test_training_is_predicted_to_be_faster_where_it_is_taken(arithmetic, vendor, n_params):
    in_float32, rounded = (
        steps_per_second(vendor, each, n_params, TRAINS_FROM[arithmetic]) for each in (FLOAT32, arithmetic)
    )
    assert rounded > in_float32


def test_on_sixteen_cores_most_ranks_train_as_in_the_runs_that_came_fastest_to_a_loss():
    assert best_division(replace(WORK, minibatch_size=64))[0].n_trainers in (8, 12)
    assert best_division(WORK)[0].n_trainers in (8, 12)
    division, gain = best_division(replace(WORK, minibatch_size=256, arithmetic="bfloat16 (MKL, AMX)"))
    assert division.n_trainers in (8, 12) and 2 < gain < 6


@pytest.mark.parametrize("n_params", [SMALL, LARGE])
@pytest.mark.parametrize("minibatch", [1, 16, 128, 2048])
@pytest.mark.parametrize(("ranks", "on_node", "cores"), [(2, 2, 2), (4, 4, 4), (64, 16, 16), (5, 1, 8)])
def test_a_rank_is_left_to_score_and_trainers_have_a_core_each_on_one_node(n_params, minibatch, ranks, on_node, cores):
    work = replace(WORK, n_params=n_params, minibatch_size=minibatch, n_ranks=ranks, n_on_node=on_node, n_cores=cores)
    (n_trainers, feeds), gain = best_division(work)
    assert 1 <= n_trainers <= min(ranks - 1, on_node, cores)
    assert gain >= 1 and (gain > 1) == (n_trainers > 1) and not (feeds and n_trainers == 1)


def test_a_step_that_is_short_is_not_divided():
    short = replace(WORK, n_params=20_000, minibatch_size=16)
    assert best_division(short, ways=[False]) == (Division(1), 1)
    n_trainers, feeds = best_division(short)[0]
    assert n_trainers - feeds == 1


def test_where_scoring_costs_much_more_than_training_fewer_ranks_train():
    cheap, dear = (replace(WORK, minibatch_size=16, n_examples=n) for n in (6_000, 6_000_000))
    assert progress(cheap, 8) > progress(dear, 8)
    few, many = (best_division(replace(WORK, minibatch_size=size))[0].n_trainers for size in (16, 512))
    assert few < many


def test_trainer_0_feeds_where_refreshes_cost_much_beside_a_step():
    short, long = replace(WORK, minibatch_size=16), replace(WORK, minibatch_size=512)
    assert feeding_pays(short, 8) and not feeding_pays(long, 2)
    assert best_division(replace(long, n_examples=10**7))[0].feeds
    assert not best_division(replace(short, n_examples=10**7), ways=[False])[0].feeds
    assert best_division(replace(WORK, n_ranks=3, n_on_node=3), ways=[True])[0] == (2, True)  # if it is asked for
    everywhere = [replace(short, n_ranks=n, n_on_node=n) for n in (2, 16)]
    assert [feeding_pays(work, work.n_ranks) for work in everywhere] == [False, True]  # where all train


def test_more_is_ordered_ahead_the_longer_a_refresh_is_and_at_most_a_part_of_the_training_set():
    refresh = {n: steps_ahead(n, 128, 1e-3) for n in (60_000, 574_168, 10**7)}
    assert refresh[60_000] < refresh[574_168] < refresh[10**7]
    for n_examples, size in ((8_000, 16), (60_000, 128), (60_000, 1024)):
        assert steps_ahead(n_examples, size, 1e-4) * size * 64 <= n_examples
