"""What the trainer and the scorers ask of a model, and how a user's own one answers."""

from typing import Protocol

import numpy as np

from isgd_mpi.settings.errors import InputError

_PROBE_ROWS = 2  # examples that a model is tried on


class Model(Protocol):
    """A model to be trained: parameters and two methods.

    :func:`isgd_mpi.fit` takes a function, such as the class itself, that makes one:
    ``make_model(n_features, n_classes, max_rows)``, where `max_rows` is the most examples that one call
    will hold. It is called on every rank, more than once.

    Attributes
    ----------
    params : (P,) ndarray of float32
        All parameters, C-contiguous. What it holds at first on rank 0 is what training begins with.
        Set before every call, to vectors that change between calls: use it in place or copy it, but do not
        write to it.

    Notes
    -----
    Arguments are valid during a call only. Arrays returned may be buffers that the next call overwrites. Any
    float dtype will do, and whatever ``numpy.asarray`` takes, such as PyTorch tensors on the CPU without gradient.
    """

    params: np.ndarray

    def scores(self, x, y):
        """Compute each example's score, loss and correctness.

        Parameters
        ----------
        x : (B, n_features) ndarray of float32
            Standardised features, C-contiguous.
        y : (B,) ndarray of int32
            Classes.

        Returns
        -------
        scores : (B,) ndarray
            What examples are drawn in proportion to, not negative. Best is the norm of the gradient of each
            example's own loss, not divided by B.
        losses : (B,) ndarray
            In nats, where `predict` and reports are to be right. For any `y`: prediction takes the class of least loss.
        correct : (B,) ndarray of bool
            Whether the predicted class is the true one.
        """
        ...

    def gradient(self, x, y, weights):
        """Compute the weighted mean gradient of a minibatch, and its scores on the way.

        Parameters
        ----------
        x, y : ndarray
            As of `scores`.
        weights : (B,) ndarray of float32
            Importance weights.

        Returns
        -------
        loss : float
            ``mean(weights * losses)``.
        gradient : (P,) ndarray
            Gradient of that loss.
        scores : (B,) ndarray
            As of `scores`: of the unweighted losses.
        """
        ...


class OwnModel:
    """A user's model as the trainer and the scorers use it.

    Parameters
    ----------
    model : Model
        Whether it uses its parameters in place or copies them, it always has the present ones.
    n_classes : int

    Attributes
    ----------
    params : (P,) ndarray of float32
        Those in use; may be set, and be changed in place.
    predictions : (B,) ndarray of int
        Order the proposal. After `scores` the class where the model was right, and some other where not; after
        `gradient`, which does not tell, the class.
    grad_norms : (B,) ndarray of float32
        What the variances are made of: the scores of the last `gradient`, which should be such norms.

    Raises
    ------
    ValueError
        By either method, if a score is negative.
    """

    def __init__(self, model, n_classes):
        self._model = model
        self._n_classes = n_classes
        self.params = model.params
        self.predictions = self.grad_norms = None

    def scores(self, x, y):
        """As of `Model`."""
        self._model.params = self.params
        scores, losses, correct = self._model.scores(x, y)
        correct = np.asarray(correct, bool)
        self.predictions = np.where(correct, y, (y + 1) % self._n_classes)
        return _not_negative(scores), np.asarray(losses), correct

    def gradient(self, x, y, weights):
        """As of `Model`."""
        self._model.params = self.params
        loss, gradient, scores = self._model.gradient(x, y, weights)
        self.predictions = y
        self.grad_norms = _not_negative(scores)
        return float(loss), np.require(gradient, np.float32, ["C", "W"]), self.grad_norms


def _not_negative(scores):
    scores = np.asarray(scores, np.float32)
    if (scores < 0).any():
        raise ValueError(f"the model's scores must not be negative, and one is {scores.min()}")
    return scores


def probed_params(make_model, dataset):
    """Try a user's model on a few examples, and return its parameters.

    Parameters
    ----------
    make_model : callable
        Makes a `Model`.
    dataset : datasets.Dataset

    Returns
    -------
    (P,) ndarray of float32

    Raises
    ------
    InputError
        It does not make a model, or not one that returns what it should.
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
    return params


def _check_shapes(call, answer, expected, names):
    """Refuse an answer that is not so many arrays of these shapes."""
    shapes = [np.shape(part) for part in answer] if isinstance(answer, tuple) else type(answer).__name__
    if shapes != expected:
        raise InputError(f"model: {call} must return {names} of shapes {expected}, not {shapes}")
