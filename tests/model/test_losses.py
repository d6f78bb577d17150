from functools import partial

import numba
import numpy as np
import pytest
import reference

from isgd_mpi.data.target import Target
from isgd_mpi.model.bfloat16.arithmetic import CompiledProducts
from isgd_mpi.model.bfloat16.scoring_mlp import Evaluator, LowPrecisionMLP
from isgd_mpi.model.bfloat16.training_mlp import RoundedMLP
from isgd_mpi.model.layers import FEW_ROWS
from isgd_mpi.model.losses import HUBER_THRESHOLD, LOSSES, CrossEntropy, Huber, Logistic, Squared, loss_for
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.optim import SGD
from isgd_mpi.model.params import initial_params, layer_views, n_parameters
from isgd_mpi.settings.errors import InputError

pytestmark = pytest.mark.usefixtures("spurious_flags_of_blas")
WIDTHS = [(6, 4), (4, 7, 5, 3), (5, 3, 8, 2, 1), (1, 1, 1)]
TWINS = {
    "logistic": reference.logistic,
    "squared": reference.squared_error,
    "huber": partial(reference.huber, threshold=HUBER_THRESHOLD),
}
needs_compilation = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="the products are compiled only")
by_loss = pytest.mark.parametrize("loss", TWINS)


def targets_of(loss, rng, shape):
    targets = rng.integers(0, 2, shape) if loss == "logistic" else 1.5 * rng.standard_normal(shape)
    return targets.astype(np.float32)


def make(rng, loss, widths, n_rows, dtype=np.float64, score="grad-norm"):
    """Make a model with random parameters, biases included, and a batch."""
    model = MLP(widths, n_rows, dtype, score, loss=LOSSES[loss](widths[-1]))
    model.params[:] = initial_params(widths, "he", rng) + 0.1 * rng.standard_normal(n_parameters(widths))
    x = rng.standard_normal((n_rows, widths[0])).astype(dtype)
    return model, x, targets_of(loss, rng, (n_rows, widths[-1]))


