"""The losses that a model can be trained with, each with the kernel that computes it and the way to predictions.

A loss maps the outputs z of the last layer and the target y of an example to a number, and to the gradient by z, which
is the last layer's delta. All else that a model computes, gradient norms included, follows from the delta.
"""

import math
from dataclasses import dataclass

import numpy as np

from isgd_mpi.kernels.activations import softmax_cross_entropy
from isgd_mpi.kernels.losses import huber, logistic, squared_error
from isgd_mpi.settings.errors import InputError

HUBER_THRESHOLD = 1.0
"""Residual, in the scale of the target, beyond which Huber's loss grows linearly."""


@dataclass(frozen=True)
class Loss:
    """A loss, and the meaning of a model's outputs under it.

    Attributes
    ----------
    n_outputs : int
        Width of the model's last layer.
    name : str
        Value of ``--loss``.
    kind : "classes", "labels" or "numbers"
        Kind of the targets that it takes; see :class:`isgd_mpi.data.target.Target`.
    guess : float
        Loss of a model that knows nothing.
    measures : tuple of str
        Names of the columns of :meth:`measure`.
    """

    n_outputs: int

    name = kind = ""

    def write(self, z, y, losses, predictions, squared_delta_norms):
        """Turn outputs into deltas, in place, and write losses, predictions and squared norms of the deltas.

        Parameters
        ----------
        z : (B, n_outputs) ndarray
            Outputs of the last layer on entry; on return the gradient of each example's own loss by them, not divided
            by B.
        y : (B,) ndarray of int, or (B, n_outputs) ndarray of float32
            Classes; or labels, 0 or 1; or standardised numbers.
        losses : (B,) ndarray
            Overwritten.
        predictions : (B,) ndarray of int32
            Overwritten. The predicted class; or 1 where all labels are right, else 0; or 0 where the first number is
            predicted too small, else 1.
        squared_delta_norms : (B,) ndarray of float64
            Overwritten.
        """
        raise NotImplementedError

    def outputs(self, z):
        """Return outputs as users get them: probabilities of classes or labels, or standardised numbers; (B, K)."""
        raise NotImplementedError

    def predict(self, z):
        """Return the predicted classes, (B,); or labels, (B, K) of 0 and 1; or standardised numbers, (B, K)."""
        raise NotImplementedError

    def measure(self, z, y, predictions):
        """Return what is averaged over a split beside the loss, (B, len(measures)) ndarray of float64.

        Parameters
        ----------
        z, y, predictions : ndarray
            Outputs, before :meth:`write`; targets; predictions that it wrote.
        """
        raise NotImplementedError

    def mark_correct(self, predictions, y, out):
        """Write whether examples are predicted correctly, (B,) ndarray of bool; return it."""
        raise NotImplementedError


class CrossEntropy(Loss):
    """The cross-entropy of one of several classes and the softmax, ``log sum exp(z) - z[y]``, in nats."""

    name, kind, measures = "cross-entropy", "classes", ("wrong", "predicted")

    @property
    def guess(self):
        """Loss of a uniform guess."""
        return math.log(self.n_outputs)

    def write(self, z, y, losses, predictions, squared_delta_norms):
        """Write ``softmax(z) - onehot(y)``, and all else; see :class:`Loss`."""
        softmax_cross_entropy(z, y, losses, predictions, squared_delta_norms)

    def outputs(self, z):
        """Return the softmax, the probability of each class."""
        exponentials = np.exp(z - z.max(axis=1, keepdims=True))
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    def predict(self, z):
        """Return the class of the largest logit."""
        return z.argmax(axis=1)

    def measure(self, z, y, predictions):
        """Return whether the predicted class is wrong, and that class."""
        return np.stack([predictions != y, predictions], axis=1).astype(np.float64)

    def mark_correct(self, predictions, y, out):
        """Write whether the predicted class is the true one."""
        return np.equal(predictions, y, out=out)


class Logistic(Loss):
    """The sum over labels of the logistic loss, ``log(1 + exp(z)) - y z``, in nats."""

    name, kind, measures = "logistic", "labels", ("wrong", "wrong labels")

    @property
    def guess(self):
        """Loss of probabilities of one half."""
        return self.n_outputs * math.log(2)

    def write(self, z, y, losses, predictions, squared_delta_norms):
        """Write ``sigmoid(z) - y``, and all else; see :class:`Loss`."""
        logistic(z, y, losses, predictions, squared_delta_norms)

    def outputs(self, z):
        """Return the probability that each label holds."""
        small = np.exp(-np.abs(z))
        return np.where(z > 0, 1, small) / (1 + small)

    def predict(self, z):
        """Return 1 for labels that are more probable than not, else 0."""
        return (z > 0).astype(np.int64)

    def measure(self, z, y, predictions):
        """Return whether any label is wrong, and the share of the labels that are."""
        wrong = (z > 0) != (y > 0.5)
        return np.stack([wrong.any(axis=1), wrong.mean(axis=1)], axis=1)

    def mark_correct(self, predictions, y, out):
        """Write whether all labels are right."""
        return np.equal(predictions, 1, out=out)


class Squared(Loss):
    """Half the squared error of numbers, ``0.5 |z - y|^2``, in squared standard deviations of the target."""

    name, kind = "squared", "numbers"

    @property
    def measures(self):
        """Squared errors of all numbers, in order, and then absolute errors of all: one name for each column."""
        return ("squared",) * self.n_outputs + ("absolute",) * self.n_outputs

    @property
    def guess(self):
        """Loss of guessing the mean."""
        return 0.5 * self.n_outputs

    def write(self, z, y, losses, predictions, squared_delta_norms):
        """Write ``z - y``, and all else; see :class:`Loss`."""
        squared_error(z, y, losses, predictions, squared_delta_norms)

    def outputs(self, z):
        """Return the outputs themselves."""
        return z

    predict = outputs

    def measure(self, z, y, predictions):
        """Return squared and absolute errors of each number, in standard deviations of the target."""
        residuals = z.astype(np.float64) - y
        return np.concatenate([residuals**2, np.abs(residuals)], axis=1)

    def mark_correct(self, predictions, y, out):
        """Write True: a number is not right or wrong."""
        out[:] = True
        return out


class Huber(Squared):
    """Huber's loss of numbers: half the squared error up to one standard deviation of the target, linear beyond."""

    name = "huber"

    def write(self, z, y, losses, predictions, squared_delta_norms):
        """Write ``z - y`` clipped, and all else; see :class:`Loss`."""
        huber(z, y, losses, predictions, squared_delta_norms, HUBER_THRESHOLD)


LOSSES = {loss.name: loss for loss in (CrossEntropy, Logistic, Squared, Huber)}
"""Losses by the values of ``--loss``."""

_OF_KIND = {"classes": "cross-entropy", "labels": "logistic", "numbers": "squared"}


def loss_for(name, target):
    """Return the loss of a job.

    Parameters
    ----------
    name : str
        Value of ``--loss``: a key of LOSSES, or ``auto``.
    target : isgd_mpi.data.target.Target

    Returns
    -------
    Loss

    Raises
    ------
    InputError
        The loss is one of another kind of targets.
    """
    loss = LOSSES[_OF_KIND[target.kind] if name == "auto" else name](target.n_outputs)
    if loss.kind != target.kind:
        raise InputError(f"--loss {name} is for {loss.kind}, but the target is {target.kind}: leave --loss out")
    return loss
