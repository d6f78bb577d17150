from dataclasses import replace

import numpy as np
import pytest
import reference

from isgd_mpi.model.learning_rate import LearningRate
from isgd_mpi.model.optim import SGD, Adam, make_optimiser
from isgd_mpi.settings.config import Config


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


def test_weight_decay_adds_the_parameters_to_the_gradient(rng):
    params, gradient = rng.standard_normal((2, 50))
    plain, nesterov = SGD(params.copy(), 0.2, weight_decay=0.1), SGD(params.copy(), 0.2, 0.9, weight_decay=0.1)
    plain.step(gradient)
    nesterov.step(gradient)
    np.testing.assert_allclose(plain.params, params - 0.2 * (gradient + 0.1 * params), rtol=1e-12)
    expected, _ = reference.nesterov_update(params, np.zeros(50), gradient, 0.2, 0.9, 0.1)
    np.testing.assert_allclose(nesterov.params, expected, rtol=1e-12)


def test_the_linear_schedule_rises_over_a_tenth_of_the_steps_and_falls_to_zero():
    optimiser, rates = SGD(np.zeros(1), LearningRate(2.0, "linear", 99)), []
    for _ in range(99):
        rates.append(optimiser.present_learning_rate)
        optimiser.step(np.ones(1))
    steps = np.arange(1, 100) / 100
    np.testing.assert_allclose(rates, 2 * np.where(steps < 0.1, steps / 0.1, (1 - steps) / 0.9), rtol=1e-12)
    assert rates[9] == max(rates) == pytest.approx(2.0)
    np.testing.assert_allclose(optimiser.params, -sum(rates))
    assert optimiser.present_learning_rate == 0


def test_other_schedules():
    assert [LearningRate(2.0).after(n) for n in (0, 7)] == [2.0, 2.0]
    cosine, step = LearningRate(2.0, "cosine", 100), LearningRate(2.0, "step", 100)
    expected = 1 + np.cos(np.pi * np.arange(101) / 100)
    np.testing.assert_allclose([cosine.after(n) for n in range(101)], expected, atol=1e-15)
    assert (cosine.after(0), cosine.after(100), cosine.after(130)) == (2.0, 0.0, 0.0)
    assert [step.after(n) for n in (0, 49, 50, 74, 75, 99, 130)] == [2.0, 2.0, 0.2, 0.2, 0.02, 0.02, 0.02]


@pytest.mark.parametrize("decoupled", [False, True])
def test_adams_steps_are_those_of_the_reference(rng, decoupled):
    params, decays = rng.standard_normal(50), (0.0, 0.1) if decoupled else (0.1, 0.0)
    rate = LearningRate(0.2, "cosine", 5)
    optimiser = Adam(params.copy(), rate, 0.1, decoupled)
    expected = params, np.zeros(50), np.zeros(50)
    for step, gradient in enumerate(rng.standard_normal((4, 50)), start=1):
        optimiser.step(gradient)
        expected = reference.adam_update(*expected, gradient, rate.after(step - 1), step, *decays)
        np.testing.assert_allclose(optimiser.params, expected[0], rtol=1e-11)


@pytest.mark.parametrize(("name", "theirs"), [("sgd", "SGD"), ("adam", "Adam"), ("adamw", "AdamW")])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_steps_are_those_of_torch(rng, name, theirs, weight_decay):
    torch = pytest.importorskip("torch")
    params = torch.tensor(rng.standard_normal(50), requires_grad=True)
    config = Config(optimizer=name, lr=0.1, weight_decay=weight_decay)
    ours = make_optimiser(params.detach().numpy().copy(), config, 1000)
    other = getattr(torch.optim, theirs)([params], 0.1, weight_decay=weight_decay)
    for gradient in rng.standard_normal((4, 50)):
        ours.step(gradient)
        params.grad = torch.tensor(gradient)
        other.step()
        np.testing.assert_allclose(ours.params, params.detach().numpy(), rtol=1e-10)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.5}, {"optimizer": "adam"}, {"optimizer": "adamw"}])
@pytest.mark.parametrize(("length", "kept"), [(0.5, 0.5), (20.0, 2.0)])
def test_a_gradient_is_clipped_and_the_decay_is_not(rng, options, length, kept):
    config = Config(clip_norm=2.0, weight_decay=0.1, lr=0.1, **options)
    clipped, free = (make_optimiser(np.ones(50), each, 100) for each in (config, replace(config, clip_norm=None)))
    for gradient in rng.standard_normal((3, 50)):
        gradient /= np.linalg.norm(gradient)
        clipped.step(length * gradient)
        free.step(kept * gradient)
        np.testing.assert_allclose(clipped.params, free.params, rtol=1e-12)


def test_options_make_the_optimiser():
    params = np.zeros(3)
    sgd = make_optimiser(params, Config(momentum=0.5, weight_decay=0.1), 100)
    assert isinstance(sgd, SGD) and (sgd.momentum, sgd.weight_decay, sgd.present_learning_rate) == (0.5, 0.1, 0.1)
    adam = make_optimiser(params, Config(optimizer="adam", weight_decay=0.1), 100)
    adamw = make_optimiser(params, Config(optimizer="adamw", weight_decay=0.1, lr_schedule="step", steps=4), 100)
    assert adam.settings[-2:] == (0.1, 0.0) and adamw.settings[-2:] == (0.0, 1e-4)
    adamw.n_done = 2
    assert adamw.present_learning_rate == 1e-4


def test_the_moments_are_saved(rng):
    one, other = (Adam(np.ones(5), 0.1) for _ in range(2))
    gradients = rng.standard_normal((4, 5))
    for gradient in gradients[:2]:
        one.step(gradient)
    other.restore(one.state())
    other.params[:] = one.params
    for gradient in gradients[2:]:
        one.step(gradient)
        other.step(gradient)
    np.testing.assert_array_equal(other.params, one.params)


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
