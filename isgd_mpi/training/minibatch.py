"""A minibatch, and the learner that computes its gradient and takes the step that follows it.

Where several trainers share a minibatch, :class:`isgd_mpi.training.co_trainers.TrainerGroup` takes the place of
:class:`Learner`, and :class:`isgd_mpi.training.feeder.Feeder` where trainer 0 only feeds them.
"""

import math
from typing import NamedTuple

import numpy as np

from isgd_mpi.model.share import WHOLE


class Answer(NamedTuple):
    """The model's results for a minibatch. Arrays are valid until the next minibatch.

    Attributes
    ----------
    loss : float
        Weighted mean loss.
    gradient : (P,) ndarray or None
        Gradient of that loss; None if the step was taken without forming it.
    scores, predictions, grad_norms : (M,) ndarray
        One value for each example; see :class:`mlp.MLP`.
    """

    loss: float
    gradient: np.ndarray | None
    scores: np.ndarray
    predictions: np.ndarray
    grad_norms: np.ndarray


PER_EXAMPLE = ("scores", "predictions", "grad_norms")
"""Fields with one value for each example of the minibatch."""


class Minibatch(NamedTuple):
    """A drawn minibatch, its importance weights r = 1 / (N q), and the fields of :class:`Answer`."""

    indices: np.ndarray
    importance_weights: np.ndarray
    loss: float
    gradient: np.ndarray | None
    scores: np.ndarray
    predictions: np.ndarray
    grad_norms: np.ndarray


class LearnsAtOnce:
    """The part of a learner by which trainer 0 knows how late its answers are: here each step is taken when ordered.

    :class:`isgd_mpi.training.feeder.Feeder` has the same attributes and methods for steps that are answered late.

    Attributes
    ----------
    reported_signal : int
        Signal that another trainer received, or 0.
    feeds : bool
        Whether trainer 0 takes no part in the steps.
    depth : int
        Steps by which answers are late.
    idle_seconds : float
        Time that trainers have waited for orders.
    kept_params : (P,) ndarray
        Parameters for a refresh: those of the model, which the next step changes.
    """

    feeds, reported_signal, depth, idle_seconds = False, 0, 0, 0.0

    @property
    def kept_params(self):
        """The parameters for a refresh."""
        return self.model.params

    def keep_params(self):
        """Do nothing: the parameters stay as they are until the next step."""

    def settle(self, seconds=None):
        """Return whether each step that was ordered is taken: else parameters may be half updated."""
        return True


class Learner(LearnsAtOnce):
    """Computes gradients of whole minibatches, and takes the optimiser's steps.

    If the model is shared by several trainers, all of them construct and :meth:`descend` together.

    Parameters
    ----------
    dataset : datasets.Dataset
        Examples are drawn from its training set.
    model : Model
        Updated in place.
    optimiser : optim.SGD
        Updates the model's parameters.
    n_rows : int
        Examples in a minibatch.
    answer : callable, optional
        Scores and evaluates where no scorers do: takes a published record, returns a report.

    Attributes
    ----------
    model, optimiser
        See above.
    """

    def __init__(self, dataset, model, optimiser, n_rows, answer=None):
        self._dataset = dataset
        self.model = model
        self.optimiser = optimiser
        self.answer = answer
        self._fuses = hasattr(model, "descend")
        self._share = getattr(model, "share", WHOLE)
        target = dataset.target
        self._images, self._labels = self._share.allocate(
            ((n_rows, dataset.n_features), model.params.dtype), ((n_rows, *target.row_shape), target.dtype)
        )
        self._rows = self._share.rows(n_rows)
        self._own = self._images[self._rows], self._labels[self._rows]

    def compute(self, indices, weights):
        """Compute the gradient of a minibatch.

        Parameters
        ----------
        indices : (M,) ndarray of int64
            Examples of the training set.
        weights : (M,) ndarray of float64
            Weights of their losses.

        Returns
        -------
        Answer
        """
        loss, gradient, scores = self.model.gradient(*self._gather(indices, weights))
        return Answer(loss, gradient, scores, self.model.predictions, self.model.grad_norms)

    def descend(self, indices, weights, with_gradient):
        """Take a step along the gradient of a minibatch, and form the gradient only where it is needed.

        Parameters
        ----------
        indices, weights : ndarray
            See :meth:`compute`.
        with_gradient : bool
            Whether the answer must hold the gradient.

        Returns
        -------
        Answer

        Raises
        ------
        FloatingPointError
            See :meth:`update`.
        """
        if with_gradient or not self._fuses:
            answer = self.compute(indices, weights)
            self.update(answer.loss, answer.gradient)
            return answer
        loss, scores = self.model.descend(*self._gather(indices, weights), self.optimiser)
        return Answer(loss, None, scores, self.model.predictions, self.model.grad_norms)

    def update(self, loss, gradient):
        """Take the optimiser's step unless something is not finite.

        Parameters
        ----------
        loss : float
        gradient : (P,) ndarray

        Raises
        ------
        FloatingPointError
            The loss or the gradient is not finite; no parameter is changed then.
        """
        if not math.isfinite(loss):
            raise FloatingPointError("the loss is not finite")
        self.optimiser.step(gradient)

    def _gather(self, indices, weights):
        """Return standardised features, targets and weights of a minibatch, for the model."""
        self._dataset.gather(indices[self._rows], *self._own)
        self._share.meet()
        return self._images, self._labels, weights.astype(self._images.dtype)

    def refresh(self, published):
        """Score and evaluate with a published record, () ndarray; return the reports: one."""
        return [self.answer(published)]
