import numba
import numpy as np
import pytest
import reference
from data_files import (
    random_examples,
    write_cifar10,
    write_cifar10_binary,
    write_cifar10_pickle,
    write_idx,
    write_mnist,
    write_svhn,
)

from isgd_mpi.data import datasets
from isgd_mpi.data.datasets import NAMES, load
from isgd_mpi.data.synthetic import examples_at
from isgd_mpi.settings.errors import InputError


@pytest.fixture
def folders(tmp_path):
    """Return folders for original and for converted data."""
    (tmp_path / "data").mkdir()
    return {"data_dir": tmp_path / "data", "cache_dir": tmp_path / "cache"}


@pytest.fixture(scope="module")
def mnist10k(tmp_path_factory):
    return load("mnist10k", cache_dir=tmp_path_factory.mktemp("cache"))


def write_originals(name, folder, rng):
    """Write small files of a data set; return its number of training examples."""
    if name == "mnist":
        write_mnist(folder, random_examples(rng, 20, (28, 28)), random_examples(rng, 6, (28, 28)), ".gz")
        return 20
    if name == "cifar10":
        write_cifar10(folder, [random_examples(rng, 4)] * 6, write_cifar10_binary, ".bin")
        return 20
    for part in ("train", "extra", "test"):
        write_svhn(folder / f"{part}_32x32.mat", *random_examples(rng, 20))
    return {"svhn": 38, "svhn-small": 19}[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_named_set_loads(folders, rng, name):
    n_train = {"mnist10k": 8000, "synthetic": 30}.get(name) or write_originals(name, folders["data_dir"], rng)
    dataset = load(name, synthetic_size=30, **folders)
    assert (dataset.name, dataset.n_classes, dataset.n_train) == (name, 10, n_train)
    assert dataset.n_features == (784 if name.startswith("mnist") else 3072)
    assert ("valid" in dataset.splits) == (name not in ("mnist", "cifar10"))
    for split in dataset.splits.values():
        assert split.images.shape == (len(split), dataset.n_features) and split.images.dtype == np.uint8
        assert not split.images.flags.writeable and not split.labels.flags.writeable
    assert dataset.mean.dtype == dataset.inverse_std.dtype == np.float32


def test_images_stay_on_disk(mnist10k):
    base = mnist10k.splits["train"].images
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gather_is_in_place_and_agrees_with_the_reference(mnist10k, rng, dtype):
    indices = rng.integers(0, mnist10k.n_train, 16)
    images, labels = np.empty((16, 784), dtype), np.empty(16, np.int32)
    assert mnist10k.gather(indices, images, labels) is None
    train = mnist10k.splits["train"]
    expected = reference.gather_standardized(train.images, indices, mnist10k.mean, mnist10k.inverse_std)
    np.testing.assert_allclose(images, expected, rtol=2e-6, atol=1e-4)
    np.testing.assert_array_equal(labels, train.labels[indices])


@pytest.mark.parametrize("standardize", ["feature", "range", "auto"])
def test_the_training_set_is_standardised(standardize):
    dataset = load("mnist10k", standardize=standardize)
    images, _ = dataset.batch("train", 0, 8000, np.empty((8000, 784), np.float64))
    np.testing.assert_allclose(images.mean(axis=0), 0, atol=1e-4)
    if standardize == "feature":
        varies = dataset.inverse_std > 0
        np.testing.assert_allclose(np.median(images.std(axis=0)[varies]), 1, rtol=1e-6)
        assert (images[:, ~varies] == 0).all() and 0 < (~varies).sum() < 200 and images.max() < 20.01
    else:  # MNIST's borders hardly vary
        np.testing.assert_array_equal(dataset.inverse_std, np.float32(1 / 255))


@pytest.mark.parametrize("index", [-1, 8000])
def test_gather_refuses_examples_that_do_not_exist(mnist10k, index):
    with pytest.raises(IndexError, match="outside the data set"):
        mnist10k.gather(np.array([index]), np.empty((1, 784), np.float32), np.empty(1, np.int32))


@pytest.mark.parametrize("split", ["train", "valid", "test"])
@pytest.mark.parametrize(("start", "stop"), [(0, 8), (990, 1000), (5, 5)])
def test_batch_returns_views_of_consecutive_examples(mnist10k, split, start, stop):
    buffer = np.full((12, 784), np.nan, dtype=np.float32)
    images, labels = mnist10k.batch(split, start, stop, buffer)
    examples = mnist10k.splits[split]
    expected = reference.standardize(examples.images[start:stop], mnist10k.mean, mnist10k.inverse_std)
    np.testing.assert_allclose(images, expected, rtol=2e-6, atol=1e-4)
    np.testing.assert_array_equal(labels, examples.labels[start:stop])
    assert np.shares_memory(images, buffer) or start == stop
    assert np.isnan(buffer[stop - start :]).all()


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (995, 1001), (3, 2), (0, 13)])
def test_batch_refuses_examples_that_do_not_exist_or_fit(mnist10k, start, stop):
    with pytest.raises(ValueError, match=f"examples {start}:{stop} of 1000 into 12 rows"):
        mnist10k.batch("test", start, stop, np.empty((12, 784), np.float32))


