import tracemalloc
from functools import partial

import numpy as np
import pytest
import reference

from isgd_mpi.model.layers import FEW_ROWS
from isgd_mpi.model.learning_rate import LearningRate
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.optim import SGD, Adam
from isgd_mpi.model.params import initial_params, layer_views, n_parameters

pytestmark = pytest.mark.usefixtures("spurious_flags_of_blas")
WIDTHS = [(6, 4), (6, 5, 3), (4, 7, 5, 3), (5, 3, 8, 2, 4), (1, 1, 1), (3, 1, 2), (1, 4, 1)]
PRECISIONS = [(np.float64, 1e-12), (np.float32, 1e-4)]


def make(rng, widths, n_rows, dtype=np.float64, max_rows=None):
    """Make a model with random parameters, biases included, and a batch."""
    model = MLP(widths, max_rows or n_rows, dtype)
    model.params[:] = initial_params(widths, "he", rng) + 0.1 * rng.standard_normal(n_parameters(widths))
    x = rng.standard_normal((n_rows, widths[0])).astype(dtype)
    return model, x, rng.integers(0, widths[-1], n_rows)


def expected_gradient(model, x, y, importance_weights):
    return reference.mlp_weighted_gradient(*layer_views(model.params, model.widths), x, y, importance_weights)


@pytest.mark.parametrize(("dtype", "rtol"), PRECISIONS)
@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("n_rows", [1, 6])
def test_scores_are_the_norms_of_explicit_gradients(rng, widths, n_rows, dtype, rtol):
    model, x, y = make(rng, widths, n_rows, dtype)
    scores, losses, correct = model.scores(x, y)
    _, _, expected_losses, gradients = expected_gradient(model, x, y, np.ones(n_rows))
    np.testing.assert_allclose(scores, np.linalg.norm(gradients, axis=1), rtol=rtol)
    np.testing.assert_allclose(losses, expected_losses, rtol=rtol, atol=rtol / 10)
    logits = reference.mlp_logits(*layer_views(model.params, widths), x)
    np.testing.assert_array_equal(model.predictions, logits.argmax(axis=1))
    np.testing.assert_array_equal(correct, logits.argmax(axis=1) == y)


@pytest.mark.parametrize(("dtype", "rtol"), PRECISIONS)
@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("n_rows", [1, 6])
def test_gradient_is_the_weighted_mean_of_explicit_gradients(rng, widths, n_rows, dtype, rtol):
    model, x, y = make(rng, widths, n_rows, dtype)
    importance_weights = rng.exponential(size=n_rows).astype(dtype)
    loss, gradient, _ = model.gradient(x, y, importance_weights)
    expected_loss, expected, _, _ = expected_gradient(model, x, y, importance_weights)
    np.testing.assert_allclose(gradient, expected, rtol=rtol, atol=rtol * np.abs(expected).max() / 10)
    np.testing.assert_allclose(loss, expected_loss, rtol=rtol, atol=rtol / 10)
    assert isinstance(loss, float) and gradient.dtype == dtype


@pytest.mark.parametrize(("dtype", "rtol"), PRECISIONS)
@pytest.mark.parametrize("widths", WIDTHS)
def test_gradient_products_are_those_of_explicit_gradients(rng, widths, dtype, rtol):
    model, x, y = make(rng, widths, 6, dtype)
    weights = rng.exponential(size=6).astype(dtype)
    *_, gradients = expected_gradient(model, x, y, np.ones(6))
    expected = (weights[:, None] * gradients) @ (weights[:, None] * gradients).T
    got = model.gradient_products(x, y, weights)
    np.testing.assert_allclose(got, expected, rtol=10 * rtol, atol=rtol * np.abs(expected).max())


@pytest.mark.parametrize("widths", WIDTHS)
def test_gradient_is_the_derivative_of_the_weighted_loss(rng, widths):
    model, x, y = make(rng, widths, 5)
    importance_weights, step = rng.exponential(size=5), 1e-6
    gradient = model.gradient(x, y, importance_weights)[1].copy()
    for k in range(model.params.size):
        value, losses = model.params[k], []
        for model.params[k] in (value + step, value - step):
            losses.append(importance_weights @ model.scores(x, y)[1] / 5)
        model.params[k] = value
        np.testing.assert_allclose((losses[0] - losses[1]) / (2 * step), gradient[k], atol=1e-8)


@pytest.mark.parametrize("widths", WIDTHS)
def test_gradient_scores_as_scores_does(rng, widths):
    model, x, y = make(rng, widths, 6, np.float32)
    scores, _, _ = model.scores(x, y)
    expected, predictions = scores.copy(), model.predictions.copy()
    _, _, got = model.gradient(x, y, rng.exponential(size=6).astype(np.float32))
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(model.predictions, predictions)


