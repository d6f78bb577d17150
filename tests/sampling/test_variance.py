import numpy as np
import pytest
import reference

from isgd_mpi.sampling.variance import Variance, effective_sample_size, entropy

N = 9


@pytest.fixture
def gradients(rng):
    return rng.standard_normal((N, 4)) * rng.exponential(size=(N, 1)) + 0.5


@pytest.fixture
def norms(gradients):
    return np.linalg.norm(gradients, axis=1)


def variance_of_norms(norm=1e9):
    """An estimate that has seen norms which are all the same: by default an upper bound out of the way."""
    variance = Variance(N)
    variance.observe(np.full(N, norm), np.ones(N))
    return variance


def squared_mean_after(variance, first, second):
    """Show a pair of gradients; return the estimate of |mu|^2."""
    variance.observe_gradient(np.atleast_1d(first))
    variance.observe_gradient(np.atleast_1d(second))
    return variance.traces()["squared_mean_gradient"]


def traces_of(gradients, q):
    """Traces by an estimate that has seen all fresh norms, and is told the mean gradient exactly."""
    variance = Variance(len(gradients))
    variance.observe(np.linalg.norm(gradients, axis=1), 1 / (len(q) * q))
    squared_mean_after(variance, *2 * [gradients.mean(axis=0)])
    return variance.traces()


def moments(variance):
    """Means of |g|, |g|^2 and r |g|^2 of an estimate that knows nothing of the mean gradient."""
    traces = variance.traces()
    assert np.isnan(traces["squared_mean_gradient"])
    return np.array([np.sqrt(traces["trace_ideal"]), traces["trace_uniform"], traces["trace_in_use"]])


@pytest.mark.parametrize("concentration", [0.3, 1.0, 30.0])
def test_trace_in_use_is_the_enumerated_trace_of_the_covariance(rng, gradients, concentration):
    q = rng.dirichlet(np.full(N, concentration)) * 0.9 + 0.1 / N
    expected = reference.trace_of_covariance(gradients, q)
    np.testing.assert_allclose(traces_of(gradients, q)["trace_in_use"], expected, rtol=1e-11)


@pytest.mark.parametrize("name", ["trace_ideal", "trace_uniform"])
def test_ideal_and_uniform_traces_are_enumerated_ones_of_their_proposals(rng, gradients, norms, name):
    q = {"trace_ideal": norms / norms.sum(), "trace_uniform": np.full(N, 1 / N)}[name]
    got = traces_of(gradients, rng.dirichlet(np.ones(N)))
    np.testing.assert_allclose(got[name], reference.trace_of_covariance(gradients, q), rtol=1e-11)


def test_the_ideal_proposal_beats_any_other(rng, gradients):
    for q in rng.dirichlet(np.ones(N), 200):
        traces = traces_of(gradients, q)
        assert traces["trace_ideal"] < traces["trace_in_use"]


def test_variance_gain_is_uniform_over_in_use(rng, gradients):
    q = rng.dirichlet(np.ones(N))
    uniform = reference.trace_of_covariance(gradients, np.full(N, 1 / N))
    expected = uniform / reference.trace_of_covariance(gradients, q)
    np.testing.assert_allclose(traces_of(gradients, q)["variance_gain"], expected, rtol=1e-11)
    np.testing.assert_allclose(traces_of(gradients, np.full(N, 1 / N))["variance_gain"], 1)


def test_variance_gain_without_variance_is_not_a_number():
    traces = traces_of(np.ones((1, 4)), np.ones(1))
    assert traces["trace_in_use"] == 0 and np.isnan(traces["variance_gain"])


def test_moments_from_drawn_examples_are_unbiased(rng, norms):
    q = rng.dirichlet(np.ones(N))
    importance_weights = 1 / (N * q)
    expectation = np.zeros(3)
    for n in range(N):
        variance = Variance(N)
        variance.observe(norms[n : n + 1], importance_weights[n : n + 1], importance_weights[n : n + 1])
        expectation += q[n] * moments(variance)
    expected = norms.mean(), (norms**2).mean(), (importance_weights * norms**2).mean()
    np.testing.assert_allclose(expectation, expected, rtol=1e-12)


def test_moments_from_drawn_examples_taken_for_any_are_biased(rng, norms):
    # the negative control of the test above
    q = norms / norms.sum()
    expectation = sum(q[n] * norms[n] for n in range(N))
    assert expectation > 1.05 * norms.mean()


def test_the_product_of_a_pair_is_an_unbiased_estimate_of_the_squared_mean(rng):
    gradients = rng.exponential(size=(N, 4))  # no negative product, which would be clipped
    q = rng.dirichlet(np.ones(N))
    estimates = gradients / (N * q[:, None])
    expectation = 0.0
    for first in range(N):
        for second in range(N):
            product = squared_mean_after(variance_of_norms(), estimates[first], estimates[second])
            expectation += q[first] * q[second] * product
    mean = gradients.mean(axis=0)
    np.testing.assert_allclose(expectation, mean @ mean, rtol=1e-10)


