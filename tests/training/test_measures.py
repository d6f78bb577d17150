"""Measures against their definitions, on numbers small enough to be counted by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.data.target import Target
from isgd_mpi.training.measures import measures_of


def dataset_of(target, labels):
    return SimpleNamespace(target=target, splits={"test": SimpleNamespace(labels=np.array(labels))})


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
    model = SimpleNamespace(scores=lambda x, y: (None, x, np.array([True, False, False, False, True])))
    losses, wrong = measures_of(classes).measure(model, "losses", classes.splits["test"].labels)
    assert losses == "losses" and wrong.tolist() == [2, 1, 0]


def test_classes_without_names_are_numbered():
    measures = measures_of(dataset_of(Target("classes", 2), [0, 1]))
    assert measures.details("test", np.array([0.0, 1.0])) == {"class_errors": {"0": 0.0, "1": 1.0}}
