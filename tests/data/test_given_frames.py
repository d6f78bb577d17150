"""Tests of what users of scikit-learn have: frames, sparse matrices, arrays of any order."""

import numpy as np
import pytest
from scipy import sparse

from isgd_mpi.data import given
from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.settings.errors import InputError

X = np.array([[1.5, 0, 3], [0, 2, 1], [4, 1, 0], [2, 0, 2]])
Y = np.array([0, 1, 1, 0])


def same(got, expected):
    """Check that two data sets hold the same to the last bit."""
    for name, split in expected.splits.items():
        np.testing.assert_array_equal(got.splits[name].images, split.images, strict=True)
        np.testing.assert_array_equal(got.splits[name].labels, split.labels, strict=True)
    assert got.fingerprint == expected.fingerprint


def pandas_frame(columns):
    return pytest.importorskip("pandas").DataFrame(columns)


def polars_frame(columns):
    return pytest.importorskip("polars").DataFrame(columns)


for_each_library = pytest.mark.parametrize("frame", [pandas_frame, polars_frame])


@for_each_library
def test_frames_of_numbers_and_truth_values_are_taken(frame):
    columns = {"a": X[:, 0], "b": X[:, 1].astype(int), "c": X[:, 2] > 1}
    x = np.stack([X[:, 0], X[:, 1], X[:, 2] > 1], axis=1)
    label = frame({"y": Y})["y"]
    same(from_arrays(frame(columns), label, test=(frame(columns), label)), from_arrays(x, Y, test=(x, Y)))


@for_each_library
def test_a_column_that_lacks_a_value_or_holds_words_is_named(frame):
    for values, problem in [([1, None, 2, 3], "NaN or infinite feature, 'b'"), (["a", "b", "3", "4"], "'b' holds 'a'")]:
        with pytest.raises(InputError, match=problem):
            from_arrays(frame({"a": X[:, 0], "b": values, "c": [True, False] * 2}), Y)
    with pytest.raises(InputError, match="feature 'b' holds '1'"):  # a word, also where it looks like a number
        from_arrays(frame({"a": X[:, 0], "b": ["1", "2", "3", "4"]}), Y)


def test_nullable_columns_of_pandas_are_numbers():
    pandas = pytest.importorskip("pandas")
    columns = {"a": pandas.array([1, 2, 3, 4], "Int64"), "b": X[:, 0], "c": pandas.array([True, False] * 2, "boolean")}
    x = np.stack([[1, 2, 3, 4], X[:, 0], [1, 0, 1, 0]], axis=1)
    same(from_arrays(pandas.DataFrame(columns), Y), from_arrays(x, Y))
    columns["a"] = pandas.array([1, None, 3, 4], "Int64")
    with pytest.raises(InputError, match="example 1 has a NaN or infinite feature, 'a'"):
        from_arrays(pandas.DataFrame(columns), Y)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array, sparse.dok_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_matrices_are_taken_as_far_as_they_fit(kind, dtype, monkeypatch):
    same(from_arrays(kind(X.astype(dtype)), Y), from_arrays(X.astype(dtype), Y))
    monkeypatch.setattr(given, "usable_memory", lambda: 40)
    with pytest.raises(InputError, match=r"x, y: a sparse matrix of shape \(4, 3\) takes .* GB as an array, and this"):
        from_arrays(kind(X.astype(dtype)), Y)


def test_a_sparse_matrix_larger_than_any_memory_is_refused_in_one_line():
    huge = sparse.csr_matrix((10**9, 10**9), dtype=np.float32)
    with pytest.raises(InputError, match="takes 4e.09 GB as an array"):
        from_arrays(huge, Y)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_any_order_in_memory_and_of_bytes_gives_the_same(order, byte_order, dtype):
    x = np.asarray(X, byte_order + dtype, order=order)
    same(from_arrays(x, Y.astype(byte_order + "i4")), from_arrays(X.astype(dtype), Y))
    same(from_arrays(np.repeat(x, 2, axis=1)[:, ::2], Y), from_arrays(X.astype(dtype), Y))


def test_a_model_predicts_from_frames_and_sparse_matrices(rng):
    from isgd_mpi.model.params import initial_params
    from isgd_mpi.model.trained import Learned, TrainedMLP

    params = initial_params((3, 4, 2), "he", rng)
    model = TrainedMLP(Learned(params, np.zeros(3, np.float32), np.ones(3, np.float32), 7), (3, 4, 2))
    expected = model.predict_probabilities(X)
    columns = {"a": X[:, 0], "b": X[:, 1].astype(int), "c": X[:, 2]}
    frames = [make(columns) for make in (pandas_frame, polars_frame)]
    for x in [sparse.csr_matrix(X), np.asfortranarray(X), X.astype(">f8"), *frames]:
        np.testing.assert_array_equal(model.predict_probabilities(x), expected)
