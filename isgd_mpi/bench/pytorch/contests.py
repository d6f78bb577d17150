"""Scoring as a contest that the benchmark ``torch`` times, and the check that both sides take the same steps."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from isgd_mpi.bench.pytorch import torch_side
from isgd_mpi.bench.pytorch.race import Contest
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.optim import SGD
from isgd_mpi.model.params import initial_params

_N_MINIBATCHES = 8  # in turn: a single one is soon learnt, and its deltas become denormal numbers
_CHECKED_STEPS = 3
_CHECKED_LEARNING_RATE = 0.1  # parameters then move by more than their rounding
_TOLERANCE = 1e-3  # relative


@dataclass(frozen=True)
class Net:
    """A net, and the sizes of its batches.

    Attributes
    ----------
    name : str
    widths : tuple of int
        Features, hidden widths, classes.
    minibatch_size, score_batch_size : int
    data : str or None
        Data set of the same shape to draw minibatches from, if there is one.
    """

    name: str
    widths: tuple[int, ...]
    minibatch_size: int
    score_batch_size: int
    data: str | None = None

    def initial_params(self):
        """Return the parameters that both sides start from."""
        return initial_params(self.widths, "he", np.random.default_rng(0))

    def model(self, n_rows):
        """Return our net with these parameters, for batches of up to some rows."""
        model = MLP(self.widths, n_rows)
        model.params = self.initial_params()
        return model

    def examples(self, n_examples, seed):
        """Return random examples as arrays, and as tensors of the same memory where dtypes allow."""
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((n_examples, self.widths[0]), dtype=np.float32)
        y = rng.integers(self.widths[-1], size=n_examples, dtype=np.int32)
        return (x, y), (torch.from_numpy(x), torch.from_numpy(y).long())

    def minibatches(self):
        """Return random minibatches, ours and PyTorch's."""
        return zip(*(self.examples(self.minibatch_size, seed) for seed in range(_N_MINIBATCHES)))


def contests(net):
    """Yield the contest of scoring in float32."""
    model, theirs = net.model(net.score_batch_size), torch_side.Scores(net.initial_params(), net.widths)
    yield scoring_contest(net, f"scores, {net.score_batch_size} at a time", model, theirs)


class OurStep:
    """A training step as the trainer takes it, :meth:`MLP.descend`, called as PyTorch's is."""

    def __init__(self, net, learning_rate, momentum):
        self.model = net.model(net.minibatch_size)
        self._optimiser = SGD(self.model.params, learning_rate, momentum)
        self._weights = np.ones(net.minibatch_size, np.float32)

    def __call__(self, x, y):
        """Take a step."""
        self.model.descend(x, y, self._weights, self._optimiser)

    def gradient(self, x, y):
        """Return the gradient, which a step does not form."""
        return self.model.gradient(x, y, self._weights)[1]


def _step_sides(net, learning_rate, momentum, fused):
    theirs = torch_side.Step(net.initial_params(), net.widths, torch_side.Way(learning_rate, momentum, fused))
    return OurStep(net, learning_rate, momentum), theirs


def check_steps(net, momentum, fused):
    """Assert that both sides take the same first steps: gradients and parameters are equal."""
    ours, theirs = _step_sides(net, _CHECKED_LEARNING_RATE, momentum, fused)
    for our_minibatch, their_minibatch in list(zip(*net.minibatches()))[:_CHECKED_STEPS]:
        gradient = ours.gradient(*our_minibatch)
        ours(*our_minibatch)
        theirs(*their_minibatch)
        assert_close(gradient, theirs.gradient())
    start = net.initial_params()
    assert_close(ours.model.params - start, theirs.params() - start)


def assert_close(ours, theirs):
    """Assert that two vectors differ by little, relative to their length."""
    difference = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
    assert difference < _TOLERANCE, f"ours and PyTorch's differ by {difference:.2g}"


def scoring_contest(net, name, model, theirs, tolerance=_TOLERANCE):
    """Return a contest of scoring a batch.

    Parameters
    ----------
    net : Net
    name : str
    model : MLP or LowPrecisionMLP
    theirs : torch_side.Scores
    tolerance : float
        See :func:`check_scores`.
    """
    ours, their_batch = net.examples(net.score_batch_size, seed=0)
    calls = partial(model.scores, *ours), partial(theirs, *their_batch)
    return Contest(net.name, name, "examples/s", net.score_batch_size, *calls, partial(check_scores, *calls, tolerance))


def check_scores(ours, theirs, tolerance):
    """Assert that scores differ by little, relative to each of them, in all examples but one in a hundred.

    Where a unit's input is as near to zero as rounding, the sides may disagree on whether it is active.
    """
    expected = theirs().numpy()
    differences = np.abs(ours()[0] - expected) / expected
    assert np.quantile(differences, 0.99) < tolerance, f"scores differ by up to {differences.max():.2g}"
