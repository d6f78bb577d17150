import math
from dataclasses import FrozenInstanceError, fields
from typing import get_args

import pytest

from isgd_mpi.settings.config import Config, option
from isgd_mpi.settings.errors import InputError

NAMES = [item.name for item in fields(Config)]


def refused(match, **settings):
    with pytest.raises(InputError, match=match) as caught:
        Config(**settings)
    assert "\n" not in str(caught.value)


def test_defaults_are_valid_and_frozen():
    with pytest.raises(FrozenInstanceError):
        Config().lr = 1.0


@pytest.mark.parametrize(("ranks", "rank", "scorers"), [(1, None, 0), (2, 1, 0), (3, 2, 1), (5, 4, 3)])
def test_the_last_rank_predicts_losses_if_it_does_not_train(ranks, rank, scorers):
    one, other = Config(score="predicted-loss", trainers=1), Config(trainers=1)
    assert (one.predictor_rank(ranks), one.n_scorers(ranks)) == (rank, scorers)
    assert (other.predictor_rank(ranks), other.n_scorers(ranks)) == (None, ranks - 1)


def test_lists_of_two_configs_are_not_the_same():
    assert Config().hidden is not Config().hidden


@pytest.mark.parametrize("name", NAMES)
def test_every_field_says_what_it_means(name):
    meaning = next(item.metadata["help"] for item in fields(Config) if item.name == name)
    assert len(meaning) > 10


RANGES = {
    "above 0": (
        [0, -1],
        ["synthetic_size", "minibatch_size", "steps", "epochs", "seconds", "refresh_every"]
        + ["clip_norm", "threads", "scorer_timeout", "checkpoint_every", "eval_every", "patience"],
    ),
    "at least 0": (
        [-1],
        ["smoothing", "adaptive_smoothing", "power_smoothing", "weight_decay", "seed", "max_staleness"],
    ),
    "at least 0 and below 1": ([-0.1, 1], ["momentum", "valid"]),
    "above 0 and below 1": ([0, 1.0], ["test"]),
    "at least 0 and at most 1": ([-0.1, 1.1], ["uniform_probability"]),
    "at least 0 and at most 1, or auto": ([-0.1, 1.1], ["mixture"]),
    "above 0, or auto": ([0, -1], ["score_batch_size", "trainers", "lr"]),
    "above 0 and at most 1": ([0, 1.1], ["usable_fraction"]),
    "above 0, or he": ([0, -1], ["init"]),
    "at most 1, or auto": ([1.1], ["bias_exponent"]),
}
OUT_OF_RANGE = [(n, v, words) for words, (values, names) in RANGES.items() for n in names for v in values]


@pytest.mark.parametrize(("name", "value", "words"), OUT_OF_RANGE)
def test_a_value_out_of_its_range_is_told_with_the_range(name, value, words):
    refused(f"^{option(name)} must be {words}, not {value}$", **{name: value})


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("name", sorted({name for name, *_ in OUT_OF_RANGE}))
def test_numbers_must_be_finite(name, value):
    refused(f"^{option(name)} must be a finite number, not {value}$", **{name: value})


def test_steps_fit_into_a_checkpoint():
    assert Config(epochs=1e308).n_steps(60_000) == Config(eval_every=10**30).steps_per_evaluation(60_000) == 2**62


@pytest.mark.parametrize("widths", [[0], [5, -1]])
def test_every_number_of_a_list_must_lie_in_the_range(widths):
    refused(f"^--hidden must be above 0, not {widths[-1]}$", hidden=widths)


def test_every_number_has_a_range():
    checked = {"hidden"} | {name for name, *_ in OUT_OF_RANGE}
    assert checked == {item.name for item in fields(Config) if {int, float} & {item.type, *get_args(item.type)}}


@pytest.mark.parametrize(
    "settings",
    [{"momentum": 0}, {"usable_fraction": 1}, {"mixture": 0}, {"mixture": 1}, {"hidden": []}, {"seed": 0}]
    + [{"uniform_probability": 1}, {"bias_exponent": -5}, {"bias_exponent": 1}, {"max_staleness": 0}]
    + [{"seed": 10**400}, {"init": 0.1}, {"init": "he"}, {"mixture": "auto"}],
)
def test_the_ends_of_ranges_are_allowed(settings):
    assert {name: getattr(Config(**settings), name) for name in settings} == settings


@pytest.mark.parametrize(("first", "second"), [("steps", "epochs"), ("steps", "seconds"), ("epochs", "seconds")])
def test_one_limit_at_most(first, second):
    refused(f"{option(first)} and {option(second)}", **{first: 3, second: 3})


@pytest.mark.parametrize(("trainers", "n_ranks"), [(2, 1), (5, 4)])
def test_more_trainers_than_ranks_are_refused(trainers, n_ranks):
    with pytest.raises(InputError, match=f"--trainers {trainers}"):
        Config(trainers=trainers).check_ranks(n_ranks)


