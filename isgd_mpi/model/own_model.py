"""Define the interface of a model, and let the trainer and the scorers use a user's own model behind it."""

import math
from typing import Protocol

import numpy as np

from isgd_mpi.model.losses import CrossEntropy
from isgd_mpi.model.optim import SGD
from isgd_mpi.settings.errors import InputError

_PROBE_ROWS = 2  # examples that a model is tried on
_N_GROUPS = 8  # of examples, whose mean gradients are multiplied with each other


class Model(Protocol):
    """A model to be trained: parameters and two methods.

    :func:`isgd_mpi.fit` takes a function, such as the class itself, that makes one:
    ``make_model(n_features, n_classes, max_rows)``, where `max_rows` is the most examples that one call
    will hold, and `n_classes` the number of labels or of numbers where the target is not classes. It is called on
    every rank, more than once.

    Attributes
    ----------
    params : (P,) ndarray of float32
        All parameters, C-contiguous. Training begins with those that the model on rank 0 is made with.
        The attribute is set to the vector in use before a call, and only if the parameters may have changed since the
        call before: once a refresh where examples are scored, each step where `gradient` is called. Use the vector in
        place or copy it, but do not write to it. A property whose setter copies is told so when to.

    Notes
    -----
    Arguments are valid during a call only. Arrays returned may be buffers that the next call overwrites. They may have
    any float dtype, and may be anything that ``numpy.asarray`` takes, such as PyTorch tensors on the CPU without
    gradient.

    A model may also have ``outputs(x)``, which returns an array (B, n_classes): logits of classes or of labels, or
    numbers, standardised as `y` is. Predictions of labels and of numbers are made with it, and errors of numbers
    measured; without it there are none. Classes are then predicted by it as well.

    A model may also have ``descend(x, y, weights, optimiser)``, which takes a step along the weighted mean gradient by
    itself, and returns ``(loss, scores)`` as `gradient` does. The trainer then calls it in place of `gradient`, and
    reads `params` once a refresh and at the end only: they may live on another device until then. Of the optimiser's
    attributes `present_learning_rate` is the rate of this step; `momentum` (of sgd), `weight_decay` and `clip_norm` are
    options, which the model obeys as far as it likes; the step is counted by the caller. If the loss or the gradient is
    not finite it raises FloatingPointError, and training ends; a loss that is not finite is noticed anyway. With
    several `trainers` gradients are summed, and it is not called. Moments and the like stay with the model: they are in
    no checkpoint, as a run of :func:`isgd_mpi.fit` is not resumed.
    """

    params: np.ndarray

    def scores(self, x, y):
        """Compute each example's score, loss and correctness.

        Parameters
        ----------
        x : (B, n_features) ndarray of float32
            Standardised features, C-contiguous.
        y : (B,) ndarray of int32, or (B, n_classes) ndarray of float32
            Classes; or labels, 0 or 1; or numbers, standardised over the training set.

        Returns
        -------
        scores : (B,) ndarray
            Examples are drawn in proportion to their scores, which must not be negative. Best is the norm of the
            gradient of each example's own loss, not divided by B.
        losses : (B,) ndarray
            Losses, for any `y`: without `outputs`, `predict` takes the class of least loss. Reports of classes and
            labels call them nats.
        correct : (B,) ndarray of bool
            Whether the predicted class is the true one, or all labels are right; True for numbers.
        """
        ...

    def gradient(self, x, y, weights):
        """Compute the weighted mean gradient of a minibatch, and its scores on the way.

        Parameters
        ----------
        x, y : ndarray
            Minibatch; see `scores`.
        weights : (B,) ndarray of float32
            Importance weights.

        Returns
        -------
        loss : float
            ``mean(weights * losses)``.
        gradient : (P,) ndarray
            Gradient of that loss.
        scores : (B,) ndarray
            Scores of the unweighted losses; see `scores`.
        """
        ...


