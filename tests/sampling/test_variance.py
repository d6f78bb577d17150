import itertools

import numpy as np
import pytest
import reference

from isgd_mpi.sampling.variance import (
    FIGURES,
    Variance,
    distinct_examples,
    effective_sample_size,
    entropy,
    squared_mean,
)

N, ENOUGH = 9, 8


@pytest.fixture
def gradients(rng):
    return rng.standard_normal((N, 4)) * rng.exponential(size=(N, 1)) + 0.5


@pytest.fixture
def norms(gradients):
    return np.linalg.norm(gradients, axis=1)


def figures_of(gradients, counts):
    """Figures of :func:`told_by`."""
    return told_by(gradients, counts).figures()


def told_by(gradients, counts):
    """Estimate by minibatches that draw each example as often as expected, told the mean gradient exactly."""
    variance, drawn = Variance(), np.repeat(np.arange(len(gradients)), counts)
    weights = counts.sum() / (len(gradients) * counts[drawn])
    for _ in range(ENOUGH):
        variance.observe(np.linalg.norm(gradients, axis=1)[drawn], weights)
    mean = gradients.mean(axis=0)
    variance.observe_probe(mean @ mean, 0.0)
    return variance


def trained(rng, n_refreshes, scale=1.0, variance=None):
    """An estimate after some refreshes in which norms of about `scale` were drawn uniformly."""
    variance = variance or Variance()
    for _ in range(n_refreshes):
        variance.next_block()
        for _ in range(ENOUGH):
            variance.observe(scale * rng.exponential(size=16), np.ones(16))
        variance.observe_probe(0.1 * scale**2 * rng.uniform(0.5, 1.5), (0.03 * scale**2) ** 2)
    return variance


def test_trace_in_use_is_the_enumerated_trace_of_the_covariance(rng, gradients):
    for counts in rng.integers(1, 7, (20, N)):
        expected = reference.trace_of_covariance(gradients, counts / counts.sum())
        np.testing.assert_allclose(figures_of(gradients, counts)["trace_in_use"], expected, rtol=1e-11)


@pytest.mark.parametrize("name", ["trace_ideal", "trace_uniform"])
def test_ideal_and_uniform_traces_are_enumerated_ones_of_their_proposals(rng, gradients, norms, name):
    q = {"trace_ideal": norms / norms.sum(), "trace_uniform": np.full(N, 1 / N)}[name]
    got = figures_of(gradients, rng.integers(1, 7, N))
    np.testing.assert_allclose(got[name], reference.trace_of_covariance(gradients, q), rtol=1e-11)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_ratio_of_squared_norms_is_that_of_all_minibatches_of_a_size(rng, gradients, size):
    def expected(q):
        means = (
            (np.mean([gradients[i] / (N * q[i]) for i in drawn], axis=0), np.prod(q[list(drawn)]))
            for drawn in itertools.product(range(N), repeat=size)
        )
        return sum(chance * mean @ mean for mean, chance in means)

    counts = rng.integers(1, 7, N)
    ratio = expected(np.full(N, 1 / N)) / expected(counts / counts.sum())
    assert told_by(gradients, counts).squared_norm_ratio(size) == pytest.approx(ratio, rel=1e-9)


def test_the_ratio_of_squared_norms_is_unknown_before_anything_is_known():
    assert np.isnan(Variance().squared_norm_ratio(16))


def test_variance_gain_is_uniform_over_in_use(rng, gradients):
    counts = rng.integers(1, 7, N)
    uniform = reference.trace_of_covariance(gradients, np.full(N, 1 / N))
    expected = uniform / reference.trace_of_covariance(gradients, counts / counts.sum())
    np.testing.assert_allclose(figures_of(gradients, counts)["variance_gain"], expected, rtol=1e-11)
    np.testing.assert_allclose(figures_of(gradients, np.ones(N, int))["variance_gain"], 1)


def test_without_variance_there_is_no_gain():
    figures = figures_of(np.ones((1, 4)), np.ones(1, int))
    assert figures["trace_in_use"] == 0 and np.isnan(figures["variance_gain"])


def test_the_gain_in_use_is_never_above_the_possible_one(rng):
    for _ in range(50):
        variance = Variance()
        for _ in range(ENOUGH):
            norms = rng.exponential(size=6) ** 2
            variance.observe(norms, rng.exponential(size=6) / norms)
        variance.observe_probe(0.01, 0.0)
        assert variance.gain()[0] <= variance.possible_gain() or np.isnan(variance.gain()[0])


def squared_means_of_all_draws(gradients, q, size):
    """Probability, value and estimated variance of each outcome of a probe."""
    estimates = gradients / (len(q) * q[:, None])
    for drawn in itertools.product(range(len(q)), repeat=size):
        chosen = estimates[list(drawn)]
        yield np.prod(q[list(drawn)]), *squared_mean(chosen @ chosen.T)


def test_squared_mean_is_unbiased_and_its_variance_is_estimated(rng):
    gradients = rng.standard_normal((4, 3)) + 0.7
    q = np.array([0.1, 0.2, 0.3, 0.4])
    probabilities, values, variances = np.array(list(squared_means_of_all_draws(gradients, q, size=5))).T
    mean = gradients.mean(axis=0)
    np.testing.assert_allclose(probabilities @ values, mean @ mean, rtol=1e-10)
    true_variance = probabilities @ (values - mean @ mean) ** 2
    assert 1 <= probabilities @ variances / true_variance < 1.2  # a covariance below zero is taken for zero


