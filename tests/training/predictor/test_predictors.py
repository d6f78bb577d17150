from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.data.target import Target
from isgd_mpi.training.predictor.predictors import (
    FLOOR,
    HISTORY_SIZE,
    PREDICTORS,
    LSTMPredictor,
    RunningCorrelation,
    make_predictor,
)

pytestmark = pytest.mark.usefixtures("spurious_flags_of_blas")
N, N_CLASSES = 300, 4


def make(name, rng, **options):
    labels = rng.integers(0, N_CLASSES, N).astype(np.int32)
    return PREDICTORS[name](labels, N_CLASSES, np.random.default_rng(3), **options), labels


def losses_of(rng, n):
    return rng.exponential(size=n).astype(np.float32)


@pytest.mark.parametrize("name", PREDICTORS)
def test_predictions_are_positive_scores_of_any_rows(rng, name):
    predictor, _ = make(name, rng)
    rows = rng.integers(0, N, 500)
    for losses in (losses_of(rng, 500), np.zeros(500, np.float32)):
        predictor.observe(rows, losses)
        scores = predictor.predict(slice(0, N))
        assert scores.dtype == np.float32 and scores.shape == (N,) and (scores >= FLOOR).all()
        np.testing.assert_allclose(predictor.predict(rows[:7]), scores[rows[:7]], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", PREDICTORS)
def test_observe_returns_what_was_predicted_before(rng, name):
    predictor, _ = make(name, rng)
    predictor.observe(np.arange(N), losses_of(rng, N))
    before = predictor.predict(slice(0, 100)).copy()
    assert len(predictor.observe(np.arange(0), np.empty(0, np.float32))) == 0  # which changes nothing
    np.testing.assert_array_equal(predictor.predict(slice(0, 100)), before)
    got = predictor.observe(np.arange(100), losses_of(rng, 100))
    np.testing.assert_allclose(got, before, rtol=1e-5, atol=1e-6)
    assert (predictor.predict(slice(0, 100)) != before).any()


@pytest.mark.parametrize("name", PREDICTORS)
def test_the_same_observations_make_the_same_predictions(name):
    predictions = []
    for _ in range(2):
        rng = np.random.default_rng(7)
        predictor, _ = make(name, rng)
        for _ in range(3):
            predictor.observe(rng.integers(0, N, 200), losses_of(rng, 200))
        predictions.append(predictor.predict(slice(0, N)))
    np.testing.assert_array_equal(*predictions)


def test_the_class_predictor_is_mean_plus_deviation_by_moving_averages(rng):
    predictor, labels = make("class", rng)
    mean, square = np.full(N_CLASSES, np.log(N_CLASSES)), np.full(N_CLASSES, np.log(N_CLASSES) ** 2)
    rows, losses = rng.integers(0, N, 60), losses_of(rng, 60)
    predictor.observe(rows, losses)
    for row, loss in zip(rows, losses.astype(float)):
        mean[labels[row]] = 0.9 * mean[labels[row]] + 0.1 * loss
        square[labels[row]] = 0.9 * square[labels[row]] + 0.1 * loss**2
    expected = (mean + np.sqrt(square - mean**2))[labels]
    np.testing.assert_allclose(predictor.predict(slice(0, N)), expected, rtol=1e-5)


def test_the_last_predictor_repeats_the_last_loss_and_their_mean_where_there_is_none(rng):
    predictor, _ = make("last", rng)
    np.testing.assert_allclose(predictor.predict(slice(0, N)), np.log(N_CLASSES), rtol=1e-6)
    predictor.observe(np.array([5, 9, 5]), np.array([1, 2, 4], np.float32))
    np.testing.assert_allclose(predictor.predict(np.array([5, 9, 0])), [4, 2, 3])


@pytest.mark.parametrize("log_space", [False, True])
def test_histories_begin_with_a_loss_of_one_and_keep_the_last_losses(rng, log_space):
    predictor, _ = make("lstm", rng, log_space=log_space)
    losses = losses_of(rng, HISTORY_SIZE + 3)
    predictor.observe(np.full(2, 7), losses[:2])
    predictor.observe(np.full(3, 8), losses[:3])
    seen = np.log(losses) if log_space else losses
    first = 0 if log_space else 1
    np.testing.assert_allclose(predictor.history[7, -3:], [first, *seen[:2]], rtol=1e-6)
    np.testing.assert_array_equal(predictor.lengths[[6, 7, 8]], [1, 3, 4])
    predictor.observe(np.full(len(losses), 7), losses)
    np.testing.assert_allclose(predictor.history[7], seen[3:], rtol=1e-6)
    assert predictor.lengths[7] == HISTORY_SIZE


@pytest.mark.parametrize("log_space", [False, True])
def test_a_loss_whose_entry_is_zero_is_not_masked(rng, log_space):
    rows, losses = np.arange(3), np.ones(3, np.float32) if log_space else np.zeros(3, np.float32)
    predictor, _ = make("lstm", rng, log_space=log_space)
    predictor.observe(rows, losses)
    with_entry = predictor.predict(rows).copy()
    predictor.lengths[rows] -= 1
    assert (predictor.predict(rows) != with_entry).any()


@pytest.mark.parametrize("log_space", [False, True])
def test_the_lstm_learns_what_depends_on_history_and_class(rng, log_space):
    labels = rng.integers(0, N_CLASSES, N).astype(np.int32)
    predictor = LSTMPredictor(labels, N_CLASSES, rng, log_space)
    level = (0.2 + rng.exponential(size=N) + 0.5 * labels).astype(np.float32)
    for _ in range(40):
        rows = rng.permutation(N)
        predictor.observe(rows, level[rows])
    assert np.corrcoef(predictor.predict(slice(0, N)), level)[0, 1] > 0.8


def test_the_lstm_trains_before_the_losses_join_the_history(rng):
    predictor, labels = make("lstm", rng)
    observed = []
    gradient = predictor._network.gradient
    predictor._network.gradient = lambda history, lengths, classes, targets: (
        observed.append((history.copy(), lengths.copy(), classes, targets)) or gradient(*observed[-1])
    )
    rows, losses = np.array([3, 4]), np.array([0.5, 0.25], np.float32)
    predictor.observe(rows, losses)
    history, lengths, classes, targets = observed[0]
    np.testing.assert_array_equal(lengths, 1)
    np.testing.assert_array_equal(history[:, -1], 1)
    np.testing.assert_array_equal(classes, labels[rows])
    np.testing.assert_array_equal(targets, losses)


def test_running_correlation_is_pearsons_while_it_remembers_all(rng):
    x = rng.standard_normal(400)
    y = 3 + 2 * x + rng.standard_normal(400)
    correlation = RunningCorrelation(memory=1000)
    for part in np.split(np.arange(400), [1, 50, 50, 333]):
        correlation.observe(x[part], y[part])
    np.testing.assert_allclose(correlation.value, np.corrcoef(x, y)[0, 1], rtol=1e-12)


def test_running_correlation_forgets(rng):
    x = rng.standard_normal(5000)
    correlation = RunningCorrelation(memory=100)
    for sign in (-1, 1):
        for part in np.split(x, 100):
            correlation.observe(part, sign * part)
    assert correlation.value > 0.999


@pytest.mark.parametrize("pairs", [[], [(1.0, 2.0)], [(1.0, 2.0), (1.0, 3.0)]])
def test_correlation_of_what_does_not_vary_is_not_a_number(pairs):
    correlation = RunningCorrelation(memory=100)
    for x, y in pairs:
        correlation.observe([x], [y])
    assert np.isnan(correlation.value)


class Numbers:
    """A data set of two standardised numbers, with two strata."""

    target, n_strata = Target("numbers", 2), 2

    def __init__(self, rng):
        labels = rng.standard_normal((N, 2)).astype(np.float32)
        self.splits = {"train": SimpleNamespace(labels=labels)}
        self.strata = (labels[:, 0] > 0).astype(np.int32)


@pytest.mark.parametrize("name", PREDICTORS)
def test_the_losses_of_numbers_are_predicted(rng, name):
    dataset = Numbers(rng)
    predictor, rows = make_predictor(name, dataset, 0.7, rng), np.arange(N)
    if name in ("class", "last"):
        np.testing.assert_allclose(predictor.predict(slice(0, N)), 0.7, rtol=1e-6)
    losses = (1 + dataset.strata).astype(np.float32)  # which depend on the target alone
    for _ in range(60):
        predictor.observe(rows, losses)
    predictions = predictor.predict(slice(0, N))
    assert np.corrcoef(predictions, losses)[0, 1] > 0.9 and abs(predictions.mean() - 1.5) < 0.2
