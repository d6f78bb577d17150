from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.data.datasets import Dataset, Split
from isgd_mpi.data.target import Target
from isgd_mpi.model.mlp import MLP
from isgd_mpi.ranks.records import EXAMPLES, SPLITS
from isgd_mpi.ranks.shards import Grid
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.training.evaluation import Evaluation, combine, no_totals
from isgd_mpi.training.measures import measures_of

pytestmark = pytest.mark.usefixtures("spurious_flags_of_blas")
SIZES = {"train": 23, "valid": 1, "test": 10}
BATCH = 5


@pytest.fixture
def dataset(rng):
    splits = {
        name: Split(rng.integers(0, 256, (n, 4), dtype=np.uint8), rng.integers(0, 3, n, dtype=np.int32))
        for name, n in SIZES.items()
    }
    return Dataset("made", Target("classes", 3), splits, np.full(4, 127.0, np.float32), np.full(4, 0.01, np.float32))


@pytest.fixture
def model(rng):
    model = MLP((4, 6, 3), 64)
    model.params[:] = rng.standard_normal(model.params.size)
    return model


def part_of(model, dataset, part=0, n_parts=1, batch_size=BATCH):
    return Evaluation(model, dataset, Grid(batch_size, n_parts), part, np.empty((batch_size, 4), np.float32))


@pytest.fixture
def evaluation(model, dataset):
    """An evaluation of the whole of every split."""
    return part_of(model, dataset)


def measured(model, dataset, n_parts, n_batches=None, batch_size=BATCH):
    """Return the totals of all parts, each advanced `n_batches` at a time; by all at once if None."""
    parts = [part_of(model, dataset, part, n_parts, batch_size) for part in range(n_parts)]
    for evaluation in parts:
        evaluation.start(model.params, step=7)
        while evaluation.unfinished:
            evaluation.advance(n_batches)
    assert all(evaluation.evaluated_step == 7 for evaluation in parts)
    return sum(evaluation.totals for evaluation in parts)


def explicit_totals(model, dataset, split):
    images = np.empty((SIZES[split], 4), np.float32)
    x, y = dataset.batch(split, 0, SIZES[split], images)
    _, losses, correct = model.scores(x, y)
    wrong = [np.sum(~correct & (y == c)) for c in range(3)]
    confusion = [np.sum((y == c) & (model.predictions == k)) for c in range(3) for k in range(3)]
    return losses.sum(dtype=float), SIZES[split], SIZES[split], *wrong, *confusion


