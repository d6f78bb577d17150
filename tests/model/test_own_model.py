from types import SimpleNamespace

import numpy as np
import pytest
from own_models import Copying, Descending

from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.model.learning_rate import LearningRate
from isgd_mpi.model.losses import LOSSES
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.optim import SGD
from isgd_mpi.model.own_model import DescendingModel, OwnModel, own_model, probed_params
from isgd_mpi.model.params import initial_params
from isgd_mpi.settings.errors import InputError

WIDTHS = (4, 5, 3)


@pytest.fixture
def dataset(rng):
    return from_arrays(rng.standard_normal((8, 4)), np.arange(8) % 3)


@pytest.fixture
def batch(dataset):
    return dataset.batch("train", 0, 8, np.empty((8, 4), np.float32))


def test_a_model_that_copies_has_the_parameters_in_use(batch, rng):
    model, mlp = OwnModel(Copying(), 3), MLP(WIDTHS, 8)
    weights = np.ones(8, np.float32)
    for vector in (initial_params(WIDTHS, "he", rng), initial_params(WIDTHS, "he", rng)):
        mlp.params = model.params = vector
        for _ in range(2):
            np.testing.assert_array_equal(model.scores(*batch)[1], mlp.scores(*batch)[1])
            np.testing.assert_array_equal(model.gradient(*batch, weights)[1], mlp.gradient(*batch, weights)[1])
            vector -= 0.1 * mlp.gradient(*batch, weights)[1]  # in place, as the optimiser does
    before = model.params
    model.params = initial_params(WIDTHS, "he", rng)  # as an evaluation does, which then puts back
    model.scores(*batch)
    model.params = before
    np.testing.assert_array_equal(model.scores(*batch)[1], mlp.scores(*batch)[1])


def test_parameters_are_set_once_for_all_scores_and_anew_after_a_gradient(batch, rng):
    own = Descending()
    model, weights = OwnModel(own, 3), np.ones(8, np.float32)
    for n_set in (1, 2):
        model.params = initial_params(WIDTHS, "he", rng)
        for _ in range(3):
            model.scores(*batch)
        assert own.n_set == n_set
    for n_set in (2, 3, 4):
        model.gradient(*batch, weights)
        assert own.n_set == n_set


def test_a_model_that_descends_is_read_when_its_parameters_are_asked_for(batch):
    own, formed, weights = Descending(), OwnModel(Copying(), 3), np.ones(8, np.float32)
    model, rates = own_model(own, 3, None), LearningRate(0.5, "step", 4)
    assert isinstance(model, DescendingModel) and not hasattr(formed, "descend")
    before, optimisers = own.n_read, [SGD(each.params, rates) for each in (model, formed)]
    for _ in range(3):
        loss, gradient, scores = formed.gradient(*batch, weights)
        got_loss, got_scores = model.descend(*batch, weights, optimisers[0])
        optimisers[1].step(gradient)
        np.testing.assert_allclose([got_loss, *got_scores], [loss, *scores], rtol=1e-5)
        np.testing.assert_array_equal(model.predictions, formed.predictions)
    assert (own.n_read, own.n_set, optimisers[0].n_done) == (before, 1, 3)
    np.testing.assert_allclose(model.params, formed.params, rtol=1e-5, atol=1e-6)
    assert model.params is optimisers[0].params and own.n_read == before + 1
    optimisers[0].step(model.gradient(*batch, weights)[1])  # a gradient that was asked for all the same
    optimisers[1].step(formed.gradient(*batch, weights)[1])
    model.descend(*batch, weights, optimisers[0])
    optimisers[1].step(formed.gradient(*batch, weights)[1])
    np.testing.assert_allclose(model.params, formed.params, rtol=1e-5, atol=1e-6)


def test_a_model_that_descends_to_what_is_not_finite_is_refused(batch):
    own, weights = Descending(), np.ones(8, np.float32)
    model = own_model(own, 3, None)
    own.mlp.params[:] = model.params[:] = np.nan
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="the loss is not finite"):
        model.descend(*batch, weights, SGD(model.params, 0.1))


def test_predictions_are_the_class_where_the_model_is_right_and_another_where_not(batch):
    model = OwnModel(Copying(), 3)
    _, _, correct = model.scores(*batch)
    assert 0 < correct.sum() < 8
    np.testing.assert_array_equal(model.predictions == batch[1], correct)
    assert set(model.predictions) <= {0, 1, 2}
    model.gradient(*batch, np.ones(8, np.float32))
    np.testing.assert_array_equal(model.predictions, batch[1])


