"""Own models of users, for tests."""

import numpy as np

from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.params import initial_params


class Copying:
    """An MLP that copies its parameters whenever they are set, as a model on another device must."""

    def __init__(self, n_features=4, n_classes=3, max_rows=8):
        self.mlp = MLP((n_features, 5, n_classes), max_rows)
        self.mlp.params[:] = initial_params((n_features, 5, n_classes), "he", np.random.default_rng(0))
        self.scores, self.gradient = self.mlp.scores, self.mlp.gradient

    @property
    def params(self):
        return self.mlp.params.copy()

    @params.setter
    def params(self, vector):
        self.mlp.params[:] = vector


class Regression:
    """Linear regression of several numbers by squared errors, in plain NumPy."""

    def __init__(self, n_features, n_numbers, max_rows):
        self._shape = n_features + 1, n_numbers
        self.params = np.zeros(self._shape[0] * n_numbers, np.float32)

    def outputs(self, x):
        return self._with_one(x) @ self.params.reshape(self._shape)

    def scores(self, x, y):
        assert y.dtype == np.float32 and y.shape == (len(x), self._shape[1])
        return self._scores(x, self.outputs(x) - y)

    def gradient(self, x, y, weights):
        delta = self.outputs(x) - y
        scores, losses, _ = self._scores(x, delta)
        gradient = self._with_one(x).T @ (delta * weights[:, None]) / len(x)
        return weights @ losses / len(x), gradient.ravel(), scores

    def _scores(self, x, delta):
        squared = (delta**2).sum(axis=1)
        return np.sqrt(((x**2).sum(axis=1) + 1) * squared), squared / 2, np.ones(len(x), bool)

    def _with_one(self, x):
        return np.hstack([x, np.ones((len(x), 1), np.float32)])


class Descending(Copying):
    """A copying model that takes plain steps of gradient descent itself, and counts its copies."""

    def __init__(self, *sizes):
        self.n_read = self.n_set = 0
        super().__init__(*sizes)

    def descend(self, x, y, weights, optimiser):
        loss, gradient, scores = self.mlp.gradient(x, y, weights)
        self.mlp.params -= np.float32(optimiser.present_learning_rate) * gradient
        return loss, scores

    @property
    def params(self):
        self.n_read += 1
        return Copying.params.fget(self)

    @params.setter
    def params(self, vector):
        self.n_set += 1
        Copying.params.fset(self, vector)
