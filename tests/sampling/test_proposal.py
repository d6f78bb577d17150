import numpy as np
import pytest
import reference
from samplers import FixedOffset

from isgd_mpi.sampling.proposal import Proposal, biased_weights, mix, prob_weights_from_scores, stratified_order
from isgd_mpi.sampling.variance import effective_sample_size, entropy

N = 9
CHI_SQUARED_8 = 26.12  # exceeded by one in a thousand, with 8 degrees of freedom
PROPOSALS = {
    "uniform": lambda scores: np.ones(N),
    "scores": lambda scores: prob_weights_from_scores(scores),
    "unnormalised": lambda scores: 17.3 * scores,
    "smoothed": lambda scores: prob_weights_from_scores(scores, smoothing=0.7),
    "mixture 0.1": lambda scores: mix(prob_weights_from_scores(scores), 0.1),
    "mixture 1": lambda scores: mix(prob_weights_from_scores(scores), 1.0),
    "smoothed mixture": lambda scores: mix(prob_weights_from_scores(scores, smoothing=0.2), 0.5),
    "stale": lambda scores: mix(prob_weights_from_scores(scores[::-1].copy()), 0.1),
    "power": lambda scores: prob_weights_from_scores(scores, power=0.5),
    "power, smoothed": lambda scores: prob_weights_from_scores(scores, smoothing=0.3, power=2.0),
    "rounded": lambda scores: prob_weights_from_scores(np.ceil(scores)),
}


@pytest.fixture
def gradients(rng):
    return rng.standard_normal((N, 4)) * rng.exponential(size=(N, 1))


@pytest.fixture
def scores(gradients):
    return np.linalg.norm(gradients, axis=1)


@pytest.fixture
def order(rng):
    return rng.permutation(N)


@pytest.fixture(params=PROPOSALS)
def prob_weights(request, scores):
    return PROPOSALS[request.param](scores.copy())


def estimate(sampler, gradients, size, sampling, offset):
    """Gradient of the minibatch that this offset draws."""
    indices, importance_weights = sampler.draw(size, sampling, FixedOffset(offset))
    return importance_weights @ gradients[indices] / size


def expected_estimate(sampler, gradients, order, size, sampling):
    """Exact expectation of the minibatch gradient."""
    return reference.integrate_over_offsets(
        sampler.prob_weights[order], size, lambda offset: estimate(sampler, gradients, size, sampling, offset)
    )


@pytest.mark.parametrize("size", [1, 2, 5, 32])
def test_systematic_gradients_are_unbiased(prob_weights, gradients, order, size):
    got = expected_estimate(Proposal(prob_weights, order), gradients, order, size, "systematic")
    np.testing.assert_allclose(got, gradients.mean(axis=0), atol=1e-9)


def test_each_independent_draw_is_unbiased(prob_weights, gradients, order):
    got = expected_estimate(Proposal(prob_weights, order), gradients, order, 1, "multinomial")
    np.testing.assert_allclose(got, gradients.mean(axis=0), atol=1e-9)


def test_importance_weights_are_one_over_n_q_and_make_the_gradient_unbiased(prob_weights, gradients, order):
    proposal = Proposal(prob_weights, order)
    q = prob_weights / prob_weights.sum()
    expectation = (q * proposal.importance_weights(np.arange(N))) @ gradients
    np.testing.assert_allclose(expectation, gradients.mean(axis=0), rtol=1e-12)
    indices = np.array([3, 0, 3, 8])
    np.testing.assert_allclose(proposal.importance_weights(indices), 1 / (N * q[indices]), rtol=1e-12)
    drawn, importance_weights = proposal.draw(20, "multinomial", np.random.default_rng(0))
    np.testing.assert_allclose(importance_weights, 1 / (N * q[drawn]), rtol=1e-12)


class ForgetsTheOrder(Proposal):
    def draw(self, size, sampling, rng):
        indices, _ = super().draw(size, sampling, rng)
        positions = np.argsort(self._order)[indices]
        return positions, self.importance_weights(positions)


class SelfNormalised(Proposal):
    def draw(self, size, sampling, rng):
        indices, importance_weights = super().draw(size, sampling, rng)
        return indices, importance_weights / importance_weights.mean()


class Unweighted(Proposal):
    def draw(self, size, sampling, rng):
        indices, _ = super().draw(size, sampling, rng)
        return indices, np.ones(size)


@pytest.mark.parametrize("wrong", [ForgetsTheOrder, SelfNormalised, Unweighted])
@pytest.mark.parametrize("sampling", ["systematic", "multinomial"])
def test_a_wrong_sampler_is_found_out(wrong, sampling, gradients, scores, order):
    sampler = wrong(mix(prob_weights_from_scores(scores), 0.1), order)
    size = 3 if sampling == "systematic" else 1
    bias = expected_estimate(sampler, gradients, order, size, sampling) - gradients.mean(axis=0)
    assert np.abs(bias).max() > 1e-3


