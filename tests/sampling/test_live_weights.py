import numpy as np
import pytest
import reference
from samplers import FixedOffset, make_sampler, minibatch_of

from isgd_mpi.sampling.block_sums import BlockSums
from isgd_mpi.sampling.live_weights import LiveWeights
from isgd_mpi.sampling.proposal import Proposal, mix, prob_weights_from_scores
from isgd_mpi.sampling.score_proposal import ScoreProposal
from isgd_mpi.settings.config import Config

N, N_CLASSES = 70, 4  # a few blocks


@pytest.fixture
def labels(rng):
    return np.append(rng.integers(0, N_CLASSES, N - 1), N_CLASSES - 1).astype(np.int32)


@pytest.fixture
def scores(rng):
    return rng.exponential(size=N).astype(np.float32)


def sampler_of(labels, **settings):
    return make_sampler(Config(minibatch_size=8, mixture=0.2, **settings), labels)


def refresh(sampler, rows, scores, step):
    sampler.write_scores(rows, scores[rows], step)
    sampler.renew(step, refresh_share=0.0)


def assert_same(one, other):
    """Both sampler draw the same, bit by bit."""
    np.testing.assert_array_equal(one.proposal.prob_weights, other.proposal.prob_weights)
    for _ in range(3):
        for got, expected in zip(one.draw(), other.draw()):
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("smoothing", "mixture"), [(0.0, 0.0), (0.0, 0.3), (0.7, 0.1), (0.2, 1.0)])
@pytest.mark.parametrize("sampling", ["systematic", "multinomial"])
def test_a_proposal_by_sums_of_blocks_is_that_by_the_sums_of_all_weights(rng, scores, smoothing, mixture, sampling):
    order = rng.permutation(N)
    got = ScoreProposal(scores, BlockSums(scores, order), smoothing).with_mixture(mixture)
    expected = Proposal(mix(prob_weights_from_scores(scores.astype(float), smoothing), mixture), order)
    np.testing.assert_allclose(got.prob_weights, expected.prob_weights, rtol=1e-13)
    (indices, weights), (like, like_weights) = (each.draw(200, sampling, FixedOffset(0.37)) if sampling == "systematic"
        else each.draw(200, sampling, np.random.default_rng(1)) for each in (got, expected))  # fmt: skip
    np.testing.assert_array_equal(indices, like)
    np.testing.assert_allclose(weights, like_weights, rtol=1e-13)


@pytest.mark.parametrize("size", [1, 5, 32])
def test_gradients_drawn_by_sums_of_blocks_are_unbiased(rng, scores, size):
    order, gradients = rng.permutation(N), rng.standard_normal((N, 3))
    proposal = ScoreProposal(scores, BlockSums(scores, order), 0.1, 0.2)

    def estimate(offset):
        indices, weights = proposal.draw(size, "systematic", FixedOffset(offset))
        return weights @ gradients[indices] / size

    got = reference.integrate_over_offsets(proposal.prob_weights[order], size, estimate)
    np.testing.assert_allclose(got, gradients.mean(axis=0), atol=1e-9)


def test_a_refresh_of_parts_gives_bitwise_what_one_of_all_gives(labels, scores, rng):
    one, other = sampler_of(labels), sampler_of(labels)
    for sampler in (one, other):
        refresh(sampler, slice(0, N), scores[::-1].copy(), 1)
    for start, stop in ((0, 9), (20, 41)):
        refresh(one, slice(start, stop), scores, 2)
        other.write_scores(slice(start, stop), scores[start:stop], 2)
    drawn = rng.integers(0, N, 8)
    for sampler in (one, other):
        sampler.learn_from_minibatch(minibatch_of(drawn, scores[drawn]), 3)
        sampler.renew(3, 0.0)
    assert_same(one, other)


