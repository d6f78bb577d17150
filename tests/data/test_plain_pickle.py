import io
import os
import pickle

import numpy as np
import pytest
from data_files import python2_cifar10_pickle

from isgd_mpi.data.plain_pickle import read_plain_pickle


class Calls:
    """An object whose pickle calls a function when it is loaded."""

    def __init__(self, function, *arguments):
        self._call = function, arguments

    def __reduce__(self):
        return self._call


def loaded(content):
    return read_plain_pickle(io.BytesIO(content))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", ["u1", "f4", ">i8"])
def test_arrays_come_back(protocol, dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    got = loaded(pickle.dumps({"data": array, "labels": [1, 2], "name": "a"}, protocol))
    np.testing.assert_array_equal(got.get("data", got.get(b"data")), array)


def test_python_2_batch_comes_back_without_a_warning():
    images, labels = np.arange(2 * 3072).reshape(2, 3072).astype(np.uint8), np.array([3, 9])
    got = loaded(python2_cifar10_pickle(images, labels))
    np.testing.assert_array_equal(got[b"data"], images)
    assert got[b"labels"] == [3, 9]


@pytest.mark.parametrize(
    "call",
    [
        Calls(os.system, "true"),
        Calls(eval, "1 + 1"),
        Calls(getattr, [], "append"),
        Calls(np.load, "x.npy"),
        Calls(np.fromfile, "x"),
    ],
    ids=["system", "eval", "getattr", "numpy.load", "numpy.fromfile"],
)
@pytest.mark.parametrize("protocol", [0, 2, pickle.HIGHEST_PROTOCOL])
def test_calls_are_refused(call, protocol):
    with pytest.raises(pickle.UnpicklingError, match="refused, it asks for"):
        loaded(pickle.dumps({"data": call}, protocol))


def test_other_codecs_are_refused():
    content = b"c_codecs\nencode\n(Vabc\nVrot13\ntR."
    with pytest.raises(pickle.UnpicklingError, match="refused, it asks for the encoding rot13"):
        loaded(content)


@pytest.mark.parametrize("array", [np.array([[1], "a"], dtype=object), np.array(["ab"]), np.zeros(2, "u1,f4")])
def test_arrays_of_other_than_numbers_are_refused(array):
    with pytest.raises(pickle.UnpicklingError, match="refused, it holds an array of"):
        loaded(pickle.dumps(array, 2))


def test_fortran_order_is_kept():
    array = np.arange(6, dtype=np.uint8).reshape(2, 3).T
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        np.testing.assert_array_equal(loaded(pickle.dumps(array, protocol)), array)
