import json
import re

import numpy as np
import pytest

from isgd_mpi.data.target import Target

NUMBERS = Target("numbers", 2, ("a", "b"), (1.0, 2.0), (0.5, 3.0))


@pytest.mark.parametrize(
    "target, shape, dtype, n_strata",
    [
        (Target("classes", 3), (), np.int32, 3),
        (Target("labels", 3), (3,), np.float32, 4),
        (Target("labels", 70), (70,), np.float32, 10),
        (NUMBERS, (2,), np.float32, 10),
    ],
)
def test_a_target_says_how_it_is_kept_and_comes_back_from_json(target, shape, dtype, n_strata):
    assert (target.row_shape, target.dtype, target.n_strata) == (shape, dtype, n_strata)
    assert Target.from_dict(json.loads(target.to_json())) == target


def test_strata_are_classes_counts_of_labels_and_tenths(rng):
    classes = np.array([2, 0, 1], np.int32)
    assert Target("classes", 3).strata(classes) is classes
    labels = np.array([[0, 0, 0], [1, 0, 1], [1, 1, 1]], np.float32)
    np.testing.assert_array_equal(Target("labels", 3).strata(labels), [0, 2, 3])
    np.testing.assert_array_equal(Target("labels", 30).strata(np.ones((1, 30), np.float32)), [9])
    numbers = rng.permutation(100).astype(np.float32)[:, None]
    strata = NUMBERS.strata(np.hstack([numbers, -numbers]))
    assert strata.dtype == np.int32
    np.testing.assert_array_equal(strata, numbers[:, 0] // 10)
    assert (NUMBERS.strata(np.ones((5, 2), np.float32)) == 9).all()


@pytest.mark.parametrize(
    "targets, problem",
    [
        (np.array([0, 3], np.int32), "out of range 0..2"),
        (np.array([-1, 0], np.int32), "out of range 0..2"),
        (np.array([0, 1]), "int64"),
        (np.zeros((2, 1), np.int32), r"shape \(2, 1\)"),
    ],
)
def test_targets_that_do_not_fit_their_description_are_found(targets, problem):
    assert re.search(problem, Target("classes", 3).problem_of(targets))


def test_labels_and_numbers_that_do_not_fit_are_found():
    assert Target("labels", 1).problem_of(np.array([[0.5]], np.float32)) == "has labels that are neither 0 nor 1"
    assert "not finite" in NUMBERS.problem_of(np.array([[0, np.nan]], np.float32))
    assert NUMBERS.problem_of(np.array([[0, 1]], np.float32)) is None
    assert Target("labels", 2).problem_of(np.array([[0, 1]], np.float32)) is None


@pytest.mark.parametrize(
    "target, text",
    [
        (Target("classes", 10), "10 classes"),
        (Target("classes", 2, ("no", "yes")), "2 classes (no, yes)"),
        (Target("classes", 26, tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")), "26 classes (A, B, C, D, ..., Z)"),
        (Target("classes", 2, ("a\nb", "\x1b[2J")), "2 classes (a b, ?[2J)"),
        (Target("labels", 1, ("no", "yes")), "2 classes with one output (no, yes)"),
        (Target("labels", 2), "2 labels"),
        (Target("numbers", 1, ("RMSD",), (0.0,), (1.0,)), "1 number (RMSD)"),
    ],
)
def test_a_target_is_described_in_few_words_that_a_terminal_can_print(target, text):
    assert target.text == text