@pytest.mark.parametrize("n_ranks", [1, 2, 16])
def test_one_trainer_can_do_with_any_number_of_ranks(n_ranks):
    assert Config().check_ranks(n_ranks) is None


def test_all_ranks_may_train():
    assert Config(trainers=4).check_ranks(4) is None


@pytest.mark.parametrize(
    ("settings", "n_steps"),
    [
        ({}, 5 * 1000 / 10),
        ({"steps": 7}, 7),
        ({"epochs": 2}, 200),
        ({"epochs": 0.001}, 1),
        ({"epochs": 1.001}, 101),
        ({"seconds": 3}, None),
    ],
)
def test_an_epoch_draws_as_many_examples_as_there_are(settings, n_steps):
    assert Config(minibatch_size=10, **settings).n_steps(1000) == n_steps


def test_evaluations_are_an_epoch_apart_unless_told():
    assert Config(minibatch_size=10).steps_per_evaluation(1001) == 101
    assert Config(eval_every=3).steps_per_evaluation(1001) == 3


def test_options_are_spelt_with_hyphens():
    assert option("score_batch_size") == "--score-batch-size"


def test_a_linear_schedule_needs_an_end():
    refused("--steps or --epochs", lr_schedule="linear", seconds=3)
    refused("--steps or --epochs", lr_schedule="cosine", seconds=3)


def test_the_learning_rate_is_the_optimisers_unless_given():
    assert [Config(optimizer=name).learning_rate() for name in ("sgd", "adam", "adamw")] == [0.1, 1e-3, 1e-3]
    assert Config(optimizer="adam", lr=0.02).learning_rate("numbers") == 0.02


def test_squared_error_has_a_smaller_learning_rate():
    rates = {
        ("auto", "numbers"): 0.01,
        ("squared", "numbers"): 0.01,
        ("huber", "numbers"): 0.1,
        ("auto", "labels"): 0.1,
    }
    assert {case: Config(loss=case[0]).learning_rate(case[1]) for case in rates} == rates
    assert Config(optimizer="adam").learning_rate("numbers") == 1e-3


def test_momentum_is_of_sgd():
    refused("--momentum 0.5 is for --optimizer sgd, not adam", optimizer="adam", momentum=0.5)


@pytest.mark.parametrize(
    ("sampling", "score", "exponent"),
    [("proportional", "grad-norm", 1), ("multinomial", "grad-norm", 1), ("rank", "loss", 1), ("infobatch", "loss", 1)]
    + [("selective-backprop", "loss", 0), ("rho", "loss", 0)],
)
def test_sampling_implies_score_and_weights_of_its_source(sampling, score, exponent):
    config = Config(sampling=sampling)
    assert (config.score, config.bias_exponent) == (score, exponent)
    assert config.mixture_in_use == ("auto" if score == "grad-norm" else 0)
    assert config.switches == (exponent == 1)


def test_what_is_given_wins_over_what_sampling_implies():
    config = Config(sampling="rank", score="grad-norm", bias_exponent=0.0, mixture=0.1)
    assert (config.score, config.bias_exponent, config.mixture_in_use) == ("grad-norm", 0, 0.1)
    assert not config.switches and not config.draws_by_norms


def test_systematic_is_an_older_name():
    assert Config(sampling="systematic") == Config(sampling="proportional") == Config()


@pytest.mark.parametrize(
    ("match", "settings"),
    [
        ("draws by losses, not by --score grad-norm", {"sampling": "rho", "score": "grad-norm"}),
        ("--smoothing is for draws in proportion", {"sampling": "rank", "smoothing": 1.0}),
        ("--power-smoothing is for draws in proportion", {"sampling": "infobatch", "power_smoothing": 0.5}),
        ("--compat alain2015 draws in proportion", {"sampling": "rank", "compat": "alain2015"}),
        ("--lr-scaling gain is for unbiased gradients", {"sampling": "rho", "lr_scaling": "gain"}),
    ],
)
def test_what_goes_with_no_sampling_of_the_literature_is_refused(match, settings):
    refused(match, **settings)


def test_rho_needs_a_reference_model():
    with pytest.raises(InputError, match="--sampling rho needs --reference-model"):
        Config(sampling="rho").check_ranks(2)


@pytest.mark.parametrize(
    ("options", "scaling"),
    [({}, "gain"), ({"lr": 0.1}, "none"), ({"lr": 0.1, "lr_scaling": "gain"}, "gain"), ({"lr_scaling": "none"}, "none"),
     ({"optimizer": "adam"}, "none"), ({"score": "uniform"}, "none"), ({"score": "predicted-loss"}, "none"),
     ({"score": "loss", "bias_exponent": 0.5}, "none"), ({"sampling": "selective-backprop"}, "none"),
     ({"sampling": "rank"}, "gain"), ({"clip_norm": 1.0}, "none"), ({"compat": "alain2015"}, "none")],
)  # fmt: skip
def test_the_learning_rate_is_scaled_where_it_is_ours_to_choose_and_draws_are_unbiased(options, scaling):
    assert Config(**options).lr_scaling == scaling
