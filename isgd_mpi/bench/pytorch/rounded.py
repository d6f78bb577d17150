"""Scoring in bfloat16: its speed beside PyTorch's, and its error."""

import numpy as np
import torch

from isgd_mpi.bench.pytorch import torch_side
from isgd_mpi.bench.pytorch.contests import scoring_contest
from isgd_mpi.data import datasets
from isgd_mpi.model.bfloat16.arithmetic import ARITHMETIC, fastest_arithmetic
from isgd_mpi.model.bfloat16.scoring_mlp import LowPrecisionMLP

_TOLERANCE = 0.1  # of the 99th percentile: both sides round, at different places
_TRAINING_STEPS = 200
_LEARNING_RATE = 0.1


def contests(net):
    """Yield the contests of scoring in bfloat16; none where this processor is better off with float32."""
    if ARITHMETIC[fastest_arithmetic()]:
        params = net.initial_params()
        for name, side in (("autocast", torch_side.RoundedScores), ("float32", torch_side.Scores)):
            theirs = side(params, net.widths)
            yield scoring_contest(net, f"bf16 scores / {name}", rounded_model(net, params), theirs, _TOLERANCE)


def rounded_model(net, params):
    """Return the model that scorers use on this processor, on as many threads as PyTorch has."""
    make_products = ARITHMETIC[fastest_arithmetic()]
    model = LowPrecisionMLP(net.widths, net.score_batch_size, make_products, threads=torch.get_num_threads())
    model.params = params
    return model


def accuracy(net):
    """Measure the error of scoring in bfloat16, and its cost in variance.

    Parameters
    ----------
    net : contests.Net
        With a data set, its training examples after some steps; else random ones with initial parameters.

    Returns
    -------
    dict or None
        ``net``, ``examples`` (which ones), ``median_error`` and ``percentile_99_error`` (relative), ``trace_ratio`` (Tr
        Sigma where examples are drawn in proportion to bfloat16 scores, by that with float32 scores). None where this
        processor is better off with float32.
    """
    if not ARITHMETIC[fastest_arithmetic()]:
        return None
    model = net.model(net.score_batch_size)
    x, y, examples = _examples(net, model)
    norms = model.scores(x, y)[0].astype(float)
    rounded = rounded_model(net, model.params).scores(x, y)[0].astype(float)
    gradient = model.gradient(x, y, np.ones(len(x), np.float32))[1]
    traces = [trace_of_covariance(norms, scores, gradient) for scores in (rounded, norms)]
    median, percentile_99 = np.quantile(np.abs(rounded - norms) / norms, [0.5, 0.99]).tolist()
    return {
        "net": net.name,
        "examples": examples,
        "median_error": median,
        "percentile_99_error": percentile_99,
        "trace_ratio": traces[0] / traces[1],
    }


def trace_of_covariance(norms, scores, gradient):
    """Return Tr Sigma of one drawn example's gradient estimate.

    Parameters
    ----------
    norms, scores : (N,) ndarray
        Norms of the examples' gradients, and the scores that they are drawn in proportion to.
    gradient : (P,) ndarray
        Their mean gradient.
    """
    return (norms**2 / scores).mean() * scores.mean() - float(gradient @ gradient)


def _examples(net, model):
    """Return a score batch and its origin, after some training where there is a data set."""
    if not net.data:
        return *net.examples(net.score_batch_size, seed=0)[0], "random, initial parameters"
    dataset, rng = datasets.load(net.data), np.random.default_rng(0)
    x, y = np.empty((net.score_batch_size, net.widths[0]), np.float32), np.empty(net.score_batch_size, np.int32)
    rows, weights = slice(net.minibatch_size), np.ones(net.minibatch_size, np.float32)
    for _ in range(_TRAINING_STEPS):
        dataset.gather(rng.integers(dataset.n_train, size=net.minibatch_size), x[rows], y[rows])
        model.params -= np.float32(_LEARNING_RATE) * model.gradient(x[rows], y[rows], weights)[1]
    dataset.gather(np.arange(net.score_batch_size), x, y)
    return x, y, f"{net.data}, after {_TRAINING_STEPS} steps"
