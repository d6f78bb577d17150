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


def standardised(dataset, split="train"):
    n = len(dataset.splits[split])
    return dataset.batch(split, 0, n, np.empty((n, dataset.n_features), np.float32))[0]


def test_lists_and_other_strides_are_taken(rng):
    x, y = examples(rng, 20, np.float32)
    np.testing.assert_allclose(
        standardised(from_arrays(x.tolist(), y.tolist())), standardised(from_arrays(x, y)), atol=1e-6
    )
    np.testing.assert_array_equal(
        from_arrays(x[::2], y[::2]).mean, from_arrays(np.ascontiguousarray(x[::2]), y[::2]).mean
    )


class NeedsGradient:
    """Stands for a tensor of PyTorch."""

    def __array__(self, *arguments, **keywords):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")


class Frame:
    """Stands for a data frame of pandas."""

    def __init__(self, values, columns):
        self._values, self.columns = values, columns

    def __array__(self, *arguments, **keywords):
        return self._values


X, Y = np.ones((6, 2)), np.array([0, 1, 2, 0, 1, 2])
HOLED = np.where(np.arange(12).reshape(6, 2) == 9, np.nan, X)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((X.astype(complex), Y), "x, y: must be numbers, one example per row, not complex128 of shape"),
        ((X[0], Y), "x, y: .*one example per row, not float64 of shape \\(2,\\): one example is x\\[None\\]"),
        ((X, Y[:5]), "x, y: 6 images but 5 labels"),
        ((X[:0], Y[:0]), "x, y: holds no example"),
        ((X[:, :0], Y), "x, y: holds no feature"),
        ((np.array([["1", "2.5"], ["3", "red"]]), [0, 1]), "x, y: .*feature number 0 holds '1': turn words"),
        (
            (np.array([[1, 2.5], [3, "red"]], object), [0, 1]),
            "x, y: .*object.*feature number 1 holds 'red': turn words",
        ),
        ((np.array([[1, 2.5], [3, 4]], object), [0, 1]), "x, y: .*object.*all are numbers, so give x.astype"),
        ((np.ma.masked_equal(X, 1), Y), "x, y: 12 values are masked: fill them"),
        ((X, np.ma.masked_equal(Y, 1)), "x, y: 2 values are masked"),
        ((NeedsGradient(), Y), "x, y: must be an array .*requires grad. Use tensor.detach"),
        ((HOLED, Y), "x, y: example 4 has a NaN or infinite feature, number 1: fill it"),
        ((X * 1e300, Y), "x, y: example 0 has a NaN or infinite"),
        (([[1.0], [1.0, 2.0]], [0, 1]), "x, y: must be an array"),
        ((X, Y, X), "validation: must be a pair of arrays"),
        ((X, Y, (HOLED, Y)), "validation: example 4 has a NaN"),
        ((X, Y, None, (X, Y + 1)), "y of test: has label 3, of which y has no example"),
        ((X, 2 * Y, (X, Y)), "y of validation: has label 1, of which y has no example"),
        ((X, Y, (X[:, :1], Y)), "validation: 1 float features an example, but 2 float features in x, y"),
        ((X, Y, (X.astype(np.uint8), Y)), "validation: 2 uint8 features an example, but 2 float"),
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


@pytest.mark.parametrize(
    "values, message",
    [
        (np.array([[30, "Ohio"], [40, "Utah"]], object), "feature 'state' holds 'Ohio'"),
        (np.array([[30, 1], [40, np.nan]]), "example 1 has a NaN or infinite feature, 'state'"),
    ],
)
def test_a_column_of_a_data_frame_is_told_by_its_name(values, message):
    with pytest.raises(InputError, match=message):
        from_arrays(Frame(values, ["age", "state"]), [0, 1])


def test_masked_arrays_without_a_mask_are_taken():
    assert from_arrays(np.ma.masked_equal(X, 3), Y).n_train == 6


