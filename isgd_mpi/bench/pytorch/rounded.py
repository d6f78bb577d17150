"""What ``python -m isgd_mpi.bench torch`` says of scoring in bfloat16: its speed beside PyTorch's, and its error."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from isgd_mpi.bench.pytorch import torch_side
from isgd_mpi.bench.time_to_loss.contests import assert_scores_close
from isgd_mpi.bench.time_to_loss.race import Contest
from isgd_mpi.data import datasets
from isgd_mpi.model.bfloat16.arithmetic import ARITHMETIC, fastest_arithmetic
from isgd_mpi.model.bfloat16.scoring_mlp import LowPrecisionMLP
from isgd_mpi.model.mlp import MLP

_TOLERANCE = 0.1  # of the 99th percentile: both sides round, at different places
_TRAINING_STEPS = 200
_LEARNING_RATE = 0.1


def contests(net):
    """Yield the contests of scoring in bfloat16; none where this processor is better off with float32.

    Parameters
    ----------
    net : contests.Net

    Yields
    ------
    race.Contest
    """
    if ARITHMETIC[fastest_arithmetic()]:
        yield _contest(net, "bf16 scores / autocast", torch_side.RoundedScores)
        yield _contest(net, "bf16 scores / float32", torch_side.Scores)


def _contest(net, name, their_scores):
    our_batch, their_batch = net.examples(net.score_batch_size, seed=0)
    model, theirs = rounded_model(net, net.initial_params()), their_scores(net.initial_params(), net.widths)

    def check():
        ours, _, _ = model.scores(*our_batch)
        assert_scores_close(ours, theirs(*their_batch).numpy(), _TOLERANCE)

    return Contest(
        *(net.name, name, "examples/s", net.score_batch_size),
        *(partial(model.scores, *our_batch), partial(theirs, *their_batch), check),
    )


def rounded_model(net, params):
    """Return what scorers use on this processor, on as many threads as PyTorch has.

    Parameters
    ----------
    net : contests.Net
    params : (P,) ndarray
    """
    make_products = ARITHMETIC[fastest_arithmetic()]
    model = LowPrecisionMLP(net.widths, net.score_batch_size, make_products, threads=torch.get_num_threads())
    model.params = params
    return model


@dataclass(frozen=True)
class Accuracy:
    """How far bfloat16 scores are from float32's, and what that costs."""

    net: str
    examples: str  # whose
    median_error: float  # relative
    percentile_99_error: float
    trace_ratio: float  # Tr Sigma with q in proportion to bfloat16 scores, by that with float32 scores


def accuracy(net):
    """Measure the error of scoring in bfloat16.

    Parameters
    ----------
    net : contests.Net
        With a data set, its training examples after some steps; else random ones with initial parameters.

    Returns
    -------
    Accuracy or None
        None where this processor is better off with float32.
    """
    if not ARITHMETIC[fastest_arithmetic()]:
        return None
    model = MLP(net.widths, net.score_batch_size)
    model.params = net.initial_params()
    x, y, examples = _examples(net, model)
    norms = model.scores(x, y)[0].astype(float)
    rounded = rounded_model(net, model.params).scores(x, y)[0].astype(float)
    gradient = model.gradient(x, y, np.ones(len(x), np.float32))[1]
    traces = [trace_of_covariance(norms, scores, gradient) for scores in (rounded, norms)]
    errors = np.abs(rounded - norms) / norms
    return Accuracy(net.name, examples, *np.quantile(errors, [0.5, 0.99]).tolist(), traces[0] / traces[1])


def trace_of_covariance(norms, scores, gradient):
    """Return Tr Sigma of one drawn example's gradient estimate.

    Parameters
    ----------
    norms, scores : (N,) ndarray
        Norms of the examples' gradients, and what they are drawn in proportion to.
    gradient : (P,) ndarray
        Their mean gradient.
    """
    return (norms**2 / scores).mean() * scores.mean() - float(gradient @ gradient)


def _examples(net, model):
    """Return a score batch and where it is from, after some training where there are data."""
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
