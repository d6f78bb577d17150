"""Examples with weights: the estimate of the weighted mean gradient, and its variance, by enumeration of all draws."""

import itertools

import numpy as np
import pytest
import reference
from samplers import FixedOffset, make_sampler, minibatch_of

from isgd_mpi.sampling.variance import squared_mean
from isgd_mpi.settings.config import Config

N, N_CLASSES, ENOUGH = 7, 3, 8
COUNTS = np.array([3, 0, 1, 2, 0, 5, 4])  # in proportion to which the examples weigh
KINDS = {  # options, and whether scores are used
    "uniform": ({}, False),
    "importance": ({"mixture": 0.1}, True),
    "importance, no uniform part": ({"mixture": 0.0}, True),
    "importance, by weights alone": ({"mixture": 1.0}, True),
    "smoothed": ({"mixture": 0.3, "smoothing": 0.5, "power_smoothing": 0.5}, True),
}


@pytest.fixture
def labels(rng):
    return np.append(rng.integers(0, N_CLASSES, N - 1), N_CLASSES - 1).astype(np.int32)


@pytest.fixture
def weights():
    """Weights of mean one, two of them zero."""
    return COUNTS / COUNTS.mean()


@pytest.fixture
def gradients(rng):
    return rng.standard_normal((N, 3)) * rng.exponential(size=(N, 1)) + 0.3


@pytest.fixture
def norms(gradients):
    return np.linalg.norm(gradients, axis=1)


@pytest.fixture
def make(labels, weights, norms):
    def make(kind="importance", norms_come_back=True, **settings):
        own, uses_scores = KINDS[kind]
        config = Config(**({"minibatch_size": 4, "switch": "off"} | own | settings))
        sampler = make_sampler(config, labels, norms_come_back, weights=weights)
        if uses_scores:
            sampler.write_scores(slice(0, N), norms[::-1].copy(), 1)  # stale ones
            sampler.renew(1, refresh_share=0.0)
        assert sampler.importance_sampling == uses_scores
        return sampler

    return make


def estimate(sampler, gradients, n_drawn, sampling, offset):
    """The gradient of the minibatch that an offset draws."""
    indices, importance_weights = sampler.proposal.draw(n_drawn, sampling, FixedOffset(offset))
    return sampler.loss_weights(indices, importance_weights) @ gradients[indices] / n_drawn


def expected(sampler, gradients, n_drawn, sampling):
    """The mean over all offsets, exactly."""
    along_the_order = sampler.proposal.prob_weights[sampler._orders.present]
    return reference.integrate_over_offsets(
        along_the_order, n_drawn, lambda offset: estimate(sampler, gradients, n_drawn, sampling, offset)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("sampling", "n_drawn"), [("multinomial", 1), ("systematic", 1), ("systematic", 4)])
def test_the_estimate_of_the_weighted_mean_gradient_is_unbiased(make, gradients, weights, kind, sampling, n_drawn):
    got = expected(make(kind), gradients, n_drawn, sampling)
    np.testing.assert_allclose(got, (weights[:, None] * gradients).mean(axis=0), atol=1e-9)


@pytest.mark.parametrize("kind", ["uniform", "importance"])
def test_without_the_weights_of_the_examples_it_is_biased(make, gradients, weights, kind):
    sampler = make(kind)
    sampler.loss_weights = lambda indices, importance_weights: importance_weights
    bias = expected(sampler, gradients, 1, "multinomial") - (weights[:, None] * gradients).mean(axis=0)
    assert np.abs(bias).max() > 1e-3


def test_probabilities_are_in_proportion_to_weight_times_score(make, norms, weights):
    got = make("importance, no uniform part").proposal.prob_weights
    products = weights * norms[::-1].astype(np.float32)
    np.testing.assert_allclose(got / got.sum(), products / products.sum(), rtol=1e-12)


@pytest.mark.parametrize("score", ["grad-norm", "grad-bound", "loss", "predicted-loss"])
def test_every_score_is_multiplied_with_the_weight_and_mixed_with_it(make, norms, weights, score):
    got = make(norms_come_back=False, score=score).proposal.prob_weights
    products = weights * norms[::-1].astype(np.float32)
    np.testing.assert_allclose(got, 0.9 * products / products.mean() + 0.1 * weights, rtol=1e-12)


