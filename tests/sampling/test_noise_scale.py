"""Tests of the gradient noise scale and of the number of distinct examples in a minibatch."""

from itertools import product

import numpy as np
import pytest

from isgd_mpi.sampling.noise_scale import NoiseScale
from isgd_mpi.sampling.proposal import Proposal
from isgd_mpi.sampling.variance import distinct_examples

UNKNOWN = {"noise_scale": np.nan, "noise_scale_error": np.nan}


def after(probes):
    """Return the noise scale after probes: steps, second moment, |mu|^2 and its variance of each."""
    noise = NoiseScale()
    for probe in probes:
        noise.observe(*probe)
    return noise


@pytest.mark.parametrize("n", [1, 15, 16, 17, 100, 1000])
def test_noise_scale_is_trace_of_covariance_over_squared_mean(n):
    figures = after([(32, 5.0, 0.1, 1e-6)] * n).figures()
    np.testing.assert_allclose(figures["noise_scale"], (5 - 0.1) / 0.1)
    averaged = (figures["noise_scale_error"] / (5 / 0.1**2 * 1e-3)) ** -2  # probes
    assert n / 2 - 1e-9 < averaged < n / 2 + n / 8 + 1


def test_noise_scale_is_that_of_the_last_half():
    """The early gradients, which are much larger, do not count; values are pooled, not their ratios."""
    early, late = [(8, 500.0, 100.0, 0.0)] * 400, [(8, 4.0, 0.3, 0.0), (8, 4.0, -0.1, 0.0)] * 300
    np.testing.assert_allclose(after(early + late).figures()["noise_scale"], 4 / 0.1 - 1)


def test_noise_scale_is_unknown_where_the_squared_mean_drowns_in_noise():
    assert after([]).figures() == pytest.approx(UNKNOWN, nan_ok=True)
    assert after([(8, np.nan, 1.0, 0.0), (0, 1.0, 1.0, 0.0)]).figures() == pytest.approx(UNKNOWN, nan_ok=True)
    assert after([(8, 1.0, -0.1, 0.01)]).figures() == pytest.approx(UNKNOWN, nan_ok=True)
    noisy = after([(8, 1.0, 0.1, 0.01)]).figures()
    assert np.isnan(noisy["noise_scale"]) and noisy["noise_scale_error"] == pytest.approx(10)


def test_noise_scale_goes_on_from_its_state():
    probes = [(n, 5.0 + n, 0.1 * n, 1e-6) for n in range(1, 50)]
    noise = NoiseScale()
    noise.restore(after(probes[:20]).state())
    for probe in probes[20:]:
        noise.observe(*probe)
    assert noise.figures() == after(probes).figures()


WEIGHTS = np.array([0.1, 0.4, 2.0, 1.0, 1.5])


def test_distinct_examples_of_independent_draws():
    q = WEIGHTS / WEIGHTS.sum()
    expected = sum(len(set(drawn)) * q[list(drawn)].prod() for drawn in product(range(5), repeat=3))
    np.testing.assert_allclose(distinct_examples(WEIGHTS, 5, 3, "multinomial"), expected)


def test_distinct_examples_of_systematic_sampling():
    proposal = Proposal(WEIGHTS.copy(), np.arange(5))

    class Offsets:
        """Generate evenly spaced offsets in turn."""

        def __init__(self):
            self.turn = iter((np.arange(3000) + 0.5) / 3000)

        def random(self):
            return next(self.turn)

    offsets = Offsets()
    counts = [len(set(proposal.draw(3, "systematic", offsets)[0])) for _ in range(3000)]
    np.testing.assert_allclose(distinct_examples(WEIGHTS, 5, 3, "systematic"), np.mean(counts), rtol=1e-3)
    assert distinct_examples(np.ones(7), 1000, 16, "systematic") == pytest.approx(16)