def explicit(model, loss, x, y, weights):
    return reference.mlp_weighted_gradient(*layer_views(model.params, model.widths), x, y, weights, TWINS[loss])


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-11), (np.float32, 1e-4)])
@pytest.mark.parametrize("widths", WIDTHS)
@by_loss
def test_norms_and_gradient_are_those_of_explicit_gradients(rng, loss, widths, dtype, rtol):
    model, x, y = make(rng, loss, widths, 6, dtype)
    weights = rng.exponential(size=6).astype(dtype)
    expected_loss, expected, losses, gradients = explicit(model, loss, x, y, weights)
    scores, got_losses, _ = model.scores(x, y)
    np.testing.assert_allclose(scores, np.linalg.norm(gradients, axis=1), rtol=rtol)
    np.testing.assert_allclose(got_losses, losses, rtol=rtol, atol=rtol / 10)
    got_loss, gradient, _ = model.gradient(x, y, weights)
    np.testing.assert_allclose(got_loss, expected_loss, rtol=rtol)
    np.testing.assert_allclose(gradient, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


@pytest.mark.parametrize("widths", WIDTHS)
@by_loss
def test_norms_are_those_of_the_derivatives_of_each_examples_loss(rng, loss, widths):
    model, x, y = make(rng, loss, widths, 5)
    norms, step, gradients = model.scores(x, y)[0].copy(), 1e-6, np.empty((5, model.params.size))
    for k in range(model.params.size):
        value, losses = model.params[k], []
        for model.params[k] in (value + step, value - step):
            losses.append(model.scores(x, y)[1].copy())
        model.params[k] = value
        gradients[:, k] = (losses[0] - losses[1]) / (2 * step)
    np.testing.assert_allclose(norms, np.linalg.norm(gradients, axis=1), rtol=1e-6, atol=1e-8)


@by_loss
def test_each_kind_of_score_is_what_it_is_called(rng, loss):
    for score in ("grad-bound", "loss"):
        model, x, y = make(rng, loss, (4, 7, 3), 6, score=score)
        z = reference.mlp_logits(*layer_views(model.params, model.widths), x)
        delta, losses, _ = TWINS[loss](z, y)
        expected = losses if score == "loss" else np.linalg.norm(delta, axis=1)
        np.testing.assert_allclose(model.scores(x, y)[0], expected, rtol=1e-11)


@by_loss
def test_gradient_products_are_those_of_explicit_gradients(rng, loss):
    model, x, y = make(rng, loss, (4, 7, 5, 3), 6)
    weights = rng.exponential(size=6)
    *_, gradients = explicit(model, loss, x, y, np.ones(6))
    expected = (weights[:, None] * gradients) @ (weights[:, None] * gradients).T
    np.testing.assert_allclose(model.gradient_products(x, y, weights), expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("n_rows", [6, 80, FEW_ROWS + 1])
@by_loss
def test_descent_is_the_gradient_and_the_optimisers_step(rng, loss, n_rows):
    formed, x, y = make(rng, loss, (6, 64, 128, 5), n_rows)
    fused, *_ = make(rng, loss, formed.widths, n_rows)
    fused.params[:] = formed.params
    steppers = [SGD(model.params, 0.01, momentum=0.9) for model in (formed, fused)]
    for _ in range(3):
        weights = rng.exponential(size=n_rows)
        value, gradient, scores = formed.gradient(x, y, weights)
        steppers[0].step(gradient)
        got, got_scores = fused.descend(x, y, weights, steppers[1])
        np.testing.assert_allclose(got, value, rtol=1e-11)
        np.testing.assert_allclose(got_scores, scores, rtol=1e-10)
    np.testing.assert_allclose(fused.params, formed.params, rtol=1e-10, atol=1e-12)


def rounded_problem(rng, loss):
    """Draw parameters, biases included, and a batch with importance weights, in float32."""
    widths = 17, 64, 48, 5
    params = initial_params(widths, "he", rng) + 0.1 * rng.standard_normal(n_parameters(widths), np.float32)
    x, weights = rng.standard_normal((70, 17), np.float32), rng.exponential(size=70).astype(np.float32)
    return widths, params, x, targets_of(loss, rng, (70, 5)), weights


@needs_compilation
@by_loss
def test_scores_in_bfloat16_are_those_of_the_rounding_twin(rng, loss):
    widths, params, x, y, _ = rounded_problem(rng, loss)
    model = LowPrecisionMLP(widths, 70, CompiledProducts, loss=LOSSES[loss](5))
    model.params = params
    scores, losses, correct = model.scores(x, y)
    norms, expected_losses = reference.low_precision_norms(*layer_views(params, widths), x, y, TWINS[loss])
    errors = np.abs(scores - norms) / norms
    assert np.median(errors) < 1e-5 and errors.max() < 2e-3  # where a sum on the edge is rounded the other way
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(correct, model.predictions == 1 if loss == "logistic" else True)


@needs_compilation
@by_loss
def test_training_in_bfloat16_is_that_of_products_of_rounded_factors(rng, loss):
    widths, params, x, y, weights = rounded_problem(rng, loss)
    formed, fused = (RoundedMLP(widths, 70, loss=LOSSES[loss](5)) for _ in range(2))
    formed.params[:] = fused.params[:] = params
    value, gradient, scores = formed.gradient(x, y, weights)
    views = layer_views(params, widths)
    expected_value, expected, norms = reference.low_precision_gradient(*views, x, y, weights, TWINS[loss])
    np.testing.assert_allclose(value, expected_value, rtol=1e-3)
    for got, wanted in ((gradient, expected), (scores, norms)):
        assert np.linalg.norm(got - wanted) <= 1e-3 * np.linalg.norm(wanted)
    fused.descend(x, y, weights, SGD(fused.params, 0.5))
    np.testing.assert_allclose(fused.params, params - 0.5 * gradient, rtol=1e-5, atol=1e-6)


def test_measures_of_classes(rng):
    loss = CrossEntropy(3)
    z, y = np.array([[0.0, 1, 2], [5, 1, 1]]), np.array([1, 0])
    np.testing.assert_array_equal(loss.measure(z, y, loss.predict(z)), [[1, 2], [0, 0]])
    np.testing.assert_allclose(loss.outputs(z).sum(axis=1), 1)


def test_measures_of_labels():
    loss = Logistic(2)
    z, y = np.array([[3.0, -1], [1, 1], [-1, 1]]), np.array([[1, 0], [1, 0], [1, 0]], np.float32)
    np.testing.assert_array_equal(loss.measure(z, y, None), [[0, 0], [1, 0.5], [1, 1]])
    np.testing.assert_array_equal(loss.predict(z), [[1, 0], [1, 1], [0, 1]])
    np.testing.assert_allclose(loss.outputs(z), 1 / (1 + np.exp(-z)))


@pytest.mark.parametrize("kind", [Squared, Huber])
def test_measures_of_numbers_are_one_for_each(kind):
    loss = kind(2)
    z, y = np.array([[3.0, -1]]), np.array([[1, 0.5]], np.float32)
    assert loss.measures == ("squared", "squared", "absolute", "absolute")
    np.testing.assert_array_equal(loss.measure(z, y, None), [[4, 2.25, 2, 1.5]])
    np.testing.assert_array_equal(loss.predict(z), z)


@pytest.mark.parametrize("loss", LOSSES)
def test_evaluation_returns_losses_and_measures(rng, loss):
    widths, is_classes = (4, 7, 3), loss == "cross-entropy"
    model, evaluator = MLP(widths, 300, loss=LOSSES[loss](3)), Evaluator(widths, LOSSES[loss](3))
    model.params = evaluator.params = initial_params(widths, "he", rng)
    x = rng.standard_normal((300, 4), np.float32)
    y = rng.integers(0, 3, 300) if is_classes else targets_of(loss, rng, (300, 3))
    z = reference.mlp_logits(*layer_views(model.params, widths), x)
    _, losses, correct = (part.copy() for part in model.scores(x, y))
    expected = LOSSES[loss](3).measure(z, y, z.argmax(axis=1))
    for each in (model, evaluator):
        got_losses, measures = each.evaluate(x, y)
        np.testing.assert_allclose(got_losses, losses, rtol=1e-4)
        np.testing.assert_allclose(measures, expected, rtol=1e-4, atol=1e-4)
        assert measures.dtype == np.float64 and measures.shape == (300, len(each.loss.measures))
    np.testing.assert_array_equal(correct, expected[:, 0] == 0 if loss in ("cross-entropy", "logistic") else True)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_guess_is_the_loss_of_a_model_that_knows_nothing(rng, loss):
    n_rows, is_classes = 20_000, loss == "cross-entropy"
    y = rng.integers(0, 3, n_rows) if is_classes else targets_of(loss, rng, (n_rows, 3))
    y = y if is_classes or loss == "logistic" else (y - y.mean(axis=0)) / y.std(axis=0)
    losses = MLP((1, 3), n_rows, loss=LOSSES[loss](3)).scores(np.zeros((n_rows, 1), np.float32), y)[1]
    np.testing.assert_allclose(losses.mean(), LOSSES[loss](3).guess, rtol=0.2 if loss == "huber" else 1e-4)


def test_the_target_chooses_the_loss():
    kinds = {"classes": CrossEntropy, "labels": Logistic, "numbers": Squared}
    for kind, expected in kinds.items():
        assert loss_for("auto", Target(kind, 4)) == expected(4)
    assert loss_for("huber", Target("numbers", 2)) == Huber(2)
    with pytest.raises(InputError, match="--loss huber is for numbers, but the target is classes: leave --loss out"):
        loss_for("huber", Target("classes", 2))
