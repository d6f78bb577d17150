import numpy as np
import pytest
import reference

from isgd_mpi.kernels.windows import N_PROBES, longest_window

pytestmark = pytest.mark.kernels
LENGTHS, LEAST, AGREE = np.array([1, 2, 3, 5, 9]), 4.0, 1.5


def summed(blocks, n_blocks=12):
    """The sums of blocks of means and probes, as the kernel takes them."""
    out = np.zeros((n_blocks, N_PROBES + 3))
    for row, (means, probes) in zip(out, blocks):
        row[:] = [len(means), *means.sum(axis=0), *(means.T @ means).ravel(), len(probes), *probes.sum(axis=0)]
    return out


def drawn(rng, sizes, n_probes, scales):
    """Blocks with so many minibatches and probes, whose means grow with the age of the block by a factor."""
    return [
        (scale * rng.uniform(1, 2, (size, 3)), scale * rng.uniform(0.1, 0.2, (probes, 2)))
        for size, probes, scale in zip(sizes, n_probes, scales)
    ]


@pytest.mark.parametrize("sizes", [[0], [3], [4], [0, 8, 8], [2, 8, 8, 8], [6] * 12], ids=str)
@pytest.mark.parametrize("n_probes", ["none", "each", "old"])
@pytest.mark.parametrize("growth", [1.0, 1.3, 3.0])
def test_the_longest_window_is_the_last_before_two_disagree(variant, rng, sizes, n_probes, growth):
    counts = {"none": [0] * 12, "each": [1] * 12, "old": [0, 0, 0, 1, 1] + [0] * 7}[n_probes]
    blocks = drawn(rng, sizes, counts, growth ** np.arange(12))
    means, covariance = np.empty(4), np.empty((4, 4))
    n = variant(longest_window)(summed(blocks), LENGTHS, LEAST, AGREE, means, covariance)
    expected = reference.longest_window(blocks, LENGTHS, LEAST, AGREE)
    assert n == expected[2]
    np.testing.assert_allclose(means, expected[0], rtol=1e-12)
    np.testing.assert_allclose(covariance, expected[1], rtol=1e-9, atol=1e-15)


def test_the_faster_means_change_the_shorter_is_the_window(rng):
    blocks = [drawn(rng, [6] * 12, [1] * 12, growth ** np.arange(12)) for growth in (1.0, 1.1, 3.0)]
    n = [longest_window(summed(each), LENGTHS, LEAST, AGREE, np.empty(4), np.empty((4, 4))) for each in blocks]
    assert n[0] > n[1] > n[2] == 6