@pytest.mark.parametrize(("sampling", "size", "n_draws"), [("multinomial", 20_000, 1), ("systematic", 1, 20_000)])
def test_draws_have_the_proposals_distribution(prob_weights, order, rng, sampling, size, n_draws):
    proposal = Proposal(prob_weights, order)
    indices = np.concatenate([proposal.draw(size, sampling, rng)[0] for _ in range(n_draws)])
    counts = np.bincount(indices, minlength=N)
    expected = len(indices) * prob_weights / prob_weights.sum()
    assert ((counts - expected) ** 2 / expected).sum() < CHI_SQUARED_8


def test_draws_are_those_of_the_seed(prob_weights, order):
    proposal = Proposal(prob_weights, order)
    for sampling in ("systematic", "multinomial"):
        first, again, other = (proposal.draw(40, sampling, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert sampling == "systematic" or (first != other).any()


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_prob_weights_have_mean_one_and_overwrite_the_scores(scores, power):
    given = scores.copy()
    got = prob_weights_from_scores(given, 0.2, power)
    assert got is given
    smoothed = scores**power + 0.2
    np.testing.assert_allclose(got, smoothed / smoothed.mean(), rtol=1e-14)
    np.testing.assert_allclose(got.mean(), 1, rtol=1e-14)


@pytest.mark.parametrize("mixture", [0.0, 0.3, 1.0])
def test_a_mixture_is_a_new_array_of_mean_one(scores, mixture):
    weights = prob_weights_from_scores(scores)
    got = mix(weights, mixture)
    np.testing.assert_allclose(got, (1 - mixture) * weights + mixture, rtol=1e-14)
    np.testing.assert_allclose(got.mean(), 1, rtol=1e-14)
    assert not np.shares_memory(got, weights)


@pytest.mark.parametrize("mixture", [0.01, 0.1, 0.5, 1.0])
def test_the_mixture_bounds_every_importance_weight(scores, order, mixture):
    scores[2] = 0
    scores[5] *= 1e9
    proposal = Proposal(mix(prob_weights_from_scores(scores), mixture), order)
    largest = proposal.importance_weights(np.arange(N)).max()
    np.testing.assert_allclose(largest, 1 / mixture, rtol=1e-6)


@pytest.mark.parametrize("smoothing", [1e-6, 0.3, 10.0])
def test_additive_smoothing_is_a_mixture(scores, smoothing):
    mixture = smoothing / (scores.mean() + smoothing)
    smoothed = prob_weights_from_scores(scores.copy(), smoothing=smoothing)
    np.testing.assert_allclose(mix(prob_weights_from_scores(scores), mixture), smoothed, rtol=1e-13)


@pytest.mark.parametrize("power", [0.5, 1.0])
@pytest.mark.parametrize("bad", [[0, 0, 0], [1, np.nan, 1], [1, np.inf, 1]])
def test_scores_that_form_no_proposal_are_refused(bad, power):
    with pytest.raises(ValueError, match="all scores are zero|scores are not finite"):
        prob_weights_from_scores(np.array(bad, float), power=power)


def test_zero_scores_form_a_proposal_once_they_are_smoothed():
    np.testing.assert_array_equal(prob_weights_from_scores(np.zeros(3), smoothing=2.0), np.ones(3))


@pytest.mark.parametrize("sampling", ["systematic", "multinomial"])
@pytest.mark.parametrize("mixture", [0.0, 0.03, 0.4, 1.0])
def test_a_uniform_part_may_be_mixed_in_later(scores, order, rng, sampling, mixture):
    base = prob_weights_from_scores(scores)
    whole, later = Proposal(mix(base, mixture), order), Proposal(base, order, 0.7).with_mixture(mixture)
    np.testing.assert_allclose(later.prob_weights, whole.prob_weights, rtol=1e-15)
    draws = [proposal.draw(300, sampling, np.random.default_rng(5)) for proposal in (whole, later)]
    np.testing.assert_array_equal(draws[0][0], draws[1][0])
    np.testing.assert_allclose(draws[0][1], draws[1][1], rtol=1e-13)


@pytest.mark.parametrize("sampling", ["systematic", "multinomial"])
def test_an_example_of_weight_zero_is_never_drawn(scores, order, rng, sampling):
    scores[[0, 4, 8]] = 0
    proposal = Proposal(prob_weights_from_scores(scores), order)
    indices, importance_weights = proposal.draw(5000, sampling, rng)
    assert not np.isin(indices, [0, 4, 8]).any() and np.isfinite(importance_weights).all()


def test_a_proposal_is_immutable(scores, order):
    proposal = Proposal(prob_weights_from_scores(scores), order)
    with pytest.raises(ValueError, match="read-only"):
        proposal.prob_weights[0] = 1


@pytest.mark.parametrize("mixture", [0.0, 0.2])
def test_typical_weights_have_the_entropy_and_the_effective_sample_size_of_all(rng, mixture):
    n = 50_000
    weights = prob_weights_from_scores(rng.lognormal(sigma=1.5, size=n))
    proposal = Proposal(weights, np.argsort(weights), mixture)
    assert len(proposal.typical_rows(n)) == n
    some, every = proposal.prob_weights_of(proposal.typical_rows(4000)), proposal.prob_weights
    assert 4000 <= len(some) < 5000
    np.testing.assert_allclose(entropy(some) + np.log(proposal.n_examples / len(some)), entropy(every), rtol=0.01)
    np.testing.assert_allclose(effective_sample_size(some), effective_sample_size(every), rtol=0.05)


def random_examples(rng, n, n_classes):
    labels, predictions = rng.integers(0, n_classes, (2, n), dtype=np.int32)
    return labels, predictions, rng.exponential(size=n).astype(np.float32)


def level_of(weights):
    """The eighth of an octave that a weight lies in, from 2**-12 to 2**8."""
    mantissa, exponent = np.frexp(weights.astype(float))
    return np.where(weights > 0, np.clip(8 * (exponent - 1 + 12) + np.floor(16 * mantissa - 8), 0, 159), 0)


@pytest.mark.parametrize(
    ("n", "n_classes"), [(1, 1), (2, 1), (3, 2), (500, 10), (4097, 20), (4097, 21), (50_000, 1000), (5, 2**20)]
)
def test_stratified_order_is_a_lexsort_by_class_prediction_and_level_of_the_weight(rng, n, n_classes):
    labels, predictions, weights = random_examples(rng, n, n_classes)
    labels[0] = predictions[0] = n_classes - 1
    weights[: n // 3] = 0
    weights[n // 2] = 1e9
    order = stratified_order(labels, predictions, weights, n_classes)
    np.testing.assert_array_equal(order, np.lexsort((np.arange(n), level_of(weights), predictions, labels)))


def test_stratified_order_leaves_its_arguments_alone(rng):
    arguments = random_examples(rng, 50, 4)
    copies = [array.copy() for array in arguments]
    stratified_order(*arguments, 4)
    for array, expected in zip(arguments, copies):
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("uniform", [True, False])
def test_systematic_sampling_along_the_strata_has_less_variance_than_independent_draws(rng, uniform):
    n, size = 120, 16
    labels = rng.integers(0, 5, n, dtype=np.int32)
    gradients = rng.standard_normal((5, 6))[labels] * rng.exponential(size=(n, 1)) + 0.1 * rng.standard_normal((n, 6))
    scores = np.linalg.norm(gradients, axis=1)
    weights = np.ones(n) if uniform else mix(prob_weights_from_scores(scores.copy()), 0.1)
    order = stratified_order(labels, labels, scores.astype(np.float32), 5)
    proposal, mean = Proposal(weights, order), gradients.mean(axis=0)

    def squared_error(offset):
        return ((estimate(proposal, gradients, size, "systematic", offset) - mean) ** 2).sum()

    got = reference.integrate_over_offsets(weights[order], size, squared_error)
    independent = reference.trace_of_covariance(gradients, weights / weights.sum()) / size
    assert got < 0.3 * independent


@pytest.mark.parametrize("exponent", [0.5, 0.0, -0.5])
def test_biased_weights_are_renormalised_as_in_1706_00043(scores, order, rng, exponent):
    drawn, w = Proposal(prob_weights_from_scores(scores.copy()), order).draw(20, "multinomial", rng)
    s = scores[drawn]
    expected = w**exponent * (w @ s) / (w**exponent @ s)
    np.testing.assert_allclose(biased_weights(w, exponent), expected, rtol=1e-12)
    assert biased_weights(w, 1.0) is w
    same = len(s) * scores.mean() * s**-exponent / (s ** (1 - exponent)).sum()
    np.testing.assert_allclose(expected, same, rtol=1e-12)


@pytest.mark.parametrize("exponent", [1.0, 0.5, 0.0, -0.5])
def test_biased_descent_is_on_the_mean_of_losses_to_the_power_two_minus_k(rng, exponent):
    # losses l_n(x) = (x - a_n)^2 + 1 of one parameter, drawn by their loss, weights w^k without renormalisation
    a, x, h = rng.standard_normal(N), 0.3, 1e-6
    losses, gradients = (x - a) ** 2 + 1, 2 * (x - a)
    q = losses / losses.sum()
    expected_gradient = (q * (1 / (N * q)) ** exponent * gradients).sum()

    def soft_max_loss(at):
        return (((at - a) ** 2 + 1) ** (2 - exponent)).mean()

    slope = (soft_max_loss(x + h) - soft_max_loss(x - h)) / (2 * h)
    factor = losses.mean() ** (1 - exponent) * (2 - exponent)
    np.testing.assert_allclose(expected_gradient * factor, slope, rtol=1e-8)
