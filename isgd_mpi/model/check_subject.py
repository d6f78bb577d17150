"""Call a user's own model on a few examples, as the checks of it need: with copies of all that it gets and returns."""

from typing import NamedTuple

import numpy as np

RTOL = 1e-3  # right models in float32 differ by 1e-7 to 1e-6: softmax regression, nets of up to four hidden layers
MOST_KEPT = 10**7  # numbers of all gradients that are kept
_N_EXAMPLES = 8


class Finding(NamedTuple):
    """A finding on one part of a model.

    Attributes
    ----------
    part : str
    ok : bool
    text : str
        What is wrong and what to do, or what was compared.
    """

    part: str
    ok: bool
    text: str


class Subject:
    """A model that is checked, the examples, and parameters."""

    def __init__(self, make_model, dataset, params):
        n = min(_N_EXAMPLES, dataset.n_train)
        indices = np.linspace(0, dataset.n_train - 1, n).astype(np.int64)
        self.x = np.empty((n, dataset.n_features), np.float32)
        self.y = np.empty((n, *dataset.target.row_shape), dataset.target.dtype)
        dataset.gather(indices, self.x, self.y)
        self.target, self.n = dataset.target, n
        rng = np.random.default_rng(0)
        self.noise = (0.3 * max(0.03, params.std()) * rng.standard_normal(params.size)).astype(np.float32)
        self.params = params + self.noise
        self.weights = np.linspace(0.5, 2, n).astype(np.float32)
        self.make = lambda: make_model(dataset.n_features, dataset.n_classes, n)
        self.model = self.make()
        self._singles = []

    def scores(self, params=None, rows=slice(None), y=None, model=None):
        """Return copies of scores, losses, correct."""
        model = model or self.model
        model.params = self.params if params is None else params
        answer = model.scores(self.x[rows].copy(), (self.y if y is None else y)[rows].copy())
        return [np.array(part) for part in answer]

    def gradient(self, rows=slice(None), weights=None):
        """Return copies of loss, gradient, scores."""
        self.model.params = self.params
        weights = np.ones(self.n, np.float32) if weights is None else weights
        loss, gradient, scores = self.model.gradient(self.x[rows].copy(), self.y[rows].copy(), weights[rows].copy())
        return float(loss), np.array(gradient, np.float64), np.array(scores, np.float64)

    def losses(self, params):
        """Return each example's loss, in float64."""
        return self.scores(params)[1].astype(np.float64)

    @property
    def singles(self):
        """Yield each example's own gradient, with weight 1; they are kept if they are small."""
        keep = self.n * self.params.size <= MOST_KEPT
        for n in range(self.n):
            if n == len(self._singles) or not keep:
                gradient = self.gradient(slice(n, n + 1))[1]
                self._singles += [gradient] * keep
            yield self._singles[n] if keep else gradient


def close(got, expected, rtol=RTOL):
    """Return whether arrays are equal up to rounding."""
    got, expected = np.asarray(got, float), np.asarray(expected, float)
    return bool(np.abs(got - expected).max() <= rtol * np.abs(expected).max() + 1e-12)


def first_match(got, candidates):
    """Return the text of the first candidate, by text, that is close; None if none is."""
    return next((text for text, expected in candidates.items() if close(got, expected)), None)
