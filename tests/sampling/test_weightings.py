import math

import numpy as np
import pytest
from reference import falling_ranks as ranks_one_by_one
from samplers import make_sampler

from isgd_mpi.sampling.weightings import (
    chances_of_selection,
    falling_ranks,
    infobatch_weights,
    rank_weights,
    selective_backprop_weights,
)
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.sampling import UNWEIGHTED

N, STEPS = 12, 100
SAMPLING = ("rank", "infobatch", "selective-backprop", "rho")


@pytest.fixture
def losses(rng):
    return rng.gamma(0.3, size=N).astype(np.float32)


@pytest.fixture
def make(rng):
    labels = np.append(rng.integers(0, 3, N - 1), 2).astype(np.int32)

    def make(scores, step=1, weights=None, clock=None, irreducible=None, **settings):
        """Return a sampler that has formed its proposal from scores."""
        path = {"reference_model": "model.npz"} if settings["sampling"] == "rho" else {}
        limit = {} if "seconds" in settings else {"steps": STEPS}
        config = Config(minibatch_size=2, switch="off", **limit, **path, **settings)
        sampler = make_sampler(config, labels, clock=clock, weights=weights)
        if irreducible is not None:
            sampler.scored.irreducible_losses[:] = irreducible
        sampler.write_scores(slice(0, N), scores, 0)
        sampler.renew(step, 0.0)
        assert sampler.importance_sampling
        return sampler

    return make


def probabilities(sampler):
    weights = sampler.proposal.prob_weights
    return weights / weights.sum()


@pytest.mark.parametrize("values", ["distinct", "tied", "equal"])
def test_ranks_are_those_of_the_naive_twin(rng, values):
    scores = {"distinct": rng.normal(size=300), "tied": rng.integers(-3, 4, 300), "equal": np.zeros(300)}[values]
    scores = np.append(scores * 10.0 ** rng.integers(-20, 20, 300), [0.0, -0.0, 1e38, -1e38]).astype(np.float32)
    np.testing.assert_array_equal(falling_ranks(scores), ranks_one_by_one(scores))
    np.testing.assert_array_equal(falling_ranks(scores.astype(float)), ranks_one_by_one(scores))


def test_rank_weights_are_exp_of_minus_log_pressure_over_n_times_the_rank(losses):
    expected = np.exp(-math.log(50) / N * np.argsort(np.argsort(-losses)))
    np.testing.assert_allclose(rank_weights(losses, 50.0), expected, rtol=1e-12)
    assert (rank_weights(losses, 1.0) == 1).all()


def test_infobatch_weights_are_1_minus_r_below_the_mean(losses):
    expected = [0.7 if loss < losses.mean() else 1 for loss in losses]
    np.testing.assert_allclose(infobatch_weights(losses, 0.3), expected, rtol=1e-12)


def test_selective_backprop_weights_are_the_cdf_of_the_loss(losses):
    expected = [(np.sum(losses < loss) + 0.5 * np.sum(losses == loss)) / N for loss in losses]
    np.testing.assert_allclose(selective_backprop_weights(losses), expected, rtol=1e-12)


@pytest.mark.parametrize("size", [1, 3, 50])
def test_rho_chances_are_sums_of_the_binomial_distribution(size):
    n_others = 10 * size - 1
    expected = [
        sum(math.comb(n_others, k) * u**k * (1 - u) ** (n_others - k) for k in range(size))
        for u in np.arange(2 * N + 1) / (2 * N)
    ]
    np.testing.assert_allclose(chances_of_selection(N, size), expected, rtol=1e-9, atol=1e-15)


def test_rho_chances_are_how_often_an_example_is_among_the_largest_candidates(rng):
    size, draws = 2, 20_000
    candidates = np.sort(rng.random((draws, 10 * size - 1)), axis=1)  # shares of the examples with larger losses
    chances = chances_of_selection(N, size)
    for at in (1, 2, 5):
        found = (candidates[:, size - 1] > at / (2 * N)).mean()
        assert found == pytest.approx(chances[at], abs=4 * math.sqrt(0.25 / draws))


