"""Samplers of a training set of which only the classes are known, minibatches for them, a generator without chance."""

from types import SimpleNamespace

import numpy as np

from isgd_mpi.data.target import Target
from isgd_mpi.sampling.sampler import Sampler
from isgd_mpi.training.minibatch import Minibatch


class FixedOffset:
    """A generator whose every number is the same."""

    def __init__(self, offset):
        self.offset = offset

    def random(self, size=None):
        return self.offset if size is None else np.full(size, self.offset)


def make_sampler(config, labels, norms_come_back=True, clock=None, weights=None):
    """A sampler with fixed seeds."""
    target = Target("classes", int(labels.max()) + 1)
    dataset = SimpleNamespace(strata=labels, n_strata=target.n_outputs, target=target, train_weights=weights)
    return Sampler(config, dataset, np.random.SeedSequence(20151119).spawn(3), norms_come_back, clock)


def minibatch_of(indices, norms, importance_weights=None, gradient=None):
    """A minibatch whose scores are gradient norms."""
    weights = np.ones(len(indices)) if importance_weights is None else importance_weights
    predictions = np.zeros(len(indices), np.int32)
    return Minibatch(np.asarray(indices), weights, 0.0, gradient, norms, predictions, norms)