def test_new_scores_of_a_minibatch_count_from_the_next_refresh_on(labels, scores):
    sampler = sampler_of(labels)
    refresh(sampler, slice(0, N), scores, 1)
    before = sampler.proposal.prob_weights.copy()
    sampler.learn_from_minibatch(minibatch_of([3, 3, 50], np.array([9.0, 9.0, 4.0])), 2)
    np.testing.assert_array_equal(sampler.proposal.prob_weights, before)
    sampler.renew(2, 0.0)
    expected = scores.astype(float)
    expected[[3, 50]] = 9, 4
    np.testing.assert_allclose(sampler.proposal.prob_weights, mix(prob_weights_from_scores(expected), 0.2), rtol=1e-12)


def test_a_score_that_was_bad_for_a_while_leaves_no_trace(labels, scores):
    sampler, bad = sampler_of(labels), scores.copy()
    bad[7] = np.nan
    refresh(sampler, slice(0, N), scores, 1)
    refresh(sampler, slice(0, 20), bad, 2)
    mean = scores[np.arange(N) != 7].mean(dtype=float)
    np.testing.assert_allclose(sampler._scored.of(np.array([7])), 1, rtol=1e-6)
    assert mean > 0
    refresh(sampler, slice(0, 20), scores, 3)
    np.testing.assert_allclose(sampler.proposal.prob_weights, mix(prob_weights_from_scores(scores.astype(float)), 0.2))


@pytest.mark.parametrize("settings", [{"mixture": "auto"}, {"mixture": 0.0}, {"max_staleness": 3}])
def test_drawn_weights_are_those_of_the_probabilities_drawn_by_whatever_has_happened(labels, rng, settings):
    sampler = make_sampler(Config(minibatch_size=8, **settings), labels)
    for step in range(1, 60):
        scores, start = rng.exponential(size=N).astype(np.float32), int(rng.integers(0, N - 1))
        scores[rng.integers(0, N, 20)] = 0 if step % 17 else np.nan
        scores *= step % 13 > 0  # all scores of a part are zero
        sampler._gain.switch.on = step % 5 > 0
        refresh(sampler, slice(0 if step % 7 == 1 else start, N), scores, step)
        for _ in range(3):
            probabilities = sampler.proposal.prob_weights / sampler.proposal.prob_weights.sum()
            indices, weights = sampler.draw()
            np.testing.assert_allclose(weights, 1 / (N * probabilities[indices]), rtol=1e-10)
            norms = rng.exponential(size=8) * rng.choice([0.1, 1, 10])
            sampler.learn_from_minibatch(minibatch_of(indices, norms, weights), step)
        again = make_sampler(Config(minibatch_size=8, **settings), labels)
        again.restore(sampler.state())
        assert_same(sampler, again)


@pytest.mark.parametrize("switched_on", [True, False])
def test_restored_weights_go_on_bitwise_with_what_was_learnt_since_they_were_formed(labels, scores, rng, switched_on):
    one, other = sampler_of(labels, adaptive_smoothing=0.5), sampler_of(labels, adaptive_smoothing=0.5)
    refresh(one, slice(0, N), scores, 1)
    refresh(one, slice(0, 9), scores[::-1].copy(), 2)
    one._gain.switch.on = switched_on
    refresh(one, slice(0, 9), scores[::-1].copy(), 2)
    one.learn_from_minibatch(minibatch_of([3, 60], np.array([9.0, 4.0])), 3)
    other.restore(one.state())
    assert_same(one, other)
    for sampler in (one, other):
        refresh(sampler, slice(30, 50), scores[::-1].copy(), 4)
    assert_same(one, other)
    rows = np.arange(N)
    np.testing.assert_array_equal(one._scored.of(rows), other._scored.of(rows))


@pytest.mark.parametrize(
    "settings", [{"max_staleness": 9}, {"power_smoothing": 0.5}, {"sampling": "rank"}, {"compat": "alain2015"}]
)
def test_weights_that_are_no_affine_function_of_lasting_scores_are_formed_from_all(labels, settings):
    config = Config(**({"minibatch_size": 8} | settings))
    assert not isinstance(make_sampler(config, labels, clock=lambda: 1.0).scored, LiveWeights)
    assert isinstance(sampler_of(labels).scored, LiveWeights)
