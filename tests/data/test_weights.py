import json

import numpy as np
import pytest

from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.data.weights import checked, weighed
from isgd_mpi.settings.errors import InputError

X = np.arange(24, dtype=np.float32).reshape(8, 3) % 7
Y = np.array([0, 0, 0, 0, 0, 1, 1, 2])


@pytest.mark.parametrize(
    "given",
    [[1, 2, 0, 4], np.array([1, 2, 0, 4], np.uint8), np.array([[1.0], [2], [0], [4]]), np.array([1, 1, 0, 1]) > 0],
)
def test_weights_of_any_type_of_numbers_are_taken(given):
    got = checked("file.npz", given, 4)
    assert got.dtype == np.float64 and got.shape == (4,)
    np.testing.assert_array_equal(got, np.ravel(given))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([1, np.nan, 2, -1], "example 1 has the weight nan; weights are numbers from 0 up"),
        ([1, 2, 3, -0.5], "example 3 has the weight -0.5; weights"),
        ([1, 2, np.inf, 1], "example 2 has the weight inf; weights"),
        ([0, 0, 0, 0], "all 4 weights are zero"),
        ([1, 2, 3], "holds 3 weights for 4 examples"),
        (np.ones((4, 2)), r"one number for each example, not float64 of shape \(4, 2\)"),
        (["a", "b", "c", "d"], "one number for each example, not <U1"),
        (np.ma.masked_equal([1, 2, 3, 4], 2), "1 values are masked"),
    ],
)
def test_what_is_no_weight_is_refused_by_example(given, problem):
    with pytest.raises(InputError, match=f"file.npz: w_train:? .*{problem}"):
        checked("file.npz", given, 4, "w_train")


def test_the_weights_of_training_have_mean_one_and_others_are_left_as_they_are():
    given, of_test = np.arange(8.0), np.array([3.0, 0, 1])
    dataset = from_arrays(X, Y, None, (X[:3], Y[:3], of_test), sample_weight=given)
    np.testing.assert_allclose(dataset.train_weights, given / 3.5, rtol=1e-15)
    np.testing.assert_array_equal(dataset.loss_weights("train", slice(2, 5)), given[2:5])
    np.testing.assert_array_equal(dataset.loss_weights("test"), of_test)
    given[:] = 7  # which remains the caller's own
    np.testing.assert_array_equal(dataset.loss_weights("train"), np.arange(8))
    assert from_arrays(X, Y).train_weights is None and from_arrays(X, Y).loss_weights("train") is None


def test_balanced_classes_weigh_the_same_in_all():
    dataset = from_arrays(X, Y, class_weight="balanced")
    np.testing.assert_allclose(dataset.class_weights, [8 / (3 * 5), 8 / (3 * 2), 8 / (3 * 1)], rtol=1e-15)
    weights = dataset.train_weights
    np.testing.assert_allclose(weights.mean(), 1, rtol=1e-15)
    np.testing.assert_allclose(np.bincount(Y, weights), 8 / 3, rtol=1e-15)


def test_weights_of_classes_and_of_examples_are_multiplied(tmp_path):
    path, given = tmp_path / "classes.json", np.arange(8.0)
    path.write_text(json.dumps({"2": 0.5, "0": 0, "1": 4}))
    dataset = from_arrays(X, Y, sample_weight=given, class_weight=str(path))
    products = given * np.array([0, 4, 0.5])[Y]
    np.testing.assert_array_equal(dataset.loss_weights("train"), products)
    np.testing.assert_allclose(dataset.train_weights, products / products.mean(), rtol=1e-15)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"0": 1, "1": 2}', "has no weight of the class '2'"),
        ('{"0": 1, "1": 2, "2": 3, "9": 1}', "names the class '9', which the data lack"),
        ('{"0": 1, "1": -2, "2": 3}', "the class '1' has the weight -2; weights are numbers from 0 up"),
        ('{"0": 1, "1": NaN, "2": 3}', "the class '1' has the weight nan"),
        ('{"0": 1, "1": "2", "2": 3}', "the class '1' has the weight '2'"),
        ('{"0": 1, "1": true, "2": 3}', "the class '1' has the weight True"),
        ("[1, 2, 3]", "must be an object such as"),
        ("0,1\n1,2", "cannot be read, truncated or damaged"),
        ("[" * 10_000, "cannot be read, truncated or damaged"),
        ('{"0": 0, "1": 0, "2": 0}', "all 8 examples of the split train have the weight zero"),
    ],
)
def test_a_file_of_class_weights_is_refused_by_what_is_wrong_with_it(tmp_path, content, problem):
    path = tmp_path / "classes.json"
    path.write_text(content)
    with pytest.raises(InputError, match=problem):
        from_arrays(X, Y, class_weight=str(path))


def test_a_file_that_is_not_there_is_refused_with_the_way_out():
    with pytest.raises(InputError, match="--class-weight balance: no such file; give 'balanced', or a JSON file"):
        from_arrays(X, Y, class_weight="balance")


def test_a_split_whose_examples_all_weigh_nothing_is_refused(tmp_path):
    path = tmp_path / "classes.json"
    path.write_text('{"0": 0, "1": 1, "2": 1}')
    dataset = from_arrays(X, Y, test=(X[:3], Y[:3]))
    with pytest.raises(InputError, match="all 3 examples of the split test have the weight zero"):
        weighed(dataset, str(path))


def test_weights_are_part_of_what_identifies_the_data():
    weights = np.arange(8.0)
    variants = [
        from_arrays(X, Y),
        from_arrays(X, Y, sample_weight=weights),
        from_arrays(X, Y, sample_weight=weights + (np.arange(8) == 7)),
        from_arrays(X, Y, class_weight="balanced"),
    ]
    assert len({each.fingerprint for each in variants}) == 4
    assert from_arrays(X, Y, sample_weight=weights).fingerprint == variants[1].fingerprint