class OwnModel:
    """A user's model behind the attributes and types that the trainer and the scorers expect.

    Parameters
    ----------
    model : Model
    n_classes : int
        Or labels, or numbers.
    loss : losses.Loss, optional
        A loss of the kind of the targets, for its measures; one of classes if not given.

    Attributes
    ----------
    params : (P,) ndarray of float32
        The parameters in use; may be set, and may be changed in place before a first call and after `gradient`.
    predictions : (B,) ndarray of int
        Classes, by which the proposal is ordered. After `scores`: the true class where the model was right, another
        class where it was wrong. After `gradient`, which does not say it: the true classes. Of other targets 1 where
        the model was right, else 0.
    grad_norms : (B,) ndarray of float32
        Scores of the last `gradient`, from which variances are estimated as if they were gradient norms.

    Raises
    ------
    ValueError
        By either method, if a score is negative.
    """

    def __init__(self, model, n_classes, loss=None):
        self._model = model
        self._n_classes = n_classes
        self.loss = loss or CrossEntropy(n_classes)
        self.params = model.params
        self.predictions = self.grad_norms = None

    @property
    def params(self):
        """The parameters in use; see the class."""
        return self._params

    @params.setter
    def params(self, vector):
        self._params, self._may_have_changed = vector, True

    def _hand_over(self):
        """Give the model the parameters in use, if they may have changed."""
        if self._may_have_changed:
            self._model.params = self._params
            self._may_have_changed = False

    def scores(self, x, y):
        """Compute each example's score, loss and correctness; see `Model`."""
        self._hand_over()
        scores, losses, correct = self._model.scores(x, y)
        correct = np.asarray(correct, bool)
        self.predictions = self._predictions(y, correct)
        return _not_negative(scores), np.asarray(losses), correct

    def gradient(self, x, y, weights):
        """Compute the weighted mean gradient of a minibatch, and its scores; see `Model`."""
        self._hand_over()
        loss, gradient, scores = self._model.gradient(x, y, weights)
        self._may_have_changed = True  # an optimiser moves them in place
        self._keep(y, scores)
        return float(loss), np.require(gradient, np.float32, ["C", "W"]), self.grad_norms

    def _keep(self, y, scores):
        """Keep a minibatch's results for each example."""
        self.predictions = self._predictions(y, np.ones(len(y), bool))
        self.grad_norms = _not_negative(scores)

    def _predictions(self, y, correct):
        """Return what the proposal is ordered by; see the attributes."""
        if self.loss.kind != "classes":
            return correct.astype(np.int32)
        return np.where(correct, y, (y + 1) % self._n_classes)

    def evaluate(self, x, y):
        """Compute losses and measures, NaN where they need outputs; see :meth:`mlp.MLP.evaluate`."""
        _, losses, correct = (part.copy() for part in self.scores(x, y))  # buffers, perhaps
        if hasattr(self._model, "outputs"):
            return losses, self.loss.measure(np.asarray(self._model.outputs(x)), y, self.predictions)
        measures = np.full((len(y), len(self.loss.measures)), np.nan)
        if self.loss.kind != "numbers":
            measures[:, 0] = ~correct
        return losses, measures

    def gradient_products(self, x, y, weights):
        """Compute the products of the weighted mean gradients of eight groups of examples, (8, 8) ndarray.

        Their expectations are those of :meth:`mlp.MLP.gradient_products`. Parameters as in `gradient`; the number of
        examples is a multiple of eight.
        """
        groups = (np.split(array, _N_GROUPS) for array in (x, y, weights))
        gradients = np.array([self.gradient(*group)[1].copy() for group in zip(*groups)])  # buffers, perhaps
        return gradients @ gradients.T


