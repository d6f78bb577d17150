import numpy as np
import pytest

from isgd_mpi.sampling.proposal import mix, prob_weights_from_scores
from isgd_mpi.sampling.sampler import Sampler
from isgd_mpi.settings.config import Config

N, N_CLASSES = 40, 4


@pytest.fixture
def labels(rng):
    return rng.integers(0, N_CLASSES, N, dtype=np.int32)


@pytest.fixture
def make(labels, rng):
    def make(**settings):
        return Sampler(Config(**({"minibatch_size": 8, "usable_fraction": 0.5} | settings)), labels, N_CLASSES, rng, N)

    return make


def write(sampler, n_rows, scores, step=0):
    sampler.write(slice(0, n_rows), scores[:n_rows], np.zeros(n_rows, np.int32), step)


def is_uniform(sampler):
    return not sampler.importance_sampling and sampler.mixture == 1 and np.ptp(sampler.proposal.prob_weights) == 0


def test_uniform_until_enough_examples_have_a_score(make, rng):
    sampler, scores = make(), rng.exponential(size=N)
    assert is_uniform(sampler)
    write(sampler, 19, scores)
    assert sampler.renew(0) is None and is_uniform(sampler)
    write(sampler, 20, scores)
    assert sampler.renew(0) is None and sampler.importance_sampling


def test_the_proposal_is_formed_from_the_scores_and_their_mean_where_there_is_none(make, rng):
    sampler, scores = make(smoothing=0.3, mixture=0.2), rng.exponential(size=N).astype(np.float32)
    write(sampler, 30, scores)
    sampler.renew(0)
    scores[30:] = scores[:30].mean(dtype=float)
    expected = mix(prob_weights_from_scores(scores.astype(float), 0.3), 0.2)
    np.testing.assert_allclose(sampler.proposal.prob_weights, expected, rtol=1e-6)
    assert sampler.mixture == 0.2


def test_uniform_sampling_stays_uniform(make, rng):
    sampler = make(score="uniform")
    write(sampler, N, rng.exponential(size=N))
    assert sampler.renew(0) is None and is_uniform(sampler)


@pytest.mark.parametrize("scores", [np.zeros(N), np.full(N, np.nan)])
def test_scores_that_form_no_proposal_are_told_of_and_sampling_is_uniform(make, rng, scores):
    sampler = make()
    write(sampler, N, rng.exponential(size=N))
    sampler.renew(0)
    write(sampler, N, scores, step=1)
    assert "finite and not all zero" in sampler.renew(0)
    assert is_uniform(sampler)


def test_systematic_uniform_sampling_draws_each_example_once_a_pass_when_one_minibatch_is_a_pass(make, rng):
    sampler = make(minibatch_size=N)
    indices, importance_weights = sampler.draw(rng)
    np.testing.assert_array_equal(np.sort(indices), np.arange(N))
    np.testing.assert_allclose(importance_weights, 1)


def test_a_minibatch_has_the_size_and_the_sampling_asked_for(make):
    for sampling in ("systematic", "multinomial"):
        sampler = make(sampling=sampling, minibatch_size=6)
        got, _ = sampler.draw(np.random.default_rng(1))
        expected, _ = sampler.proposal.draw(6, sampling, np.random.default_rng(1))
        np.testing.assert_array_equal(got, expected)


def test_the_order_is_renewed_once_as_many_examples_were_drawn_or_scored_as_there_are(make, rng):
    sampler, scores = make(), rng.exponential(size=N)
    write(sampler, N, scores)
    sampler.renew(0)
    first = sampler._order
    write(sampler, N - 8, scores[::-1].copy(), step=1)
    sampler.renew(0)
    assert sampler._order is first
    sampler.draw(rng)  # for the monitor: does not count
    sampler.renew(0)
    assert sampler._order is first
    sampler.note_drawn(8)
    sampler.renew(0)
    assert sampler._order is not first
    np.testing.assert_array_equal(np.sort(sampler._order), np.arange(N))


def test_predictions_of_scorers_go_into_the_table(make, rng):
    sampler = make()
    sampler.write(slice(3, 6), np.ones(3), np.array([1, 2, 3], np.int32), step=4)
    np.testing.assert_array_equal(sampler.table.predictions[3:6], [1, 2, 3])
    np.testing.assert_array_equal(sampler.table.steps[3:6], [4, 4, 4])


def test_uniform_steps_are_drawn_with_their_probability_and_weight_one(make, rng):
    sampler = make(uniform_probability=0.3, mixture=0.0)
    write(sampler, N, rng.exponential(size=N) + 0.1)
    sampler.renew(0)
    n_uniform = sum(np.all(sampler.draw(rng)[1] == 1) for _ in range(2000))
    assert abs(n_uniform - 600) < 4 * np.sqrt(2000 * 0.3 * 0.7)


def test_adaptive_smoothing_follows_the_mean_score(make, rng):
    sampler, scores = make(adaptive_smoothing=0.5, mixture=0.0), rng.exponential(size=N)
    mean = None
    for step, factor in enumerate((1.0, 3.0, 0.1)):
        write(sampler, N, factor * scores, step)
        sampler.renew(step)
        now = (factor * scores).mean()
        mean = now if mean is None else 0.9 * mean + 0.1 * now
        expected = prob_weights_from_scores(factor * scores, 0.5 * mean)
        np.testing.assert_allclose(sampler.proposal.prob_weights, expected, rtol=1e-6)


def test_scores_that_age_end_importance_sampling(make, rng):
    sampler = make(max_staleness=10)
    write(sampler, N, rng.exponential(size=N), step=0)
    sampler.renew(10)
    assert sampler.importance_sampling
    assert "too few examples have a usable score" in sampler.renew(11) and is_uniform(sampler)


def test_what_is_not_wanted_is_not_used_but_compared(make, rng):
    sampler, scores = make(mixture=0.2), rng.exponential(size=N)
    assert sampler.compare(slice(0, N), scores) == 0
    write(sampler, N, scores, step=1)
    sampler.renew(1, wanted=False)
    assert is_uniform(sampler)
    assert sampler.compare(slice(0, N), scores) == N
    assert sampler.second_moment_ratio < 1
    sampler.renew(1)
    assert sampler.importance_sampling and sampler.mixture == 0.2


def test_the_scores_of_an_untrained_model_are_not_compared(make, rng):
    sampler, scores = make(), rng.exponential(size=N)
    write(sampler, N, scores, step=0)
    sampler.renew(0)
    assert sampler.compare(slice(0, N), scores) == 0
    write(sampler, 10, scores, step=1)
    assert sampler.compare(slice(0, N), scores) == 10
    assert sampler.compare(np.array([3, 20]), scores[[3, 20]], np.ones(2)) == 1
