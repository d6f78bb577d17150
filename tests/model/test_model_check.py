"""Each mistake planted in a model is named in words, and right models pass."""

import re

import numpy as np
import pytest

import isgd_mpi
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.params import initial_params

N_FEATURES, N_CLASSES = 6, 3


@pytest.fixture
def examples(rng):
    x = rng.standard_normal((40, N_FEATURES))
    return x, (x[:, :N_CLASSES] + rng.standard_normal((40, N_CLASSES))).argmax(axis=1)


class Softmax:
    """Softmax regression, whose parts can be planted with mistakes."""

    def __init__(self, n_features, n_classes, max_rows):
        self.shape = n_features + 1, n_classes
        self.params = np.zeros((n_features + 1) * n_classes, np.float32)

    def forward(self, x, y):
        w = self.params.reshape(self.shape)
        z = x @ w[:-1] + w[-1]
        z = z - z.max(axis=1, keepdims=True)
        logs = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        delta = np.exp(logs)
        delta[np.arange(len(x)), y] -= 1
        return delta, -logs[np.arange(len(x)), y], z.argmax(axis=1) == y

    def norms(self, x, delta):
        return np.sqrt((np.sum(x * x, axis=1) + 1) * np.sum(delta * delta, axis=1))

    def scores(self, x, y):
        delta, losses, correct = self.forward(x, y)
        return self.norms(x, delta), losses, correct

    def gradient(self, x, y, weights):
        delta, losses, _ = self.forward(x, y)
        shares = self.shares(weights)[:, None]
        gradient = np.vstack([x.T @ (delta * shares), (delta * shares).sum(axis=0)]).ravel()
        return np.sum(self.shares(weights) * losses), gradient, self.norms(x, delta)

    def shares(self, weights):
        return weights / len(weights)


class OfTheMean(Softmax):
    def norms(self, x, delta):
        return super().norms(x, delta) / len(x)


class LossesOfTheMean(Softmax):
    def scores(self, x, y):
        scores, losses, correct = super().scores(x, y)
        return scores, losses / len(x), correct


class WithoutBias(Softmax):
    def norms(self, x, delta):
        return np.sqrt(np.sum(x * x, axis=1) * np.sum(delta * delta, axis=1))


class BiasGradientForgotten(Softmax):
    def gradient(self, x, y, weights):
        loss, gradient, scores = super().gradient(x, y, weights)
        gradient[-self.shape[1] :] = 0
        return loss, gradient, scores


class Squared(Softmax):
    def norms(self, x, delta):
        return super().norms(x, delta) ** 2


class SumOfGradients(Softmax):
    def shares(self, weights):
        return weights


class WeightsIgnored(Softmax):
    def shares(self, weights):
        return np.full_like(weights, 1 / len(weights))


class WeightsNormalised(Softmax):
    def shares(self, weights):
        return weights / weights.sum()


class WeightedScores(Softmax):
    def gradient(self, x, y, weights):
        loss, gradient, scores = super().gradient(x, y, weights)
        return loss, gradient, scores * weights


class Doubled(Softmax):
    def shares(self, weights):
        return 2 * weights / len(weights)


class GradientsAddUp(Softmax):
    total = 0

    def gradient(self, x, y, weights):
        loss, gradient, scores = super().gradient(x, y, weights)
        self.total = self.total + gradient
        return loss, self.total, scores


class RunningAverage(Softmax):
    average = 0

    def forward(self, x, y):
        self.average = 0.5 * self.average + x.mean(axis=0)
        return super().forward(x - self.average, y)


class BatchNorm(Softmax):
    def forward(self, x, y):
        return super().forward(x - x.mean(axis=0), y)


class Dropout(Softmax):
    def forward(self, x, y):
        return super().forward(x * (np.random.default_rng().random(x.shape) < 0.5), y)


class OwnCopy(Softmax):
    def forward(self, x, y):
        given, self.params = self.params, np.linspace(-1, 1, self.params.size, dtype=np.float32)
        try:
            return super().forward(x, y)
        finally:
            self.params = given


class Cached(Softmax):
    seen = cached = None

    def forward(self, x, y):
        given = self.params
        if given is not self.seen:
            self.seen, self.cached = given, given.copy()
        self.params = self.cached
        try:
            return super().forward(x, y)
        finally:
            self.params = given


class Writing(Softmax):
    def scores(self, x, y):
        answer = super().scores(x, y)
        self.params *= 1.0001
        return answer


