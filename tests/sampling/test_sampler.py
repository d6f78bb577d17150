import re

import numpy as np
import pytest
from samplers import make_sampler, minibatch_of

from isgd_mpi.sampling.orders import Orders
from isgd_mpi.sampling.proposal import mix, prob_weights_from_scores
from isgd_mpi.sampling.score_table import joined
from isgd_mpi.settings.config import Config

N, N_CLASSES = 40, 4


@pytest.fixture
def labels(rng):
    return np.append(rng.integers(0, N_CLASSES, N - 1), N_CLASSES - 1).astype(np.int32)


@pytest.fixture
def make(labels):
    def make(norms_come_back=True, **settings):
        config = Config(**({"minibatch_size": 8, "usable_fraction": 0.5} | settings))
        return make_sampler(config, labels, norms_come_back)

    return make


def write(sampler, n_rows, scores, step=0):
    sampler.write_scores(slice(0, n_rows), scores[:n_rows], step)


def renew(sampler, step=0):
    return sampler.renew(step, refresh_share=0.0)


def write_and_renew(sampler, scores, step=0):
    write(sampler, N, scores, step)
    return renew(sampler, step)


def sweep(scores, step):
    """All scores, as scorers report them."""
    return [(slice(0, N), scores, np.zeros(N, np.int32), step)]


def mixture_of(sampler):
    return sampler.figures(0)["mixture"]


def is_uniform(sampler):
    return not sampler.importance_sampling and mixture_of(sampler) == 1 and np.ptp(sampler.proposal.prob_weights) == 0


@pytest.mark.parametrize(
    ("bounds", "expected"), [([], []), ([(3, 5)], [(3, 5)]), ([(0, 2), (2, 3), (4, 5), (5, 6)], [(0, 3), (4, 6)])]
)
def test_batches_that_follow_each_other_are_one_slice(bounds, expected):
    assert joined([slice(*each) for each in bounds]) == [slice(*each) for each in expected]


def test_uniform_until_enough_examples_have_a_score(make, rng):
    sampler, scores = make(), rng.exponential(size=N)
    assert is_uniform(sampler)
    write(sampler, 19, scores)
    assert renew(sampler) == [] and is_uniform(sampler)
    write(sampler, 20, scores)
    assert renew(sampler) == ["importance sampling begins"] and sampler.importance_sampling


def test_the_proposal_is_formed_from_the_scores_and_their_mean_where_there_is_none(make, rng):
    sampler, scores = make(smoothing=0.3, mixture=0.2), rng.exponential(size=N).astype(np.float32)
    write(sampler, 30, scores)
    renew(sampler)
    scores[30:] = scores[:30].mean(dtype=float)
    expected = mix(prob_weights_from_scores(scores.astype(float), 0.3), 0.2)
    np.testing.assert_allclose(sampler.proposal.prob_weights, expected, rtol=1e-6)
    assert mixture_of(sampler) == 0.2


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_score_concerns_its_example_alone(make, rng, bad):
    sampler, scores = make(mixture=0.0), rng.exponential(size=N).astype(np.float32)
    scores[3] = bad
    write_and_renew(sampler, scores)
    others = np.arange(N) != 3
    expected = np.where(others, scores, scores[others].mean(dtype=float))
    np.testing.assert_allclose(sampler.proposal.prob_weights, expected / expected.mean(), rtol=1e-6)
    assert sampler.importance_sampling and sampler.problem == ""


def test_uniform_sampling_stays_uniform(make, rng):
    sampler = make(score="uniform")
    assert write_and_renew(sampler, rng.exponential(size=N)) == [] and is_uniform(sampler)


@pytest.mark.parametrize(
    "scores, words",
    [(np.zeros(N), "all scores are zero"), (np.full(N, np.nan), f"too few .*, and {N} scores are not finite")],
)
def test_scores_that_form_no_proposal_are_told_of_and_sampling_is_uniform(make, rng, scores, words):
    sampler = make()
    write_and_renew(sampler, rng.exponential(size=N))
    (event,) = write_and_renew(sampler, scores, step=1)
    assert re.search(f"sampling uniformly: {words}", event)
    assert is_uniform(sampler) and renew(sampler, 1) == []  # which is told once


