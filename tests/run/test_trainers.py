"""The number of trainers that a job gets where the user does not say it."""

from types import SimpleNamespace

import pytest

from isgd_mpi.run.trainers import choose_trainers
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.errors import InputError

MODELS = {
    "n_params": 669_706,
    "arithmetic": "float32",
    "train_arithmetic": "float32",
    "params_may_be_shared": True,
    "shared_bytes": lambda rows: 10**7,
}


OWN = {name: value for name, value in MODELS.items() if name != "shared_bytes"} | {"params_may_be_shared": False}


def chosen(n_ranks, before=None, models=MODELS, n_cores=16, n_on_node=None, **options):
    node = SimpleNamespace(
        hosts=n_ranks * ["here"],
        nodes=[0 if rank < (n_on_node or n_ranks) else n_on_node for rank in range(n_ranks)],
        n_cores=n_cores,
        threads=1,
        crowded=n_ranks > n_cores,
        n_shared_bytes=10**9,
    )
    return choose_trainers(Config(**options), SimpleNamespace(n_train=60_000), SimpleNamespace(**models), node, before)


def test_several_ranks_with_cores_of_their_own_train_together():
    choice = chosen(16)
    assert choice.n_trainers > 4 and choice.reason.startswith("predicted ")


@pytest.mark.parametrize(
    ("ranks", "options", "reason"),
    [
        (1, {}, "fewer than 4 ranks"),
        (3, {}, "fewer than 4 ranks"),
        (16, {"n_cores": 2}, "ranks outnumber cores"),
        (16, {"schedule": "exact"}, "--schedule exact"),
        (16, {"score": "predicted-loss"}, "--score predicted-loss"),
        (16, {"compat": "alain2015"}, "--compat alain2015"),
        (16, {"models": OWN}, "a model of your own"),
        (16, {"models": MODELS | {"shared_bytes": lambda rows: 10**9}}, "there is no room"),
    ],
)
def test_one_rank_trains_for_a_reason(ranks, options, reason):
    choice = chosen(ranks, **options)
    assert choice.n_trainers == 1 and choice.reason.startswith(reason)


def test_trainer_0_feeds_where_that_pays_and_where_it_is_told_to():
    assert chosen(16, minibatch_size=16).feeds and chosen(16, minibatch_size=16, trainers=8).feeds
    assert not chosen(16, minibatch_size=16, feeder="off").feeds
    assert not any(chosen(16, **options).feeds for options in ({"trainers": 1}, {"n_cores": 2}, {"schedule": "exact"}))
    without_scorers = {"minibatch_size": 16, "trainers": 16}
    assert [chosen(16, score=score, **without_scorers).feeds for score in ("uniform", "loss")] == [True, False]
    for ranks, options in ((2, {}), (3, {"n_cores": 2}), (3, {"schedule": "exact"})):
        assert chosen(ranks, feeder="on", **options)[:2] == (2, True)
    assert 2 <= chosen(16, feeder="on", n_on_node=4).n_trainers <= 4  # also for a rank of the larger node


@pytest.mark.parametrize(
    ("schedule", "every", "ahead"), [("exact", 32, 0), ("pipelined", 2, 0), ("pipelined", 6, 2), ("relaxed", 6, 4)]
)
def test_no_more_is_ordered_ahead_than_the_schedule_leaves_time_for(schedule, every, ahead):
    choice = chosen(16, minibatch_size=128, trainers=8, feeder="on", schedule=schedule, refresh_every=every)
    assert min(choice.n_ahead, 4) == ahead


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"trainers": 1}, "it takes 2 trainers"),
        ({"trainers": 8, "n_on_node": 4}, "all trainers must be on one node"),
        ({"compat": "alain2015"}, "--compat alain2015"),
        ({"models": OWN}, "a model of your own"),
        ({"models": MODELS | {"shared_bytes": lambda rows: 10**9}}, "there is no room"),
    ],
)
def test_where_it_cannot_feed_the_reason_is_told(options, reason):
    with pytest.raises(InputError, match=f"--feeder on: {reason}.*: give --feeder auto"):
        chosen(16, feeder="on", **options)


def test_a_given_number_needs_no_reason():
    assert chosen(16, trainers=3)[::2] == (3, None)


def test_a_resumed_run_has_the_trainers_that_it_had():
    assert chosen(16, before=(5, False)).n_trainers == 5
    assert chosen(16, before=(5, False), trainers=2).n_trainers == 2
    for feeds, feeder in ((False, "off"), (True, "on"), (True, "auto")):  # given or not
        assert chosen(16, before=(5, feeds), feeder=feeder)[:2] == (5, feeds)
    assert not chosen(16, before=(5, True), feeder="off").feeds


def test_a_resumed_run_whose_trainer_0_fed_others_goes_on_where_it_cannot_any_more():
    assert not chosen(16, before=(5, True), models=MODELS | {"shared_bytes": lambda rows: 10**9}).feeds
    assert not chosen(16, before=(5, True), n_on_node=4).feeds
