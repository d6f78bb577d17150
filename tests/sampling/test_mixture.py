import numpy as np
import pytest
import reference
from reference import python_of

from isgd_mpi.kernels.sampling import add_second_moments
from isgd_mpi.sampling.mixture import LEAST, Mixture
from isgd_mpi.sampling.proposal import mix

N = 50


@pytest.fixture
def norms(rng):
    return rng.exponential(size=N)


@pytest.fixture
def base_weights(rng):
    weights = rng.exponential(size=N)
    return weights / weights.mean()


@pytest.mark.kernels
@pytest.mark.parametrize("size", [1, 7, N])
def test_add_second_moments(variant, rng, size):
    squared, weights, shares = rng.exponential(size=(3, size))
    squared[0], weights[0] = 0, 0  # an example without gradient and weight counts for nothing
    mixtures = np.array([0.0, 0.03, 0.5, 1.0])
    got = np.full(4, 2.0)
    variant(add_second_moments)(squared, weights, shares, mixtures, got)
    expected = 2 + reference.add_second_moments(squared, weights, shares, mixtures)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.kernels
def test_add_second_moments_passes_nan_on():
    out = np.zeros(2)
    python_of(add_second_moments)(np.array([np.nan]), np.ones(1), np.ones(1), np.array([0.1, 1.0]), out)
    assert np.isnan(out).all()


def second_moment(norms, base_weights, mixture):
    """The trace of the covariance plus |mu|^2, as method.md section 2 has it."""
    weights = mix(base_weights, mixture)
    return weights.mean() * (norms**2 / weights).mean()


@pytest.mark.parametrize("value", [0.0, 0.2, 1.0])
def test_a_fixed_mixture_stays_and_knows_its_second_moment(norms, base_weights, value):
    mixture = Mixture(value, N, N)
    assert np.isnan(mixture.second_moment_ratio)
    mixture.observe(norms, base_weights)
    mixture.choose()
    assert mixture.value == value
    ratio = second_moment(norms, base_weights, value) / (norms**2).mean()
    np.testing.assert_allclose(mixture.second_moment_ratio, ratio, rtol=1e-12)


def chosen(norms, base_weights, times=20):
    mixture = Mixture("auto", N, N)
    for _ in range(times):
        mixture.observe(norms, base_weights)
        mixture.choose()
    return mixture


def test_the_automatic_mixture_has_the_least_second_moment(rng, base_weights):
    norms = base_weights + rng.exponential(size=N)  # scores that are somewhat out of date
    mixture = chosen(norms, base_weights)
    least = min(second_moment(norms, base_weights, value) for value in np.linspace(LEAST, 1, 200))
    assert LEAST < mixture.value < 1
    assert second_moment(norms, base_weights, mixture.value) < 1.01 * least


def test_fresh_scores_want_a_small_mixture_and_worthless_ones_the_uniform_proposal(rng, norms, base_weights):
    mixture = chosen(base_weights, base_weights)
    assert mixture.value < 3 * LEAST
    assert second_moment(base_weights, base_weights, mixture.value) < 1.01 * second_moment(
        base_weights, base_weights, LEAST
    )
    assert chosen(1 / (base_weights + 0.01), base_weights).value == 1


def test_what_makes_no_difference_changes_nothing(base_weights):
    mixture = Mixture("auto", N, N)
    first = mixture.value
    mixture.observe(np.ones(N), np.ones(N))
    mixture.choose()
    assert mixture.value == first


