"""Update parameters along gradients: stochastic gradient descent, with or without Nesterov's momentum, and Adam."""

import math

import numpy as np

from isgd_mpi.kernels.memory import aligned_zeros
from isgd_mpi.kernels.optim import adam_update, nesterov_update, sgd_update, update_columns
from isgd_mpi.settings.saved import Saved

_WARM_UP = 0.1  # share of the steps over which the step size rises


class SGD(Saved):
    """Stochastic gradient descent of one parameter vector.

    Parameters
    ----------
    params : (P,) ndarray
        Updated in place.
    learning_rate : float
        Step size.
    momentum : float
        Nesterov's momentum, in [0, 1); 0 needs no velocity and touches less memory.
    weight_decay : float
        The gradient of ``weight_decay / 2 |params|^2`` is added.
    n_steps : int, optional
        If given, the step size rises linearly over the first tenth of this many steps, and then falls
        linearly, to zero at their end.

    Attributes
    ----------
    n_done : int
        Steps taken.
    """

    saved = ("n_done", "velocity")

    def __init__(self, params, learning_rate, momentum=0.0, weight_decay=0.0, n_steps=None):
        self.params = params
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self._n_steps = n_steps
        self.n_done = 0
        self.momentum = momentum
        self.velocity = aligned_zeros(params.size, params.dtype) if momentum else None

    @property
    def present_learning_rate(self):
        """Step size of the next step."""
        if self._n_steps is None:
            return self.learning_rate
        done = min((self.n_done + 1) / (self._n_steps + 1), 1.0)
        return self.learning_rate * min(done / _WARM_UP, (1 - done) / (1 - _WARM_UP))

    def keep_in(self, share):
        """Keep the velocity in memory that the trainers share, from zero on. Collective over them.

        Parameters
        ----------
        share : share.Share
        """
        if self.momentum:
            (self.velocity,) = share.allocate((self.params.shape, self.params.dtype))

    def step(self, gradient):
        """Take one step along the gradient.

        Parameters
        ----------
        gradient : (P,) ndarray
            In the parameters' dtype.

        Raises
        ------
        FloatingPointError
            If the gradient holds a NaN or infinity. Nothing is changed then.
        """
        # checked before the kernels do: they stop at the first bad block, when those before it are updated already
        if not math.isfinite(gradient.sum()):
            raise FloatingPointError("the gradient is not finite")
        self.step_part(self.part(slice(None)), gradient)
        self.advance()

    def part(self, place, shape=-1):
        """Return a part of the parameters, and of their velocity, as views.

        Parameters
        ----------
        place : slice
            Place in the parameter vector.
        shape : tuple of int, optional
            Shape of these parameters.

        Returns
        -------
        params, velocity : ndarray
            The velocity is None without momentum.
        """
        velocity = self.velocity[place].reshape(shape) if self.momentum else None
        return self.params[place].reshape(shape), velocity

    @property
    def settings(self):
        """Step size, momentum and weight decay of the next step, as kernels take them."""
        return self.present_learning_rate, self.momentum, self.weight_decay

    def step_part(self, part, gradient, columns=None):
        """Take the step of a part of the parameters. Call :meth:`advance` once all parts are done.

        Parameters
        ----------
        part : tuple of ndarray
            See :meth:`part`.
        gradient : ndarray
            Gradient by these parameters, of the same shape.
        columns : slice, optional
            Columns that are updated, of a matrix; all if not given.
        """
        (params, velocity), (rate, momentum, decay) = part, self.settings
        if columns is not None and columns.stop - columns.start < params.shape[1]:
            update_columns(params, velocity, gradient, rate, momentum, decay, columns.start, columns.stop)
            return
        if params.ndim > 1:
            params, gradient = params.reshape(-1), gradient.reshape(-1)
            velocity = None if velocity is None else velocity.reshape(-1)
        if velocity is None:
            sgd_update(params, gradient, rate, decay)
        else:
            nesterov_update(params, velocity, gradient, rate, momentum, decay)

    def advance(self):
        """Count a step of the schedule."""
        self.n_done += 1


class Adam(Saved):
    """Adam's update of a parameter vector.

    Parameters
    ----------
    params : (P,) ndarray
        Updated in place by :meth:`step`.
    learning_rate : float
        Step size.

    Attributes
    ----------
    mean, mean_square : (P,) ndarray
        Moving averages of the gradient and of its square.
    n_steps : int
        Steps taken.
    """

    saved = ("mean", "mean_square", "n_steps")

    def __init__(self, params, learning_rate=1e-3):
        self.params = params
        self.learning_rate = learning_rate
        self.mean, self.mean_square = np.zeros((2, params.size), params.dtype)
        self.n_steps = 0

    def step(self, gradient):
        """Take one step along the gradient; see :meth:`SGD.step`, whose errors it raises too."""
        self.n_steps += 1
        n_updated = adam_update(self.params, self.mean, self.mean_square, gradient, self.learning_rate, self.n_steps)
        if n_updated < self.params.size:
            raise FloatingPointError("the gradient is not finite")
