"""Tests of files of arrays that are read row by row: .npy files beside each other, and HDF5."""

import os
import subprocess
import sys
import zlib

import numpy as np
import pytest
from data_files import random_examples

from isgd_mpi.data import hdf5, rows
from isgd_mpi.data.array_files import read_array_files, read_features
from isgd_mpi.data.datasets import load
from isgd_mpi.data.npy import read_npy
from isgd_mpi.settings.errors import InputError


@pytest.fixture
def arrays(rng):
    x, y = random_examples(rng, 50, (2, 3), n_classes=4)
    xt, yt = random_examples(rng, 20, (2, 3), n_classes=4)
    return dict(x_train=x, y_train=y, x_test=xt, y_test=yt)


def write_npy(folder, arrays):
    folder.mkdir(exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return folder / f"{next(iter(arrays))}.npy"


def write_npz(folder, arrays):
    folder.mkdir(exist_ok=True)
    np.savez(folder / "set.npz", **arrays)
    return folder / "set.npz"


def write_hdf5(folder, arrays, **options):
    h5py = pytest.importorskip("h5py")
    folder.mkdir(exist_ok=True)
    with h5py.File(folder / "set.h5", "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, **options)
    return folder / "set.h5"


def write_compressed(folder, arrays):
    return write_hdf5(folder, arrays, compression="gzip", shuffle=True, fletcher32=True)


WRITERS = [write_npz, write_npy, write_hdf5, write_compressed]
for_each_format = pytest.mark.parametrize("write", WRITERS)


def refusal(function, *arguments, **keywords):
    with pytest.raises(InputError) as caught:
        function(*arguments, **keywords)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@for_each_format
def test_each_format_gives_the_same_data_set(tmp_path, arrays, write):
    got = load(str(write(tmp_path / "set", arrays)), cache_dir=tmp_path / "cache")
    assert got.name == "set" and list(got.splits) == ["train", "test"]
    for name, split in got.splits.items():
        np.testing.assert_array_equal(split.images, arrays[f"x_{name}"].reshape(len(split), -1))
        np.testing.assert_array_equal(split.labels, arrays[f"y_{name}"])


@for_each_format
def test_a_single_pair_is_divided_as_a_table_is(tmp_path, rng, write):
    x, y = rng.random((100, 3)).astype(np.float32), np.arange(100, dtype=np.int32) % 2
    path = str(write(tmp_path / "set", {"x": x, "y": y}))

    def sizes(**division):
        got = load(path, cache_dir=tmp_path / "cache", **division)
        everything = np.concatenate([split.images for split in got.splits.values()])
        np.testing.assert_array_equal(np.sort(everything, axis=0), np.sort(x, axis=0))
        return {name: len(split) for name, split in got.splits.items()}

    assert sizes() == {"train": 72, "valid": 8, "test": 20}
    assert sizes(test=0.5, valid=0.0) == {"train": 50, "test": 50}


def test_arrays_that_bring_a_test_set_keep_it_and_give_to_validation_if_asked(tmp_path, arrays):
    path = str(write_npz(tmp_path, arrays | {"y_train": np.arange(50) % 2, "y_test": np.arange(20) % 2}))
    got = load(path, cache_dir=tmp_path / "cache", valid=0.2)
    assert {name: len(split) for name, split in got.splits.items()} == {"train": 40, "valid": 10, "test": 20}
    for division, problem in [
        ({"test": 0.1}, "has a test set of its own: leave --test 0.1 out"),
        ({"target": "y"}, "--target y is for tables"),
        ({"valid": "other.npz"}, "--valid other.npz is for tables"),
    ]:
        assert problem in refusal(load, path, cache_dir=tmp_path / "cache", **division)


def test_training_without_a_test_set_beside_validation_gives_one(tmp_path, arrays):
    parts = {"x_train": arrays["x_train"], "y_train": np.arange(50) % 2, "x_val": arrays["x_test"]}
    path = write_npy(tmp_path / "set", parts | {"y_val": np.arange(20) % 2})
    got = load(str(path), cache_dir=tmp_path / "cache")
    assert {name: len(split) for name, split in got.splits.items()} == {"train": 40, "valid": 20, "test": 10}


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", ">f8", "|u1", "<f2"])
@pytest.mark.parametrize("block_bytes", [1, 64, 2**23])
def test_rows_are_those_of_the_array(tmp_path, rng, monkeypatch, order, dtype, block_bytes):
    monkeypatch.setattr(rows, "_BLOCK_BYTES", block_bytes)
    array = np.asarray(rng.integers(0, 100, (11, 3, 2)), dtype, order=order)
    np.save(tmp_path / "x.npy", array)
    got = read_npy(tmp_path / "x.npy")
    assert (got.shape, got.dtype, got.ndim, got.size, len(got)) == ((11, 3, 2), array.dtype, 3, 66, 11)
    for chosen in (slice(None), slice(3, 5), np.array([10, 0, 3, 3]), np.array([], int), 4):
        np.testing.assert_array_equal(got[chosen], array[chosen])


def test_a_file_that_is_cut_off_while_it_is_read_is_told_of(tmp_path, rng):
    np.save(tmp_path / "x.npy", rng.random((10, 3)))
    got = read_npy(tmp_path / "x.npy")
    with open(tmp_path / "x.npy", "r+b") as file:
        file.truncate(200)
    assert "x.npy: was cut off while it was read" in refusal(got.__getitem__, slice(None))


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"x": np.zeros((3, 2), np.float32)}, "x.npy: has no y, only x"),
        ({"x": np.zeros((3, 2), np.float32), "y": np.zeros(2, int)}, "3 images but 2 labels"),
        ({"x": np.array([["a"]]), "y": np.zeros(1, int)}, "examples are <U1 of shape (1, 1): turn them into real"),
        ({"x": np.float32(3), "y": np.zeros(1, int)}, "x.npy: holds a single value"),
        ({"features": np.zeros((3, 2)), "y": np.zeros(3, int)}, "features.npy: name x.npy, with y.npy beside it"),
        ({"x_train": np.zeros((3, 2)), "y_train": np.zeros(3, int), "x_test": np.zeros((3, 2))}, "has no y_test, only"),
    ],
)
def test_npy_files_that_do_not_fit_are_refused(tmp_path, files, problem):
    path = write_npy(tmp_path, files)
    assert problem in refusal(load, str(path), cache_dir=tmp_path / "cache")
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").iterdir())