def test_answers_come_in_the_types_that_training_computes_with(batch):
    class Wide(Copying):
        def __init__(self):
            super().__init__()
            self.scores = lambda *args: [part.astype(float).tolist() for part in self.mlp.scores(*args)]
            self.gradient = lambda *args: [np.float64(part) for part in self.mlp.gradient(*args)]

    model = OwnModel(Wide(), 3)
    scores, losses, correct = model.scores(*batch)
    loss, gradient, _ = model.gradient(*batch, np.ones(8, np.float32))
    assert scores.dtype == np.float32 and losses.dtype == float and correct.dtype == bool
    assert type(loss) is float and gradient.dtype == np.float32


def test_products_of_gradients_are_those_of_groups_of_examples(batch, rng):
    model, mlp = OwnModel(Copying(), 3), MLP(WIDTHS, 8)
    mlp.params = model.params
    weights = rng.exponential(size=8).astype(np.float32)
    expected = mlp.gradient_products(*batch, weights)  # with eight examples each group is one
    np.testing.assert_allclose(model.gradient_products(*batch, weights), expected, rtol=1e-4, atol=1e-5)


def test_negative_scores_are_refused(batch):
    own = Copying()
    own.scores = lambda x, y: (-np.ones(len(x)), np.ones(len(x)), np.ones(len(x), bool))
    with pytest.raises(ValueError, match="not be negative.* -1.0"):
        OwnModel(own, 3).scores(*batch)


def changed(**attributes):
    """Return a maker of models some attributes of which are replaced."""

    def make(*args):
        model = Copying(*args)
        kind = type("Changed", (Copying,), {k: v for k, v in attributes.items() if k == "params"})
        model.__class__ = kind
        for name in attributes.keys() - {"params"}:
            setattr(model, name, attributes[name])
        return model

    return make


@pytest.mark.parametrize(
    "make, message",
    [
        ("softmax", "model must be a function of n_features, n_classes and max_rows, not 'softmax'"),
        (lambda *args: object(), "a object has no params, scores, gradient"),
        (changed(params=[1.0]), "params must be a vector"),
        (changed(params=np.ones(3)), "params must be a vector .* of float32"),
        (changed(params=np.ones((3, 3), np.float32)), "params must be a vector"),
        (changed(params=np.ones(6, np.float32)[::2]), "params must be contiguous"),
        (changed(scores=lambda x, y: np.ones(2)), r"scores\(x, y\) must return scores, losses, correct"),
        (changed(scores=lambda x, y: (np.ones(2), np.ones(3), np.ones(2))), r"of shapes \[\(2,\), .*not .*\(3,\)"),
        (changed(gradient=lambda x, y, w: (0.0, np.ones(2), np.ones(2))), "gradient.* must return loss, gradient"),
        (changed(outputs=lambda x: np.ones(2)), r"outputs\(x\) must return an array of shape \(2, 3\), not \(2,\)"),
        (changed(descend=lambda x, y, w, optimiser: 0.0), "descend.* must return loss, scores of shapes .*not float"),
    ],
)
def test_what_is_no_model_is_told_of_in_one_line(dataset, make, message):
    with pytest.raises(InputError, match=message) as caught:
        probed_params(make, dataset)
    assert "\n" not in str(caught.value)


def test_a_model_is_tried_and_its_parameters_returned(dataset):
    np.testing.assert_array_equal(probed_params(Copying, dataset), Copying().params)


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("has_outputs", [True, False])
def test_evaluation_measures_what_the_model_gives(rng, kind, has_outputs):
    loss, mlp = LOSSES[kind](3), MLP(WIDTHS, 8, loss=LOSSES[kind](3))
    mlp.params[:] = initial_params(WIDTHS, "he", rng)
    own = SimpleNamespace(params=mlp.params, scores=mlp.scores, gradient=mlp.gradient)
    if has_outputs:
        own.outputs = mlp._outputs  # a buffer, and computing it overwrites losses
    x, is_classes = rng.standard_normal((8, 4), np.float32), loss.kind == "classes"
    y = rng.integers(0, 3, 8) if is_classes else rng.integers(0, 2, (8, 3)).astype(np.float32)
    losses, expected = (part.copy() for part in mlp.evaluate(x, y))
    model = OwnModel(own, 3, loss)
    got_losses, measures = model.evaluate(x, y)
    np.testing.assert_array_equal(got_losses, losses)
    if not has_outputs:
        expected[:, loss.kind != "numbers" :] = np.nan
    np.testing.assert_array_equal(measures, expected)
    if not is_classes:
        np.testing.assert_array_equal(model.predictions, expected[:, 0] == 0 if loss.kind == "labels" else 1)
