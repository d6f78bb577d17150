"""The curvature along a minibatch's gradient, from two gradients, is that of the explicit Hessian."""

from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.data.target import Target
from isgd_mpi.model.losses import Squared
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.params import n_parameters
from isgd_mpi.training.curvature import Curvature

N, M, FEATURES, NUMBERS = 40, 8, 5, 2


@pytest.fixture
def problem():
    """Return a linear model, whose loss is quadratic, a data set and a published record."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(N, FEATURES)), rng.normal(size=(N, NUMBERS))

    def gather(indices, images, labels):
        images[:], labels[:] = x[indices], y[indices]

    target = Target("numbers", NUMBERS)
    dataset = SimpleNamespace(n_features=FEATURES, target=target, gather=gather, x=x, y=y)
    model = MLP((FEATURES, NUMBERS), M, np.float64, loss=Squared(NUMBERS))
    published = {
        "params": rng.normal(size=n_parameters((FEATURES, NUMBERS))),
        "minibatch": rng.choice(N, M),
        "minibatch_weights": rng.uniform(0.2, 3, M),
        "learning_rate": np.float64(0.1),
    }
    return model, dataset, published


@pytest.mark.parametrize("rate", [1e-3, 0.1, 5.0])
def test_it_is_that_of_the_hessian_whatever_the_step(problem, rate):
    model, dataset, published = problem
    measured = Curvature(model, dataset, M)(published | {"learning_rate": np.float64(rate)})
    rows, weights = published["minibatch"], published["minibatch_weights"]
    inputs = np.hstack([dataset.x[rows], np.ones((M, 1))])
    hessian = inputs.T @ (weights[:, None] * inputs) / M  # of each output alone
    w = published["params"]
    stacked = np.vstack([w[: FEATURES * NUMBERS].reshape(FEATURES, NUMBERS), w[FEATURES * NUMBERS :]])
    gradient = inputs.T @ (weights[:, None] * (inputs @ stacked - dataset.y[rows])) / M
    expected = np.sum(gradient * (hessian @ gradient)) / np.sum(gradient**2)
    assert measured == pytest.approx(expected, rel=1e-6)


def test_the_published_parameters_are_not_touched(problem):
    model, dataset, published = problem
    before = published["params"].copy()
    Curvature(model, dataset, M)(published)
    np.testing.assert_array_equal(published["params"], before)
