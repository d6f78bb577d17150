"""Updates of parameters by SGD, Nesterov's momentum and Adam, fused with the check that the gradient is finite."""

import math

import numpy as np

from isgd_mpi.kernels._jit import jit
from isgd_mpi.kernels._steps import FRESH, FRESH_SQUARE

# Blocks are slices, not index ranges: with an offset in the index the loops do not vectorise.
_BLOCK = 4096  # parameters checked at a time: 16 KiB of float32 gradient stay in the first-level cache
_TINY = 1e-8  # epsilon of the paper on Adam


@jit
def sgd_update(params, gradient, learning_rate, weight_decay=0.0):
    """Subtract ``learning_rate * (gradient + weight_decay * params)`` from the parameters, in place.

    Parameters
    ----------
    params, gradient : (P,) ndarray
        Same dtype. `params` is updated in place.
    learning_rate : float
        Step size.
    weight_decay : float
        The gradient of ``weight_decay / 2 |params|^2`` is added.

    Returns
    -------
    n_updated : int
        P, or the start of the first block of 4096 that holds a NaN or infinity: that block and
        those behind it were not touched.
    """
    rate = params.dtype.type(learning_rate)
    decay = params.dtype.type(weight_decay)
    for start in range(0, params.shape[0], _BLOCK):
        theta, g = params[start : start + _BLOCK], gradient[start : start + _BLOCK]
        if not _all_finite(g):
            return start
        for i in range(theta.shape[0]):
            theta[i] -= rate * (g[i] + decay * theta[i])
    return params.shape[0]


@jit
def nesterov_update(params, velocity, gradient, learning_rate, momentum, weight_decay=0.0):
    """Take one step of Nesterov's momentum in look-ahead form, in place.

    Parameters
    ----------
    params, velocity, gradient : (P,) ndarray
        Same dtype. `params` and `velocity` are updated in place.
    learning_rate : float
        Step size.
    momentum : float
        Share of the velocity that stays, in [0, 1).
    weight_decay : float
        The gradient of ``weight_decay / 2 |params|^2`` is added.

    Returns
    -------
    n_updated : int
        See :func:`sgd_update`.

    Notes
    -----
    ``v' = m v - lr g`` and ``theta' = theta - m v + (1 + m) v'``, where theta is the look-ahead
    point [1]_: the gradient is taken, and scores are computed, where the parameters are.

    References
    ----------
    .. [1] Y. Bengio, N. Boulanger-Lewandowski, R. Pascanu, "Advances in optimizing recurrent
       networks", arXiv:1212.0901, 2012.
    """
    rate = params.dtype.type(learning_rate)
    kept = params.dtype.type(momentum)
    decay = params.dtype.type(weight_decay)
    one = params.dtype.type(1)
    for start in range(0, params.shape[0], _BLOCK):
        theta, g = params[start : start + _BLOCK], gradient[start : start + _BLOCK]
        v = velocity[start : start + _BLOCK]
        if not _all_finite(g):
            return start
        for i in range(theta.shape[0]):
            coasting = kept * v[i]
            faster = coasting - rate * (g[i] + decay * theta[i])
            theta[i] += (one + kept) * faster - coasting
            v[i] = faster
    return params.shape[0]


@jit
def update_columns(params, moment, mean_square, gradient, settings, begin, end):
    """Take an optimiser's step in the columns from `begin` to `end` of a matrix, in place.

    Parameters
    ----------
    params : (fan_in, fan_out) ndarray
        Updated in place.
    moment, mean_square : (fan_in, fan_out) ndarray or None
        Updated in place. Both are None: SGD. The first one is the velocity: Nesterov's momentum. Both are averages:
        Adam.
    gradient : (fan_in, fan_out) ndarray
        Finite in these columns.
    settings : tuple of float
        Last arguments of :func:`adam_update`, or else of :func:`nesterov_update`, also for SGD.
    begin, end : int
        Columns.
    """
    for i in range(params.shape[0]):
        theta, g = params[i, begin:end], gradient[i, begin:end]
        if mean_square is not None:  # decided when this is compiled
            adam_update(theta, moment[i, begin:end], mean_square[i, begin:end], g, *settings)
        elif moment is not None:
            nesterov_update(theta, moment[i, begin:end], g, settings[0], settings[1], settings[2])
        else:
            sgd_update(theta, g, settings[0], settings[2])


def adam_settings(learning_rate, step, weight_decay=0.0, decoupled_decay=0.0, scale=1.0):
    """Return the settings of a step of Adam, as :func:`adam_update` takes them.

    Parameters
    ----------
    learning_rate : float
        Step size.
    step : int
        Number of this step, counted from 1.
    weight_decay : float
        Factor of the parameters that is added to the gradient.
    decoupled_decay : float
        Factor of the parameters that is subtracted from them, times the step size.
    scale : float
        Factor of the gradient.

    Returns
    -------
    rate, tiny, scale, weight_decay, shrinkage : float
    """
    kept, kept_square = 1 - (1 - FRESH) ** step, math.sqrt(1 - (1 - FRESH_SQUARE) ** step)
    return learning_rate * kept_square / kept, _TINY * kept_square, scale, weight_decay, learning_rate * decoupled_decay


@jit
def adam_update(params, mean, mean_square, gradient, rate, tiny, scale, weight_decay, shrinkage):
    """Take one step of Adam, in place.

    Parameters
    ----------
    params, mean, mean_square, gradient : (P,) ndarray
        Same dtype. All but `gradient` are updated in place: the moving averages of the gradient and
        of its square start at zero.
    rate, tiny, scale, weight_decay, shrinkage : float
        See :func:`adam_settings`.

    Returns
    -------
    n_updated : int
        See :func:`sgd_update`.

    Notes
    -----
    ``theta' = theta - lr m / (1 - b1^t) / (sqrt(s / (1 - b2^t)) + 1e-8)`` in step t, with the moving averages m of the
    gradient and s of its square, b1 = 0.9 and b2 = 0.999 [1]_. A decay is coupled, part of the gradient, or decoupled:
    lr times the decay times theta is subtracted besides [2]_.

    References
    ----------
    .. [1] D. Kingma, J. Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980, 2014.
    .. [2] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", arXiv:1711.05101, 2017.
    """
    number = params.dtype.type
    kept, kept_square, unshrunk = number(1 - FRESH), number(1 - FRESH_SQUARE), number(1 - shrinkage)
    fresh, fresh_square = number(FRESH), number(FRESH_SQUARE)
    rate, tiny, scale, decay = number(rate), number(tiny), number(scale), number(weight_decay)
    for start in range(0, params.shape[0], _BLOCK):
        theta, g = params[start : start + _BLOCK], gradient[start : start + _BLOCK]
        m, s = mean[start : start + _BLOCK], mean_square[start : start + _BLOCK]
        if not _all_finite(g):
            return start
        for i in range(theta.shape[0]):
            uphill = scale * g[i] + decay * theta[i]
            m[i] = kept * m[i] + fresh * uphill
            s[i] = kept_square * s[i] + fresh_square * uphill * uphill
            theta[i] = unshrunk * theta[i] - rate * m[i] / (np.sqrt(s[i]) + tiny)
    return params.shape[0]


@jit
def _all_finite(gradient):
    """Return whether the gradient holds neither NaN nor infinity."""
    zero = gradient.dtype.type(0)
    checksum = zero
    for i in range(gradient.shape[0]):
        checksum += gradient[i] * zero  # NaN for both, and it vectorises
    return checksum == zero
