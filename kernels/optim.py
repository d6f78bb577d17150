"""Updates of parameters by SGD, Nesterov's momentum and Adam, fused with the check that the gradient is finite."""

import numpy as np

from isgd_mpi.kernels._jit import jit

# Blocks are slices, not index ranges: with an offset in the index the loops do not vectorise.
_BLOCK = 4096  # parameters checked at a time: 16 KiB of float32 gradient stay in the first-level cache
_ADAM_KEPT, _ADAM_KEPT_SQUARE, _ADAM_TINY = 0.9, 0.999, 1e-8  # beta1, beta2 and epsilon of the paper


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
def update_columns(params, velocity, gradient, learning_rate, momentum, weight_decay, begin, end):
    """Take one step of SGD or of Nesterov's momentum in the columns from `begin` to `end` of a matrix, in place.

    Parameters
    ----------
    params : (fan_in, fan_out) ndarray
        Updated in place.
    velocity : (fan_in, fan_out) ndarray or None
        Updated in place; None without momentum.
    gradient : (fan_in, fan_out) ndarray
        Finite in these columns.
    learning_rate, momentum, weight_decay : float
        See :func:`nesterov_update`.
    begin, end : int
        Columns.
    """
    for i in range(params.shape[0]):
        theta, g = params[i, begin:end], gradient[i, begin:end]
        if velocity is None:  # decided when this is compiled
            sgd_update(theta, g, learning_rate, weight_decay)
        else:
            nesterov_update(theta, velocity[i, begin:end], g, learning_rate, momentum, weight_decay)


@jit
def adam_update(params, mean, mean_square, gradient, learning_rate, step):
    """Take one step of Adam, in place.

    Parameters
    ----------
    params, mean, mean_square, gradient : (P,) ndarray
        Same dtype. All but `gradient` are updated in place: the moving averages of the gradient and
        of its square start at zero.
    learning_rate : float
        Step size.
    step : int
        Number of this step, counted from 1.

    Returns
    -------
    n_updated : int
        See :func:`sgd_update`.

    Notes
    -----
    ``theta' = theta - lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + 1e-8)`` with the moving averages
    m of the gradient and v of its square, b1 = 0.9 and b2 = 0.999 [1]_.

    References
    ----------
    .. [1] D. Kingma, J. Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980, 2014.
    """
    number = params.dtype.type
    kept, kept_square, tiny = number(_ADAM_KEPT), number(_ADAM_KEPT_SQUARE), number(_ADAM_TINY)
    fresh, fresh_square = number(1 - _ADAM_KEPT), number(1 - _ADAM_KEPT_SQUARE)
    rate = number(learning_rate / (1 - _ADAM_KEPT**step))
    square_scale = number(1 / (1 - _ADAM_KEPT_SQUARE**step))
    for start in range(0, params.shape[0], _BLOCK):
        theta, g = params[start : start + _BLOCK], gradient[start : start + _BLOCK]
        m, v = mean[start : start + _BLOCK], mean_square[start : start + _BLOCK]
        if not _all_finite(g):
            return start
        for i in range(theta.shape[0]):
            m[i] = kept * m[i] + fresh * g[i]
            v[i] = kept_square * v[i] + fresh_square * g[i] * g[i]
            theta[i] -= rate * m[i] / (np.sqrt(square_scale * v[i]) + tiny)
    return params.shape[0]


@jit
def _all_finite(gradient):
    """Return whether the gradient holds neither NaN nor infinity."""
    zero = gradient.dtype.type(0)
    checksum = zero
    for i in range(gradient.shape[0]):
        checksum += gradient[i] * zero  # NaN for both, and it vectorises
    return checksum == zero
