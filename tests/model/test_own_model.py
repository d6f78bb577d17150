from types import SimpleNamespace

import numpy as np
import pytest
from own_models import Copying

from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.model.losses import LOSSES
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.own_model import OwnModel, probed_params
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
