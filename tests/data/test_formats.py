import gzip
import io
import pickle
import struct
import zipfile

import numpy as np
import pytest
import scipy.io
from data_files import (
    idx_bytes,
    python2_cifar10_pickle,
    random_examples,
    write_cifar10_binary,
    write_cifar10_pickle,
    write_idx,
    write_svhn,
)

from isgd_mpi.data.array_files import read_array_files as read_npz
from isgd_mpi.data.examples import FormatError, check_examples
from isgd_mpi.data.formats import read_cifar10_binary, read_cifar10_pickle, read_idx, read_svhn
from isgd_mpi.settings.errors import InputError

N_BYTES = 6 * 4 * 5


@pytest.fixture
def idx(tmp_path, rng):
    """Return a pair of IDX files."""
    images, labels = random_examples(rng, 6, (4, 5))
    return write_idx(tmp_path / "images", images), write_idx(tmp_path / "labels", labels)


def refusal(read, *paths):
    """Return the message of a refusal; check that it is one line and names a file."""
    with pytest.raises(InputError) as caught:
        read(*paths)
    message = str(caught.value)
    assert "\n" not in message and any(str(path) in message for path in paths)
    return message


# IDX


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_round_trip(tmp_path, rng, suffix):
    images, labels = random_examples(rng, 6, (4, 5))
    paths = write_idx(tmp_path / f"images{suffix}", images), write_idx(tmp_path / f"labels{suffix}", labels)
    got = read_idx(*paths)
    np.testing.assert_array_equal(got.images, images)
    np.testing.assert_array_equal(got.labels, labels)
    assert len(got) == 6 and got.labels.dtype == np.int32


def test_gzip_is_recognised_by_its_content(idx, rng):
    idx[0].write_bytes(gzip.compress(idx[0].read_bytes()))
    assert len(read_idx(*idx)) == 6


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("n_kept", [0, 3, 9, 16, 40])
def test_truncated_idx(idx, compress, n_kept):
    idx[0].write_bytes(compress(idx[0].read_bytes()[:n_kept]))
    assert "truncated" in refusal(read_idx, *idx) or n_kept < 4


@pytest.mark.parametrize("n_kept", [5, 20, 60, -9, -1])
def test_truncated_gzip(idx, n_kept):
    idx[0].write_bytes(gzip.compress(idx[0].read_bytes())[:n_kept])
    assert "truncated" in refusal(read_idx, *idx)