def test_the_mixture_rises_at_once_and_falls_by_a_factor_of_four_a_memory(base_weights):
    mixture = chosen(base_weights, base_weights)
    mixture.observe(1 / (base_weights + 0.01), base_weights)
    mixture.choose()
    assert mixture.value == 1
    mixture.observe(base_weights, base_weights)
    mixture.choose()
    np.testing.assert_allclose(mixture.value, 0.25)
    mixture.observe(base_weights[: N // 2], base_weights[: N // 2])
    mixture.choose()
    np.testing.assert_allclose(mixture.value, 0.125)


def test_the_mixture_falls_to_the_least_after_any_number_of_memories(base_weights):
    mixture = chosen(base_weights, base_weights)
    mixture.observe(1 / (base_weights + 0.01), base_weights)
    mixture.choose()
    for _ in range(600):  # of three examples a single refresh has as many
        mixture.observe(base_weights, base_weights)
    mixture.choose()
    assert mixture.value == LEAST


def test_drawn_norms_let_the_mixture_fall_as_fresh_ones_do(base_weights):
    mixture = chosen(base_weights, base_weights)
    mixture.observe(1 / (base_weights + 0.01), base_weights)
    mixture.choose()
    mixture.observe(base_weights, base_weights)
    mixture.react(base_weights[: N // 2], base_weights[: N // 2], np.ones(N // 2))
    mixture.choose()
    np.testing.assert_allclose(mixture.value, 0.125)


def test_drawn_examples_stand_for_their_importance_weights(norms, base_weights):
    # each example as often as it is drawn on average: together they give what all examples give
    weights = mix(base_weights, 0.2)
    drawn = Mixture(0.2, N, N)
    drawn.observe(norms, base_weights, weights * (1 / weights))
    every = Mixture(0.2, N, N)
    every.observe(norms, base_weights)
    np.testing.assert_allclose(drawn.second_moment_ratio, every.second_moment_ratio, rtol=1e-12)
    unweighted = Mixture(0.2, N, N)
    unweighted.observe(norms, base_weights, weights)  # the negative control
    assert abs(unweighted.second_moment_ratio / every.second_moment_ratio - 1) > 1e-3


def test_norms_that_fall_while_a_model_learns_count_alike(norms, base_weights):
    falling, steady = Mixture("auto", N, N), Mixture("auto", N, N)
    for scale in (1.0, 0.01):
        falling.observe(scale * norms[: N // 2], base_weights[: N // 2])
        steady.observe(norms[: N // 2], base_weights[: N // 2])
    np.testing.assert_allclose(falling.second_moment_ratio, steady.second_moment_ratio, rtol=1e-12)


def test_an_infinite_moment_does_not_last(norms, base_weights):
    mixture = Mixture(0.0, N, N)
    with np.errstate(divide="ignore"):
        mixture.observe(norms[:5], np.zeros(5))
    assert mixture.second_moment_ratio == np.inf
    mixture.observe(norms[:5], base_weights[:5])
    assert np.isfinite(mixture.second_moment_ratio)


def surprise(mixture, base_weights, times):
    """Show norms that have nothing to do with their scores, as if drawn."""
    norms = 1 / (base_weights + 0.01)
    return [mixture.react(norms, base_weights, np.ones(N)) for _ in range(times)]


def test_drawn_minibatches_raise_the_mixture_once_there_are_enough(base_weights):
    mixture = chosen(base_weights, base_weights)
    changes = surprise(mixture, base_weights, 800 // N)
    assert changes.index(True) == 800 // N - 1 and mixture.value == 1
    assert not any(surprise(mixture, base_weights, 5))


def test_a_refresh_of_all_scores_forgets_what_was_drawn(base_weights):
    mixture = chosen(base_weights, base_weights)
    calm = mixture.value
    surprise(mixture, base_weights, 20)
    mixture.observe(base_weights[:5], base_weights[:5])
    mixture.choose()
    assert mixture.value == 1  # a few scores are new: what is drawn is still drawn by the old ones
    mixture.observe(base_weights, base_weights)
    mixture.choose()
    assert mixture.value == calm


def test_drawn_minibatches_lower_the_mixture_only_to_what_was_chosen(base_weights):
    mixture = chosen(base_weights, base_weights)
    before = mixture.value
    surprise(mixture, base_weights, 20)
    calm = [mixture.react(base_weights, base_weights, np.ones(N)) for _ in range(2000)]
    assert any(calm)
    assert before <= mixture.value < 1.4 * before


def test_a_fixed_mixture_does_not_react(base_weights):
    mixture = Mixture(0.1, N, N)
    assert not any(surprise(mixture, base_weights, 40)) and mixture.value == 0.1
