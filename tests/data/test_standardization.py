import numpy as np
import pytest

from isgd_mpi.data.standardization import Moments, scaling


def statistics_of(x, shape=None):
    moments = Moments()
    moments.add(x)
    return moments.statistics(shape or x.shape[1:])


def images_with_a_border(rng, n):
    """Return images of 9 x 9 pixels, whose first column is dark but for one pixel of one image."""
    x = rng.integers(0, 256, (n, 9, 9), dtype=np.uint8)
    x[:, :, 0] = 0
    x[0, 0, 0] = 3
    return x.reshape(n, 81)


@pytest.mark.parametrize("shape", [None, (9, 9), (1, 9, 9)])
def test_auto_scales_images_with_a_dark_border_by_their_range_whatever_their_type(rng, shape):
    as_bytes = images_with_a_border(rng, 2000)
    as_floats = as_bytes / 255
    got = scaling(statistics_of(as_bytes, shape))
    np.testing.assert_array_equal(got.factor, 1 / 255)
    assert got.text == "pixels less their mean, over 255"
    of_floats = scaling(statistics_of(as_floats, shape))
    np.testing.assert_allclose(
        (as_floats - of_floats.mean) * of_floats.factor, (as_bytes - got.mean) * got.factor, atol=1e-12
    )


def test_images_in_which_every_pixel_varies_are_scaled_pixel_by_pixel(rng):
    x = rng.integers(0, 256, (500, 64), dtype=np.uint8)
    np.testing.assert_array_equal(scaling(statistics_of(x)).factor, 1 / statistics_of(x).std)


@pytest.mark.parametrize("n_features", [10, 16, 64, 100])
def test_a_table_of_bytes_with_a_constant_column_is_no_image(rng, n_features):
    x = (rng.integers(0, 256, (500, n_features)) // (1 + np.arange(n_features) % 50)).astype(np.uint8)
    x[:, 3] = 7
    got = scaling(statistics_of(x))
    standardised = (x - got.mean) * got.factor
    np.testing.assert_allclose(standardised.std(axis=0), np.arange(n_features) != 3, rtol=1e-12)
    assert "(1 that never vary: 0)" in got.text


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_a_feature_that_deviates_in_one_example_is_bounded(rng, dtype):
    x = rng.integers(0, 200, (8000, 3)).astype(dtype)
    x[:, 1] = 0
    x[77, 1] = 5
    got = scaling(statistics_of(x))
    standardised = (x - got.mean) * got.factor
    assert 19.9 < standardised.max() <= 20  # and not 89
    np.testing.assert_allclose(standardised[:, [0, 2]].std(axis=0), 1)
    assert "(1 that hardly vary: over a twentieth of their range)" in got.text


def test_the_ways_of_scaling(rng):
    x = np.float32([10, -1, 5]) + np.float32([2, 3, 0]) * rng.random((50, 3), np.float32)
    statistics = statistics_of(x)
    mean, spread = x.mean(axis=0, dtype=float), np.ptp(x.astype(float), axis=0)
    by_range = scaling(statistics, "range")
    np.testing.assert_allclose(
        (x - by_range.mean) * by_range.factor, (x - mean) / np.where(spread, spread, 1), atol=1e-9
    )
    none = scaling(statistics, "none")
    np.testing.assert_array_equal((x - none.mean) * none.factor, x)
    assert {scaling(statistics, name).text for name in ("none", "range")} == {
        "as they are",
        "each less its mean, over its range",
    }


def test_the_scale_of_a_feature_that_never_varies_is_zero():
    x = np.array([[2.0, 0.1], [-2, 0.1]])
    np.testing.assert_array_equal(scaling(statistics_of(x)).factor, [0.5, 0])
    np.testing.assert_array_equal(scaling(statistics_of(x), "range").factor, [0.25, 0])


def test_features_whose_squares_vanish_are_not_constant(rng):
    x = 1e-170 * rng.standard_normal((400, 2))
    std = statistics_of(x).std
    assert (x.std(axis=0) == 0).all() and (std > 0).all()