def test_damaged_gzip(idx):
    content = bytearray(gzip.compress(idx[0].read_bytes()))
    content[len(content) // 2] ^= 0xFF
    idx[0].write_bytes(content)
    assert "damaged" in refusal(read_idx, *idx)


def test_wrong_magic_number(idx):
    message = refusal(read_idx, *reversed(idx))
    assert message == f"{idx[1]}: wrong magic number 0x00000801 instead of 0x00000803"


def test_header_that_announces_far_too_much(idx):
    content = struct.pack(">4I", 0x0803, *[2**32 - 1] * 3)
    idx[0].write_bytes(content + bytes(100))
    assert f"truncated, its header announces {(2**32 - 1) ** 3} bytes" in refusal(read_idx, *idx)


def test_idx_longer_than_its_header_says(idx):
    idx[0].write_bytes(idx[0].read_bytes() + b"x")
    assert f"too long, its header announces {N_BYTES} bytes" in refusal(read_idx, *idx)


def test_more_images_than_labels(idx):
    write_idx(idx[1], np.zeros(5))
    assert "6 images but 5 labels" in refusal(read_idx, *idx)


def test_idx_label_out_of_range(idx):
    write_idx(idx[1], np.array([0, 1, 2, 10, 3, 4]))
    assert "label 10 is out of range 0..9" in refusal(read_idx, *idx)


@pytest.mark.parametrize("shape", [(0, 4, 5), (6, 0, 5)])
def test_empty_idx(idx, shape):
    idx[0].write_bytes(idx_bytes(np.zeros(shape)))
    write_idx(idx[1], np.zeros(shape[0]))
    assert "holds no" in refusal(read_idx, *idx)


def test_folder_in_the_place_of_a_file(tmp_path, idx):
    assert "is not a regular file" in refusal(read_idx, tmp_path, idx[1])


# CIFAR-10


@pytest.mark.parametrize("kind", ["binary", "pickle 0", "pickle 2", "pickle 5", "Python 2"])
def test_cifar10_round_trip(tmp_path, rng, kind):
    images, labels = random_examples(rng, 8)
    path = tmp_path / "batch"
    if kind == "binary":
        got = read_cifar10_binary(write_cifar10_binary(path, images, labels))
    else:
        if kind == "Python 2":
            path.write_bytes(python2_cifar10_pickle(images, labels))
        else:
            write_cifar10_pickle(path, images, labels, protocol=int(kind[-1]))
        got = read_cifar10_pickle(path)
    np.testing.assert_array_equal(got.images.reshape(8, -1), images)
    np.testing.assert_array_equal(got.labels, labels)


@pytest.mark.parametrize("n_lost", [1, 3072])
def test_truncated_cifar10_binary(tmp_path, rng, n_lost):
    path = write_cifar10_binary(tmp_path / "batch", *random_examples(rng, 3))
    path.write_bytes(path.read_bytes()[:-n_lost])
    assert "truncated" in refusal(read_cifar10_binary, path)


def test_cifar10_label_out_of_range(tmp_path, rng):
    images, labels = random_examples(rng, 3, n_classes=11)
    assert "label 10 is out of range 0..9" in refusal(
        read_cifar10_binary, write_cifar10_binary(tmp_path / "binary", images, labels)
    )
    assert "label 10 is out of range 0..9" in refusal(
        read_cifar10_pickle, write_cifar10_pickle(tmp_path / "pickle", images, labels)
    )


def test_empty_cifar10_binary(tmp_path):
    path = tmp_path / "batch"
    path.write_bytes(b"")
    assert "holds no example" in refusal(read_cifar10_binary, path)


@pytest.mark.parametrize("n_kept", [0, 1, 50, 500, -1])
def test_truncated_cifar10_pickle(tmp_path, rng, n_kept):
    path = write_cifar10_pickle(tmp_path / "batch", *random_examples(rng, 3))
    path.write_bytes(path.read_bytes()[:n_kept])
    assert "truncated or damaged?" in refusal(read_cifar10_pickle, path)


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    marker = tmp_path / "ran"
    path = tmp_path / "batch"
    path.write_bytes(b"cos\nsystem\n(Vtouch " + str(marker).encode() + b"\ntR.")
    assert "refused, it asks for os.system" in refusal(read_cifar10_pickle, path)
    assert not marker.exists()


@pytest.mark.parametrize(
    "batch",
    [
        [1, 2],
        {b"labels": [1, 2]},
        {b"data": np.zeros((2, 3), np.uint8), b"labels": [1, 2]},
        {b"data": np.zeros((2, 3072), np.int64), b"labels": [1, 2]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [1]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": ["a", "b"]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [[1], [2, 3]]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": None},
    ],
)
def test_a_pickle_of_something_else(tmp_path, batch):
    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps(batch, 2))
    assert refusal(read_cifar10_pickle, path)


# SVHN


def test_svhn_round_trip(tmp_path, rng):
    images, labels = random_examples(rng, 12)
    got = read_svhn(write_svhn(tmp_path / "train.mat", images, labels))
    rows, expected_labels = got.take(np.arange(12))
    np.testing.assert_array_equal(rows, images)
    np.testing.assert_array_equal(expected_labels, labels)


def test_svhn_ten_means_the_digit_zero_and_is_the_last_class(tmp_path):
    path = tmp_path / "train.mat"
    scipy.io.savemat(path, {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.array([[1], [10]], np.uint8)})
    assert read_svhn(path).labels.tolist() == [0, 9]


@pytest.mark.parametrize(
    ("x_shape", "y", "problem"),
    [
        ((32, 32, 3, 2), [[0], [1]], "y has a label out of range 1..10"),
        ((32, 32, 3, 2), [[1], [11]], "y has a label out of range 1..10"),
        ((32, 32, 3, 2), [[1], [1.5]], "y has a label out of range 1..10"),
        ((32, 32, 3, 2), [[1], [2], [3]], "2 images but 3 labels"),
        ((2, 32, 32, 3), [[1], [2]], "X must be uint8 of shape"),
        ((32, 32, 3), [[1]], "X must be uint8 of shape"),
    ],
)
def test_svhn_with_impossible_content(tmp_path, x_shape, y, problem):
    path = tmp_path / "train.mat"
    scipy.io.savemat(path, {"X": np.zeros(x_shape, np.uint8), "y": np.array(y)})
    assert problem in refusal(read_svhn, path)


