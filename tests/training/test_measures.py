"""Measures against their definitions, on numbers small enough to be counted by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.data.datasets import Split
from isgd_mpi.data.target import Target
from isgd_mpi.model.losses import CrossEntropy, Logistic
from isgd_mpi.model.mlp import MLP
from isgd_mpi.training.measures import area_under_curve, areas_under_curves, is_binary, measures_of, n_sums


def dataset_of(target, labels):
    return SimpleNamespace(target=target, splits={"test": Split(None, np.array(labels))})


@pytest.fixture
def classes():
    """Four of a, one of b, none of c."""
    return dataset_of(Target("classes", 3, ("a", "b", "c")), [0, 0, 0, 1, 0])


def test_the_balanced_error_is_the_mean_of_the_errors_of_the_classes_that_are_there(classes):
    measures = measures_of(classes)
    sums = np.array([1.0, 1.0, 0.0])
    assert measures.figures("test", sums) == {"error": 2 / 5, "balanced_error": (1 / 4 + 1) / 2}
    errors = measures.details("test", sums)["class_errors"]
    assert list(errors) == ["a", "b", "c"] and (errors["a"], errors["b"]) == (0.25, 1.0) and np.isnan(errors["c"])


def test_wrong_predictions_are_counted_by_their_class(classes):
    model = SimpleNamespace(evaluate=lambda x, y: (x, np.array([[0.0, 0], [1, 2], [1, 1], [1, 0], [0, 0]])))
    losses, sums = measures_of(classes).measure(model, "losses", classes.splits["test"].labels)
    assert losses == "losses" and sums[:3].tolist() == [2, 1, 0]
    assert sums[3:].tolist() == [2, 1, 1, 1, 0, 0, 0, 0, 0]
    confusion = measures_of(classes).details("test", sums)["confusion"]
    assert confusion == {"a": {"a": 2, "b": 1, "c": 1}, "b": {"a": 1}, "c": {}}


def test_predictions_are_counted_by_weight(classes):
    model = SimpleNamespace(evaluate=lambda x, y: (x, np.array([[0, 0], [1, 2], [1, 1], [1, 0], [0, 0]], np.float64)))
    weights = np.array([0.5, 2, 0, 1, 4])
    _, sums = measures_of(classes).measure(model, None, classes.splits["test"].labels, weights)
    assert sums.tolist() == [2, 1, 0, 4.5, 0, 2, 1, 0, 0, 0, 0, 0]
    assert measures_of(classes).details("test", sums)["confusion"]["a"] == {"a": 4.5, "c": 2}


def test_there_is_no_confusion_matrix_of_predictions_that_are_not_told_or_of_many_classes(classes):
    model = SimpleNamespace(evaluate=lambda x, y: (x, np.full((5, 2), [1, np.nan])))
    _, sums = measures_of(classes).measure(model, None, classes.splits["test"].labels)
    assert sums[:3].tolist() == [4, 1, 0] and list(measures_of(classes).details("test", sums)) == ["class_errors"]
    many = dataset_of(Target("classes", 33), [0, 0, 0, 1, 0])
    assert n_sums(many.target) == len(measures_of(many).measure(model, None, many.splits["test"].labels)[1]) == 33


def test_classes_without_names_are_numbered():
    measures = measures_of(dataset_of(Target("classes", 2), [0, 1]))
    found = measures.details("test", np.array([0.0, 1.0, 1, 0, 1, 0]))
    assert found == {"class_errors": {"0": 0.0, "1": 1.0}, "confusion": {"0": {"0": 1}, "1": {"0": 1}}}


def test_labels_are_wrong_each_and_together():
    measures = measures_of(dataset_of(Target("labels", 2), np.zeros((4, 2))))
    assert measures.figures("test", np.array([3.0, 2.0])) == {"error": 0.75, "label_error": 0.5}
    assert measures.details("test", np.array([3.0, 2.0])) == {}


def residuals_of(y, predicted, names=("length",)):
    """Return the measures of standardised numbers, and the sums of their residuals."""
    y = np.asarray(y, np.float64)
    mean, scale = y.mean(axis=0), y.std(axis=0) + 0.5  # of a training set, not of this split
    target = Target("numbers", y.shape[1], names, tuple(mean.tolist()), tuple(scale.tolist()))
    residuals = (np.asarray(predicted) - y) / scale
    sums = np.concatenate([(residuals**2).sum(axis=0), np.abs(residuals).sum(axis=0)])
    return measures_of(dataset_of(target, ((y - mean) / scale).astype(np.float32))), sums


def test_a_number_is_measured_in_its_own_unit(rng):
    y = 300 + 20 * rng.standard_normal((50, 1))
    predicted = y + rng.standard_normal((50, 1))
    measures, sums = residuals_of(y, predicted)
    residuals = predicted - y
    expected = {
        "rmse": np.sqrt(np.mean(residuals**2)),
        "mae": np.mean(np.abs(residuals)),
        "r2": 1 - np.sum(residuals**2) / np.sum((y - y.mean()) ** 2),
    }
    assert measures.figures("test", sums) == pytest.approx(expected, rel=1e-5)
    assert measures.details("test", sums) == {}


def test_several_numbers_have_figures_each_in_its_unit_and_together_without(rng):
    y = np.array([1.0, 1000.0]) * rng.standard_normal((60, 2))
    predicted = y * 0.9
    measures, sums = residuals_of(y, predicted, ("near", "far"))
    targets = measures.details("test", sums)["targets"]
    assert targets["far"]["rmse"] == pytest.approx(0.1 * np.sqrt(np.mean(y[:, 1] ** 2)))
    assert targets["near"]["mae"] == pytest.approx(0.1 * np.mean(np.abs(y[:, 0])))
    figures = measures.figures("test", sums)
    assert figures["r2"] == pytest.approx((targets["near"]["r2"] + targets["far"]["r2"]) / 2)
    assert figures["rmse"] == pytest.approx(np.sqrt(sums[:2].sum() / 60 / 2))


def test_the_r2_of_a_number_that_never_varies_is_not_known():
    measures, sums = residuals_of([[2.0], [2.0]], [[2.5], [1.5]])
    figures = measures.figures("test", sums)
    assert np.isnan(figures["r2"]) and figures["rmse"] == pytest.approx(0.5)


@pytest.mark.parametrize("levels", [3, 1000])
def test_the_area_under_the_curve_is_the_share_of_pairs_in_order_with_ties_half(rng, levels):
    scores, is_positive = rng.integers(0, levels, 80) / 7, rng.random(80) < 0.3
    differences = scores[is_positive][:, None] - scores[~is_positive]
    expected = np.mean((differences > 0) + 0.5 * (differences == 0))
    assert area_under_curve(scores, is_positive) == pytest.approx(expected, rel=1e-12)


def test_there_is_no_area_under_a_curve_of_one_class_or_of_scores_that_are_not_finite():
    assert np.isnan(area_under_curve(np.arange(3.0), np.ones(3, bool)))
    assert np.isnan(area_under_curve(np.array([0.0, np.nan]), np.array([True, False])))


@pytest.mark.parametrize("loss", [CrossEntropy(2), Logistic(1)])
def test_areas_are_those_of_the_models_outputs(rng, loss):
    x, is_positive = rng.standard_normal((40, 3)).astype(np.float32), rng.random(40) < 0.4
    target = Target(loss.kind, loss.n_outputs)
    labels = is_positive.astype(target.dtype).reshape(40, *target.row_shape)

    def pieces(split, start, stop, images):
        return [(x[first : first + len(images)], labels[first : first + len(images)]) for first in range(0, 40, 16)]

    model = MLP((3, loss.n_outputs), 16, loss=loss)
    model.params[:] = rng.standard_normal(model.params.size)
    dataset = SimpleNamespace(target=target, splits={"test": Split(x, labels)}, n_features=3, pieces=pieces)
    weights = model.params[: 3 * loss.n_outputs].reshape(3, -1)
    z = x @ weights
    scores = z[:, 0] if loss.n_outputs == 1 else z[:, 1] - z[:, 0]
    assert areas_under_curves(model, dataset, 16) == {"test": pytest.approx(area_under_curve(scores, is_positive))}
    assert is_binary(target) and not is_binary(Target("classes", 3)) and not is_binary(Target("numbers", 1))


@pytest.mark.parametrize("kind", ["classes", "labels", "numbers"])
def test_an_example_of_weight_three_counts_as_three_examples(rng, kind):
    weights = np.array([1.0, 3, 0, 2, 1])
    target = Target(kind, 2, ("a", "b"), (0.0, 0.0), (2.0, 3.0))
    labels = {
        "classes": np.array([0, 1, 1, 0, 1], np.int32),
        "labels": (rng.random((5, 2)) < 0.5).astype(np.float32),
        "numbers": rng.standard_normal((5, 2)).astype(np.float32),
    }[kind]
    of_model = (rng.random((5, {"classes": 2, "labels": 2, "numbers": 4}[kind])) < 0.6) * 1.5

    def figures(split, rows):
        measures = measures_of(SimpleNamespace(target=target, splits={"test": split}))
        model = SimpleNamespace(evaluate=lambda x, y: (x, of_model[rows]))
        _, sums = measures.measure(model, None, split.labels, split.weights)
        return measures.figures("test", sums) | measures.details("test", sums)

    repeated = np.repeat(np.arange(5), weights.astype(int))
    expected = figures(Split(None, labels[repeated]), repeated)
    got = figures(Split(None, labels, weights), np.arange(5))
    assert list(got) == list(expected)
    for name, value in expected.items():
        if name == "confusion":
            assert got[name] == value
        elif name != "targets":
            assert got[name] == pytest.approx(value, rel=1e-6)
    if kind == "numbers":
        for name in ("a", "b"):
            assert got["targets"][name] == pytest.approx(expected["targets"][name], rel=1e-6)


def test_the_area_under_the_curve_counts_pairs_by_their_weights(rng):
    scores, is_positive, weights = rng.integers(0, 5, 40) / 7, rng.random(40) < 0.3, rng.integers(0, 4, 40)
    repeated = np.repeat(np.arange(40), weights)
    expected = area_under_curve(scores[repeated], is_positive[repeated])
    assert area_under_curve(scores, is_positive, weights.astype(float)) == pytest.approx(expected, rel=1e-12)
