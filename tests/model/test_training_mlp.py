from functools import partial

import numpy as np
import pytest
import reference

from isgd_mpi.model.learning_rate import LearningRate
from isgd_mpi.model.optim import SGD, Adam
from isgd_mpi.model.params import initial_params, layer_views, n_parameters

pytestmark = pytest.mark.usefixtures("spurious_flags_of_blas")
WIDTHS = [(6, 4), (1, 1, 1), (5, 3, 8, 2, 4), (70, 64, 3), (6, 64, 128, 5), (5, 33, 80, 150, 3)]


def clipping(params):
    """Make an optimiser that clips every gradient of these tests."""
    optimiser = SGD(params, 0.1)
    optimiser.clip_norm = 1e-3
    return optimiser


OPTIMISERS = [
    partial(SGD, learning_rate=0.1),
    partial(SGD, learning_rate=0.1, momentum=0.9),
    partial(SGD, learning_rate=LearningRate(0.1, "linear", 7), momentum=0.3, weight_decay=0.02),
    partial(Adam, learning_rate=0.01, weight_decay=0.02, decoupled=True),
    clipping,
]


def make(rng, kind, widths, n_rows):
    """Make a model with random parameters, biases included, and a batch with importance weights."""
    model = kind(widths, n_rows)
    model.params[:] = initial_params(widths, "he", rng) + 0.1 * rng.standard_normal(n_parameters(widths))
    x = rng.standard_normal((n_rows, widths[0]), dtype=np.float32)
    return model, x, rng.integers(0, widths[-1], n_rows), rng.exponential(size=n_rows).astype(np.float32)


def assert_close(got, expected, tolerance=1e-3):
    """Assert that two vectors differ by little, relative to their length: here and there a sum is rounded otherwise."""
    assert np.linalg.norm(got - expected) <= tolerance * np.linalg.norm(expected)


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("n_rows", [1, 6, 70])
def test_the_gradient_is_that_of_products_of_rounded_factors(rng, rounded_mlp, widths, n_rows):
    model, x, y, weights = make(rng, rounded_mlp, widths, n_rows)
    loss, gradient, scores = model.gradient(x, y, weights)
    views = layer_views(model.params, widths)
    expected_loss, expected, norms = reference.low_precision_gradient(*views, x, y, weights)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-3)
    assert_close(gradient, expected)
    assert_close(scores, norms)
    exact = reference.mlp_weighted_gradient(*views, x, y, weights)[1]
    if n_rows > 1 and widths[-1] > 1:  # else it may be all zeros; a factor is rounded by up to 2**-9 of it
        assert 1e-5 < np.linalg.norm(gradient - exact) / np.linalg.norm(exact) < 2**-3


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("make_optimiser", OPTIMISERS)
@pytest.mark.parametrize("n_rows", [5, 80])
def test_descent_is_the_gradient_and_the_optimisers_step(rng, rounded_mlp, widths, n_rows, make_optimiser):
    formed, x, y, weights = make(rng, rounded_mlp, widths, n_rows)
    fused = rounded_mlp(widths, n_rows)
    fused.params[:] = formed.params
    begin = formed.params.copy()
    steppers = [make_optimiser(model.params) for model in (formed, fused)]
    for _ in range(3):
        loss, gradient, scores = formed.gradient(x, y, weights)
        steppers[0].step(gradient)
        got_loss, got_scores = fused.descend(x, y, weights, steppers[1])
        np.testing.assert_allclose(got_loss, loss, rtol=1e-3)
        assert_close(got_scores, scores)
        np.testing.assert_array_equal(fused.predictions, formed.predictions)
    assert_close(fused.params - begin, formed.params - begin)
    assert steppers[0].present_learning_rate == steppers[1].present_learning_rate


def test_the_first_step_of_descent_has_the_bits_of_the_kernels_gradient(rng, rounded_mlp):
    model, x, y, weights = make(rng, rounded_mlp, (20, 64, 10), 9)
    before, gradient = model.params.copy(), model.gradient(x, y, weights)[1].copy()
    model.descend(x, y, weights, SGD(model.params, 0.5))
    np.testing.assert_allclose(model.params, before - 0.5 * gradient, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("widths", WIDTHS)
def test_scores_are_those_of_the_scorers_arithmetic(rng, rounded_mlp, widths):
    model, x, y, _ = make(rng, rounded_mlp, widths, 7)
    scores, losses, correct = model.scores(x, y)
    norms, expected_losses = reference.low_precision_norms(*layer_views(model.params, widths), x, y)
    assert_close(scores, norms)
    np.testing.assert_allclose(losses, expected_losses, rtol=2e-2, atol=1e-3)
    np.testing.assert_array_equal(correct, model.predictions == y)


def test_other_numbers_of_rows_leave_no_trace(rng, rounded_mlp):
    model, x, y, weights = make(rng, rounded_mlp, (5, 33, 80, 3), 70)
    expected = {}
    for n_rows in (70, 1, 16, 63, 70):
        alone = rounded_mlp(model.widths, n_rows)
        alone.params = model.params
        part = x[:n_rows], y[:n_rows], weights[:n_rows]
        expected[n_rows] = alone.gradient(*part)[1].copy()
        np.testing.assert_array_equal(model.gradient(*part)[1], expected[n_rows])


def test_steps_repeat_bitwise_and_do_not_depend_on_what_was_rounded_when(rng, rounded_mlp):
    model, x, y, weights = make(rng, rounded_mlp, (20, 64, 48, 10), 33)
    again = rounded_mlp(model.widths, 33)
    again.params[:] = model.params
    optimisers = [SGD(each.params, 0.1, 0.9) for each in (model, again)]
    for _ in range(4):
        model.descend(x, y, weights, optimisers[0])
        again.params = again.params  # as a resumed run rounds its weights anew
        again.descend(x, y, weights, optimisers[1])
    np.testing.assert_array_equal(model.params, again.params)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 3e38])
@pytest.mark.parametrize("place", ["feature", "weight", "importance weight"])
def test_descent_refuses_what_is_not_finite_and_touches_nothing(rng, rounded_mlp, bad, place):
    model, x, y, weights = make(rng, rounded_mlp, (70, 64, 3), 8)
    {"feature": x, "weight": model.params, "importance weight": weights}[place].flat[5] = bad
    if place == "importance weight" and bad == 3e38:
        weights[5] = np.inf
    before, optimiser = model.params.copy(), SGD(model.params, 0.1, 0.9)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="not finite"):
        model.descend(x, y, weights, optimiser)
    np.testing.assert_array_equal(model.params, before)
    assert not optimiser.velocity.any()