def test_a_data_folder_that_is_not_there_is_refused_also_where_nothing_is_read_from_it(tmp_path):
    with pytest.raises(InputError, match="nowhere: there is no such folder"):
        load("mnist10k", data_dir=tmp_path / "nowhere")


def test_synthetic_splits_hold_the_examples_of_their_numbers(folders):
    dataset = load("synthetic", synthetic_size=40, **folders)
    for name, (start, stop) in {"train": (0, 40), "valid": (40, 42), "test": (42, 44)}.items():
        images, labels = examples_at(range(start, stop))
        np.testing.assert_array_equal(dataset.splits[name].images, images)
        np.testing.assert_array_equal(dataset.splits[name].labels, labels)


def test_binary_and_python_batches_give_the_same_cifar10(tmp_path, rng):
    batches = [random_examples(rng, 4) for _ in range(6)]
    write_cifar10(tmp_path / "a", batches, write_cifar10_binary, ".bin")
    write_cifar10(tmp_path / "b", batches, write_cifar10_pickle)
    one, other = (load("cifar10", tmp_path / part, cache_dir=tmp_path / "cache") for part in "ab")
    for name in ("train", "test"):
        np.testing.assert_array_equal(one.splits[name].images, other.splits[name].images)
        np.testing.assert_array_equal(one.splits[name].labels, other.splits[name].labels)


def test_float_images_from_npz(tmp_path, rng):
    x = rng.normal(3, 2, (30, 2, 5))
    y = np.arange(30) % 3
    np.savez(tmp_path / "mine.npz", x_train=x, y_train=y, x_test=x[:4], y_test=y[:4])
    dataset = load(str(tmp_path / "mine.npz"), cache_dir=tmp_path)
    images, _ = dataset.batch("train", 0, 30, np.empty((30, 10), np.float32))
    assert (dataset.name, dataset.n_classes, dataset.n_features) == ("mine", 3, 10)
    np.testing.assert_allclose(
        images, reference.standardize(x.reshape(30, 10), x.mean(axis=0).ravel(), 1 / x.std(axis=0).ravel()), atol=1e-5
    )


def test_a_damaged_file_is_told_with_the_way_out(folders, rng):
    write_originals("mnist", folders["data_dir"], rng)
    path = folders["data_dir"] / "t10k-labels-idx1-ubyte.gz"
    write_idx(path, np.full(6, 77))
    with pytest.raises(InputError) as caught:
        load("mnist", **folders)
    message = str(caught.value)
    assert f"{path}: label 77 is out of range 0..9; delete it and run: python -m isgd_mpi.fetch mnist" in message
    assert message.endswith(f"--data-dir {folders['data_dir']}") and "\n" not in message


def test_a_damaged_npz_is_told_with_the_way_out(tmp_path):
    (tmp_path / "mine.npz").write_bytes(b"")
    with pytest.raises(InputError, match="mine.npz: is not an npz file.*; save x_train, y_train, x_test, y_test: "):
        load(tmp_path / "mine.npz", cache_dir=tmp_path)


def test_the_cache_follows_its_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("ISGD_MPI_CACHE", str(tmp_path / "here"))
    load("synthetic", synthetic_size=2)
    assert list((tmp_path / "here").glob("synthetic-*/x_train.npy"))


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="takes a minute in plain Python")
def test_the_whole_of_mnist(real_data, tmp_path):
    dataset = load("mnist", real_data, cache_dir=tmp_path)
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 60_000, "test": 10_000}
    # the mean of all pixels that everyone divides by 255 and quotes as 0.1307
    assert abs(dataset.mean.mean() / 255 - 0.1307) < 1e-4
    assert np.bincount(dataset.splits["train"].labels).tolist()[:3] == [5923, 6742, 5958]
    assert datasets.NAMES[1] == dataset.name