OPTIMISERS = [
    partial(SGD, learning_rate=0.1),
    partial(SGD, learning_rate=0.1, momentum=0.9),
    partial(SGD, learning_rate=LearningRate(0.1, "linear", 7), weight_decay=0.02),
    partial(SGD, learning_rate=0.1, momentum=0.3, weight_decay=0.02),
]
WIDE = [(70, 64, 3), (6, 64, 128, 5), (5, 33, 64, 64), (5, 70, 256, 3)]


@pytest.mark.parametrize(("dtype", "rtol"), PRECISIONS)
@pytest.mark.parametrize("widths", [*WIDTHS, *WIDE])
@pytest.mark.parametrize("make_optimiser", OPTIMISERS)
@pytest.mark.parametrize("n_rows", [6, 80, FEW_ROWS + 1])
def test_descent_is_the_gradient_and_the_optimisers_step(rng, widths, n_rows, dtype, rtol, make_optimiser):
    formed, x, y = make(rng, widths, n_rows, dtype)
    fused = MLP(widths, n_rows, dtype)
    fused.params[:] = formed.params
    steppers = [make_optimiser(model.params) for model in (formed, fused)]
    for _ in range(3):
        importance_weights = rng.exponential(size=n_rows).astype(dtype)
        loss, gradient, scores = formed.gradient(x, y, importance_weights)
        steppers[0].step(gradient)
        got_loss, got_scores = fused.descend(x, y, importance_weights, steppers[1])
        np.testing.assert_allclose(got_loss, loss, rtol=rtol)
        np.testing.assert_allclose(got_scores, scores, rtol=10 * rtol, atol=rtol)
        np.testing.assert_array_equal(fused.predictions, formed.predictions)
    np.testing.assert_allclose(fused.params, formed.params, rtol=rtol, atol=rtol * np.abs(formed.params).max())
    assert steppers[0].present_learning_rate == steppers[1].present_learning_rate


@pytest.mark.parametrize("widths", [(6, 5, 3), *WIDE])
@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("n_rows", [6, 80, FEW_ROWS + 1])
def test_descent_is_the_gradient_and_the_step_of_adam(rng, widths, n_rows, decoupled):
    formed, x, y = make(rng, widths, n_rows)
    fused = MLP(widths, n_rows, np.float64)
    fused.params[:] = formed.params
    steppers = [Adam(model.params, 0.01, 0.02, decoupled) for model in (formed, fused)]
    for _ in range(3):
        weights = rng.exponential(size=n_rows)
        steppers[0].step(formed.gradient(x, y, weights)[1])
        fused.descend(x, y, weights, steppers[1])
    # where a gradient vanishes, Adam's step along what rounding leaves of it is not small
    for got, expected in zip(steppers[1].part(slice(None)), steppers[0].part(slice(None))):
        np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-9)
    assert steppers[1].n_done == 3


@pytest.mark.parametrize("widths", [*WIDTHS, *WIDE])
@pytest.mark.parametrize("n_rows", [6, 80, FEW_ROWS + 1])
@pytest.mark.parametrize("make_optimiser", [OPTIMISERS[-1], partial(Adam, weight_decay=0.02)])
def test_descent_clips_the_gradient_by_its_norm(rng, widths, n_rows, make_optimiser):
    formed, x, y = make(rng, widths, n_rows)
    fused, weights = MLP(widths, n_rows, np.float64), rng.exponential(size=n_rows)
    fused.params[:] = formed.params
    steppers = [make_optimiser(model.params) for model in (formed, fused)]
    norm = np.linalg.norm(formed.gradient(x, y, weights)[1])
    for clip_norm in (1.5 * norm, 0.2 * norm):
        for stepper in steppers:
            stepper.clip_norm = clip_norm
        steppers[0].step(formed.gradient(x, y, weights)[1])
        fused.descend(x, y, weights, steppers[1])
        np.testing.assert_allclose(fused.params, formed.params, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
@pytest.mark.parametrize("place", ["feature", "weight", "importance weight"])
def test_descent_refuses_what_is_not_finite_and_touches_nothing(rng, bad, place):
    model, x, y = make(rng, (70, 64, 3), 8)
    importance_weights = np.ones(8)
    {"feature": x, "weight": model.params, "importance weight": importance_weights}[place].flat[5] = bad
    before, optimiser = model.params.copy(), SGD(model.params, 0.1, 0.9)
    with np.errstate(all="ignore"):
        if bad == 1e200 and place == "importance weight":
            importance_weights[5] = np.inf
        with pytest.raises(FloatingPointError, match="not finite"):
            model.descend(x, y, importance_weights, optimiser)
    np.testing.assert_array_equal(model.params, before)
    assert not optimiser.velocity.any()


def test_scores_do_not_depend_on_the_rest_of_the_batch_or_its_size(rng):
    model, x, y = make(rng, (6, 5, 3), 8)
    scores = model.scores(x, y)[0].copy()
    for n in range(8):
        alone, _, _ = model.scores(x[n : n + 1], y[n : n + 1])
        np.testing.assert_allclose(alone, scores[n : n + 1], rtol=1e-12)


@pytest.mark.parametrize("n_rows", [1, 3, 7])
def test_fewer_rows_than_the_buffers_hold(rng, n_rows):
    large, x, y = make(rng, (6, 5, 4, 3), n_rows, max_rows=64)
    small = MLP(large.widths, n_rows, np.float64)
    small.params = large.params
    large.scores(rng.standard_normal((64, 6)), rng.integers(0, 3, 64))  # leaves something in every buffer
    for got, expected in zip(large.scores(x, y), small.scores(x, y)):
        assert len(got) == n_rows
        np.testing.assert_allclose(got, expected, rtol=1e-12)
    importance_weights = rng.exponential(size=n_rows)
    got, expected = (model.gradient(x, y, importance_weights)[1] for model in (large, small))
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-15)


