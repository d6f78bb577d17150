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
