"""A PyTorch module as a model of one's own, on a GPU if there is one: mpirun -n 3 python docs/examples/pytorch.py."""

import torch
from torch import nn
from torch.autograd import grad
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector, vector_to_parameters

import isgd_mpi
from isgd_mpi import datasets

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class TorchModel:
    """A module whose parameters are those of its linear layers, and stay where the module is while it trains.

    The gradient norm of an example comes from what goes into each layer and from the gradient of the loss by what
    comes out of it, which hooks keep: no gradient is formed for it.
    """

    def __init__(self, n_features, n_classes, max_rows):
        torch.manual_seed(0)
        self.module = nn.Sequential(nn.Linear(n_features, 128), nn.Tanh(), nn.Linear(128, n_classes)).to(DEVICE)
        self.weights = list(self.module.parameters())
        self.vector = parameters_to_vector(self.weights).detach()
        vector_to_parameters(self.vector, self.weights)  # views from now on: all move in one copy
        self.optimiser = torch.optim.SGD(self.weights, lr=1.0, momentum=0.5, nesterov=True)
        self.seen = []  # inputs and output of each linear layer
        for layer in self.module:
            if isinstance(layer, nn.Linear):
                layer.register_forward_hook(lambda layer, inputs, output: self.seen.append((*inputs, output)))

    @property
    def params(self):
        """The parameters; read once a refresh, and set once a refresh where examples are scored."""
        return self.vector.cpu().numpy()

    @params.setter
    def params(self, vector):
        self.vector.copy_(torch.from_numpy(vector))

    def scores(self, x, y):
        """Return each example's gradient norm, loss and correctness."""
        losses, correct = self.forward(x, y)
        deltas = grad(losses.sum(), [z for _, z in self.seen])
        return self.gradient_norms(deltas), losses.detach().cpu(), correct.cpu()

    def gradient(self, x, y, weights):
        """Return the weighted mean loss of a minibatch, its gradient, and the scores of its examples."""
        loss, gradients, scores = self.backward(x, y, weights)
        return loss, parameters_to_vector(gradients).cpu(), scores

    def descend(self, x, y, weights, optimiser):
        """Take a step along that gradient; return loss and scores."""
        loss, gradients, scores = self.backward(x, y, weights)
        for parameter, gradient in zip(self.weights, gradients):
            parameter.grad = gradient
        for group in self.optimiser.param_groups:
            group["lr"] = optimiser.present_learning_rate  # --lr, on its schedule
        self.optimiser.step()
        return loss, scores

    def backward(self, x, y, weights):
        """Return the weighted mean loss, its gradients by the weights, and the scores."""
        losses, _ = self.forward(x, y)
        shares = torch.from_numpy(weights).to(DEVICE) / len(x)
        loss = shares @ losses
        outputs = [z for _, z in self.seen]
        gradients = grad(loss, [*outputs, *self.weights])
        deltas, gradients = gradients[: len(outputs)], gradients[len(outputs) :]
        return loss.item(), gradients, self.gradient_norms([delta / shares[:, None] for delta in deltas])

    def forward(self, x, y):
        """Return the losses, and where the model is right."""
        self.seen.clear()
        z = self.module(torch.from_numpy(x).to(DEVICE))
        y = torch.tensor(y, dtype=torch.long, device=DEVICE)
        return cross_entropy(z, y, reduction="none"), z.argmax(dim=1) == y

    @torch.no_grad()
    def gradient_norms(self, deltas):
        """Return the norms: (|h|^2 + 1) |delta|^2 is a layer's share of the square (the 1 is its bias)."""
        shares = [(h.square().sum(1) + 1) * delta.square().sum(1) for (h, _), delta in zip(self.seen, deltas)]
        return sum(shares).sqrt().cpu()


digits = datasets.load("mnist10k").splits
(x, y), test = [(digits[name].images, digits[name].labels) for name in ("train", "test")]

result = isgd_mpi.fit(x, y, test=test, model=TorchModel, lr=0.1, epochs=3, minibatch_size=32, schedule="pipelined")

if result:  # rank 0
    print(result.verdict)
    print(f"test error {result.summary['test']['error']:.2%}")
