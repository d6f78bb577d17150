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
        ((X.astype(int), Y), 'x, y: .*uint8 or float.*int64 of shape .*: give x.astype\\("float32"\\)'),
        ((X[0], Y), "x, y: .*one example per row, not float64 of shape \\(2,\\): one example is x\\[None\\]"),
        ((X, Y[:5]), "x, y: 6 images but 5 labels"),
        ((X[:0], Y[:0]), "x, y: holds no example"),
        ((X, Y - 1), "x, y: label -1 is out of range 0..*numpy.unique"),
        ((X, Y.astype(float)), "x, y: labels must be integers.*float64.*they are whole, so give y.astype\\(int\\)"),
        ((X, Y / 2), "x, y: labels must be integers.*no regression here"),
        ((X, np.eye(3)[Y]), "x, y: labels must be integers.*one-hot, give their numbers, y.argmax\\(axis=1\\)"),
        ((X, np.eye(3, dtype=int)[Y] * 2), "x, y: labels must be integers.*one number, 0 to C - 1, for each example"),
        ((X, Y > 1), "x, y: labels must be integers.*bool.*y.astype\\(int\\)"),
        ((X, np.array(["no", "yes"])[Y % 2]), "x, y: labels must be integers.*numpy.unique"),
        ((np.array([["1", "2.5"], ["3", "red"]]), [0, 1]), "x, y: .*feature number 0 holds '1': turn words"),
        (
            (np.array([[1, 2.5], [3, "red"]], object), [0, 1]),
            "x, y: .*object.*feature number 1 holds 'red': turn words",
        ),
        ((np.array([[1, 2.5], [3, 4]], object), [0, 1]), "x, y: .*object.*all are numbers, so give x.astype"),
        ((np.ma.masked_equal(X, 1), Y), "x, y: 12 values are masked: fill them"),
        ((X, np.ma.masked_equal(Y, 1)), "x, y: 2 values are masked"),
        ((NeedsGradient(), Y), "x, y: must be an array .*requires grad. Use tensor.detach"),
        ((X, Y + 10), "y has label 12, but only 6 examples"),
        ((HOLED, Y), "x, y: example 4 has a NaN or infinite feature, number 1: fill it"),
        ((X * 1e300, Y), "x, y: example 0 has a NaN or infinite"),
        (([[1.0], [1.0, 2.0]], [0, 1]), "x, y: must be an array"),
        ((X, Y, X), "validation: must be a pair of arrays"),
        ((X, Y, (HOLED, Y)), "validation: example 4 has a NaN"),
        ((X, Y, None, (X, Y + 1)), "test has label 3, of which y has no example"),
        ((X, 2 * Y, (X, Y)), "validation has label 1, of which y has no example"),
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