def test_a_header_that_announces_more_or_less_is_refused_and_objects_are_not_unpickled(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((3, 2)))
    content = path.read_bytes()
    for changed in (content + b"x", content[:-1]):
        path.write_bytes(changed)
        assert "announces 48 bytes of float64, shape (3, 2), and has 4" in refusal(read_npy, path)
    np.save(path, np.array([{}, 3], object), allow_pickle=True)
    assert "holds Python objects, which are not unpickled" in refusal(read_npy, path)


def test_missing_files_are_told_of(tmp_path):
    assert "no such file: " in refusal(load, str(tmp_path / "x.npy"))
    os.mkfifo(tmp_path / "pipe.npz")
    assert "pipe.npz is not a regular file: name one" in refusal(load, str(tmp_path / "pipe.npz"))
    assert "give a file with x_train, y_train" in refusal(load, str(tmp_path / "x.hdf5"))


def test_hdf5_without_its_library_names_the_way_out(tmp_path, arrays, monkeypatch):
    path = write_hdf5(tmp_path, arrays)
    (tmp_path / "h5py.py").write_text("raise ImportError('none here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    assert (
        refusal(read_array_files, path) == f'{path}: HDF5 files need h5py (none here): pip install "isgd_mpi[tables]"'
    )


def hdf5_with(folder, fill):
    """Write an HDF5 file that has y, and whatever `fill` makes of x."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "other.h5", "w") as file:
        file["x"] = np.zeros((4, 2), np.float32)
    (folder / "raw").write_bytes(bytes(32))
    with h5py.File(folder / "set.h5", "w") as file:
        file["y"] = np.arange(4) % 2
        fill(h5py, file, folder)
    return folder / "set.h5"


def virtual(h5py, file, folder):
    layout = h5py.VirtualLayout((4, 2), np.float32)
    layout[:] = h5py.VirtualSource(folder / "other.h5", "x", (4, 2))
    file.create_virtual_dataset("x", layout)


def external_link(h5py, file, folder):
    file["x"] = h5py.ExternalLink(str(folder / "other.h5"), "x")


def soft_link(h5py, file, folder):
    file["x"] = h5py.SoftLink("/y")


def external_storage(h5py, file, folder):
    file.create_dataset("x", (4, 2), np.float32, external=[(str(folder / "raw"), 0, 32)])


def group(h5py, file, folder):
    file.create_group("x")


def never_written(h5py, file, folder):
    file.create_dataset("x", (10**9, 10**6), np.float32, chunks=(100, 10))


def compressed_twice(h5py, file, folder):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((4, 2))
    plan.set_deflate(9), plan.set_deflate(9)
    space = h5py.h5s.create_simple((4, 2))
    h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_FLOAT, space, plan)


def compound(h5py, file, folder):
    file["x"] = np.zeros(4, [("a", "f4"), ("b", "i4")])


def references(h5py, file, folder):
    file.create_dataset("x", data=np.array([file["y"].ref] * 4, h5py.ref_dtype), dtype=h5py.ref_dtype)


def words(h5py, file, folder):
    file["x"] = ["a", "b", "c", "d"]


def scalar(h5py, file, folder):
    file["x"] = 3.0


@pytest.mark.parametrize(
    ("fill", "problem"),
    [
        (virtual, "x lies in other files, which are not opened"),
        (external_storage, "x lies in other files, which are not opened"),
        (external_link, "x is a link, which is not followed"),
        (soft_link, "x is a link, which is not followed"),
        (group, "x is not an array"),
        (scalar, "x is not an array"),
        (never_written, "x announces more than the file can hold"),
        (compressed_twice, "x is compressed twice"),
        (compound, "neither numbers nor text"),
        (references, "neither numbers nor text"),
        (words, "turn them into real numbers"),
        (lambda *_: None, "has no x"),
    ],
)
def test_hdf5_holds_its_arrays_itself(tmp_path, fill, problem):
    path = hdf5_with(tmp_path, fill)
    assert problem in refusal(load, str(path), cache_dir=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def bomb(folder, n_bytes):
    """Write an HDF5 file whose only chunk, of a megabyte by its header, inflates to `n_bytes`."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "bomb.h5", "w") as file:
        x = file.create_dataset("x", (2**20, 1), np.uint8, chunks=(2**20, 1), compression="gzip")
        squeeze = zlib.compressobj(9)
        header, piece = squeeze.compress(b"") + squeeze.flush(zlib.Z_FULL_FLUSH), squeeze.compress(bytes(2**24))
        piece += squeeze.flush(zlib.Z_FULL_FLUSH)
        x.id.write_direct_chunk((0, 0), header + (n_bytes >> 24) * piece)
        file["y"] = np.zeros(2**20, np.uint8)
    return folder / "bomb.h5"