def test_svhn_of_another_dtype(tmp_path):
    path = tmp_path / "train.mat"
    scipy.io.savemat(path, {"X": np.zeros((32, 32, 3, 2)), "y": np.array([[1], [2]])})
    assert "X must be uint8" in refusal(read_svhn, path)


def test_svhn_without_labels(tmp_path):
    path = tmp_path / "train.mat"
    scipy.io.savemat(path, {"X": np.zeros((32, 32, 3, 2), np.uint8)})
    assert "KeyError: 'y'" in refusal(read_svhn, path)


@pytest.mark.parametrize("share_kept", [0, 0.001, 0.01, 0.5, 0.99])
def test_truncated_svhn(tmp_path, rng, share_kept):
    path = write_svhn(tmp_path / "train.mat", *random_examples(rng, 5))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share_kept)])
    assert refusal(read_svhn, path)


# npz


def arrays_of(rng, n_train=6, n_test=4, dtype=np.uint8):
    arrays = {}
    for split, n in (("train", n_train), ("test", n_test)):
        images, labels = random_examples(rng, n, (2, 3), n_classes=3)
        arrays |= {f"x_{split}": images.astype(dtype), f"y_{split}": labels}
    return arrays


@pytest.fixture
def npz(tmp_path, rng):
    def write(**changes):
        arrays = {key: array for key, array in {**arrays_of(rng), **changes}.items() if array is not None}
        np.savez(tmp_path / "set.npz", **arrays)
        return tmp_path / "set.npz"

    return write


KEPT = {np.uint8: np.uint8, np.int8: np.float32, np.uint16: np.float32, np.int32: np.float64, np.int64: np.float64}
KEPT |= {np.float16: np.float32, np.float32: np.float32, np.float64: np.float64, bool: np.uint8}


@pytest.mark.parametrize("dtype", KEPT)
def test_npz_round_trip(tmp_path, rng, dtype):
    arrays = arrays_of(rng, dtype=dtype)
    np.savez_compressed(tmp_path / "set.npz", **arrays)
    _, got = read_npz(tmp_path / "set.npz")
    assert list(got) == ["train", "test"]
    images, labels = got["test"].take(np.array([2, 0]))
    np.testing.assert_array_equal(images, arrays["x_test"][[2, 0]].reshape(2, 6))
    np.testing.assert_array_equal(labels, arrays["y_test"][[2, 0]])
    assert images.dtype == KEPT[dtype]


@pytest.mark.parametrize("name", ["val", "validation"])
def test_npz_with_another_name_of_the_validation_split(npz, name):
    _, got = read_npz(npz(**{f"x_{name}": np.zeros((2, 6), np.uint8), f"y_{name}": np.array([0, 2])}))
    assert list(got) == ["train", "valid", "test"] and got["valid"].labels.tolist() == [0, 2]


