"""Hold all parameters in one contiguous vector: each layer's weights and biases are views into it."""

import math

import numpy as np

from isgd_mpi.kernels.memory import aligned_zeros


def n_parameters(widths):
    """Count the weights and biases of an MLP.

    Parameters
    ----------
    widths : sequence of int
        Features, hidden widths, classes.
    """
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in zip(widths, widths[1:]))


def layer_slices(widths):
    """Find each layer's weights and biases in the parameter vector.

    Parameters
    ----------
    widths : sequence of int
        Features, hidden widths, classes.

    Returns
    -------
    list of (slice, slice)
        Layer after layer, weights before biases.
    """
    slices, start = [], 0
    for fan_in, fan_out in zip(widths, widths[1:]):
        middle = start + fan_in * fan_out
        slices.append((slice(start, middle), slice(middle, middle + fan_out)))
        start = middle + fan_out
    return slices


def layer_views(vector, widths):
    """Cut a parameter vector into layers.

    Parameters
    ----------
    vector : (P,) ndarray
        Contiguous.
    widths : sequence of int
        Features, hidden widths, classes.

    Returns
    -------
    weights : list of (fan_in, fan_out) ndarray
    biases : list of (fan_out,) ndarray
        Views, not copies.
    """
    slices = layer_slices(widths)
    weights = [vector[part].reshape(fan_in, -1) for fan_in, (part, _) in zip(widths, slices)]
    return weights, [vector[part] for _, part in slices]


def initial_params(widths, init, rng, dtype=np.float32):
    """Draw initial parameters; biases are zero.

    Parameters
    ----------
    widths : sequence of int
        Features, hidden widths, classes.
    init : "he" or float
        ``"he"``: N(0, 2 / fan_in) [1]_. A number s: N(0, s^2), as in arXiv:1511.06481.
    rng : numpy.random.Generator
        Advanced by one draw for each weight.
    dtype : numpy dtype
        Type of the result.

    Returns
    -------
    params : (P,) ndarray

    References
    ----------
    .. [1] K. He et al., "Delving deep into rectifiers", arXiv:1502.01852, 2015.
    """
    params = aligned_zeros(n_parameters(widths), dtype)
    weights, _ = layer_views(params, widths)
    for w in weights:
        scale = math.sqrt(2 / w.shape[0]) if init == "he" else init
        w[:] = scale * rng.standard_normal(w.shape, dtype=np.float32)
    return params
