"""Take the steps of the optimisers, of vectors of weights: those of :mod:`isgd_mpi.kernels.optim`, for fused kernels.

Settings are a tuple: rate, momentum and weight decay of :func:`optim.nesterov_update`, also for SGD, or the last
arguments of :func:`optim.adam_update`. Moments are vectors, too: the velocity v of Nesterov's momentum, or the averages
m of the gradient and s of its square of Adam.
"""

from isgd_mpi.kernels._jit import inlined
from isgd_mpi.kernels._vectors import multiply_add, normalised, product, scaled

FRESH, FRESH_SQUARE = 1 - 0.9, 1 - 0.999
"""Shares of a new gradient, and of its square, in Adam's averages: 1 less beta1 and beta2 of the paper."""


@inlined
def sgd_step(theta, gradient, settings):
    """Return the parameters after a step of SGD."""
    rate, decay = settings[0], settings[2]
    return multiply_add(-rate, multiply_add(decay, theta, gradient), theta)


@inlined
def velocity_after(v, gradient, theta, settings):
    """Return the velocity after a step: ``momentum * v - rate * (gradient + decay * theta)``."""
    rate, momentum, decay = settings[0], settings[1], settings[2]
    uphill = multiply_add(decay, theta, gradient)
    return multiply_add(momentum - 1, v, multiply_add(-rate, uphill, v))


@inlined
def nesterov_step(theta, v, faster, settings):
    """Return the parameters after a step of Nesterov's momentum, given the velocities before and after it."""
    momentum = settings[1]
    return multiply_add(-momentum, v, multiply_add(1 + momentum, faster, theta))


@inlined
def averaged(m, gradient, theta, settings):
    """Return Adam's average of the gradient after a step."""
    _, _, scale, decay, _ = settings
    gradient = multiply_add(decay, theta, scaled(scale, gradient))
    return multiply_add(FRESH, gradient, multiply_add(-FRESH, m, m))


@inlined
def averaged_square(s, gradient, theta, settings):
    """Return Adam's average of the gradient's square after a step."""
    _, _, scale, decay, _ = settings
    gradient = multiply_add(decay, theta, scaled(scale, gradient))
    return multiply_add(FRESH_SQUARE, product(gradient, gradient), multiply_add(-FRESH_SQUARE, s, s))


@inlined
def adam_step(theta, m, s, settings):
    """Return the parameters after a step of Adam, given the averages after it."""
    rate, tiny, _, _, shrinkage = settings
    return multiply_add(-rate, normalised(m, s, tiny), multiply_add(-shrinkage, theta, theta))
