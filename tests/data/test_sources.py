import gzip
import hashlib

import numpy as np
import pytest
from data_files import (
    CIFAR10_BATCHES,
    MNIST_FILES,
    random_examples,
    write_cifar10,
    write_cifar10_binary,
    write_cifar10_pickle,
    write_mnist,
    write_svhn,
)

from isgd_mpi.data import formats
from isgd_mpi.data.examples import check_examples
from isgd_mpi.data.sources import NAMES, fixed_permutation, recipe
from isgd_mpi.settings.errors import InputError


def everything(source):
    """Return images and labels of each split."""
    return {name: source.take(rows) for name, rows in source.splits.items()}


def assert_same(got, expected):
    assert list(got) == list(expected)
    for name, (images, labels) in expected.items():
        np.testing.assert_array_equal(got[name][0], np.asarray(images).reshape(len(labels), -1))
        np.testing.assert_array_equal(got[name][1], labels)


def test_unknown_name_lists_the_choices():
    with pytest.raises(
        InputError,
        match="unknown data set 'mnits': did you mean mnist.; choose mnist10k, mnist, cifar10, svhn, svhn-small",
    ):
        recipe("mnits")


# MNIST


def test_bundled_files_are_the_originals_bit_for_bit():
    # MD5 of the unpacked files, as their README says
    digests = [hashlib.md5(gzip.decompress(path.read_bytes())).hexdigest() for path in recipe("mnist10k").files]
    assert digests == ["2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637"]
    readme = (recipe("mnist10k").files[0].parent / "README.md").read_text()
    assert all(digest in readme for digest in digests) and "CC BY-SA 3.0" in readme


def test_mnist10k_splits_tile_the_file_with_balanced_classes():
    source = recipe("mnist10k").read()
    assert {name: len(rows) for name, rows in source.splits.items()} == {"train": 8000, "valid": 1000, "test": 1000}
    rows = np.concatenate(list(source.splits.values()))
    np.testing.assert_array_equal(np.sort(rows), np.arange(10_000))
    for images, labels in everything(source).values():
        shares = np.bincount(labels, minlength=10) / len(labels)
        assert images.shape[1] == 784 and images.dtype == np.uint8
        assert shares.min() > 0.08 and shares.max() < 0.12


def test_mnist10k_mixes_both_halves_of_the_file():
    for rows in recipe("mnist10k").read().splits.values():
        assert 0.45 < (rows < 5000).mean() < 0.55


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("folder", ["mnist", "."])
def test_mnist_has_its_official_splits(tmp_path, rng, suffix, folder):
    train, test = random_examples(rng, 12, (28, 28)), random_examples(rng, 5, (28, 28))
    write_mnist(tmp_path / folder, train, test, suffix)
    assert_same(everything(recipe("mnist", tmp_path).read()), {"train": train, "test": test})


@pytest.mark.parametrize("file_name", MNIST_FILES)
def test_each_mnist_file_is_needed(tmp_path, rng, file_name):
    examples = random_examples(rng, 5, (28, 28))
    write_mnist(tmp_path, examples, examples)
    (tmp_path / file_name).unlink()
    with pytest.raises(InputError, match=f"mnist: {file_name} is missing"):
        recipe("mnist", tmp_path)


def test_images_of_another_size_in_the_test_file(tmp_path, rng):
    write_mnist(tmp_path, random_examples(rng, 5, (28, 28)), random_examples(rng, 5, (28, 27)))
    with pytest.raises(InputError, match="756 uint8 features an example, but 784 uint8 features in"):
        recipe("mnist", tmp_path).read()


# CIFAR-10


@pytest.mark.parametrize(
    ("folder", "write", "suffix"),
    [
        ("cifar10", write_cifar10_binary, ".bin"),
        ("cifar10/cifar-10-batches-bin", write_cifar10_binary, ".bin"),
        ("cifar-10-batches-bin", write_cifar10_binary, ".bin"),
        ("cifar-10-batches-py", write_cifar10_pickle, ""),
        (".", write_cifar10_pickle, ""),
    ],
)
def test_cifar10_trains_on_five_batches_in_order(tmp_path, rng, folder, write, suffix):
    batches = [random_examples(rng, n) for n in (4, 3, 5, 2, 4, 6)]
    write_cifar10(tmp_path / folder, batches, write, suffix)
    train = tuple(np.concatenate(arrays) for arrays in zip(*batches[:5]))
    assert_same(everything(recipe("cifar10", tmp_path).read()), {"train": train, "test": batches[5]})


def test_binary_batches_come_before_pickles(tmp_path, rng):
    batches = [random_examples(rng, 3)] * 6
    write_cifar10(tmp_path, batches, write_cifar10_pickle)
    write_cifar10(tmp_path, batches, write_cifar10_binary, ".bin")
    assert {path.suffix for path in recipe("cifar10", tmp_path).files} == {".bin"}


@pytest.mark.parametrize("missing", CIFAR10_BATCHES)
def test_each_cifar10_batch_is_needed(tmp_path, rng, missing):
    write_cifar10(tmp_path, [random_examples(rng, 3)] * 6, write_cifar10_binary, ".bin")
    (tmp_path / f"{missing}.bin").unlink()
    with pytest.raises(InputError, match=f"cifar10: {missing}.bin is missing"):
        recipe("cifar10", tmp_path)


# SVHN


