"""Data sets on which gradients differ much, and the true variance of their gradients, from all examples in float64."""

import csv
import gzip

import numpy as np
import reference

from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.model.params import layer_views


def blobs(n_examples=600, weighted=False):
    """Make three Gaussian blobs in five dimensions, whose examples may have weights, a third of them zero."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, n_examples)
    centres = 2 * rng.standard_normal((3, 5))
    x = centres[labels] + rng.standard_normal((n_examples, 5))
    weights = np.arange(n_examples) % 3 * rng.exponential(size=n_examples)
    return from_arrays(x, labels, sample_weight=weights if weighted else None)


def rare_positives(n_examples=4174, n_positive=32):
    """Make a table in which a class has few examples, some of them hard."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(n_examples) < n_positive).astype(int)
    return from_arrays(rng.standard_normal((n_examples, 10)) + 1.2 * labels[:, None], labels)


def table(path):
    """Read a gzipped table with a header; its last column is the class, columns of words become one-hot."""
    with gzip.open(path, "rt") as file:
        columns = list(zip(*list(csv.reader(file))[1:]))
    *features, labels = map(_numbers_or_one_hot, columns[:-1]), np.unique(columns[-1], return_inverse=True)[1]
    return from_arrays(np.hstack(list(*features)).astype(np.float32), labels)


def _numbers_or_one_hot(column):
    try:
        return np.array(column, float)[:, None]
    except ValueError:
        words, places = np.unique(column, return_inverse=True)
        return np.eye(len(words))[places]


def true_traces(dataset, widths, params, prob_weights):
    """Return the traces of the covariance in use and of uniform sampling, and |mu|^2, layer by layer."""
    train = dataset.splits["train"]
    own = np.ones(len(train)) if dataset.train_weights is None else dataset.train_weights
    weights, biases = layer_views(params, widths)
    x = reference.standardize(train.images, dataset.mean, dataset.inverse_std)
    *inputs, logits = reference.mlp_inputs(weights, biases, x)
    delta, *_ = reference.softmax_cross_entropy(logits, train.labels)
    delta *= own[:, None]
    squared_norms, squared_mean = np.zeros(len(x)), 0.0
    for h, w in zip(reversed(inputs), reversed(weights)):
        squared_norms += ((h**2).sum(axis=1) + 1) * (delta**2).sum(axis=1)
        squared_mean += np.square(h.T @ delta / len(x)).sum() + np.square(delta.mean(axis=0)).sum()
        delta = reference.relu_backward(delta @ w.T.astype(float), h)
    drawn = prob_weights > 0
    assert not own[~drawn].any()
    in_use = prob_weights.mean() * (squared_norms[drawn] / prob_weights[drawn]).sum() / len(x)
    return in_use - squared_mean, squared_norms.mean() - squared_mean, squared_mean