def test_a_squared_mean_with_its_diagonal_is_biased(rng):
    # the negative control of the test above
    gradients = rng.standard_normal((4, 3)) + 0.7
    products = gradients @ gradients.T
    assert np.trace(products) / 16 + products.sum() / 16 > 1.2 * products.sum() / 16


def test_the_window_is_as_long_as_nothing_changes_and_forgets_at_once_when_all_does(rng):
    variance = trained(rng, 40)
    assert variance.window().n >= 16 * ENOUGH
    trained(rng, 2, scale=0.1, variance=variance)
    assert variance.window().n <= 3 * ENOUGH
    np.testing.assert_allclose(variance.figures()["trace_uniform"], 0.019, rtol=0.3)


def test_many_steps_without_a_refresh_are_no_longer_window_than_others(rng):
    variance = trained(rng, 1)
    for _ in range(500):
        variance.observe(rng.exponential(size=16), np.ones(16))
    for _ in range(100):
        variance.observe(3 * rng.exponential(size=16), np.ones(16))
    variance.observe_probe(0.1, 0.01)
    assert variance.window().n <= 2 * 64


def test_an_old_probe_counts_among_the_minibatches_of_its_time(rng):
    variance = Variance()
    for scale in (10.0, 1.0):  # gradients shrink tenfold
        variance.next_block()
        for _ in range(ENOUGH):
            variance.observe(scale * rng.exponential(size=16), np.ones(16))
    variance.observe_probe(80.0, 1.0, age=ENOUGH + 1)  # of the large ones
    assert variance.window().n == ENOUGH and np.isnan(variance.figures()["trace_uniform"])
    variance.observe_probe(0.8, 0.01, age=ENOUGH)
    np.testing.assert_allclose(variance.figures()["squared_mean_gradient"], 0.8)
    variance.observe_probe(1e6, 0.0, age=3 * ENOUGH)  # older than all that is remembered
    np.testing.assert_allclose(variance.figures()["squared_mean_gradient"], 0.8)


@pytest.mark.parametrize(("squared_mean", "is_known"), [(0.01, True), (1.8, False)])
def test_while_norms_fall_the_last_probe_stands_for_the_one_under_way(rng, squared_mean, is_known):
    variance = Variance()
    for scale in 0.8 ** np.arange(6):
        variance.next_block()
        for _ in range(4 * ENOUGH):
            variance.observe(scale * rng.exponential(size=128), np.ones(128))
        variance.observe_probe(squared_mean * scale**2, 1e-6, age=4 * ENOUGH + 1)
    assert variance.window().n == 4 * ENOUGH  # the means over two blocks differ from those over one
    figures = variance.figures()
    assert np.isfinite([figures["trace_uniform"], figures["variance_gain"]]).all() == is_known


def test_standard_errors_are_those_of_repeated_runs(rng):
    runs = [trained(rng, 4) for _ in range(300)]
    for name, (column, error) in {"trace_uniform": (1, (0, 1, 0, -1)), "trace_ideal": (0, (2, 0, 0, -1))}.items():
        windows = [run.window() for run in runs if run.window().n == 4 * ENOUGH]
        values = [window.ideal if column == 0 else window.means[1] - window.means[3] for window in windows]
        estimated = np.mean([window.error(*error) for window in windows])
        assert 0.8 < np.std(values) / estimated < 1.2, name


def test_a_figure_with_a_standard_error_above_a_quarter_of_it_is_unknown(rng):
    variance = Variance()
    for _ in range(ENOUGH):
        variance.observe(np.ones(4), np.ones(4))
    for value, error in ((0.4, 0.11), (0.4, 0.09)):
        variance._probes[0] = 0
        variance.observe_probe(value, error**2)
        figures = variance.figures()
        assert np.isnan(figures["squared_mean_gradient"]) == (error > 0.1)
        np.testing.assert_allclose(figures["squared_mean_gradient_error"], error)


def test_fewer_minibatches_than_tell_their_scatter_leave_all_unknown(rng):
    variance = Variance()
    for n in range(ENOUGH):
        assert all(np.isnan(value) for value in variance.figures().values()), n
        variance.observe(np.ones(4), np.ones(4))
        variance.observe_probe(0.1, 0.0)
    assert not np.isnan(variance.figures()["variance_gain"]) and len(variance.figures()) == 2 * len(FIGURES)


def test_what_is_not_finite_is_left_out(norms):
    variance = Variance()
    for _ in range(ENOUGH):
        variance.observe(norms, np.ones(N))
    variance.observe_probe(0.1, 0.0)
    before = variance.figures()
    variance.observe(np.append(norms, np.nan), np.ones(N + 1))
    variance.observe_probe(np.nan, 0.0)
    assert variance.figures() == before


def test_gain_with_another_proposal_takes_its_second_moment(rng):
    variance = trained(rng, 5)
    _, uniform, _, squared = variance.window().means
    np.testing.assert_allclose(variance.gain_with(0.5), (uniform - squared) / (0.5 * uniform - squared))
    assert np.isnan(variance.gain_with(0.0))


def test_an_estimate_goes_on_from_its_state(rng):
    one, other = trained(rng, 70), Variance()
    other.restore(one.state())
    assert other.figures() == one.figures()


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


def test_typical_examples_that_are_never_drawn_leave_the_figures_unknown():
    weights = np.zeros(9)
    figures = [distinct_examples(weights, 99, 4, drawing) for drawing in ("systematic", "multinomial")]
    figures += [entropy(weights), effective_sample_size(weights), effective_sample_size(weights, np.ones(9))]
    assert np.isnan(figures).all()
