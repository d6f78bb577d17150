"""Stochastic gradient descent, with Nesterov's momentum where it is asked for; and Adam."""

import numpy as np

from kernels.optim import adam_update, nesterov_update, sgd_update


class SGD:
    """The update of a parameter vector.

    Parameters
    ----------
    params : (P,) ndarray
        Updated in place by :meth:`step`.
    learning_rate : float
        Step size.
    momentum : float
        Nesterov's, in [0, 1); 0 keeps no velocity and touches less memory.
    """

    def __init__(self, params, learning_rate, momentum=0.0):
        self.params = params
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.velocity = np.zeros_like(params) if momentum else None

    def step(self, gradient):
        """Take one step along the gradient.

        Parameters
        ----------
        gradient : (P,) ndarray
            In the parameters' dtype.

        Raises
        ------
        FloatingPointError
            If the gradient holds a NaN or infinity. The parameters may be partly updated.
        """
        if self.momentum:
            n_updated = nesterov_update(self.params, self.velocity, gradient, self.learning_rate, self.momentum)
        else:
            n_updated = sgd_update(self.params, gradient, self.learning_rate)
        if n_updated < self.params.size:
            raise FloatingPointError("the gradient is not finite")


class Adam:
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

    def __init__(self, params, learning_rate=1e-3):
        self.params = params
        self.learning_rate = learning_rate
        self.mean, self.mean_square = np.zeros((2, params.size), params.dtype)
        self.n_steps = 0

    def step(self, gradient):
        """Take one step; arguments and errors as of :meth:`SGD.step`."""
        self.n_steps += 1
        n_updated = adam_update(self.params, self.mean, self.mean_square, gradient, self.learning_rate, self.n_steps)
        if n_updated < self.params.size:
            raise FloatingPointError("the gradient is not finite")
