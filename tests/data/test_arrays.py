import numpy as np
import pytest

from isgd_mpi.data import datasets
from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.settings.errors import InputError


def examples(rng, n, dtype, shape=(3, 4), n_classes=5):
    x = rng.integers(0, 256, (n, *shape), dtype=np.uint8) if dtype == np.uint8 else rng.standard_normal((n, *shape))
    return x.astype(dtype), np.arange(n) % n_classes


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.float16])
def test_arrays_give_bitwise_what_a_file_of_them_gives(rng, tmp_path, dtype):
    train, valid, test = (examples(rng, n, dtype) for n in (5000, 11, 7))
    named = {"train": train, "valid": valid, "test": test}
    np.savez(tmp_path / "a.npz", **{f"{k}_{name}": a for name, pair in named.items() for k, a in zip("xy", pair)})
    filed = datasets.load(tmp_path / "a.npz", cache_dir=tmp_path / "cache")
    given = from_arrays(*train, valid, test)
    assert given.n_classes == filed.n_classes and list(given.splits) == list(filed.splits)
    np.testing.assert_array_equal(given.mean, filed.mean)
    np.testing.assert_array_equal(given.inverse_std, filed.inverse_std)
    for name, split in filed.splits.items():
        assert given.splits[name].images.dtype == split.images.dtype
        np.testing.assert_array_equal(given.splits[name].images, split.images)
        np.testing.assert_array_equal(given.splits[name].labels, split.labels)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_what_need_not_be_copied_is_not_and_cannot_be_written_to(rng, dtype):
    x, y = examples(rng, 20, dtype)
    images = from_arrays(x, y).splits["train"].images
    assert np.shares_memory(images, x)
    assert not images.flags.writeable and x.flags.writeable


def test_lists_and_other_strides_are_taken(rng):
    x, y = examples(rng, 20, np.float32)
    np.testing.assert_array_equal(from_arrays(x.tolist(), y.tolist()).mean, from_arrays(x, y).mean)
    np.testing.assert_array_equal(
        from_arrays(x[::2], y[::2]).mean, from_arrays(np.ascontiguousarray(x[::2]), y[::2]).mean
    )


X, Y = np.ones((6, 2)), np.array([0, 1, 2, 0, 1, 2])
HOLED = np.where(np.arange(12).reshape(6, 2) == 9, np.nan, X)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((X.astype(int), Y), "x, y: .*uint8 or float.*int64"),
        ((X[:, 0], Y), "x, y: .*one per row, not float64 of shape \\(6,\\)"),
        ((X, Y[:5]), "x, y: 6 images but 5 labels"),
        ((X[:0], Y[:0]), "x, y: holds no example"),
        ((X, Y - 1), "x, y: label -1 is out of range 0"),
        ((X, Y.astype(float)), "x, y: labels must be integers"),
        ((X, Y + 10), "y has label 12, but only 6 examples"),
        ((HOLED, Y), "x, y: example 4 has a NaN"),
        ((X * 1e300, Y), "x, y: example 0 has a NaN or infinite"),
        (([[1.0], [1.0, 2.0]], [0, 1]), "x, y: must be arrays"),
        ((X, Y, X), "validation: must be arrays"),
        ((X, Y, (HOLED, Y)), "validation: example 4 has a NaN"),
        ((X, Y, None, (X, Y + 1)), "test has label 3, out of range 0..2 of y"),
        ((X, Y, (X[:, :1], Y)), "validation: 1 float features an example, but 2 float features in x, y"),
        ((X, Y, (X.astype(np.uint8), Y)), "validation: 2 uint8 features an example, but 2 float"),
        ((X, Y, None, None, "range"), "--standardize range is for uint8"),
    ],
)
def test_bad_arrays_are_told_of_in_one_line(arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        from_arrays(*arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["a feature", "a label", "a test feature", "a test label", "one example less"])
def test_any_change_of_small_data_changes_a_fact_and_the_fingerprint(rng, place):
    x, y = examples(rng, 60, np.float32)
    test = x[:20].copy(), y[:20].copy()
    dataset = from_arrays(x, y, test=test)
    facts, fingerprint = dataset.facts, dataset.fingerprint
    assert from_arrays(x, y, test=test).fingerprint == fingerprint
    if place == "one example less":
        x, y = x[:-1], y[:-1]
    else:
        target = {"a feature": x, "a label": y, "a test feature": test[0], "a test label": test[1]}[place]
        target.flat[-5] = (target.flat[-5] + 1) % 3
    after = from_arrays(x, y, test=test)
    assert after.facts != facts and after.fingerprint != fingerprint
