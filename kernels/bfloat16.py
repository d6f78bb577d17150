"""Rounding to bfloat16, fused with the other work between two matrix products: each number is touched once.

A bfloat16 is the upper half of a float32, kept as uint16. Index letters: `n` example, `i` input, `o` output.
"""

import numpy as np

from isgd_mpi.kernels._jit import jit

# uint32, as the bits are: with Python's integers, sums would be int64, and vectors of half as many numbers
_HALF, _ONE, _ALMOST_HALF, _LOWER, _QUIET = (np.uint32(number) for number in (16, 1, 0x7FFF, 0xFFFF, 64))


@jit
def bfloat16_bits(value):
    """Return a float32 rounded to the nearest bfloat16; halfway, to the one with an even last bit.

    Parameters
    ----------
    value : float32
        A NaN stays a NaN, whatever its payload.

    Returns
    -------
    uint16
    """
    bits = np.float32(value).view(np.uint32)
    upper = bits >> _HALF
    nearest = upper + (((bits & _LOWER) + _ALMOST_HALF + (upper & _ONE)) >> _HALF)  # which does not overflow
    # NaN apart: rounding up could carry its payload into the exponent and leave an infinity
    return np.uint16(upper | _QUIET) if value != value else np.uint16(nearest)


@jit
def round_rows(x, out, squared_norms):
    """Round each row to bfloat16, and take its squared norm before rounding.

    Parameters
    ----------
    x : (B, fan_in) ndarray of float32
        C-contiguous.
    out : (B, at least fan_in) ndarray of uint16
        Its first columns are overwritten.
    squared_norms : (B,) ndarray of float64
        ``|x[n]|^2``, overwritten.
    """
    for n in range(x.shape[0]):
        total = x.dtype.type(0)
        for i in range(x.shape[1]):
            value = x[n, i]
            out[n, i] = bfloat16_bits(value)
            total += value * value
        squared_norms[n] = total


@jit
def bias_relu_rounded(z, bias, out, squared_norms, begin=0):
    """Add the bias, clip at zero, take each row's squared norm, and round to bfloat16.

    Parameters
    ----------
    z : (B, at least n_columns) ndarray of float32
        Products of the inputs and the weights, C-contiguous.
    bias : (n_columns,) ndarray of float32
    out : (B, fan_out) ndarray of uint16
        Activations, bfloat16, overwritten in the columns from `begin` on.
    squared_norms : (B,) ndarray of float64
        Squared norms of these columns, overwritten.
    begin : int
        First column.
    """
    zero, width = z.dtype.type(0), bias.shape[0]
    for n in range(z.shape[0]):
        row, bits, total = z[n, :width], out[n, begin : begin + width], zero
        for o in range(width):
            value = row[o] + bias[o]
            value = zero if value < zero else value  # this way round a NaN passes
            bits[o] = bfloat16_bits(value)
            total += value * value
        squared_norms[n] = total


@jit
def relu_backward_rounded(upstream, activation, out, squared_norms):
    """Zero the deltas of inactive units, take each row's squared norm, and round to bfloat16.

    Parameters
    ----------
    upstream : (B, fan_out) ndarray of float32
        Gradient by the activations, C-contiguous.
    activation : (B, fan_out) ndarray of uint16
        Activations, as :func:`bias_relu_rounded` writes them.
    out : (B, fan_out) ndarray of uint16
        Gradient by the pre-activations, bfloat16, overwritten.
    squared_norms : (B,) ndarray of float64
        Overwritten.
    """
    zero = upstream.dtype.type(0)
    for n in range(upstream.shape[0]):
        total = zero
        for o in range(upstream.shape[1]):
            value = upstream[n, o]
            value = zero if activation[n, o] & 0x7FFF == 0 else value  # the sign bit is cut: -0 is zero too
            out[n, o] = bfloat16_bits(value)
            total += value * value
        squared_norms[n] = total


@jit
def relu_backward_weighted(upstream, activation, shares, out, weighted, bias_gradient, squared_norms, begin):
    """Zero the deltas of inactive units, take each row's squared norm, weight, sum over rows, and round to bfloat16.

    Parameters
    ----------
    upstream : (B, at least n_columns) ndarray of float32
        Gradient by the activations of some units on entry, by their pre-activations on return, C-contiguous.
    activation : (B, at least fan_out) ndarray of uint16
        Activations, as :func:`bias_relu_rounded` writes them.
    shares : (B,) ndarray of float32
        Factor of each row.
    out, weighted : (B, at least fan_out) ndarray of uint16
        Gradient by the pre-activations, and its products with the shares; bfloat16, overwritten for these units.
    bias_gradient : (n_columns,) ndarray of float32
        Sums of these products before rounding, overwritten.
    squared_norms : (B,) ndarray of float64
        Squared norms of the gradient by the pre-activations of these units, overwritten.
    begin : int
        First unit.
    """
    zero, end = upstream.dtype.type(0), begin + bias_gradient.shape[0]
    bias_gradient[:] = zero
    for n in range(upstream.shape[0]):
        row, active, bits, total = upstream[n], activation[n, begin:end], out[n, begin:end], zero
        for o in range(active.shape[0]):
            value = row[o]
            value = zero if active[o] & 0x7FFF == 0 else value  # the sign bit is cut: -0 is zero too
            row[o] = value
            bits[o] = bfloat16_bits(value)
            total += value * value
        squared_norms[n] = total
        # a loop of its own: of five arrays in one, the compiler does not prove that they are apart
        share, bits = shares[n], weighted[n, begin:end]
        for o in range(active.shape[0]):
            value = share * row[o]
            bits[o] = bfloat16_bits(value)
            bias_gradient[o] += value
