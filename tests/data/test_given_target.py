"""Tests of targets that are given as arrays: what they are read as, and what is kept of them."""

import numpy as np
import pytest

from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.data.examples import FormatError, RawExamples
from isgd_mpi.data.given_target import read_targets
from isgd_mpi.data.numbers import far_out, standardise
from isgd_mpi.data.target import Target

MANY = np.arange(101) * 3


def read(y, loss="auto", **others):
    target, arrays = read_targets({"y": np.asarray(y), **others}, loss)
    target, parts = standardise(target, {name: RawExamples(name, None, array) for name, array in arrays.items()})
    return target, {name: part.labels for name, part in parts.items()}


@pytest.mark.parametrize(
    "y, loss, target, kept",
    [
        ([2, 0, 1], "auto", Target("classes", 3), [2, 0, 1]),
        ([[2], [0], [1]], "auto", Target("classes", 3), [2, 0, 1]),
        ([5, 3, 5], "auto", Target("classes", 2, ("3", "5"), type="int64"), [1, 0, 1]),
        (np.array([1, 26, 7], np.int8), "auto", Target("classes", 3, ("1", "7", "26"), type="int8"), [0, 2, 1]),
        ([True, False, True], "auto", Target("classes", 2, ("False", "True"), type="bool"), [1, 0, 1]),
        (["owl", "cat", "owl"], "auto", Target("classes", 2, ("cat", "owl")), [1, 0, 1]),
        ([b"\xc3\xa9", b"a"], "auto", Target("classes", 2, ("a", "é")), [1, 0]),
        (np.array(["b", "a"], object), "auto", Target("classes", 2, ("a", "b")), [1, 0]),
        (np.array([3, 5], object), "auto", Target("classes", 2, ("3", "5"), type="int64"), [0, 1]),
        ([2.0, 1.0], "cross-entropy", Target("classes", 2, ("1.0", "2.0"), type="float64"), [1, 0]),
        ([[0, 1], [1, 0]], "cross-entropy", Target("classes", 2), [1, 0]),
        (np.arange(101), "cross-entropy", Target("classes", 101), np.arange(101)),
        ([[0, 1, 1], [0, 0, 1]], "auto", Target("labels", 3), [[0, 1, 1], [0, 0, 1]]),
        ([[True, False], [True, True]], "auto", Target("labels", 2), [[1, 0], [1, 1]]),
        ([1, 0, 1], "logistic", Target("labels", 1), [[1], [0], [1]]),
        (["no", "yes"], "logistic", Target("labels", 1, ("no", "yes")), [[0], [1]]),
        ([1.0, 3.0], "auto", Target("numbers", 1, (), (2.0,), (1.0,)), [[-1], [1]]),
        ([1, 3], "squared", Target("numbers", 1, (), (2.0,), (1.0,)), [[-1], [1]]),
        ([False, True], "huber", Target("numbers", 1, (), (0.5,), (0.5,)), [[-1], [1]]),
        ([[1, 10], [3, 30]], "auto", Target("numbers", 2, (), (2.0, 20.0), (1.0, 10.0)), [[-1, -1], [1, 1]]),
        (MANY, "auto", Target("numbers", 1, (), (150.0,), (MANY.std(),)), ((MANY - 150) / MANY.std())[:, None]),
        (MANY[:100], "auto", Target("classes", 100, tuple(map(str, MANY[:100])), type="int64"), np.arange(100)),
    ],
)
def test_targets_are_read_by_their_type_unless_a_loss_says_otherwise(y, loss, target, kept):
    found, arrays = read(y, loss)
    assert found == target and Target.from_dict(found._asdict()) == found
    assert arrays["y"].dtype == target.dtype and target.problem_of(arrays["y"]) is None
    np.testing.assert_array_equal(arrays["y"], np.asarray(kept, target.dtype))


def test_classes_are_the_users_own_values_in_their_own_type():
    for y in (np.array([7, 3, 7], np.uint16), np.array([2**63 + 1, 5], np.uint64), np.array([True, False])):
        target, kept = read(y)
        assert target.classes.dtype == y.dtype
        np.testing.assert_array_equal(target.classes[kept["y"]], y)


@pytest.mark.parametrize(
    "y, test, kept",
    [
        ([3, 5], np.array([5, 5, 3], np.uint8), [1, 1, 0]),
        ([False, True], np.array([1, 0]), [1, 0]),
        (["a", "b"], np.array([["b"]], object), [1]),
        ([1.0, 3.0], np.array([2, 5]), [[0], [3]]),
        ([[0, 1], [1, 0]], np.array([[1.0, 1.0]]), [[1, 1]]),
    ],
)
def test_other_splits_are_read_as_training_is(y, test, kept):
    target, arrays = read(y, test=test)
    assert arrays["test"].dtype == target.dtype
    np.testing.assert_array_equal(arrays["test"], kept)