def write_all_svhn(folder, rng, n_train=30, n_extra=90, n_test=10):
    sizes = {"train": n_train, "extra": n_extra, "test": n_test}
    examples = {name: random_examples(rng, n) for name, n in sizes.items()}
    for name, (images, labels) in examples.items():
        write_svhn(folder / f"{name}_32x32.mat", images, labels)
    return examples


@pytest.mark.parametrize("folder", ["svhn", "."])
@pytest.mark.parametrize(("name", "used"), [("svhn", ("train", "extra")), ("svhn-small", ("train",))])
def test_svhn_learns_on_95_percent_of_a_fixed_permutation(tmp_path, rng, folder, name, used):
    examples = write_all_svhn(tmp_path / folder, rng)
    images, labels = (np.concatenate(arrays) for arrays in zip(*(examples[part] for part in used)))
    order = fixed_permutation(len(labels))
    train, valid = np.split(order, [int(0.95 * len(labels))])
    expected = {"train": (images[train], labels[train]), "valid": (images[valid], labels[valid])}
    assert_same(everything(recipe(name, tmp_path).read()), {**expected, "test": examples["test"]})


def test_the_official_sizes_give_the_papers_splits(tmp_path, rng, monkeypatch):
    write_all_svhn(tmp_path, rng)
    sizes = {"train_32x32.mat": 73_257, "extra_32x32.mat": 531_131, "test_32x32.mat": 26_032}

    def read_svhn(path):
        images = np.broadcast_to(np.uint8(0), (sizes[path.name], 3, 32, 32))
        return check_examples(path, images, np.zeros(len(images), int), 10)

    monkeypatch.setattr(formats, "read_svhn", read_svhn)
    splits = recipe("svhn", tmp_path).read().splits
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 574_168, "valid": 30_220, "test": 26_032}


def test_svhn_small_needs_no_extra_file(tmp_path, rng):
    write_all_svhn(tmp_path, rng)
    (tmp_path / "extra_32x32.mat").unlink()
    assert len(recipe("svhn-small", tmp_path).files) == 2
    with pytest.raises(InputError, match="svhn: extra_32x32.mat is missing"):
        recipe("svhn", tmp_path)


def test_svhn_too_small_to_split(tmp_path, rng):
    for part in ("train", "test"):
        write_svhn(tmp_path / f"{part}_32x32.mat", *random_examples(rng, 2))
    sizes = {name: len(rows) for name, rows in recipe("svhn-small", tmp_path).read().splits.items()}
    assert sizes == {"train": 1, "valid": 1, "test": 2}
    write_svhn(tmp_path / "train_32x32.mat", np.zeros((1, 3072), np.uint8), np.array([4]))
    with pytest.raises(InputError, match="train_32x32.mat: a single example leaves the training set empty"):
        recipe("svhn-small", tmp_path).read()


@pytest.mark.parametrize("n", [1, 10_000, 604_388])
def test_fixed_permutation_never_changes(n):
    order = fixed_permutation(n)
    np.testing.assert_array_equal(np.sort(order), np.arange(n))
    assert order[0] == {1: 0, 10_000: 9394, 604_388: 304_716}[n]


# synthetic


def test_synthetic_splits_follow_each_other():
    splits = recipe("synthetic", synthetic_size=40).read().splits
    assert {name: (rows[0], rows[-1]) for name, rows in splits.items()} == {
        "train": (0, 39),
        "valid": (40, 41),
        "test": (42, 43),
    }


# npz


def npz(tmp_path, rng, **changes):
    x_train, y_train = random_examples(rng, 7, (2, 3), n_classes=4)
    x_test, y_test = random_examples(rng, 3, (2, 3), n_classes=4)
    np.savez(
        tmp_path / "set.npz", **{**dict(x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test), **changes}
    )
    return tmp_path / "set.npz"


def test_npz_has_the_splits_and_classes_of_its_arrays(tmp_path, rng):
    path = npz(tmp_path, rng, x_valid=np.ones((1, 2, 3), np.uint8), y_valid=np.array([3]))
    source = recipe(str(path)).read()
    got = everything(source)
    assert source.target.n_outputs == 4 and {name: len(labels) for name, (_, labels) in got.items()} == {
        "train": 7,
        "valid": 1,
        "test": 3,
    }
    assert (got["valid"][0] == 1).all() and got["valid"][1] == [3]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"y_test": np.array([0, 4, 1])}, "y_test: has label 4, of which"),
        ({"x_test": np.ones((3, 5), np.uint8)}, "5 uint8 features an example, but 6 uint8 features in"),
        ({"x_test": np.ones((3, 6))}, "6 float features an example, but 6 uint8 features in"),
    ],
)
def test_npz_whose_arrays_do_not_fit_each_other(tmp_path, rng, changes, problem):
    with pytest.raises(InputError) as caught:
        recipe(npz(tmp_path, rng, **changes)).read()
    assert problem in str(caught.value) and "set.npz" in str(caught.value)


def test_a_data_set_by_another_spelling():
    with pytest.raises(InputError, match="unknown data set 'MNIST': did you mean mnist?"):
        recipe("MNIST")


def test_npz_that_does_not_exist(tmp_path):
    with pytest.raises(InputError, match="no such file: .*/none.npz; give a file with x_train"):
        recipe(tmp_path / "none.npz")


def test_names_are_those_of_the_design():
    assert NAMES == ("mnist10k", "mnist", "cifar10", "svhn", "svhn-small", "synthetic")