class DescendingModel(OwnModel):
    """A user's model that takes its steps itself; see :class:`OwnModel`.

    The parameters are read from the model when they are asked for, if it has taken a step since.
    """

    @property
    def params(self):
        """The parameters in use; see the class."""
        if self._is_ahead:
            self._params[:] = self._model.params
            self._is_ahead = False
        return self._params

    @params.setter
    def params(self, vector):
        self._params, self._may_have_changed, self._is_ahead = vector, True, False

    def gradient(self, x, y, weights):
        """Compute gradient and scores at parameters that an optimiser may move then; see :class:`OwnModel`."""
        self.params = self.params
        return super().gradient(x, y, weights)

    def descend(self, x, y, weights, optimiser):
        """Let the model take a step; see `Model`.

        Parameters
        ----------
        x, y, weights : ndarray
            Minibatch.
        optimiser : optim.Optimiser
            It is told of the step.

        Returns
        -------
        loss : float
        scores : (B,) ndarray of float32

        Raises
        ------
        FloatingPointError
            If the loss is not finite, or the model says so.
        """
        self._hand_over()
        self._is_ahead = True
        loss, scores = self._model.descend(x, y, weights, optimiser)
        if not math.isfinite(loss):
            raise FloatingPointError("the loss is not finite")
        optimiser.advance()
        self._keep(y, scores)
        return float(loss), self.grad_norms


def own_model(model, n_classes, loss):
    """Return a user's model as the trainer and the scorers expect it; see :class:`OwnModel`."""
    return (DescendingModel if hasattr(model, "descend") else OwnModel)(model, n_classes, loss)


def _not_negative(scores):
    """Return scores as float32, checked."""
    scores = np.asarray(scores, np.float32)
    if (scores < 0).any():
        raise ValueError(f"the model's scores must not be negative, and one is {scores.min()}")
    return scores


def probed_params(make_model, dataset):
    """Try a user's model on a few examples, and return its parameters.

    Parameters
    ----------
    make_model : callable
        Makes a model; see `Model`.
    dataset : datasets.Dataset
        Supplies the examples.

    Returns
    -------
    (P,) ndarray of float32

    Raises
    ------
    InputError
        The result of `make_model` is no model, or returns something else than a model should.
    """
    if not callable(make_model):
        raise InputError(f"model must be a function of n_features, n_classes and max_rows, not {make_model!r}")
    n_rows = min(_PROBE_ROWS, dataset.n_train)
    model = make_model(dataset.n_features, dataset.n_classes, n_rows)
    missing = [name for name in ("params", "scores", "gradient") if not hasattr(model, name)]
    if missing:
        raise InputError(f"model: a {type(model).__name__} has no {', '.join(missing)}; see isgd_mpi.Model")
    params = model.params
    if not (isinstance(params, np.ndarray) and params.dtype == np.float32 and params.ndim == 1 and params.size):
        raise InputError("model: params must be a vector (numpy.ndarray) of float32")
    if not params.flags.c_contiguous:
        raise InputError("model: params must be contiguous")
    x, y = dataset.batch("train", 0, n_rows, np.empty((n_rows, dataset.n_features), np.float32))
    weights = np.ones(n_rows, np.float32)
    _check_shapes("scores(x, y)", model.scores(x, y), [(n_rows,)] * 3, "scores, losses, correct")
    answer = model.gradient(x, y, weights)
    _check_shapes("gradient(x, y, weights)", answer, [(), params.shape, (n_rows,)], "loss, gradient, scores")
    if hasattr(model, "descend"):
        answer = model.descend(x, y, weights, SGD(params.copy(), 0.0))
        _check_shapes("descend(x, y, weights, optimiser)", answer, [(), (n_rows,)], "loss, scores")
    if hasattr(model, "outputs"):
        shape, expected = np.shape(model.outputs(x)), (n_rows, dataset.n_classes)
        if shape != expected:
            raise InputError(f"model: outputs(x) must return an array of shape {expected}, not {shape}")
    return params


def _check_shapes(call, answer, expected, names):
    """Raise InputError unless an answer is a tuple of arrays of the expected shapes."""
    shapes = [np.shape(part) for part in answer] if isinstance(answer, tuple) else type(answer).__name__
    if shapes != expected:
        raise InputError(f"model: {call} must return {names} of shapes {expected}, not {shapes}")