def test_pairs_are_averaged_until_eight_are_kept():
    variance, products = variance_of_norms(), np.arange(1.0, 9.0)
    means = [squared_mean_after(variance, product, 1.0) for product in products]
    np.testing.assert_allclose(means[-1], products.mean())
    np.testing.assert_allclose(squared_mean_after(variance, 100.0, 1.0), (7 * products.mean() + 100) / 8)


def test_a_gradient_held_is_a_copy():
    gradient, variance = np.ones(4), variance_of_norms()
    variance.observe_gradient(gradient)
    gradient[:] = 0
    variance.observe_gradient(np.ones(4))
    assert variance.traces()["squared_mean_gradient"] == 4


@pytest.mark.parametrize(("product", "expected"), [(-5.0, 0.0), (2.0, 2.0), (1e3, 9.0)])
def test_what_is_subtracted_is_kept_between_its_bounds(product, expected):
    variance = variance_of_norms(3.0)
    assert squared_mean_after(variance, product, 1.0) == product
    np.testing.assert_allclose(9.0 - variance.traces()["trace_uniform"], expected)


def test_the_whole_set_at_once_forgets_what_was_before(rng, norms):
    importance_weights = rng.exponential(size=N)
    seasoned, fresh = Variance(N), Variance(N)
    seasoned.observe(1e6 * norms, importance_weights)
    seasoned.observe(np.array([np.nan]), np.ones(1))
    for variance in (seasoned, fresh):
        variance.observe(norms, importance_weights)
    np.testing.assert_array_equal(moments(seasoned), moments(fresh))


def test_a_batch_counts_by_its_share_of_a_quarter_of_the_set(rng):
    n_examples, n_rows = 400, 20
    variance = Variance(n_examples)
    variance.observe(np.full(n_examples, 1.0), np.ones(n_examples))
    variance.observe(np.full(n_rows, 2.0), np.ones(n_rows))
    share = n_rows / (n_examples / 4)
    np.testing.assert_allclose(moments(variance), [1 + share, 1 + 3 * share, 1 + 3 * share])


def test_an_empty_batch_changes_nothing(norms):
    variance = Variance(N)
    variance.observe(norms, np.ones(N))
    before = moments(variance)
    variance.observe(norms[:0], np.ones(0))
    np.testing.assert_array_equal(moments(variance), before)


def test_before_the_first_observation_nothing_is_known():
    traces = Variance(N).traces()
    assert all(np.isnan(value) for value in traces.values()) and len(traces) == 5


@pytest.mark.parametrize("scale", [1.0, 1e-6, 300.0])
def test_effective_sample_size_is_that_of_the_weights_of_a_large_minibatch(rng, scale):
    prob_weights = rng.exponential(size=40) + 0.1
    q = prob_weights / prob_weights.sum()
    r = 1 / (40 * q)
    expected = (q @ r) ** 2 / (q @ r**2)
    np.testing.assert_allclose(effective_sample_size(scale * prob_weights), expected, rtol=1e-12)


def test_effective_sample_size_of_drawn_weights(rng):
    prob_weights = np.repeat(rng.integers(1, 6, 12), 5)
    drawn = np.repeat(np.arange(60), prob_weights)  # each example as often as expected
    r = prob_weights.mean() / prob_weights[drawn]
    np.testing.assert_allclose(effective_sample_size(prob_weights), r.sum() ** 2 / (len(r) * (r @ r)), rtol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1e-6, 300.0])
def test_entropy_is_minus_the_sum_of_q_log_q(rng, scale):
    prob_weights = rng.exponential(size=40)
    q = prob_weights / prob_weights.sum()
    np.testing.assert_allclose(entropy(scale * prob_weights), -(q @ np.log(q)), rtol=1e-12)


def test_uniform_weights_are_all_effective_and_have_the_largest_entropy():
    np.testing.assert_allclose(effective_sample_size(np.full(50, 0.3)), 1, rtol=1e-14)
    np.testing.assert_allclose(entropy(np.full(50, 0.3)), np.log(50), rtol=1e-14)


def test_entropy_of_a_certain_draw_is_zero():
    np.testing.assert_allclose(entropy(np.array([0, 0, 7.0])), 0, atol=1e-15)


@pytest.mark.parametrize("figure", [effective_sample_size, entropy])
def test_examples_never_drawn_do_not_count(rng, figure):
    prob_weights = rng.exponential(size=20)
    np.testing.assert_allclose(figure(np.append(prob_weights, np.zeros(7))), figure(prob_weights), rtol=1e-12)