@pytest.mark.parametrize("kind", [kind for kind, (_, uses_scores) in KINDS.items() if uses_scores])
def test_examples_of_weight_zero_are_never_drawn_by_scores(make, weights, kind):
    sampler = make(kind)
    drawn = [sampler.draw() for _ in range(300)] + [sampler.draw_probe(16) for _ in range(100)]
    indices, importance_weights = map(np.concatenate, zip(*drawn))
    assert weights[indices].min() > 0 and np.isfinite(importance_weights).all()


def test_the_mixture_bounds_the_weights_of_losses(make, norms):
    norms[3] = 0  # its stale score
    sampler = make(mixture=0.1)
    rows = np.flatnonzero(sampler.proposal.prob_weights)
    losses = sampler.loss_weights(rows, sampler.proposal.importance_weights(rows))
    assert losses.max() <= 10 * (1 + 1e-12)


# times that examples are drawn in a minibatch that has the proposal's own frequencies
EXPECTED_COUNTS = {
    "uniform": np.ones(N, int),
    "importance, no uniform part": np.array([2, 0, 5, 1, 0, 1, 3]),
    "importance, by weights alone": COUNTS,
}


@pytest.fixture(params=EXPECTED_COUNTS)
def with_counts(request, make, weights):
    """A sampler and its expected counts."""
    counts = EXPECTED_COUNTS[request.param]
    sampler = make(request.param, norms_come_back=False)
    if request.param == "importance, no uniform part":
        scores = np.divide(counts, weights, out=np.ones(N), where=weights > 0)
        sampler.write_scores(slice(0, N), scores, 2)
        sampler.renew(2, refresh_share=0.0)
    return sampler, counts


def learn_expected_minibatches(sampler, counts, norms):
    """Let a sampler learn from minibatches whose moments are the expected ones."""
    drawn = np.repeat(np.arange(N), counts)
    r = sampler.proposal.importance_weights(drawn)
    np.testing.assert_allclose(r, counts.sum() / (N * counts[drawn]), rtol=1e-6)
    for step in range(ENOUGH):
        sampler.learn_from_minibatch(minibatch_of(drawn, norms[drawn], r), step)


def trace_of_covariance(gradients, q):
    """Enumerate one draw; an example that is never drawn must have no gradient."""
    drawn = q > 0
    assert not gradients[~drawn].any()
    squares = (gradients[drawn] ** 2).sum(axis=1) / (N * q[drawn]) ** 2
    return q[drawn] @ squares - (gradients.mean(axis=0) ** 2).sum()


