"""n ranks give bitwise what one serial loop gives."""

import numpy as np
import pytest
import threadpoolctl
from launch import train

from isgd_mpi.data import datasets
from isgd_mpi.model.bfloat16.arithmetic import fastest_arithmetic
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.optim import SGD
from isgd_mpi.model.params import initial_params
from isgd_mpi.sampling.block_sums import BlockSums
from isgd_mpi.sampling.proposal import prob_weights_from_scores, stratified_order
from isgd_mpi.sampling.score_proposal import ScoreProposal

slow = pytest.mark.slow

STEPS, REFRESH_EVERY, BATCH, MINIBATCH, LR, MOMENTUM = 200, 20, 700, 24, 0.05, 0.5
OPTIONS = (
    "--quiet", "--schedule", "exact", "--hidden", 64, 24, "--steps", STEPS, "--seed", 5,
    "--refresh-every", REFRESH_EVERY, "--score-batch-size", BATCH, "--minibatch-size", MINIBATCH,
    "--lr", LR, "--momentum", MOMENTUM, "--eval-every", 60, "--mixture", 0.1, "--switch", "off",
    "--score-precision", "f32", "--train-precision", "f32",
)  # fmt: skip
SAID = ("squared_mean_gradient_error", "variance_gain", "variance_gain_error")  # |mu|^2 comes from a scorer

ROUNDED = ("--score-precision", "bf16", "--train-precision", "bf16")


def serial_loop():
    """Return the parameters that the algorithm gives without MPI, schedule, score table or variance estimate."""
    dataset = datasets.load("mnist10k")
    train_set = dataset.splits["train"]
    n_examples = len(train_set)
    widths = (dataset.n_features, 64, 24, dataset.n_classes)
    init_seed, draw_seed, *_ = np.random.SeedSequence(5).spawn(1)[0].spawn(4)
    rng = np.random.default_rng(draw_seed)
    model = MLP(widths, BATCH)
    model.params = initial_params(widths, "he", np.random.default_rng(init_seed))
    optimiser = SGD(model.params, LR, MOMENTUM)
    images, labels = np.empty((BATCH, dataset.n_features), np.float32), np.empty(MINIBATCH, np.int32)
    for step in range(STEPS):
        if step % REFRESH_EVERY == 0:
            scores, predictions = np.empty(n_examples, np.float32), np.empty(n_examples, np.int32)
            for start in range(0, n_examples, BATCH):
                x, y = dataset.batch("train", start, min(start + BATCH, n_examples), images)
                scores[start : start + BATCH] = model.scores(x, y)[0]
                predictions[start : start + BATCH] = model.predictions
            if step % (8 * REFRESH_EVERY) == 0:  # an order lasts for eight sweeps
                weights = prob_weights_from_scores(scores.astype(float)).astype(np.float32)
                order = stratified_order(train_set.labels, predictions, weights, dataset.n_classes)
            proposal = ScoreProposal(scores, BlockSums(scores, order), mixture=0.1)
        indices, weights = proposal.draw(MINIBATCH, "systematic", rng)
        x = images[:MINIBATCH]
        dataset.gather(indices, x, labels)
        model.descend(x, labels, weights.astype(np.float32), optimiser)
    return model.params


@pytest.mark.parametrize("ranks", [2, pytest.param(3, marks=slow)])
def test_exact_with_predicted_losses_is_bitwise_the_same_on_any_number_of_ranks(ranks, tmp_path):
    options = (*OPTIONS, "--score", "predicted-loss", "--steps", 60)
    alone, shared = (train(tmp_path / f"{n}", n, *options) for n in (1, ranks))
    np.testing.assert_array_equal(shared.params, alone.params)
    figures = [
        [(line["predictor_correlation"], line["mixture"]) for line in run.of_kind("refresh")] for run in (alone, shared)
    ]
    assert figures[0] == figures[1] and figures[0][-1][1] < 1


@pytest.fixture(scope="module")
def expected():
    with threadpoolctl.threadpool_limits(1):
        return serial_loop()


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
def test_exact_is_bitwise_the_serial_loop_for_any_number_of_scorers(ranks, expected, tmp_path):
    run = train(tmp_path / "run", ranks, *OPTIONS)
    np.testing.assert_array_equal(run.params, expected)
    assert run.summary["train"]["error"] < 0.1


@pytest.fixture(scope="module")
def rounded(tmp_path_factory):
    return train(tmp_path_factory.mktemp("contract") / "run", 1, *OPTIONS, *ROUNDED)


@pytest.mark.parametrize("ranks", [2, pytest.param(4, marks=slow)])
def test_exact_is_bitwise_the_same_for_any_number_of_scorers_where_all_ranks_round(ranks, rounded, expected, tmp_path):
    run = train(tmp_path / "run", ranks, *OPTIONS, *ROUNDED)
    np.testing.assert_array_equal(run.params, rounded.params)
    assert run.lines[-1] == rounded.lines[-1] | {"seconds": run.lines[-1]["seconds"]}
    said = [[[line[name] for name in SAID] for line in each.of_kind("refresh")] for each in (run, rounded)]
    assert said[0] == said[1] and None not in said[0][-1]
    assert np.array_equal(run.params, expected) == (fastest_arithmetic() == "float32")
    assert run.summary["train"]["error"] < 0.1


@pytest.fixture(scope="module")
def two_trainers(tmp_path_factory):
    return train(tmp_path_factory.mktemp("contract") / "run", 2, *OPTIONS, "--trainers", 2)


@pytest.mark.parametrize("ranks", [3, pytest.param(4, marks=slow)])
def test_exact_is_bitwise_the_same_for_two_trainers_and_any_number_of_scorers(ranks, two_trainers, expected, tmp_path):
    run = train(tmp_path / "run", ranks, *OPTIONS, "--trainers", 2)
    np.testing.assert_array_equal(run.params, two_trainers.params)
    # sums in another order: an example whose score is rounded across a level of the order makes some draws others
    assert np.linalg.norm(run.params - expected) < 0.2 * np.linalg.norm(expected)
    assert run.summary["trainers"] == 2 and run.summary["train"]["error"] < 0.1


@slow
def test_another_seed_gives_another_run(expected, tmp_path):
    run = train(tmp_path / "run", 2, *OPTIONS, "--seed", 6)
    assert not np.array_equal(run.params, expected)