def test_no_call_allocates_what_grows_with_the_model(rng):
    n_rows = 256
    model, x, y = make(rng, (300, 256, 128, 10), n_rows, np.float32)
    importance_weights = np.ones(n_rows, np.float32)
    optimiser = SGD(model.params, 0.1, 0.9)
    calls = [
        lambda: model.scores(x, y),
        lambda: model.gradient(x, y, importance_weights),
        lambda: model.descend(x, y, importance_weights, optimiser),
    ]
    for call in calls:
        call()
        tracemalloc.start()
        call()
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak_bytes < 2**17 <= n_rows * 128 * 4  # ufuncs have small buffers of their own


def test_parameters_set_are_used_in_place(rng):
    model, x, y = make(rng, (4, 3, 2), 3)
    vector = model.params.copy()
    model.params = vector
    before = model.scores(x, y)[0].copy()
    vector *= 2
    assert model.params is vector
    assert (model.scores(x, y)[0] != before).all()


def test_more_rows_than_the_buffers_hold_are_refused(rng):
    model, x, y = make(rng, (4, 3, 2), 9, max_rows=8)
    with pytest.raises(ValueError, match="at most 8 rows, not 9"):
        model.scores(x, y)
    with pytest.raises(ValueError, match="at most 8 rows, not 9"):
        model.descend(x, y, np.ones(9), SGD(model.params, 0.1))


@pytest.mark.parametrize("shape", [(0,), (22,), (24,), (23, 1)])
def test_parameters_of_another_size_are_refused(shape):
    model = MLP((4, 3, 2), 1)
    params = model.params
    with pytest.raises(ValueError, match="23 parameters are wanted"):
        model.params = np.zeros(shape, np.float32)
    assert model.params is params


@pytest.mark.parametrize("place", ["first weight", "hidden bias", "last bias"])
@pytest.mark.parametrize("method", ["scores", "gradient"])
def test_nan_parameters_give_nan_scores_and_losses(rng, place, method):
    model, x, y = make(rng, (4, 3, 2), 5)
    weights, biases = layer_views(model.params, model.widths)
    {"first weight": weights[0], "hidden bias": biases[0], "last bias": biases[1]}[place].flat[0] = np.nan
    if method == "scores":
        scores, losses, _ = model.scores(x, y)
    else:
        losses, gradient, scores = model.gradient(x, y, np.ones(5))
        assert np.isnan(gradient).any()
    assert np.isnan(scores).all() and np.isnan(losses).all()


def test_a_nan_feature_is_nan_in_its_own_example_alone(rng):
    model, x, y = make(rng, (4, 3, 2), 5)
    x[2, 1] = np.nan
    scores, losses, _ = model.scores(x, y)
    np.testing.assert_array_equal(np.isnan([scores, losses]), [[False, False, True, False, False]] * 2)


def test_the_loss_of_zero_parameters_is_the_logarithm_of_the_classes(rng):
    model, x, y = make(rng, (6, 5, 7), 4)
    model.params[:] = 0
    np.testing.assert_allclose(model.scores(x, y)[1], np.log(7), rtol=1e-15)


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("score", ["grad-norm", "grad-bound", "loss"])
def test_each_kind_of_score_is_what_it_is_called(rng, widths, score):
    model, x, y = make(rng, widths, 6)
    chosen = MLP(widths, 6, np.float64, score)
    chosen.params = model.params
    importance_weights = rng.exponential(size=6)
    _, _, losses, gradients = expected_gradient(model, x, y, importance_weights)
    delta, _, _ = reference.softmax_cross_entropy(reference.mlp_logits(*layer_views(model.params, widths), x), y)
    norms = np.linalg.norm(gradients, axis=1)
    expected = {"grad-norm": norms, "grad-bound": np.linalg.norm(delta, axis=1), "loss": losses}[score]
    for scores in (chosen.scores(x, y)[0], chosen.gradient(x, y, importance_weights)[2]):
        np.testing.assert_allclose(scores, expected, rtol=1e-12)
        np.testing.assert_allclose(chosen.losses, losses, rtol=1e-12)
    np.testing.assert_allclose(chosen.grad_norms, norms, rtol=1e-12)