@pytest.mark.parametrize(
    "y, loss, problem",
    [
        ([0.0, np.nan], "auto", "y: example 1 has a NaN or infinite target"),
        ([[0, 1], [1, np.inf]], "auto", "y: example 1 has a NaN or infinite target"),
        (np.array(["a", None], object), "auto", "y: example 1 has 'None', not a word as the first one"),
        (np.array([1, "a"], object), "auto", "y: example 1 has 'a', not a number as the first one"),
        (np.array([1, 10**30], object), "auto", "y: holds object of shape"),
        ([1j, 2j], "auto", "y: holds complex128 of shape"),
        (np.array(["2020-01-01"], "datetime64[D]"), "auto", "y: holds datetime64"),
        (np.zeros((2, 2, 2)), "auto", "y: must have one row for each example"),
        ([["a", "b"]], "auto", "y: holds <U1 of shape"),
        ([b"\xff"], "auto", "y: holds bytes that are no text"),
        (["a", "\ud800"], "auto", "y: example 1 has a label that is no text"),
        (np.array([0x41, 0x7FFFFFFF], "<u4").view("<U1"), "auto", "y: example 1 has a label that is no text"),
        (np.array([0x41, 0x7FFFFFFF], ">u4").view(">U1"), "auto", "y: example 1 has a label that is no text"),
        ([1.0, 1.0], "auto", "y: the target is 1 in every example: there is nothing to learn"),
        ([[1.0, 2], [2.0, 2]], "auto", "y: the target 1 is 2 in every example"),
        ([1e300, -1e300], "auto", "y: the target is too large or varies too little"),
        (["a", "b"], "squared", "y: holds words, such as 'a', and --loss squared is for numbers"),
        ([0.5, 1.0], "cross-entropy", "y: holds numbers that are not whole, which are no classes"),
        ([[1, 1], [1, 0]], "cross-entropy", "y: --loss cross-entropy is for one class an example"),
        ([1, 2, 3], "logistic", "y: holds 3 different labels: --loss logistic is for two"),
        ([[1, 2], [0, 1]], "logistic", "y: holds other numbers than 0 and 1 in columns that are labels"),
    ],
)
def test_targets_that_are_neither_classes_labels_nor_numbers_are_refused_in_one_line(y, loss, problem):
    with pytest.raises(FormatError) as caught:
        read(y, loss)
    assert str(caught.value).startswith(problem) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "y, test, problem",
    [
        ([3, 5], [4], "test: has label 4, of which y has no example"),
        (["a", "b"], ["c"], "test: has label 'c', of which y has no example"),
        (["a", "b"], [1], "test: holds int64 of shape (1,), but y <U1 of shape (2,)"),
        ([[0, 1], [1, 0]], [1], "test: holds int64 of shape (1,), but y int64 of shape (2, 2)"),
        ([[0, 1], [1, 0]], [[0, 2]], "test: holds other numbers than 0 and 1"),
        ([1.0, 2.0], [1e300], "test: example 0 has a target too far from those of training"),
    ],
)
def test_other_splits_that_do_not_fit_training_are_refused_in_one_line(y, test, problem):
    with pytest.raises(FormatError) as caught:
        read(y, test=np.array(test))
    assert str(caught.value).startswith(problem) and "\n" not in str(caught.value)


def test_columns_of_a_frame_name_labels_and_numbers():
    for y, kind in ((np.eye(2, dtype=int), "labels"), (np.array([[1.0, 2], [3, 4]]), "numbers")):
        target, _ = read_targets({"y": y}, names=("wet", "cold"))
        assert (target.kind, target.names) == (kind, ("wet", "cold"))
    assert read_targets({"y": np.array([[1.5], [2.5]])}, names=("size",))[0].names == ("size",)
    assert read_targets({"y": np.array([[1], [0]])}, names=("kind",))[0].names == ()


def test_with_hubers_loss_numbers_far_out_do_not_change_the_scale(rng):
    y = rng.normal(5, 2, 400)
    parts = {"y": RawExamples("y", None, np.append(y, [1e9, -1e12, 1e10])[:, None])}
    target, kept = standardise(Target("numbers", 1), parts, loss="huber")
    np.testing.assert_allclose(target.mean + target.scale, (5, 2), rtol=0.15)
    np.testing.assert_allclose(kept["y"].labels[:400, 0], (y - target.mean[0]) / target.scale[0], rtol=1e-5, atol=1e-6)
    mostly_zero = {"y": RawExamples("y", None, np.array([[0.0]] * 9 + [[10.0]]))}
    assert standardise(Target("numbers", 1), mostly_zero, loss="huber")[0].scale == (3.0,)


def test_a_number_far_out_is_told_unless_the_loss_is_hubers(rng):
    x, y = rng.normal(size=(300, 2)), rng.normal(size=300)
    assert far_out(from_arrays(x, y), "auto") == far_out(from_arrays(x, y > 0), "auto") == ""
    y[7] = -1e6
    assert "a target is 17 standard deviations from the mean" in far_out(from_arrays(x, y), "auto")
    assert far_out(from_arrays(x, y, loss="huber"), "huber") == ""
