"""The schedule goes by gain: the position is the share of the gain of all steps, which ends with the last step."""

import numpy as np
import pytest

from isgd_mpi.model.learning_rate import LearningRate
from isgd_mpi.model.optim import SGD
from isgd_mpi.training.progress import Progress
from isgd_mpi.training.rate_scaling import RateScaling

N_STEPS, EVERY = 1000, 25


def positions(factor_of, progress, first=0, last=N_STEPS, rise=1.0):
    """Return the position before each step and at the end, of steps with these factors, expected to rise."""
    found = []
    for step in range(first, last + 1):
        if step % EVERY == 0 and step < last:
            progress.renew(step, factor_of(step), rise * factor_of(step))
        origin, pace, least = progress.line
        found.append(max(least, origin + pace * step))
    return np.array(found)


def test_without_gain_it_goes_by_steps_to_the_bit():
    np.testing.assert_array_equal(positions(lambda step: 1.0, Progress(N_STEPS)), np.arange(N_STEPS + 1))


@pytest.mark.parametrize("rise", [1.0, 3.0])
@pytest.mark.parametrize("factor_of", [lambda n: 1 + n / 100, lambda n: 8 - n / 200, lambda n: 1 + 7 * (n % 100 < 50)])
def test_it_never_goes_back_and_ends_with_the_last_step(factor_of, rise):
    found = positions(factor_of, Progress(N_STEPS), rise=rise)
    assert (np.diff(found) >= 0).all() and found[-1] == pytest.approx(N_STEPS) and found[0] == 0


def test_steps_of_less_gain_count_less():
    found = positions(lambda step: 1.0 if step < 500 else 3.0, Progress(N_STEPS))
    assert found[:501] == pytest.approx(np.arange(501))
    assert found[[660, 800, 1000]] == pytest.approx([500, 700, 1000])  # G = 500 of 2000 at first
    assert found[500:] == pytest.approx(np.maximum(500, (500 + 3 * np.arange(501)) / 2))


def test_gain_that_is_expected_puts_the_schedule_off():
    found = positions(lambda step: 1.0, Progress(N_STEPS), rise=3.0)
    steps = np.arange(0, N_STEPS, EVERY)
    assert found[steps] == pytest.approx(N_STEPS * steps / (steps + 3 * (N_STEPS - steps)))


def test_a_schedule_of_another_length_has_another_position():
    progress, longer = Progress(N_STEPS), Progress(2 * N_STEPS)
    positions(lambda step: 2.0, progress)
    longer.restore(progress.state())
    found = positions(lambda step: 2.0, longer, N_STEPS, 2 * N_STEPS)
    assert found == pytest.approx(np.arange(N_STEPS, 2 * N_STEPS + 1))


def test_a_run_restored_goes_on_as_before():
    progress, other = Progress(N_STEPS), Progress(N_STEPS)
    positions(lambda step: 1 + step / 100, progress, last=300)
    other.restore(progress.state())
    both = (positions(lambda step: 1 + step / 100, each, first=300) for each in (progress, other))
    np.testing.assert_array_equal(*both)


def test_the_rate_is_that_of_the_schedule_there_times_the_factor():
    scaling, optimiser = RateScaling(0.0, Progress(10)), SGD(np.zeros(1), LearningRate(2.0, "cosine", 10))
    for _ in range(4):
        scaling.observe(1e-3)
    optimiser.n_done = 5
    scaling.renew(5, 4.0, optimiser.scheduled_learning_rate)
    scaling.apply_to(optimiser)
    assert (optimiser.progress, scaling.factor) == (5.0, 1.15)
    optimiser.n_done = 8
    to_come = (1.15 + 4) / 2  # on average: the bound rises as the rate falls
    expected = (5 + 3 * to_come) / (5 + 5 * to_come)
    assert optimiser.progress == pytest.approx(10 * expected)
    assert optimiser.present_learning_rate == pytest.approx(1.15 * (1 + np.cos(np.pi * expected)))
