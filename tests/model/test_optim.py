import numpy as np
import pytest
import reference

from isgd_mpi.model.optim import SGD, Adam


def test_steps_without_momentum_subtract_the_gradient(rng):
    params, gradients = rng.standard_normal(50), rng.standard_normal((3, 50))
    optimiser = SGD(params.copy(), 0.2)
    for gradient in gradients:
        optimiser.step(gradient)
    np.testing.assert_allclose(optimiser.params, params - 0.2 * gradients.sum(axis=0), rtol=1e-12)
    assert optimiser.velocity is None


def test_steps_with_momentum_are_nesterovs(rng):
    params, velocity = rng.standard_normal(50), np.zeros(50)
    optimiser = SGD(params.copy(), 0.2, momentum=0.9)
    for gradient in rng.standard_normal((4, 50)):
        optimiser.step(gradient)
        params, velocity = reference.nesterov_update(params, velocity, gradient, 0.2, 0.9)
        np.testing.assert_allclose(optimiser.params, params, rtol=1e-11)
        np.testing.assert_allclose(optimiser.velocity, velocity, rtol=1e-11)


def test_the_learning_rate_may_change_between_steps():
    optimiser = SGD(np.zeros(2), 1.0)
    optimiser.step(np.ones(2))
    optimiser.learning_rate = 0.5
    optimiser.step(np.ones(2))
    np.testing.assert_array_equal(optimiser.params, [-1.5, -1.5])


def test_weight_decay_adds_the_parameters_to_the_gradient(rng):
    params, gradient = rng.standard_normal((2, 50))
    plain, nesterov = SGD(params.copy(), 0.2, weight_decay=0.1), SGD(params.copy(), 0.2, 0.9, weight_decay=0.1)
    plain.step(gradient)
    nesterov.step(gradient)
    np.testing.assert_allclose(plain.params, params - 0.2 * (gradient + 0.1 * params), rtol=1e-12)
    expected, _ = reference.nesterov_update(params, np.zeros(50), gradient, 0.2, 0.9, 0.1)
    np.testing.assert_allclose(nesterov.params, expected, rtol=1e-12)


def test_the_linear_schedule_rises_over_a_tenth_of_the_steps_and_falls_to_zero():
    optimiser, rates = SGD(np.zeros(1), 2.0, n_steps=99), []
    for _ in range(99):
        rates.append(optimiser.present_learning_rate)
        optimiser.step(np.ones(1))
    steps = np.arange(1, 100) / 100
    np.testing.assert_allclose(rates, 2 * np.where(steps < 0.1, steps / 0.1, (1 - steps) / 0.9), rtol=1e-12)
    assert rates[9] == max(rates) == pytest.approx(2.0)
    np.testing.assert_allclose(optimiser.params, -sum(rates))
    assert optimiser.present_learning_rate == 0


def test_adams_steps_are_those_of_the_reference(rng):
    params = rng.standard_normal(50)
    expected, optimiser = (params, np.zeros(50), np.zeros(50)), Adam(params.copy(), 0.2)
    for step, gradient in enumerate(rng.standard_normal((4, 50)), start=1):
        optimiser.step(gradient)
        expected = reference.adam_update(*expected, gradient, 0.2, step)
        np.testing.assert_allclose(optimiser.params, expected[0], rtol=1e-11)


def test_adam_refuses_a_gradient_that_is_not_finite():
    with np.errstate(invalid="ignore"), pytest.raises(FloatingPointError, match="gradient is not finite"):
        Adam(np.ones(5)).step(np.array([1, 2, np.nan, 3, 4]))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_parameters_are_updated_in_place_and_keep_their_dtype(momentum):
    params = np.ones(5, np.float32)
    SGD(params, 0.1, momentum).step(np.ones(5, np.float32))
    assert params.dtype == np.float32 and (params < 1).all()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_is_refused(momentum, bad):
    params, gradient = np.ones(10_000), np.ones(10_000)
    gradient[-1] = bad
    with np.errstate(invalid="ignore"), pytest.raises(FloatingPointError, match="gradient is not finite"):
        SGD(params, 0.1, momentum).step(gradient)
    np.testing.assert_array_equal(params, np.ones(10_000))