def test_npz_with_valid_and_a_column_of_labels(npz):
    path = npz(x_valid=np.zeros((2, 6), np.uint8), y_valid=np.array([[0], [2]]))
    _, got = read_npz(path)
    assert list(got) == ["train", "valid", "test"] and got["valid"].labels.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"x_test": None}, "has no x_test, only"),
        ({"x_val": np.zeros((2, 6), np.uint8)}, "has no y_val, only"),
        ({"y_validate": np.zeros(2, int)}, "y_validate would not be used: rename it"),
        ({"X_extra": np.zeros(2, int)}, "X_extra would not be used: rename it"),
        ({"x_valid": np.zeros((1, 6), np.uint8)}, "has no y_valid, only"),
        ({"x_train": np.zeros((0, 6), np.uint8), "y_train": np.zeros(0, int)}, "(train): holds no example"),
        ({"y_train": np.zeros(5, int)}, "6 images but 5 labels"),
        ({"y_train": np.zeros((6, 0))}, "y_train: must have one row for each example, not float64 of shape (6, 0)"),
        ({"y_train": np.array(5)}, "6 images but 1 labels"),
        ({"y_test": np.eye(4, dtype=int)}, "y_test: holds int64 of shape (4, 4), but"),
        ({"y_test": np.array([0, 1, -1, 2])}, "y_test: has label -1, of which"),
        ({"y_test": np.array([0, 1, 2**31, 2])}, f"y_test: has label {2**31}, of which"),
        ({"y_test": np.array([0, 1, 2, 2**63], dtype=np.uint64)}, f"y_test: has label {2**63}, of which"),
        ({"x_train": np.zeros(6, np.uint8)}, "must be numbers, one example per row"),
        ({"x_train": np.zeros((6, 6), complex)}, "must be numbers, one example per row"),
        (
            {"x_train": np.array([[1, "a"]] * 6, dtype=object)},
            "x_train holds Python objects, which are not read: save x",
        ),
    ],
)
def test_npz_with_impossible_content(npz, changes, problem):
    assert problem in refusal(read_npz, npz(**changes))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_features_that_are_no_finite_float32(npz, value):
    images = np.zeros((6, 2, 3))
    images[4, 1, 1] = value
    examples = read_npz(npz(x_train=images))[1]["train"]
    with pytest.raises(FormatError, match=r"set.npz \(train\): example 4 has a NaN or infinite feature"):
        examples.take(np.array([1, 4, 0]))


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"not a zip", b"\x93NUMPY\x01\x00"])
def test_what_is_no_npz(tmp_path, content):
    path = tmp_path / "set.npz"
    path.write_bytes(content)
    assert "is not an npz file" in refusal(read_npz, path)


def test_an_npy_under_the_name_of_an_npz(tmp_path):
    with open(tmp_path / "set.npz", "wb") as file:
        np.save(file, np.zeros(3))
    assert "is not an npz file" in refusal(read_npz, tmp_path / "set.npz")


def test_npz_whose_array_announces_far_too_much(tmp_path, npz):
    path = npz()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**15, 6)})
    with zipfile.ZipFile(path, "w") as archive:
        for key in ("x_train", "y_train", "x_test", "y_test"):
            archive.writestr(f"{key}.npy", header.getvalue() + bytes(6))
    assert "truncated or damaged?" in refusal(read_npz, path)


# all


@pytest.mark.parametrize("kind", ["Python 2", "SVHN", "npz"])
def test_a_file_with_a_flipped_byte_never_ends_in_a_traceback(tmp_path, rng, npz, kind):
    path = npz() if kind == "npz" else tmp_path / "batch"
    if kind == "Python 2":
        path.write_bytes(python2_cifar10_pickle(*random_examples(rng, 2)))
    elif kind == "SVHN":
        write_svhn(path, *random_examples(rng, 2))
    content = path.read_bytes()
    read, positions = {
        "Python 2": (read_cifar10_pickle, [*range(170), *range(len(content) - 25, len(content))]),
        "SVHN": (read_svhn, range(116, 400, 3)),
        "npz": (read_npz, range(0, len(content), 7)),
    }[kind]
    for position in positions:
        damaged = bytearray(content)
        damaged[position] ^= 0x15
        path.write_bytes(damaged)
        try:
            assert len(read(path)) >= 2  # a pixel, a label or a name that does not matter
        except FormatError as error:
            assert str(path) in str(error)


def test_a_problem_is_told_in_one_line():
    assert str(FormatError("file", "one\n  two")) == "file: one two"


def test_strided_images_come_out_contiguous():
    images = np.arange(24, dtype=np.uint8).reshape(3, 2, 4).transpose(2, 1, 0)
    got, labels = check_examples("file", images, np.arange(4), 4).take(np.array([3, 1]))
    np.testing.assert_array_equal(got, [images[3].ravel(), images[1].ravel()])
    assert got.flags.c_contiguous and labels.tolist() == [3, 1]


def test_a_zip_of_something_else_is_no_npz(tmp_path):
    path = tmp_path / "junk.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            archive.writestr(f"{name}.npy", "no array")
    with pytest.raises(FormatError, match=r"junk.npz: .*x_train is no array"):
        read_npz(path)