@pytest.mark.parametrize("offset, scale", [(1e6, 1e-3), (0, 1e-40), (1e-40, 1e-42), (0, 1e-140)])
def test_float64_is_centred_before_it_is_rounded(rng, offset, scale):
    z = rng.standard_normal((300, 3))
    x = offset + scale * z
    expected = (x - x.mean(axis=0)) / scale / z.std(axis=0)
    np.testing.assert_allclose(standardised(from_arrays(x, np.arange(300) % 2)), expected, atol=2e-6)


def test_float32_near_1e_40_is_not_constant(rng):
    z = rng.standard_normal((300, 2))
    got = standardised(from_arrays((1e-40 * z).astype(np.float32), np.arange(300) % 2))
    np.testing.assert_allclose(got, (z - z.mean(axis=0)) / z.std(axis=0), atol=1e-4)


@pytest.mark.parametrize("standardize", ["auto", "range", "none"])
def test_a_test_set_is_standardised_as_training_is(rng, standardize):
    x, y = 100 + rng.standard_normal((40, 3)), np.arange(40) % 2
    far = np.array([[1e30, 100, -1e30]])
    dataset = from_arrays(x, y, test=(np.concatenate([x[:5], far]), y[:6]), standardize=standardize)
    np.testing.assert_array_equal(standardised(dataset, "test")[:5], standardised(dataset)[:5])
    assert np.isfinite(standardised(dataset, "test")).all()
    if standardize == "none":
        np.testing.assert_allclose(standardised(dataset), x, rtol=1e-6)


@pytest.mark.parametrize(
    "y, loss",
    [
        (np.linspace(-1, 5, 60), "auto"),
        (np.linspace(-1, 5, 120).reshape(60, 2), "auto"),
        (np.eye(3, dtype=int)[np.arange(60) % 3], "auto"),
        (np.array(["no", "yes"])[np.arange(60) % 2], "logistic"),
        (np.array(["cat", "dog", "owl"])[np.arange(60) % 3], "auto"),
        (np.arange(60) % 4 > 1, "auto"),
        (np.array([3, 5])[np.arange(60) % 2], "squared"),
    ],
)
def test_targets_of_any_kind_are_to_the_last_bit_those_of_a_file(tmp_path, rng, y, loss):
    x = rng.integers(-9, 9, (60, 3))
    np.savez(tmp_path / "a.npz", x_train=x, y_train=y, x_test=x[:9], y_test=y[:9])
    given = from_arrays(x, y, test=(x[:9], y[:9]), loss=loss)
    filed = datasets.load(str(tmp_path / "a.npz"), cache_dir=tmp_path, loss=loss)
    assert given.target == filed.target and given.fingerprint == filed.fingerprint
    for split in given.splits:
        np.testing.assert_array_equal(given.splits[split].labels, filed.splits[split].labels)
    labels = np.empty((5, *given.target.row_shape), given.target.dtype)
    indices = np.array([7, 7, 0, 59, 3])
    given.gather(indices, np.empty((5, 3), np.float32), labels)
    np.testing.assert_array_equal(labels, given.splits["train"].labels[indices])
    _, some = filed.batch("train", 2, 7, np.empty((5, 3), np.float32))
    np.testing.assert_array_equal(some, given.splits["train"].labels[2:7])


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.int64, np.uint64, bool])
def test_integers_of_any_width_are_features(rng, dtype):
    x = rng.integers(0, 2 if dtype is bool else 100, (40, 3)).astype(dtype)
    if np.dtype(dtype).itemsize > 2:
        x += np.array(2**31 - 200, dtype)  # which float32 does not tell apart
    y = np.arange(40) % 2
    expected = (x - x.mean(axis=0)) / x.astype(float).std(axis=0)
    np.testing.assert_allclose(standardised(from_arrays(x, y)), expected, atol=2e-6)
    np.testing.assert_array_equal(standardised(from_arrays(np.asfortranarray(x), y)), standardised(from_arrays(x, y)))


def test_a_frame_of_targets_names_them():
    y = Frame(np.array([[1.0, 2], [3, 5]]), ["height", "weight"])
    assert from_arrays(np.eye(2), y).target.names == ("height", "weight")
