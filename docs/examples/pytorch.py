"""A PyTorch module as a model of one's own: mpirun -n 3 python docs/examples/pytorch.py."""

import torch
from torch import nn
from torch.autograd import grad
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector, vector_to_parameters

import isgd_mpi
from isgd_mpi import datasets


class TorchModel:
    """A module whose parameters are those of its linear layers.

    The gradient norm of an example comes from what goes into each layer and from the gradient of the loss by what
    comes out of it, which hooks keep: no gradient is formed for it.
    """

    def __init__(self, n_features, n_classes, max_rows):
        torch.manual_seed(0)
        self.module = nn.Sequential(nn.Linear(n_features, 128), nn.Tanh(), nn.Linear(128, n_classes))
        self.params = parameters_to_vector(self.module.parameters()).detach().numpy()
        self.seen = []  # inputs and output of each linear layer
        for layer in self.module:
            if isinstance(layer, nn.Linear):
                layer.register_forward_hook(lambda layer, inputs, output: self.seen.append((*inputs, output)))

    def scores(self, x, y):
        """Return each example's gradient norm, loss and correctness."""
        losses, correct = self.forward(x, y)
        deltas = grad(losses.sum(), [z for _, z in self.seen])
        return self.gradient_norms(deltas), losses.detach(), correct

    def gradient(self, x, y, weights):
        """Return the weighted mean loss of a minibatch, its gradient, and the scores of its examples."""
        losses, _ = self.forward(x, y)
        shares = torch.from_numpy(weights) / len(x)
        loss = shares @ losses
        weighted_deltas = grad(loss, [z for _, z in self.seen], retain_graph=True)
        gradient = grad(loss, list(self.module.parameters()))
        return loss.item(), parameters_to_vector(gradient), self.gradient_norms(weighted_deltas) / shares

    def forward(self, x, y):
        """Return the losses, and where the model is right."""
        vector_to_parameters(torch.from_numpy(self.params), self.module.parameters())  # views, not copies
        self.seen.clear()
        z = self.module(torch.from_numpy(x))
        y = torch.tensor(y, dtype=torch.long)
        return cross_entropy(z, y, reduction="none"), z.argmax(dim=1) == y

    @torch.no_grad()
    def gradient_norms(self, deltas):
        """Return the norms: (|h|^2 + 1) |delta|^2 is a layer's share of the square (the 1 is its bias)."""
        shares = [(h.square().sum(1) + 1) * delta.square().sum(1) for (h, _), delta in zip(self.seen, deltas)]
        return sum(shares).sqrt()


digits = datasets.load("mnist10k").splits
(x, y), test = [(digits[name].images, digits[name].labels) for name in ("train", "test")]

result = isgd_mpi.fit(x, y, test=test, model=TorchModel, lr=0.1, epochs=3, minibatch_size=32, schedule="pipelined")

if result:  # rank 0
    print(result.verdict)
    print(f"test error {result.summary['test']['error']:.2%}")
