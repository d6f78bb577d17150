import json

import numpy as np
import pytest

from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.data.datasets import load
from isgd_mpi.data.weights import checked, in_words, weighed
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
        ([1, np.nan, 2, -1], "example 1 has the weight nan; weights are numbers from 0 to 1e30"),
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
        ('{"0": 1, "1": -2, "2": 3}', "the class '1' has the weight -2; weights are numbers from 0 to 1e30"),
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


@pytest.mark.parametrize("kind", [int, np.int64, str, bool])
def test_weights_of_classes_in_a_dict_are_of_the_users_own_classes(kind):
    labels = np.array([kind(int(label > 0)) for label in Y])
    dataset = from_arrays(X, labels, class_weight={kind(1): np.float32(0.5), kind(0): 2})
    np.testing.assert_array_equal(dataset.loss_weights("train"), np.where(Y > 0, 0.5, 2))
    with pytest.raises(InputError, match="class_weight: has no weight of the class"):
        from_arrays(X, labels, class_weight={kind(0): 2})
    with pytest.raises(InputError, match="--class-weight is for classes, and the target is numbers"):
        from_arrays(X, X[:, 0], class_weight={kind(0): 2})


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


def save_npz(folder, **changes):
    arrays = {"x_train": X, "y_train": Y, "w_train": np.arange(8), "x_test": X[:3], "y_test": Y[:3]} | changes
    np.savez(folder / "set.npz", **{name: array for name, array in arrays.items() if array is not None})
    return str(folder / "set.npz")


def test_weights_come_from_files_of_arrays_and_are_kept_in_the_cache(tmp_path):
    path = save_npz(tmp_path, w_test=np.array([[2.0], [0], [1]]))
    for _ in range(2):  # converted, and mapped
        dataset = load(path, cache_dir=tmp_path / "cache")
        np.testing.assert_array_equal(dataset.splits["train"].weights, np.arange(8))
        np.testing.assert_array_equal(dataset.splits["test"].weights, [2, 0, 1])
        assert not dataset.splits["train"].weights.flags.writeable
    assert (
        dataset.fingerprint
        == from_arrays(X, Y, None, (X[:3], Y[:3], [2, 0, 1]), sample_weight=np.arange(8)).fingerprint
    )
    only_training = load(save_npz(tmp_path), cache_dir=tmp_path / "cache")
    assert only_training.splits["test"].weights is None and only_training.train_weights is not None


def test_weights_lie_beside_other_arrays(tmp_path):
    for name, array in {"x": X, "y": Y % 2, "w": np.arange(8.0) + 1}.items():
        np.save(tmp_path / f"{name}.npy", np.tile(array.T, 10).T)
    dataset = load(str(tmp_path / "x.npy"), cache_dir=tmp_path / "cache")
    assert sum(split.weights.sum() for split in dataset.splits.values()) == 10 * 36
    for split in dataset.splits.values():
        rows = [np.flatnonzero((image == X).all(axis=1)).tolist() for image in split.images]
        assert all(weight - 1 in of_row for weight, of_row in zip(split.weights, rows))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"w_train": np.append(np.ones(7), -1)}, "(train): w_train: example 7 has the weight -1"),
        ({"w_train": np.ones(7)}, "(train): w_train holds 7 weights for 8 examples"),
        ({"w_test": np.zeros(3)}, "(test): w_test: all 3 weights are zero"),
        ({"w_valid": np.ones(3)}, "w_valid would not be used"),
    ],
)
def test_what_is_wrong_with_weights_in_a_file_is_one_line(tmp_path, changes, problem):
    with pytest.raises(InputError) as caught:
        load(save_npz(tmp_path, **changes), cache_dir=tmp_path / "cache")
    assert problem in str(caught.value) and "\n" not in str(caught.value)
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize("damaged", [np.array([-1.0]), np.array([np.nan]), np.ones(1, np.float32), np.ones(2)])
def test_damaged_weights_in_the_cache_are_not_used(tmp_path, damaged):
    path = save_npz(tmp_path)
    load(path, cache_dir=tmp_path / "cache")
    (file,) = (tmp_path / "cache").glob("*/w_train.npy")
    np.save(file, np.resize(damaged, 8 + len(damaged) - 1))
    meta = json.loads((file.parent / "meta.json").read_text())
    meta["bytes"]["w_train.npy"] = file.stat().st_size
    (file.parent / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(InputError, match="w_train holds no weights.*; delete this folder"):
        load(path, cache_dir=tmp_path / "cache")


@pytest.fixture
def table(tmp_path):
    """Write 50 rows, of which row k weighs k, and return the file and a function that changes a weight."""
    pytest.importorskip("pyarrow")
    path = tmp_path / "table.csv"

    def write(**changes):
        weights = {k: str(k) for k in range(50)} | {int(name[1:]): text for name, text in changes.items()}
        path.write_text("\n".join(["x,answer,importance", *(f"{k},{k % 2},{weights[k]}" for k in range(50))]))
        return str(path)

    return write


def test_a_column_of_weights_is_no_feature_and_goes_with_its_rows(table, tmp_path):
    dataset = load(table(), cache_dir=tmp_path / "cache", weight="importance")
    assert dataset.encoding.names == ["x"] and dataset.n_classes == 2  # the last column but that of the weights
    for split in dataset.splits.values():
        np.testing.assert_array_equal(split.images[:, 0], split.weights)
    assert dataset.description["weights"] == {"of_examples": ["train", "valid", "test"], "of_classes": None}
    plain = load(table(), cache_dir=tmp_path / "cache", target="answer")
    assert plain.encoding.names == ["x", "importance"] and plain.description["weights"] is None


@pytest.mark.parametrize(
    ("changes", "weight", "problem"),
    [
        ({"_6": ""}, "importance", "column 'importance', the weights: row 7 has the weight nan"),
        ({"_6": "-2"}, "importance", "column 'importance', the weights: row 7 has the weight -2"),
        ({"_6": "inf"}, "importance", "column 'importance', the weights: row 7 has the weight inf"),
        ({"_6": "much"}, "importance", "column 'importance', the weights, holds 'much' in row 7, which is no number"),
        ({f"_{k}": "0" for k in range(50)}, "importance", "all 50 weights are zero"),
        ({}, "imp", "has no column 'imp', the weights, only x,"),
    ],
)
def test_weights_in_a_table_are_refused_by_row_and_column(table, tmp_path, changes, weight, problem):
    with pytest.raises(InputError) as caught:
        load(table(**changes), cache_dir=tmp_path / "cache", weight=weight)
    assert problem in str(caught.value) and "\n" not in str(caught.value)


def test_a_column_of_weights_is_for_tables(tmp_path):
    for name in ("mnist10k", save_npz(tmp_path)):
        with pytest.raises(InputError, match="--weight importance is for tables"):
            load(name, weight="importance")


def test_weights_are_told_in_words(tmp_path):
    assert in_words(from_arrays(X, Y)) == ""
    both = from_arrays(X, Y, sample_weight=np.arange(8), class_weight="balanced")
    assert in_words(both) == "of examples and classes, 0 to 3.86 times their mean (1 zero)"
    assert both.description["weights"]["of_classes"]["2"] == 8 / 3
