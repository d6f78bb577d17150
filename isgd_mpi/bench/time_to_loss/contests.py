"""What ``python -m isgd_mpi.bench torch`` compares: training steps and scoring of one net, on both sides."""

from dataclasses import dataclass
from functools import partial
from itertools import cycle

import numpy as np
import torch

from isgd_mpi.bench.pytorch import torch_side
from isgd_mpi.bench.time_to_loss.race import Contest
from isgd_mpi.data import datasets
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.optim import SGD
from isgd_mpi.model.params import initial_params
from isgd_mpi.settings.config import Config
from isgd_mpi.training.minibatch import LocalGradient
from isgd_mpi.training.trainer import Trainer

_N_MINIBATCHES = 8  # in turn: a single one is soon learnt, and its deltas become denormal numbers
_LEARNING_RATE = 1e-3
_MOMENTUM = 0.9
_CHECKED_STEPS = 3
_CHECKED_LEARNING_RATE = 0.1  # parameters then move by more than their rounding
_TOLERANCE = 1e-3  # relative


@dataclass(frozen=True)
class Net:
    """What to compare on.

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
    """Yield the contests of a net, one at a time: each holds arrays of its own.

    Parameters
    ----------
    net : Net

    Yields
    ------
    race.Contest
    """
    for momentum in (0.0, _MOMENTUM):
        for fused in (False, True):
            yield step_contest(net, momentum, fused)
    if net.data:
        yield drawing_contest(net)
    yield scoring_contest(net)


class OurStep:
    """A training step as the trainer takes it, :meth:`MLP.descend`, called as PyTorch's is."""

    def __init__(self, net, learning_rate, momentum):
        self.model = MLP(net.widths, net.minibatch_size)
        self.model.params = net.initial_params()
        self._optimiser = SGD(self.model.params, learning_rate, momentum)
        self._weights = np.ones(net.minibatch_size, np.float32)

    def __call__(self, x, y):
        """Take a step."""
        self.model.descend(x, y, self._weights, self._optimiser)

    def gradient(self, x, y):
        """Return the gradient, which a step does not form."""
        return self.model.gradient(x, y, self._weights)[1]


def step_contest(net, momentum, fused):
    """Compare training steps on minibatches that lie ready.

    Parameters
    ----------
    net : Net
    momentum : float
        Nesterov's.
    fused : bool
        PyTorch's update in one pass.

    Returns
    -------
    race.Contest
    """
    ours, theirs = _step_sides(net, _LEARNING_RATE, momentum, fused)
    our_minibatches, their_minibatches = net.minibatches()
    our_turn, their_turn = cycle(our_minibatches), cycle(their_minibatches)
    name = f"step, Nesterov {momentum}" if momentum else "step, no momentum"
    return Contest(
        net.name,
        name + ", fused" * fused,
        "steps/s",
        1,
        lambda: ours(*next(our_turn)),
        lambda: theirs(*next(their_turn)),
        partial(check_steps, net, momentum, fused),
    )


def _step_sides(net, learning_rate, momentum, fused):
    theirs = torch_side.Step(net.initial_params(), net.widths, learning_rate, momentum, fused)
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


def assert_scores_close(ours, theirs, tolerance=_TOLERANCE):
    """Assert that scores differ by little, relative to each of them, in all examples but one in a hundred.

    Where a unit's input is as near to zero as rounding, the sides may disagree on whether it is active.
    """
    differences = np.abs(ours - theirs) / theirs
    assert np.quantile(differences, 0.99) < tolerance, f"scores differ by up to {differences.max():.2g}"


def drawing_contest(net):
    """Compare whole steps of the trainer, with drawing and gathering.

    Parameters
    ----------
    net : Net

    Returns
    -------
    race.Contest
    """
    dataset = datasets.load(net.data)
    config = Config(hidden=list(net.widths[1:-1]), lr=_LEARNING_RATE, minibatch_size=net.minibatch_size)
    model = MLP(net.widths, net.minibatch_size)
    model.params = net.initial_params()
    gradients = LocalGradient(dataset, model, net.minibatch_size)
    trainer = Trainer(
        config, dataset, model, gradients, np.random.SeedSequence(0).spawn(3), log=None, norms_come_back=True
    )
    theirs = torch_side.DrawingStep(dataset, net.minibatch_size, net.initial_params(), net.widths, _LEARNING_RATE, 0.0)
    return Contest(
        net.name, "draw, gather, step", "steps/s", 1, trainer.take_step, theirs, partial(check_gather, dataset, theirs)
    )


def check_gather(dataset, theirs):
    """Assert that both sides gather the same minibatch: examples 0, 0, 7 and the last."""
    indices = np.array([0, 0, 7, dataset.n_train - 1])
    images, labels = np.empty((4, dataset.n_features), np.float32), np.empty(4, np.int32)
    dataset.gather(indices, images, labels)
    x, y = theirs.gather(torch.from_numpy(indices))
    assert_close(images, x.numpy())
    assert (labels == y.numpy()).all()


def scoring_contest(net):
    """Compare the scoring of a batch.

    Parameters
    ----------
    net : Net

    Returns
    -------
    race.Contest
    """
    our_batch, their_batch = net.examples(net.score_batch_size, seed=0)
    model = MLP(net.widths, net.score_batch_size)
    model.params = net.initial_params()
    their_scores = torch_side.Scores(net.initial_params(), net.widths)

    def check():
        ours, _, _ = model.scores(*our_batch)
        assert_scores_close(ours, their_scores(*their_batch).numpy())

    return Contest(
        net.name,
        f"scores, {net.score_batch_size} at a time",
        "examples/s",
        net.score_batch_size,
        partial(model.scores, *our_batch),
        partial(their_scores, *their_batch),
        check,
    )
