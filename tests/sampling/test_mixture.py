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
    assert refresh(mixture, norms, base_weights) == value
    ratio = second_moment(norms, base_weights, value) / (norms**2).mean()
    np.testing.assert_allclose(mixture.second_moment_ratio, ratio, rtol=1e-12)


def refresh(mixture, norms, base_weights):
    """Show fresh norms, and let the mixture choose; return its value."""
    mixture.observe(norms, base_weights)
    mixture.choose()
    return mixture.value


def chosen(norms, base_weights):
    mixture = Mixture("auto", N, N)
    for _ in range(20):
        refresh(mixture, norms, base_weights)
    return mixture


@pytest.fixture
def worthless(base_weights):
    """Norms that are large where the weights are small."""
    return 1 / (base_weights + 0.01)


@pytest.fixture
def risen(base_weights, worthless):
    """A mixture that has just risen from the least value to 1."""
    mixture = chosen(base_weights, base_weights)
    assert refresh(mixture, worthless, base_weights) == 1
    return mixture


def test_the_automatic_mixture_has_the_least_second_moment(rng, base_weights):
    norms = base_weights + rng.exponential(size=N)  # scores that are somewhat out of date
    mixture = chosen(norms, base_weights)
    least = min(second_moment(norms, base_weights, value) for value in np.linspace(LEAST, 1, 200))
    assert LEAST < mixture.value < 1
    assert second_moment(norms, base_weights, mixture.value) < 1.01 * least


def test_the_second_moments_of_many_examples_are_those_of_each_within_a_thousandth(rng):
    weights = rng.lognormal(sigma=1.5, size=5000)
    weights /= weights.mean()
    norms = (weights * rng.lognormal(sigma=0.5, size=5000)).astype(np.float32)
    mixture = Mixture("auto", 5000, 5000)
    mixture.observe(norms, weights)
    mixture.value = LEAST
    expected = second_moment(norms, weights, LEAST) / second_moment(norms, weights, 1)
    np.testing.assert_allclose(mixture.second_moment_ratio, expected, rtol=1e-3)


def test_fresh_scores_want_a_small_mixture_and_worthless_ones_the_uniform_proposal(base_weights, worthless):
    small = chosen(base_weights, base_weights).value
    got, least = (second_moment(base_weights, base_weights, value) for value in (small, LEAST))
    assert small < 3 * LEAST and got < 1.01 * least
    assert chosen(worthless, base_weights).value == 1


def test_what_makes_no_difference_changes_nothing(base_weights):
    mixture = Mixture("auto", N, N)
    first = mixture.value
    assert refresh(mixture, np.ones(N), np.ones(N)) == first


def test_the_mixture_rises_at_once_and_falls_by_a_factor_of_four_a_memory(base_weights, risen):
    half = base_weights[: N // 2]
    np.testing.assert_allclose(refresh(risen, base_weights, base_weights), 0.25)
    np.testing.assert_allclose(refresh(risen, half, half), 0.125)


def test_the_mixture_falls_to_the_least_after_any_number_of_memories(base_weights, risen):
    for _ in range(599):  # of three examples a single refresh has as many
        risen.observe(base_weights, base_weights)
    assert refresh(risen, base_weights, base_weights) == LEAST


def test_drawn_norms_let_the_mixture_fall_as_fresh_ones_do(base_weights, risen):
    half = base_weights[: N // 2]
    risen.react(half, half, np.ones(N // 2))
    np.testing.assert_allclose(refresh(risen, base_weights, base_weights), 0.125)


def test_drawn_examples_stand_for_their_importance_weights(norms, base_weights):
    # each example as often as it is drawn on average: together they give what all examples give
    weights = mix(base_weights, 0.2)
    ratios = []
    for shares in (None, weights * (1 / weights), weights):
        mixture = Mixture(0.2, N, N)
        mixture.observe(norms, base_weights, shares)
        ratios.append(mixture.second_moment_ratio)
    every, drawn, unweighted = ratios
    np.testing.assert_allclose(drawn, every, rtol=1e-12)
    assert abs(unweighted / every - 1) > 1e-3  # the negative control


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


def react(mixture, norms, base_weights, times):
    """Show norms as if drawn, some times; return whether the value changed, each time."""
    return [mixture.react(norms, base_weights, np.ones(N)) for _ in range(times)]


def test_drawn_minibatches_raise_the_mixture_once_there_are_enough(base_weights, worthless):
    mixture = chosen(base_weights, base_weights)
    changes = react(mixture, worthless, base_weights, 800 // N)
    assert changes.index(True) == 800 // N - 1 and mixture.value == 1
    assert not any(react(mixture, worthless, base_weights, 5))


def test_a_refresh_of_all_scores_forgets_what_was_drawn(base_weights, worthless):
    mixture = chosen(base_weights, base_weights)
    calm = mixture.value
    react(mixture, worthless, base_weights, 20)
    # a few scores are new: the minibatches are still drawn by the old ones
    assert refresh(mixture, base_weights[:5], base_weights[:5]) == 1
    assert refresh(mixture, base_weights, base_weights) == calm


def test_drawn_minibatches_lower_the_mixture_only_to_what_was_chosen(base_weights, worthless):
    mixture = chosen(base_weights, base_weights)
    before = mixture.value
    react(mixture, worthless, base_weights, 20)
    assert any(react(mixture, base_weights, base_weights, 2000))
    assert before <= mixture.value < 1.4 * before


def test_a_fixed_mixture_does_not_react(base_weights, worthless):
    mixture = Mixture(0.1, N, N)
    assert not any(react(mixture, worthless, base_weights, 40)) and mixture.value == 0.1
