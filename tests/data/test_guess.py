"""Guessing held against what scikit-learn's dummies would say: counted by hand."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.data.guess import guess_figures
from isgd_mpi.data.target import Target


def dataset(target, train, valid):
    splits = {"train": SimpleNamespace(labels=np.array(train)), "valid": SimpleNamespace(labels=np.array(valid))}
    return SimpleNamespace(target=target, splits=splits)


def test_the_most_common_class_and_the_shares_are_guessed():
    found = guess_figures(dataset(Target("classes", 3), [0, 0, 0, 1], [0, 1, 1, 2]), "valid")
    shares = np.array([3, 1, 1]) / 5
    assert found == {"error": 0.75, "loss": pytest.approx(-np.log(shares[[0, 1, 1, 2]]).mean())}


def test_the_most_common_value_of_each_label_is_guessed():
    labels = [[0.0, 1.0], [0.0, 1.0], [0.0, 0.0], [1.0, 1.0]]
    found = guess_figures(dataset(Target("labels", 2), labels, labels), "train")
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert found == {"error": 0.5, "loss": pytest.approx(2 * entropy)}


def test_the_mean_of_a_number_is_guessed():
    target = Target("numbers", 1, mean=(5.0,), scale=(2.0,))
    assert guess_figures(dataset(target, [[-1.0], [1.0]], [[1.0], [1.0]]), "valid") == {"rmse": 2.0}