@pytest.mark.parametrize("n_parts", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("n_batches", [None, 1, 2])
def test_every_example_counts_for_every_number_of_parts(model, dataset, n_parts, n_batches):
    totals = measured(model, dataset, n_parts, n_batches)
    expected = [explicit_totals(model, dataset, split) for split in SPLITS]
    np.testing.assert_allclose(totals, expected, rtol=1e-6)
    np.testing.assert_array_equal(totals[:, EXAMPLES], list(SIZES.values()))


@pytest.mark.parametrize("batch_size", [1, 7, 23, 40])
def test_totals_do_not_depend_on_the_batch_size(model, dataset, batch_size):
    got = measured(model, dataset, 2, batch_size=batch_size)
    np.testing.assert_allclose(got, measured(model, dataset, 1), rtol=1e-6)


def test_an_evaluation_is_of_the_parameters_it_began_with(model, dataset, evaluation):
    expected = measured(model, dataset, 1)
    evaluation.start(model.params, step=7)
    evaluation.advance(3)
    model.params = -model.params
    evaluation.advance()
    np.testing.assert_array_equal(evaluation.totals, expected)


def test_the_models_own_parameters_are_put_back(model, evaluation):
    own, before = model.params, model.params.copy()
    evaluation.start(np.zeros_like(own), step=7)
    for n_batches in (1, None):
        evaluation.advance(n_batches)
        assert model.params is own
    np.testing.assert_array_equal(own, before)


def test_nothing_is_published_before_the_last_batch(model, evaluation):
    assert not evaluation.unfinished and evaluation.evaluated_step == NEVER
    evaluation.start(model.params, step=7)
    for _ in range(7):
        evaluation.advance(1)
        assert evaluation.unfinished and evaluation.evaluated_step == NEVER and not evaluation.totals.any()
    evaluation.advance(1)  # of 5, 1 and 2 batches
    assert not evaluation.unfinished and evaluation.evaluated_step == 7 and evaluation.totals.any()


def test_a_restart_midway_forgets_what_was_measured(model, dataset, evaluation):
    expected = measured(model, dataset, 1)
    evaluation.start(np.zeros_like(model.params), step=3)
    evaluation.advance(4)
    evaluation.start(model.params, step=7)
    evaluation.advance()
    assert evaluation.evaluated_step == 7
    np.testing.assert_array_equal(evaluation.totals, expected)


def test_the_last_evaluation_stays_until_the_next_is_complete(model, evaluation):
    evaluation.start(model.params, step=3)
    evaluation.advance()
    totals = evaluation.totals.copy()
    evaluation.advance()  # beyond the end
    np.testing.assert_array_equal(evaluation.totals, totals)
    evaluation.start(np.zeros_like(model.params), step=7)
    evaluation.advance(2)
    assert evaluation.evaluated_step == 3
    np.testing.assert_array_equal(evaluation.totals, totals)


def test_a_part_without_batches_is_done_at_once(model, dataset):
    evaluation = part_of(model, dataset, part=7, n_parts=8)
    evaluation.start(model.params, step=7)
    assert not evaluation.unfinished and evaluation.evaluated_step == 7 and not evaluation.totals.any()


def test_combine_divides_by_the_examples_of_each_split_and_class(model, dataset):
    measures = SimpleNamespace(figures=lambda split, sums: {"error": sums.sum() / 24})
    totals = no_totals(dataset.target)
    totals[SPLITS.index("test")] = 12, 24, 24, 3, 0, 0, *[0] * 9
    assert combine(totals, measures) == {"test": {"loss": 0.5, "error": 0.125, "n": 24}}


def test_a_nan_loss_is_reported_as_nan(model, dataset):
    model.params[:] = np.nan
    figures = combine(measured(model, dataset, 2), measures_of(dataset))
    assert all(np.isnan(figures[split]["loss"]) for split in SPLITS)


def test_a_set_without_a_validation_split(model, dataset):
    splits = {name: split for name, split in dataset.splits.items() if name != "valid"}
    smaller = replace(dataset, splits=splits)
    assert list(combine(measured(model, smaller, 2), measures_of(smaller))) == ["train", "test"]


@pytest.mark.parametrize("n_parts", [1, 3])
@pytest.mark.parametrize("class_weights", [None, np.array([0.5, 2.0, 0.1])])
def test_loss_and_errors_are_means_by_the_weights_that_examples_were_given(model, dataset, rng, n_parts, class_weights):
    given = {name: np.append(3.0, rng.integers(0, 4, n - 1).astype(float)) for name, n in SIZES.items()}
    splits = {name: replace(split, weights=given[name]) for name, split in dataset.splits.items()}
    weighted = replace(dataset, splits=splits, class_weights=class_weights)
    figures = combine(measured(model, weighted, n_parts), measures_of(weighted))
    for name in splits:
        x, y = dataset.batch(name, 0, SIZES[name], np.empty((SIZES[name], 4), np.float32))
        _, losses, correct = model.scores(x, y)
        of_losses = given[name] if class_weights is None else given[name] * class_weights[y]
        np.testing.assert_allclose(figures[name]["loss"], of_losses @ losses / of_losses.sum(), rtol=1e-6)
        np.testing.assert_allclose(figures[name]["error"], given[name] @ ~correct / given[name].sum(), rtol=1e-12)
        shares = [given[name][y == c] @ ~correct[y == c] / given[name][y == c].sum() for c in np.unique(y)]
        np.testing.assert_allclose(figures[name]["balanced_error"], np.nanmean(shares), rtol=1e-12)
        assert figures[name]["n"] == SIZES[name]


def test_weights_of_classes_leave_the_errors_as_they_are(model, dataset):
    weighted = replace(dataset, class_weights=np.array([0.1, 2.0, 5.0]))
    plain, other = (combine(measured(model, each, 2), measures_of(each)) for each in (dataset, weighted))
    for name in SIZES:
        assert {"error", "balanced_error"} <= plain[name].keys()
        assert other[name] == plain[name] | {"loss": other[name]["loss"]}


def test_an_example_of_weight_zero_costs_no_nan(model, dataset):
    splits = {"train": replace(dataset.splits["train"], weights=np.arange(23.0)), "test": dataset.splits["test"]}
    weighted, evaluate = replace(dataset, splits=splits), model.evaluate

    def evaluate_with_an_infinite_loss(x, y):
        losses, measures = evaluate(x, y)
        losses[(x == first).all(axis=1)] = np.inf
        return losses, measures

    first = dataset.batch("train", 0, 1, np.empty((1, 4), np.float32))[0][0].copy()
    model.evaluate = evaluate_with_an_infinite_loss
    figures = combine(measured(model, weighted, 1), measures_of(weighted))
    assert np.isfinite(figures["train"]["loss"])
    assert combine(measured(model, dataset, 1), measures_of(dataset))["train"]["loss"] == np.inf
