"""The division of ranks into trainers and scorers, against the runs that its tables come from."""

from dataclasses import replace

import pytest

from isgd_mpi.sampling.division import AMD, Work, best_trainers, progress, steps_per_second, trainers_gain
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
    assert best_trainers(rounded)[0] <= best_trainers(replace(WORK, vendor=AMD))[0] <= best_trainers(WORK)[0]


@pytest.mark.parametrize(("arithmetic", "vendor"), [(AMX, "GenuineIntel"), (AVX512, AMD)])
@pytest.mark.parametrize("n_params", [SMALL, 5_000_000, LARGE])
def test_training_is_predicted_to_be_faster_where_it_is_taken(arithmetic, vendor, n_params):
    in_float32, rounded = (
        steps_per_second(vendor, each, n_params, TRAINS_FROM[arithmetic]) for each in (FLOAT32, arithmetic)
    )
    assert rounded > in_float32


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
