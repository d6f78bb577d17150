import numpy as np
import pytest
import reference

from isgd_mpi.kernels.gather import add_moments, gather_standardized, standardize

pytestmark = pytest.mark.kernels
TOLERANCE = {np.float32: 2e-6, np.float64: 1e-12}


def random_images(rng, shape, dtype):
    if dtype is np.uint8:
        return rng.integers(0, 256, shape, dtype=np.uint8)
    return rng.normal(5, 3, shape).astype(dtype)


def standardization(n_features):
    rng = np.random.default_rng(7)
    return rng.normal(100, 10, n_features).astype("f4"), rng.uniform(0.01, 0.1, n_features).astype("f4")


@pytest.mark.parametrize("image_dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("out_dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n_images", "n_indices", "n_features"), [(7, 5, 33), (1, 1, 1), (3, 8, 1), (4, 0, 6)])
def test_gather_standardized(variant, image_dtype, out_dtype, n_images, n_indices, n_features):
    rng = np.random.default_rng(0)
    images = random_images(rng, (n_images, n_features), image_dtype)
    images.flags.writeable = False
    indices = rng.integers(0, n_images, n_indices)
    mean, inverse_std = standardization(n_features)
    got = np.full((n_indices, n_features), np.nan, dtype=out_dtype)
    variant(gather_standardized)(images, indices, mean, inverse_std, got)
    expected = reference.gather_standardized(images, indices, mean, inverse_std)
    np.testing.assert_allclose(got, expected, rtol=TOLERANCE[out_dtype], atol=20 * TOLERANCE[out_dtype])


@pytest.mark.parametrize("image_dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("out_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5, 33), (1, 1), (0, 4)])
def test_standardize(variant, image_dtype, out_dtype, shape):
    images = random_images(np.random.default_rng(1), shape, image_dtype)
    mean, inverse_std = standardization(shape[1])
    got = np.full(shape, np.nan, dtype=out_dtype)
    variant(standardize)(images, mean, inverse_std, got)
    expected = reference.standardize(images, mean, inverse_std)
    np.testing.assert_allclose(got, expected, rtol=TOLERANCE[out_dtype], atol=20 * TOLERANCE[out_dtype])


def test_gathering_in_order_is_standardizing():
    images = random_images(np.random.default_rng(2), (9, 50), np.uint8)
    gathered, consecutive = np.empty((2, 9, 50), dtype=np.float32)
    gather_standardized(images, np.arange(9), *standardization(50), gathered)
    standardize(images, *standardization(50), consecutive)
    np.testing.assert_array_equal(gathered, consecutive)


@pytest.mark.parametrize("index", [-1, 3, 2**40])
def test_index_outside_the_data_set_is_refused(variant, index):
    images, out = np.zeros((3, 4), np.uint8), np.zeros((2, 4), np.float32)
    with pytest.raises(IndexError, match="outside the data set"):
        variant(gather_standardized)(images, np.array([0, index]), *standardization(4), out)


def test_nan_in_nan_out(variant):
    images = np.array([[1, np.nan, 3]], dtype=np.float32)
    out = np.empty((1, 3), np.float32)
    variant(standardize)(images, *standardization(3), out)
    np.testing.assert_array_equal(np.isnan(out), [[False, True, False]])


@pytest.mark.parametrize("image_dtype", [np.uint8, np.float32])
def test_add_moments_in_two_parts(variant, image_dtype):
    images = random_images(np.random.default_rng(3), (20, 6), image_dtype)
    shift, sums, squared_sums = images[0].astype(float), np.zeros(6), np.zeros(6)
    for part in (images[:13], images[13:]):
        variant(add_moments)(part, shift, sums, squared_sums)
    mean = sums / 20
    np.testing.assert_allclose(shift + mean, images.mean(axis=0, dtype=float), rtol=1e-13)
    variance = squared_sums / 20 - mean**2
    np.testing.assert_allclose(variance, images.astype(float).var(axis=0), rtol=1e-12)


def test_a_constant_feature_has_no_variance_at_all(variant):
    images = np.full((1000, 2), 0.1, dtype=np.float32)
    sums, squared_sums = np.zeros((2, 2))
    variant(add_moments)(images, images[0].astype(float), sums, squared_sums)
    assert not sums.any() and not squared_sums.any()