def test_rho_draws_by_the_rank_of_the_loss_less_the_irreducible_loss(make, losses, rng):
    irreducible = rng.gamma(0.3, size=N).astype(np.float32)
    sampler = make(losses, sampling="rho", irreducible=irreducible)
    ranks = np.argsort(np.argsort(irreducible - losses))
    expected = chances_of_selection(N, 2)[2 * ranks]
    np.testing.assert_allclose(probabilities(sampler), expected / expected.sum(), rtol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sampling", ["rank", "infobatch"])
def test_the_gradient_is_unbiased_by_enumeration(make, losses, rng, sampling, weighted):
    own = rng.gamma(1.0, size=N) if weighted else np.ones(N)
    own /= own.mean()
    sampler = make(losses, weights=own if weighted else None, sampling=sampling)
    gradients = rng.standard_normal((N, 4))
    everyone = np.arange(N)
    weights = sampler.loss_weights(everyone, sampler.proposal.importance_weights(everyone))
    expectation = (probabilities(sampler) * weights) @ gradients
    np.testing.assert_allclose(expectation, own @ gradients / N, rtol=1e-12)
    assert np.ptp(probabilities(sampler) / own) > 0  # it is not drawn uniformly


def test_infobatch_importance_weights_are_those_of_its_source(make, losses):
    sampler = make(losses, sampling="infobatch")
    weights = sampler.proposal.importance_weights(np.arange(N))
    np.testing.assert_allclose(weights / weights.min(), np.where(losses < losses.mean(), 2, 1), rtol=1e-12)


@pytest.mark.parametrize("sampling", UNWEIGHTED)
def test_biased_methods_weigh_all_losses_by_one(make, losses, sampling):
    sampler = make(losses, sampling=sampling)
    indices, weights = sampler.draw()
    assert (sampler.loss_weights(indices, weights) == 1).all() and (weights != 1).any()


@pytest.mark.parametrize("sampling", SAMPLING)
def test_draws_follow_the_proposal_and_repeat(make, losses, sampling):
    one, other = make(losses, sampling=sampling), make(losses, sampling=sampling)
    drawn = np.array([one.draw()[0] for _ in range(2000)])
    np.testing.assert_array_equal(drawn, [other.draw()[0] for _ in range(2000)])
    np.testing.assert_allclose(np.bincount(drawn.ravel(), minlength=N) / drawn.size, probabilities(one), atol=0.03)
    assert one.figures(1)["mixture"] == 0


def test_a_uniform_part_is_mixed_in_if_it_is_given(make, losses):
    plain, mixed = (make(losses, sampling="rank", **more) for more in ({}, {"mixture": 0.5}))
    np.testing.assert_allclose(probabilities(mixed), (probabilities(plain) + 1 / N) / 2, rtol=1e-12)


def test_the_pressure_of_rank_falls_exponentially_from_a_hundred_to_one(make, losses):
    ratios = {step: np.ptp(np.log(probabilities(make(losses, step, sampling="rank")))) for step in (0, 50, STEPS)}
    whole = math.log(100) * (N - 1) / N
    np.testing.assert_allclose(list(ratios.values()), [whole, whole / 2, 0], atol=1e-12)


@pytest.mark.parametrize(("step", "prunes"), [(0, True), (87, True), (88, False)])
def test_infobatch_leaves_nothing_out_in_the_last_eighth(make, losses, step, prunes):
    assert (np.ptp(probabilities(make(losses, step, sampling="infobatch"))) > 0) == prunes


@pytest.mark.parametrize(("schedule", "prunes"), [("relaxed", False), ("pipelined", True)])
def test_the_clock_tells_how_much_is_over_only_where_a_run_need_not_repeat(make, losses, schedule, prunes):
    sampler = make(losses, sampling="infobatch", seconds=10.0, schedule=schedule, clock=lambda: 9.0)
    assert (np.ptp(probabilities(sampler)) > 0) == prunes


@pytest.mark.parametrize("sampling", SAMPLING)
def test_all_scores_equal_is_uniform(make, sampling):
    np.testing.assert_allclose(probabilities(make(np.zeros(N, np.float32), sampling=sampling)), 1 / N, rtol=1e-12)


def test_irreducible_losses_and_weights_are_restored(make, losses):
    options = {"sampling": "rho", "step": 3}
    one, other = make(losses, irreducible=losses[::-1].copy(), **options), make(losses, **options)
    other.restore(one.state())
    for sampler in (one, other):
        sampler.write_scores(slice(0, N), losses[::-1] ** 2, 4)
        sampler.renew(5, 0.0)
    np.testing.assert_array_equal(probabilities(one), probabilities(other))
