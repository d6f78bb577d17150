import numpy as np
import pytest
import reference

from isgd_mpi.proposal import Proposal, prob_weights_from_scores, stratified_order

N = 9
CHI_SQUARED_8 = 26.12  # exceeded by one in a thousand, with 8 degrees of freedom
PROPOSALS = {
    "uniform": lambda scores: np.ones(N),
    "scores": lambda scores: prob_weights_from_scores(scores),
    "unnormalised": lambda scores: 17.3 * scores,
    "smoothed": lambda scores: prob_weights_from_scores(scores, smoothing=0.7),
    "mixture 0.1": lambda scores: prob_weights_from_scores(scores, mixture=0.1),
    "mixture 1": lambda scores: prob_weights_from_scores(scores, mixture=1.0),
    "smoothed mixture": lambda scores: prob_weights_from_scores(scores, smoothing=0.2, mixture=0.5),
    "stale": lambda scores: prob_weights_from_scores(scores[::-1].copy(), mixture=0.1),
    "rounded": lambda scores: prob_weights_from_scores(np.ceil(scores)),
}


class FixedOffset:
    """A generator whose every number is the same."""

    def __init__(self, offset):
        self.offset = offset

    def random(self, size=None):
        return self.offset if size is None else np.full(size, self.offset)


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


def test_importance_weights_make_the_gradient_unbiased(prob_weights, gradients, order):
    proposal = Proposal(prob_weights, order)
    q = prob_weights / prob_weights.sum()
    expectation = (q * proposal.importance_weights(np.arange(N))) @ gradients
    np.testing.assert_allclose(expectation, gradients.mean(axis=0), rtol=1e-12)


def test_importance_weights_are_one_over_n_q(prob_weights, order):
    proposal = Proposal(prob_weights, order)
    q = prob_weights / prob_weights.sum()
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
    sampler = wrong(prob_weights_from_scores(scores, mixture=0.1), order)
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


def test_prob_weights_have_mean_one_and_overwrite_the_scores(scores):
    for mixture in (0.0, 0.3, 1.0):
        given = scores.copy()
        got = prob_weights_from_scores(given, 0.2, mixture)
        assert got is given
        expected = (1 - mixture) * (scores + 0.2) / (scores + 0.2).mean() + mixture
        np.testing.assert_allclose(got, expected, rtol=1e-14)
        np.testing.assert_allclose(got.mean(), 1, rtol=1e-14)


@pytest.mark.parametrize("mixture", [0.01, 0.1, 0.5, 1.0])
def test_the_mixture_bounds_every_importance_weight(scores, order, mixture):
    scores[2] = 0
    scores[5] *= 1e9
    proposal = Proposal(prob_weights_from_scores(scores, mixture=mixture), order)
    largest = proposal.importance_weights(np.arange(N)).max()
    np.testing.assert_allclose(largest, 1 / mixture, rtol=1e-6)


@pytest.mark.parametrize("smoothing", [1e-6, 0.3, 10.0])
def test_additive_smoothing_is_a_mixture(scores, smoothing):
    mixture = smoothing / (scores.mean() + smoothing)
    smoothed = prob_weights_from_scores(scores.copy(), smoothing=smoothing)
    np.testing.assert_allclose(prob_weights_from_scores(scores, mixture=mixture), smoothed, rtol=1e-13)


@pytest.mark.parametrize("mixture", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("bad", [[0, 0, 0], [1, np.nan, 1], [1, np.inf, 1]])
def test_scores_that_form_no_proposal_are_refused(bad, mixture):
    with pytest.raises(ValueError, match="must be finite and not all zero"):
        prob_weights_from_scores(np.array(bad, float), mixture=mixture)


def test_zero_scores_form_a_proposal_once_they_are_smoothed():
    np.testing.assert_array_equal(prob_weights_from_scores(np.zeros(3), smoothing=2.0), np.ones(3))


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


def random_examples(rng, n, n_classes):
    labels, predictions = rng.integers(0, n_classes, (2, n), dtype=np.int32)
    return labels, predictions, rng.exponential(size=n).astype(np.float32)


@pytest.mark.parametrize("n_classes", [1, 2, 10, 100])
@pytest.mark.parametrize("n", [1, 2, 3, 500, 4097])
def test_stratified_order_is_a_lexsort_where_the_bits_suffice(rng, n, n_classes):
    labels, predictions, scores = random_examples(rng, n, n_classes)
    scores[: n // 3] = 0
    order = stratified_order(labels, predictions, scores, n_classes)
    np.testing.assert_array_equal(order, np.lexsort((np.arange(n), scores, predictions, labels)))


@pytest.mark.parametrize(("n", "n_classes"), [(300_000, 10), (50_000, 1000), (5, 2**20), (200_000, 20_000)])
def test_stratified_order_is_a_permutation_sorted_by_class_then_prediction_then_score(rng, n, n_classes):
    labels, predictions, scores = random_examples(rng, n, n_classes)
    labels[0] = predictions[0] = n_classes - 1
    order = stratified_order(labels, predictions, scores, n_classes)
    np.testing.assert_array_equal(np.sort(order), np.arange(n))
    strata = (labels.astype(np.int64) * n_classes + predictions)[order]
    assert (np.diff(strata) >= 0).all()
    n_bits = min(31, 64 - (n - 1).bit_length() - 2 * n_classes.bit_length())
    leading = scores.view(np.int32)[order] >> (31 - n_bits)
    assert (np.diff(leading)[np.diff(strata) == 0] >= 0).all()


def test_stratified_order_leaves_its_arguments_alone(rng):
    arguments = random_examples(rng, 50, 4)
    copies = [array.copy() for array in arguments]
    stratified_order(*arguments, 4)
    for array, expected in zip(arguments, copies):
        np.testing.assert_array_equal(array, expected)


def systematic_variance(proposal, gradients, order, size):
    """Exact trace of the covariance of the minibatch gradient."""
    mean = gradients.mean(axis=0)
    return reference.integrate_over_offsets(
        proposal.prob_weights[order],
        size,
        lambda offset: ((estimate(proposal, gradients, size, "systematic", offset) - mean) ** 2).sum(),
    )


@pytest.mark.parametrize("uniform", [True, False])
def test_systematic_sampling_along_the_strata_has_less_variance_than_independent_draws(rng, uniform):
    n, size = 120, 16
    labels = rng.integers(0, 5, n, dtype=np.int32)
    gradients = rng.standard_normal((5, 6))[labels] * rng.exponential(size=(n, 1)) + 0.1 * rng.standard_normal((n, 6))
    scores = np.linalg.norm(gradients, axis=1)
    weights = np.ones(n) if uniform else prob_weights_from_scores(scores.copy(), mixture=0.1)
    order = stratified_order(labels, labels, scores.astype(np.float32), 5)
    got = systematic_variance(Proposal(weights, order), gradients, order, size)
    independent = reference.trace_of_covariance(gradients, weights / weights.sum()) / size
    assert got < 0.3 * independent
