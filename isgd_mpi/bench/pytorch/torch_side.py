"""PyTorch's side of the benchmarks: the same net, training step and scores, as fast as PyTorch can."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from isgd_mpi.model.params import layer_views


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


class Step:
    """A training step: forward, backward, update.

    Parameters
    ----------
    params, widths
        See :func:`sequential`.
    learning_rate, momentum : float
        Momentum is Nesterov's.
    fused : bool
        Whether the update is PyTorch's single pass over the parameters, which is not its default.
    """

    def __init__(self, params, widths, learning_rate, momentum, fused=False):
        self.net = sequential(params, widths)
        self._optimiser = torch.optim.SGD(
            self.net.parameters(), lr=learning_rate, momentum=momentum, nesterov=momentum > 0, fused=fused
        )

    def __call__(self, x, y):
        """Take a step on the mean loss of a minibatch of tensors."""
        self._optimiser.zero_grad(set_to_none=True)
        cross_entropy(self.net(x), y).backward()
        self._optimiser.step()

    def gradient(self):
        """Return the last step's gradient as a vector in our order."""
        return _flat([parameter.grad for parameter in self.net.parameters()])

    def params(self):
        """Return the parameters as a vector in our order."""
        return _flat([parameter.detach() for parameter in self.net.parameters()])


def _flat(tensors):
    return torch.cat([tensor.T.reshape(-1) if tensor.ndim == 2 else tensor for tensor in tensors]).numpy()


class DrawingStep(Step):
    """A training step on a minibatch drawn uniformly, gathered and standardised.

    Parameters
    ----------
    dataset : datasets.Dataset
        Its training images stay uint8 until they are gathered.
    minibatch_size : int
    params, widths, learning_rate, momentum
        See :class:`Step`.
    """

    def __init__(self, dataset, minibatch_size, *step):
        super().__init__(*step)
        train = dataset.splits["train"]
        self._images = torch.from_numpy(train.images.copy())  # from_numpy warns of read-only arrays
        self._labels = torch.from_numpy(train.labels.astype("int64"))
        self._mean, self._inverse_std = (torch.tensor(values) for values in (dataset.mean, dataset.inverse_std))
        self._minibatch_size = minibatch_size

    def __call__(self):
        """Draw a minibatch and take a step."""
        super().__call__(*self.gather(self.draw()))

    def draw(self):
        """Return the indices of a minibatch."""
        return torch.randint(len(self._labels), (self._minibatch_size,))

    def gather(self, indices):
        """Return standardised examples and labels as tensors."""
        x = self._images[indices].float().sub_(self._mean).mul_(self._inverse_std)
        return x, self._labels[indices]


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
