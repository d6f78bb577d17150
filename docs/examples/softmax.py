"""Softmax regression in plain NumPy, as a model of one's own: mpirun -n 3 python docs/examples/softmax.py."""

import numpy as np

import isgd_mpi
from isgd_mpi import datasets


class SoftmaxRegression:
    """Class probabilities softmax(x W + b); W above b make up the parameter vector."""

    def __init__(self, n_features, n_classes, max_rows):
        self.shape = n_features + 1, n_classes
        self.params = np.zeros((n_features + 1) * n_classes, np.float32)

    def scores(self, x, y):
        """Return each example's gradient norm, loss and correctness."""
        delta, losses, correct = self.forward(x, y)
        return self.gradient_norms(x, delta), losses, correct

    def gradient(self, x, y, weights):
        """Return the weighted mean loss of a minibatch, its gradient, and the scores of its examples."""
        delta, losses, _ = self.forward(x, y)
        weighted = delta * (weights / len(x))[:, None]
        gradient = np.vstack([x.T @ weighted, weighted.sum(axis=0)])
        return np.mean(weights * losses), gradient.ravel(), self.gradient_norms(x, delta)

    def forward(self, x, y):
        """Return the gradient of each example's loss by x W + b, the losses, and where the model is right."""
        w = self.params.reshape(self.shape)
        z = x @ w[:-1] + w[-1]
        z -= z.max(axis=1, keepdims=True)
        log_probabilities = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        rows = np.arange(len(x))
        delta = np.exp(log_probabilities)
        delta[rows, y] -= 1
        return delta, -log_probabilities[rows, y], z.argmax(axis=1) == y

    def gradient_norms(self, x, delta):
        """Return the norms of outer products of (x, 1) and delta, without forming these."""
        return np.sqrt((np.sum(x * x, axis=1) + 1) * np.sum(delta * delta, axis=1))


digits = datasets.load("mnist10k").splits
(x, y), test = [(digits[name].images, digits[name].labels) for name in ("train", "test")]

result = isgd_mpi.fit(
    x, y, test=test, model=SoftmaxRegression, lr=0.05, epochs=5, minibatch_size=32, schedule="pipelined"
)

if result:  # rank 0
    print(result.verdict)
    result.save("softmax.npz")
    model = isgd_mpi.load("softmax.npz", model=SoftmaxRegression)
    print(f"test error {np.mean(model.predict(test[0]) != test[1]):.2%}")