@pytest.mark.parametrize("size", [N, N // 2, 6, 7])
def test_systematic_uniform_sampling_draws_each_example_once_an_epoch(make, size):
    sampler = make(minibatch_size=size)
    epochs = []
    for _ in range(2):
        drawn, importance_weights = zip(*[sampler.draw() for _ in range(N // size)])
        np.testing.assert_allclose(importance_weights, 1)
        epochs.append(np.concatenate(drawn))
        assert len(set(epochs[-1].tolist())) == N // size * size
    assert not np.array_equal(*epochs)


def test_offsets_of_an_epoch_are_uniform_on_the_whole(make):
    offsets = np.array([[orders.random() for _ in range(5)] for orders in map(make_orders, range(2000))])
    assert np.allclose(np.diff(np.sort(offsets)), 0.2)
    counts = np.array([np.histogram(column, 4, (0, 1))[0] for column in offsets.T])
    assert abs(counts - 500).max() < 5 * 500**0.5  # at each place of the succession


def make_orders(seed):
    return Orders(np.zeros(10, np.int32), 1, np.random.SeedSequence(seed), 5)


def test_a_minibatch_has_the_size_and_the_sampling_asked_for(make):
    for sampling in ("systematic", "multinomial"):
        sampler, other = (make(sampling=sampling, minibatch_size=6) for _ in range(2))
        generator = other._orders if sampling == "systematic" else other._draws.rng
        expected, _ = other.proposal.draw(6, sampling, generator)
        got, _ = sampler.draw()
        np.testing.assert_array_equal(got, expected)


def test_the_order_is_renewed_once_eight_times_as_many_examples_were_drawn_or_scored_as_there_are(make, rng):
    sampler, scores = make(), rng.exponential(size=N)
    write_and_renew(sampler, scores)
    first = sampler._orders.present
    for step in range(1, 8):
        write(sampler, N, scores, step)
    write(sampler, N - 8, scores[::-1].copy(), step=8)
    renew(sampler)
    assert sampler._orders.present is first
    sampler.draw_probe(40)  # these draws do not count
    renew(sampler)
    assert sampler._orders.present is first
    sampler.learn_from_minibatch(minibatch_of(range(8), scores[:8]), step=8)
    renew(sampler)
    assert sampler._orders.present is not first
    np.testing.assert_array_equal(np.sort(sampler._orders.present), np.arange(N))


@pytest.mark.parametrize("score", ["loss", "predicted-loss"])
def test_batches_of_scorers_go_into_the_table_but_for_losses_that_a_predictor_learns_from(make, score):
    sampler = make(norms_come_back=False, score=score)
    before = sampler.table.steps[3:6].copy()
    sampler.learn_from_scores([(slice(3, 6), np.ones(3), np.array([1, 2, 3], np.int32), 4)])
    np.testing.assert_array_equal(sampler.table.predictions[3:6], [1, 2, 3])
    np.testing.assert_array_equal(sampler.table.steps[3:6], [4, 4, 4] if score == "loss" else before)


@pytest.mark.parametrize("feedback", [False, True])
def test_the_scores_of_a_minibatch_enter_the_table_with_feedback(make, feedback):
    sampler = make(feedback=feedback)
    sampler.learn_from_minibatch(minibatch_of([3, 4], np.array([1.0, 2.0])), step=6)
    known = sampler.table.steps >= 0
    np.testing.assert_array_equal(np.flatnonzero(known), [3, 4] if feedback else [])


def test_uniform_steps_are_drawn_with_their_probability_and_weight_one(make, rng):
    sampler = make(uniform_probability=0.3, mixture=0.0)
    write_and_renew(sampler, rng.exponential(size=N) + 0.1)
    n_uniform = sum(np.all(sampler.draw()[1] == 1) for _ in range(2000))
    assert abs(n_uniform - 600) < 4 * np.sqrt(2000 * 0.3 * 0.7)


def test_adaptive_smoothing_follows_the_mean_score(make, rng):
    sampler, scores = make(adaptive_smoothing=0.5, mixture=0.0), rng.exponential(size=N)
    mean = None
    for step, factor in enumerate((1.0, 3.0, 0.1)):
        write_and_renew(sampler, factor * scores, step)
        now = (factor * scores).mean()
        mean = now if mean is None else 0.9 * mean + 0.1 * now
        expected = prob_weights_from_scores(factor * scores, 0.5 * mean)
        np.testing.assert_allclose(sampler.proposal.prob_weights, expected, rtol=1e-6)


def test_scores_that_age_end_importance_sampling(make, rng):
    sampler = make(max_staleness=10)
    write(sampler, N, rng.exponential(size=N), step=0)
    renew(sampler, 10)
    assert sampler.importance_sampling
    assert renew(sampler, 11) == ["sampling uniformly: too few examples have a usable score"] and is_uniform(sampler)


def test_while_switched_off_scores_are_not_used_but_compared(make, rng):
    sampler, scores = make(mixture=0.2), rng.exponential(size=N)
    for _ in range(2):
        sampler.learn_from_scores(sweep(scores, step=1))
        renew(sampler, 1)
    sampler._gain.switch.on = False
    sampler._form(1)
    assert is_uniform(sampler)
    sampler.learn_from_scores(sweep(scores, step=1))
    assert sampler._n_compared == N and sampler._mixture.second_moment_ratio < 1
    for _ in range(8):
        sampler.learn_from_minibatch(minibatch_of(range(N), scores), step=1)
    sampler.learn_from_probe(0.1, 0.0, 0)
    events = renew(sampler, 1)  # it pays
    assert events[0].startswith("switch: importance sampling on") and events[1] == "importance sampling begins"
    assert sampler.importance_sampling and mixture_of(sampler) == 0.2


def test_the_scores_of_an_untrained_model_are_not_compared(make, rng):
    sampler, scores = make(), rng.exponential(size=N)
    for _ in range(2):
        sampler.learn_from_scores(sweep(scores, step=0))
        assert sampler._n_compared == 0
        renew(sampler)
    write(sampler, 10, scores, step=1)
    sampler.learn_from_scores(sweep(scores, step=0))
    assert sampler._n_compared == 10


@pytest.mark.parametrize("norms_come_back", [False, True])
def test_the_variance_is_learnt_from_minibatches_and_probes(make, rng, norms_come_back):
    sampler = make(norms_come_back)
    for _ in range(8):
        sampler.learn_from_minibatch(minibatch_of(range(8), rng.uniform(1, 2, 8)), step=0)
    assert np.isnan(sampler.variances()["trace_uniform"])
    sampler.learn_from_probe(0.5, 0.0, 0)
    assert sampler.variances()["squared_mean_gradient"] == 0.5 and sampler.variances()["trace_uniform"] > 1


@pytest.mark.parametrize(
    ("norms", "n_steps", "off"), [("opposite", 150, True), ("opposite", 120, False), ("same", 150, False)]
)
def test_it_is_switched_off_where_what_was_drawn_speaks_against_it_for_many_steps(make, rng, norms, n_steps, off):
    sampler, scores = make(mixture=0.1, feedback=False), rng.uniform(0.1, 2, N)
    write_and_renew(sampler, scores, step=1)
    norms = scores if norms == "same" else 2.1 - scores
    events = []
    for step in range(n_steps):
        indices, weights = sampler.draw()
        sampler.learn_from_minibatch(minibatch_of(indices, norms[indices], weights), step)
        if step % 10 == 9:
            sampler.learn_from_probe(0.01, 1e-6, 0)
            events += renew(sampler, step)
    assert [event.partition(",")[0] for event in events] == off * ["switch: importance sampling off"]
    assert sampler.on != off and (sampler.mean_gain.value < 1) == (norms is not scores)


@pytest.mark.parametrize(
    ("settings", "norms", "told"),
    [
        ({}, "others", True),
        ({}, "same", False),
        ({"smoothing": 1.0}, "others", False),
        ({"mixture": 0.5}, "others", False),
    ],
)
def test_the_age_of_scores_is_the_cause_if_they_were_right_once_and_nothing_else_is_in_the_way(
    make, rng, settings, norms, told
):
    sampler, scores = make(feedback=False, **settings), rng.exponential(size=N) + 0.01
    write_and_renew(sampler, scores, step=1)
    norms = scores if norms == "same" else scores[::-1].copy()
    for step in range(40):
        indices, weights = sampler.draw()
        sampler.learn_from_minibatch(minibatch_of(indices, norms[indices], weights), step)
    assert sampler.why_so_low(40) == ""  # without a probe nothing is known
    sampler.learn_from_probe(0.01, 1e-6, 0)
    why = sampler.why_so_low(40)
    assert ("39 steps old on average, are too old" in why) == told
    assert ("more scorers" in why) == (told and "schedule" not in settings)  # with which `exact` is only faster


def test_a_probe_is_drawn_independently_with_bounded_weights_that_make_it_unbiased(make, rng):
    sampler, scores = make(mixture=0.0), rng.exponential(size=N) ** 3
    write_and_renew(sampler, scores)
    indices, weights = sampler.draw_probe(100_000)
    assert weights.max() <= 2
    np.testing.assert_allclose(1 / weights, 0.5 + 0.5 * (scores / scores.mean())[indices], rtol=1e-5)
    frequency = np.bincount(indices, minlength=N) / len(indices)
    np.testing.assert_allclose(frequency, (0.5 + 0.5 * scores / scores.mean()) / N, atol=5e-3)


def test_probes_leave_the_minibatches_as_they_are(make):
    one, other = make(), make()
    other.draw_probe(16)
    np.testing.assert_array_equal(one.draw()[0], other.draw()[0])


@pytest.mark.parametrize("compat", ["none", "alain2015"])
def test_a_sampler_goes_on_from_its_state_as_if_nothing_had_happened(make, labels, rng, compat):
    config = Config(minibatch_size=8, adaptive_smoothing=0.5, compat=compat)
    one, other = (make_sampler(config, labels, clock=lambda: 1.0) for _ in range(2))

    def learn(sampler, step, scores):
        sampler.learn_from_scores([(slice(0, N), scores, labels, step)])
        events = renew(sampler, step)
        indices, weights = sampler.draw()
        sampler.learn_from_minibatch(minibatch_of(indices, scores[indices], weights, np.ones(2)), step)
        return events, indices, weights, sampler.figures(step)

    for step in range(3):
        learn(one, step, rng.exponential(size=N))
    other.restore(one.state())
    for step in range(3, 6):
        scores = rng.exponential(size=N)
        got, expected = learn(other, step, scores), learn(one, step, scores)
        assert got[0] == expected[0]
        for each, like in zip(got[1:3], expected[1:3]):
            np.testing.assert_array_equal(each, like)
        assert got[3] == pytest.approx(expected[3], nan_ok=True, rel=0)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("orders", "present"), np.full(N, N, np.int32)),
        (("orders", "uniform"), np.zeros(N, np.int64)),
        (("table", "predictions"), np.full(N, N_CLASSES, np.int32)),
        (("table", "scores"), np.zeros(N - 1, np.float32)),
        (("mixture", "value"), np.array("x")),
        (("surprise",), 1),
    ],
)
def test_a_state_of_another_kind_is_refused_by_name(make, path, value):
    sampler = make()
    state = sampler.state()
    part = state
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    with pytest.raises(ValueError, match=path[-1]):
        make().restore(state)


def test_distinct_examples_are_those_of_the_drawing_in_use(make):
    found = [make(sampling=sampling).figures(0)["distinct_examples"] for sampling in ("proportional", "multinomial")]
    np.testing.assert_allclose(found, [8, N * (1 - (1 - 1 / N) ** 8)])
