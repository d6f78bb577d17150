"""PyTorch's side of the benchmarks: the same net, training step and scores, as fast as PyTorch can."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from isgd_mpi.model.params import layer_views

_ROWS = 2048  # standardised at a time


def sequential(params, widths):
    """Return an MLP with a copy of our parameters.

    Parameters
    ----------
    params : (P,) ndarray
    widths : sequence of int
        Features, hidden widths, classes.

    Returns
    -------
    torch.nn.Sequential
    """
    modules = []
    for w, b in zip(*layer_views(params, widths)):
        linear = nn.Linear(*w.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(w.T))
            linear.bias.copy_(torch.from_numpy(b))
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


@dataclass(frozen=True)
class Way:
    """Settings of a training step.

    Attributes
    ----------
    learning_rate, momentum : float
        Momentum is Nesterov's.
    fused : bool
        Whether the update is PyTorch's single pass over the parameters, which is not its default.
    autocast : bool
        Whether products are computed in bfloat16.
    compiled : bool
        Whether the loss is compiled by torch.compile, for the number of threads that is set.
    """

    learning_rate: float
    momentum: float = 0.0
    fused: bool = False
    autocast: bool = False
    compiled: bool = False


class Step:
    """A training step: forward, backward, update.

    Parameters
    ----------
    params, widths
        See :func:`sequential`.
    way : Way
    """

    def __init__(self, params, widths, way):
        self.net, self._widths = sequential(params, widths), widths
        self._autocast = way.autocast
        self._loss = torch.compile(self._mean_loss, dynamic=False) if way.compiled else self._mean_loss
        self._optimiser = torch.optim.SGD(
            self.net.parameters(), way.learning_rate, way.momentum, nesterov=way.momentum > 0, fused=way.fused
        )

    def _mean_loss(self, x, y):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._autocast):
            return cross_entropy(self.net(x), y)

    def __call__(self, x, y):
        """Take a step on the mean loss of a minibatch of tensors; return that loss, nats."""
        self._optimiser.zero_grad(set_to_none=True)
        loss = self._loss(x, y)
        loss.backward()
        self._optimiser.step()
        return loss.item()

    def load(self, params):
        """Begin anew from a vector of parameters."""
        with torch.no_grad():
            for own, given in zip(self.net.parameters(), sequential(params, self._widths).parameters()):
                own.copy_(given)
        self._optimiser.state.clear()

    def gradient(self):
        """Return the last step's gradient as a vector in our order."""
        return _flat([parameter.grad for parameter in self.net.parameters()])

    def params(self):
        """Return the parameters as a vector in our order."""
        return _flat([parameter.detach() for parameter in self.net.parameters()])


def _flat(tensors):
    return torch.cat([tensor.T.reshape(-1) if tensor.ndim == 2 else tensor for tensor in tensors]).numpy()


class Examples:
    """A training set as tensors, standardised beforehand: PyTorch's step then only copies rows.

    Parameters
    ----------
    dataset : datasets.Dataset
    rounded : bool
        Whether to keep them in bfloat16, to which autocast would round them in each step.

    Attributes
    ----------
    images : (N, n_features) tensor of float32 or bfloat16
    labels : (N,) tensor of int64
    """

    def __init__(self, dataset, rounded=False):
        train = dataset.splits["train"]
        self.images = torch.empty(train.images.shape, dtype=torch.bfloat16 if rounded else torch.float32)
        buffer = np.empty((_ROWS, dataset.n_features), np.float32)
        pieces = dataset.pieces("train", 0, dataset.n_train, buffer)
        for rows, (images, _) in zip(self.images.split(_ROWS), pieces):
            rows.copy_(torch.from_numpy(images))
        self.labels = torch.from_numpy(train.labels.astype("int64"))


class DrawingStep(Step):
    """A training step on a minibatch drawn uniformly.

    Parameters
    ----------
    examples : Examples
    minibatch_size : int
    params, widths, way
        See :class:`Step`.
    """

    def __init__(self, examples, minibatch_size, *step):
        super().__init__(*step)
        self.examples = examples
        self.minibatch_size = minibatch_size

    def __call__(self):
        """Draw a minibatch and take a step; return its mean loss, nats."""
        indices = self.draw()
        return super().__call__(self.examples.images[indices], self.examples.labels[indices])

    def draw(self):
        """Return the indices of a minibatch."""
        return torch.randint(len(self.examples.labels), (self.minibatch_size,))


class Scores:
    """Per-example gradient norms through hooks; no gradient of a weight is formed.

    Parameters
    ----------
    params, widths
        See :func:`sequential`.

    Notes
    -----
    Only activations require a gradient, from the first layer's outputs on. One backward pass of the
    summed loss gives each layer's delta, and ``(|x|^2 + 1) |delta|^2`` its squared norm.
    """

    def __init__(self, params, widths):
        self._net = sequential(params, widths).requires_grad_(False)
        self._kept = []
        for module in self._net:
            if isinstance(module, nn.Linear):
                module.register_forward_hook(self._keep)

    def _keep(self, module, inputs, output):
        self._kept.append((inputs[0], output.requires_grad_()))

    def __call__(self, x, y):
        """Return the scores of a batch of tensors, a (B,) tensor."""
        self._kept.clear()
        loss = cross_entropy(self._net(x), y, reduction="sum")
        deltas = torch.autograd.grad(loss, [output for _, output in self._kept])
        with torch.no_grad():
            return sum(map(_squared_grad_norms, (x for x, _ in self._kept), deltas)).sqrt_()


class RoundedScores(Scores):
    """Per-example gradient norms with matrix products in bfloat16, by autocast."""

    def __call__(self, x, y):
        """Return the scores of a batch of tensors, a (B,) tensor of float32."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return super().__call__(x, y)


def _squared_grad_norms(x, delta):
    return (_norms(x).square_() + 1) * _norms(delta).square_()


def _norms(rows):
    return torch.linalg.vector_norm(rows, dim=1, dtype=torch.float32)
