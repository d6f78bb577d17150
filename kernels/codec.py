"""Scores as 8-bit logarithms: a quarter of the bytes, at a relative error that the range of the scores implies.

Index letter: `n` example.
"""

import math

import numpy as np

from kernels._jit import jit

LEVELS = 253
"""Codes of positive scores, 1 to 253, at equal distances in the logarithm; 0 is a score of zero."""
INFINITE, NOT_A_NUMBER = 254, 255
"""Codes of scores that are not finite; a negative score is none, and becomes NaN."""


@jit
def encode_log8(scores, codes):
    """Write the nearest code of each score, and return the range that they span.

    Parameters
    ----------
    scores : (B,) ndarray
        Float32 or float64.
    codes : (B,) ndarray of uint8
        Overwritten.

    Returns
    -------
    low, high : float
        Least and greatest of the positive finite scores; 1, 1 where there is none.

    Notes
    -----
    A decoded score differs from its own by at most a factor of ``(high / low) ** (1 / (2 * 252))``: by 1.4 %
    where the scores span three decades, by 4.7 % where they span ten.
    """
    low, high = np.inf, 0.0
    for n in range(scores.shape[0]):
        score = np.float64(scores[n])
        if score > 0.0 and score < np.inf:
            low = min(low, score)
            high = max(high, score)
    if high == 0.0:
        low = high = 1.0
    span = math.log(high) - math.log(low)
    scale = (LEVELS - 1) / span if span > 0.0 else 0.0
    start = math.log(low)
    for n in range(scores.shape[0]):
        score = np.float64(scores[n])
        if score == 0.0:
            codes[n] = 0
        elif score > 0.0 and score < np.inf:
            codes[n] = 1 + int((math.log(score) - start) * scale + 0.5)
        elif score == np.inf:
            codes[n] = INFINITE
        else:
            codes[n] = NOT_A_NUMBER
    return low, high


@jit
def decode_log8(codes, low, high, scores):
    """Write the score that each code stands for.

    Parameters
    ----------
    codes : (B,) ndarray of uint8
    low, high : float
        The range that :func:`encode_log8` returned.
    scores : (B,) ndarray
        Float32 or float64, overwritten.
    """
    table = np.empty(256)
    table[0] = 0.0
    step = (math.log(high) - math.log(low)) / (LEVELS - 1)
    for level in range(LEVELS):
        table[1 + level] = low * math.exp(level * step)
    table[LEVELS] = high
    table[INFINITE] = np.inf
    table[NOT_A_NUMBER] = np.nan
    for n in range(codes.shape[0]):
        scores[n] = table[codes[n]]