class LossesOfInts(Softmax):
    def scores(self, x, y):
        scores, losses, correct = super().scores(x, y)
        return scores, np.round(losses).astype(int), correct


class CorrectAsProbability(Softmax):
    def scores(self, x, y):
        scores, losses, _ = super().scores(x, y)
        return scores, losses, np.exp(-losses)


class CorrectOfAnother(Softmax):
    def scores(self, x, y):
        scores, losses, correct = super().scores(x, y)
        return scores, losses, ~correct


class ColumnOfLosses(Softmax):
    def scores(self, x, y):
        scores, losses, correct = super().scores(x, y)
        return scores, losses[:, None], correct


MISTAKES = {
    OfTheMean: ("scores", "divided by the number of examples .a mean loss was differentiated.: multiply by it"),
    LossesOfTheMean: ("losses", "losses in a minibatch are divided by the number of examples"),
    WithoutBias: ("scores", "scores leave out the parameters 18 to 20: the bias forgotten"),
    BiasGradientForgotten: ("slopes", "by parameters .* is 0, but the loss changes with them: forgotten .a bias"),
    Squared: ("scores", "squared norms of gradients: take the square root"),
    SumOfGradients: ("gradient", "the gradient of a minibatch is a sum, not a mean"),
    WeightsIgnored: ("gradient", "the gradient of a minibatch is without the weights"),
    WeightsNormalised: ("gradient", "divided by the sum of the weights"),
    WeightedScores: ("scores", "scores that gradient returns are weighted: they must be those of the unweighted"),
    Doubled: ("slopes", "the gradient of one example is 2 times that of its loss"),
    GradientsAddUp: ("repeats", "gradients add up from call to call: set them to zero"),
    RunningAverage: ("repeats", "such as running averages|keeps state between calls"),
    BatchNorm: ("losses", "do they depend on each other .batch normalisation"),
    Dropout: ("repeats", "random numbers, such as dropout"),
    OwnCopy: ("params", "the model does not use it"),
    Cached: ("params", "changed in place and set again is not noticed"),
    Writing: ("repeats|params", "written to|something is kept"),
    LossesOfInts: ("types", "losses must be floats, not int64"),
    CorrectAsProbability: ("types", "correct must be True or False for each example, not float32"),
    CorrectOfAnother: ("correct", "correct is (True|False) where class . has the least loss"),
    ColumnOfLosses: ("interface", r"scores\(x, y\) must return scores, losses, correct of shapes"),
}


@pytest.mark.parametrize("model", MISTAKES, ids=lambda model: model.__name__)
def test_each_mistake_is_named(examples, model):
    part, text = MISTAKES[model]
    report = isgd_mpi.check_model(model, *examples)
    assert not report.ok
    (wrong,) = [finding for finding in report.findings if not finding.ok]
    assert wrong.part in part.split("|"), report
    assert re.search(text, wrong.text), report
    assert "WRONG" in str(report) and len(str(report).splitlines()) == len(report.findings)


class Net(MLP):
    """The MLP of this package, with two hidden layers."""

    def __init__(self, n_features, n_classes, max_rows, dtype=np.float32):
        widths = (n_features, 20, 10, n_classes)
        super().__init__(widths, max_rows)
        self.params[:] = initial_params(widths, "he", np.random.default_rng(0))


@pytest.mark.parametrize("model", [Softmax, Net])
def test_right_models_pass_in_float32(examples, model, rng):
    for _ in range(3):
        report = isgd_mpi.check_model(model, rng.standard_normal((40, N_FEATURES)), examples[1])
        assert report.ok and len(report.findings) == 8, report
    assert "WRONG" not in str(report) and "scores" in repr(report)


def test_another_score_is_right_if_it_is_meant(examples):
    class ByLoss(Softmax):
        def scores(self, x, y):
            _, losses, correct = super().scores(x, y)
            return losses, losses, correct

        def gradient(self, x, y, weights):
            loss, gradient, _ = super().gradient(x, y, weights)
            return loss, gradient, self.forward(x, y)[1]

    report = isgd_mpi.check_model(ByLoss, *examples)
    assert "check with norms=False" in report.findings[-1].text and not report.ok
    assert isgd_mpi.check_model(ByLoss, *examples, norms=False).ok


def test_what_cannot_be_read_is_bad_input(examples):
    with pytest.raises(isgd_mpi.InputError):
        isgd_mpi.check_model(Softmax, examples[0][0], examples[1])