def test_the_figures_are_those_of_the_weighted_gradients(with_counts, gradients, norms, weights):
    sampler, counts = with_counts
    weighted, weighted_norms = weights[:, None] * gradients, weights * norms
    learn_expected_minibatches(sampler, counts, norms)
    mean = weighted.mean(axis=0)
    sampler.learn_from_probe(mean @ mean, 0.0, 0)
    proposals = {"in_use": counts, "uniform": np.ones(N), "ideal": weighted_norms}
    traces = {name: trace_of_covariance(weighted, q / q.sum()) for name, q in proposals.items()}
    for name, expected_trace in traces.items():
        np.testing.assert_allclose(sampler.variances()[f"trace_{name}"], expected_trace, rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(sampler.variances()["variance_gain"], traces["uniform"] / traces["in_use"], rtol=1e-5)


@pytest.mark.parametrize("scored", [True, False])
@pytest.mark.parametrize("mixture", [0.0, 0.2, 1.0])
def test_the_switch_compares_the_weighted_gradients_with_uniform_draws(
    make, gradients, norms, weights, mixture, scored
):
    sampler = make("uniform" if scored else "importance, by weights alone", norms_come_back=scored)
    sampler._mixture = type(sampler._mixture)(mixture, N, N)
    sampler.write_scores(slice(0, N), norms[::-1].copy(), 1)
    sampler._scored.form(1)
    if scored:
        sampler.learn_from_scores([(slice(0, N), norms, np.zeros(N, np.int32), 1)])
        learn_expected_minibatches(sampler, np.ones(N, int), norms)
    else:
        learn_expected_minibatches(sampler, COUNTS, norms)
    mean = (weights[:, None] * gradients).mean(axis=0)
    sampler.learn_from_probe(mean @ mean, 0.0, 0)
    products = weights * norms[::-1].astype(np.float32)
    q = (1 - mixture) * products / products.sum() + mixture * weights / N
    traces = [trace_of_covariance(weights[:, None] * gradients, each) for each in (np.full(N, 1 / N), q)]
    got = sampler._gain.variance.gain_with(sampler._mixture.second_moment_ratio)
    np.testing.assert_allclose(got, traces[0] / traces[1], rtol=1e-5)


def test_a_probe_of_the_weighted_mean_gradient_is_unbiased(make, gradients, weights):
    sampler = make("importance")
    rows, drawn_weights = sampler.draw_probe(2000)
    assert drawn_weights.max() <= 2 * (1 + 1e-12)
    of_row = dict(zip(rows.tolist(), drawn_weights.tolist()))
    assert sorted(of_row) == np.flatnonzero(weights).tolist()
    prob_weights = sampler.proposal.with_mixture(0.5).prob_weights
    q, expectation = prob_weights / prob_weights.sum(), 0.0
    for draw in itertools.product(of_row, repeat=5):
        chosen = gradients[list(draw)] * np.array([of_row[row] for row in draw])[:, None]
        expectation += np.prod(q[list(draw)]) * squared_mean(chosen @ chosen.T)[0]
    mean = (weights[:, None] * gradients).mean(axis=0)
    np.testing.assert_allclose(expectation, mean @ mean, rtol=1e-9)


def test_the_uniform_part_rises_where_drawn_examples_speak_against_the_scores(make, norms, weights):
    sampler = make(norms_come_back=False, mixture="auto")
    drawn = np.repeat(np.arange(N), COUNTS)
    sampler._mixture.value = sampler._mixture._chosen = 0.03
    sampler._form_proposal()
    surprising = 1 / (norms[::-1] + 0.1)
    for step in range(200):
        r = 1 / (weights[drawn])
        sampler.learn_from_minibatch(minibatch_of(drawn, surprising[drawn], r), step)
    assert sampler._mixture.value > 0.1
    prob_weights, base = sampler.proposal.prob_weights, sampler._scored.values
    mixed = weights * ((1 - sampler._mixture.value) * base + sampler._mixture.value)
    np.testing.assert_allclose(prob_weights, mixed, rtol=1e-12)


def test_effective_sample_size_is_that_of_the_weights_of_losses(make, weights):
    sampler = make("importance")
    prob_weights = sampler.proposal.prob_weights
    q = prob_weights / prob_weights.sum()
    drawn = q > 0
    expected_square = (weights[drawn] ** 2 / (N**2 * q[drawn])).sum()
    np.testing.assert_allclose(sampler.figures(1)["effective_sample_size"], 1 / expected_square, rtol=1e-12)
    uniform = make("uniform").figures(1)["effective_sample_size"]
    np.testing.assert_allclose(uniform, 1 / (weights**2).mean(), rtol=1e-12)


def test_scores_of_zero_but_for_examples_without_weight_form_no_proposal(make, weights):
    sampler = make("uniform", mixture=0.1)
    sampler.write_scores(slice(0, N), (weights == 0).astype(float), 1)
    (event,) = sampler.renew(1, refresh_share=0.0)
    assert "all scores are zero, of examples whose weight is not" in event


def test_weights_of_one_are_as_none_at_all(labels, norms):
    config, samplers = Config(minibatch_size=4, mixture=0.1), []
    for weights in (None, np.ones(N)):
        sampler = make_sampler(config, labels, weights=weights)
        sampler.write_scores(slice(0, N), norms, 1)
        sampler.renew(1, refresh_share=0.0)
        samplers.append([sampler.draw(), sampler.draw_probe(8), sampler.figures(1)])
    plain, weighted = samplers
    for one, other in zip(plain[:2], weighted[:2]):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_allclose(one[1], other[1], rtol=1e-12)
    assert plain[2] == pytest.approx(weighted[2], nan_ok=True)
