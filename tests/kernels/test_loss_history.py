import numpy as np
import pytest
import reference

from isgd_mpi.kernels.loss_history import append_losses, average_by_class

pytestmark = pytest.mark.kernels
DTYPES = [np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n_examples", "size", "n_losses"), [(5, 3, 20), (1, 1, 3), (4, 10, 7), (3, 2, 0)])
def test_append_losses(variant, rng, n_examples, size, n_losses, dtype):
    history, lengths = rng.random((n_examples, size)).astype(dtype), rng.integers(0, size + 1, n_examples, np.int8)
    rows, losses = rng.integers(n_examples, size=n_losses), rng.random(n_losses).astype(dtype)
    expected = reference.append_losses(history, lengths, rows, losses)
    variant(append_losses)(history, lengths, rows, losses)
    for entries, length, wanted in zip(history, lengths, expected):
        np.testing.assert_array_equal(entries[size - length :], wanted)


@pytest.mark.parametrize("dtype", DTYPES)
def test_average_by_class(variant, rng, dtype):
    moments, losses = rng.random((4, 2)), rng.exponential(size=30).astype(dtype)
    classes = rng.integers(0, 3, 30)
    expected = reference.average_by_class(moments, classes, losses.astype(float), 0.9)
    got = moments.copy()
    variant(average_by_class)(got, classes, losses, 0.9)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    np.testing.assert_array_equal(got[3], moments[3])