def test_a_chunk_that_inflates_beyond_its_size_ends_the_reader_alone(tmp_path):
    path = bomb(tmp_path, 2**31)
    assert "bomb.h5: cannot be read" in refusal(read_array_files, path)


def test_a_reader_that_crashes_is_a_damaged_file(tmp_path, monkeypatch, arrays):
    path = write_hdf5(tmp_path, arrays)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    (tmp_path / "h5py.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert "damaged? (the HDF5 library ended by SIGSEGV)" in refusal(read_array_files, path)


def test_words_of_variable_length_are_targets_in_hdf5(tmp_path):
    path = hdf5_with(tmp_path, lambda h5py, file, folder: file.create_dataset("words", data=["ab", "c", "ä"]))
    np.testing.assert_array_equal(hdf5.read_hdf5(path, ["words"])["words"][:], ["ab", "c", "ä"])


@for_each_format
def test_features_to_predict_need_no_targets(tmp_path, arrays, write):
    name, got = read_features(write(tmp_path, {"x": arrays["x_train"]}))
    assert name == "x"
    np.testing.assert_array_equal(got[:], arrays["x_train"])
    if write is not write_npy:  # there the file says which
        name, got = read_features(write(tmp_path, arrays))
        assert name == "x_test" and len(got) == 20
        assert "has neither x nor x_test" in refusal(read_features, write(tmp_path, {"a": np.zeros(3)}))


def test_reading_hdf5_brings_neither_its_library_nor_mpi_into_this_process(tmp_path, arrays):
    path = write_hdf5(tmp_path, arrays)
    code = (
        "import sys; from pathlib import Path; from isgd_mpi.data.array_files import read_array_files\n"
        "read_array_files(Path(sys.argv[1])); print('h5py' in sys.modules, 'mpi4py.MPI' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
