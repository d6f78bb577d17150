"""The gradient of a minibatch, and the update that follows it: on one rank alone, or on each of several.

Where several trainers share a minibatch, :mod:`isgd_mpi.training.co_trainers` takes the place of
:class:`LocalGradient`.
"""

import math
from typing import NamedTuple

import numpy as np


class MinibatchGradient(NamedTuple):
    """What a model says of a minibatch. Arrays are valid until the next minibatch.

    Attributes
    ----------
    loss : float
        Weighted mean loss, nats.
    gradient : (P,) ndarray or None
        Of that loss; None if the step was taken without forming it.
    scores, predictions, grad_norms : (M,) ndarray
        Of each example; see :class:`mlp.MLP`. So is every field from here on.
    """

    loss: float
    gradient: np.ndarray
    scores: np.ndarray
    predictions: np.ndarray
    grad_norms: np.ndarray


PER_EXAMPLE = MinibatchGradient._fields[2:]
"""Fields with one value for each example of the minibatch."""


class LocalGradient:
    """Computes the gradient of whole minibatches in this process.

    Parameters
    ----------
    dataset : datasets.Dataset
        Examples are drawn from its training set.
    model : Model
    n_rows : int
        Examples in a minibatch.
    answer : callable, optional
        Scores and evaluates where there are no scorers: takes what is published, returns a report.

    Attributes
    ----------
    seconds : float
        Time spent waiting for others: none.
    reported_signal : int
        Signal that another trainer received: there is none.
    """

    seconds = 0.0
    reported_signal = 0

    def __init__(self, dataset, model, n_rows, answer=None):
        self._dataset = dataset
        self._model = model
        self._answer = answer
        self._fuses = getattr(model, "most_rows_to_descend", 0) >= n_rows
        self._images = np.empty((n_rows, dataset.n_features), model.params.dtype)
        self._labels = np.empty(n_rows, np.int32)

    def compute(self, indices, weights, applied=False):
        """Compute the gradient of a minibatch.

        Parameters
        ----------
        indices : (M,) ndarray of int64
            Examples of the training set.
        weights : (M,) ndarray of float64
            Of their losses.
        applied : bool
            Whether an update follows: where there are other trainers, they must know.

        Returns
        -------
        MinibatchGradient
        """
        loss, gradient, scores = self._model.gradient(*self._gather(indices, weights))
        return MinibatchGradient(loss, gradient, scores, self._model.predictions, self._model.grad_norms)

    def descend(self, indices, weights, optimiser, with_gradient):
        """Take a step along the gradient of a minibatch, which is formed if it is asked for or the model must.

        Parameters
        ----------
        indices, weights : ndarray
            As of :meth:`compute`.
        optimiser : optim.SGD
        with_gradient : bool

        Returns
        -------
        MinibatchGradient

        Raises
        ------
        FloatingPointError
            If the loss or the gradient is not finite.
        """
        if with_gradient or not self._fuses:
            minibatch = self.compute(indices, weights)
            update(optimiser, minibatch.loss, minibatch.gradient)
            return minibatch
        loss, scores = self._model.descend(*self._gather(indices, weights), optimiser)
        return MinibatchGradient(loss, None, scores, self._model.predictions, self._model.grad_norms)

    def _gather(self, indices, weights):
        """Return a minibatch as the model takes it."""
        self._dataset.gather(indices, self._images, self._labels)
        return self._images, self._labels, weights.astype(self._images.dtype)

    def refresh(self, published):
        """Score and evaluate.

        Parameters
        ----------
        published : () ndarray of records.published_dtype

        Returns
        -------
        list of () ndarray
            The report of each trainer: one.
        """
        return [self._answer(published)]

    def stop(self):
        """Let the other trainers go: there are none."""


def update(optimiser, loss, gradient):
    """Take the optimiser's step unless something is not finite.

    Parameters
    ----------
    optimiser : optim.SGD
    loss : float
    gradient : (P,) ndarray

    Raises
    ------
    FloatingPointError
        If the loss or the gradient is not finite.
    """
    if not math.isfinite(loss):
        raise FloatingPointError("the loss is not finite")
    optimiser.step(gradient)
