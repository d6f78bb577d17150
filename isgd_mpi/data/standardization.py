"""Measure each feature over the training set, and choose the scaling that standardises it: ``(x - mean) * factor``."""

import math
from typing import NamedTuple

import numpy as np

from isgd_mpi.kernels.gather import add_moments

_LEAST_PIXEL_SPREAD = 0.05  # least standard deviation of a pixel, over the largest, for pixels to be scaled one by one
_LEAST_SHARE = 0.05  # least standard deviation that a feature is divided by, over its range; see docs/method.md
_LEAST_SIDE = 8  # of images that are given as rows of pixels


class Statistics(NamedTuple):
    """Statistics of each feature over the training set.

    Attributes
    ----------
    mean, std, lowest, highest : (n_features,) ndarray of float64
    shape : (n_axes,) ndarray of int64
        Shape of an example before it was flattened to features.
    """

    mean: np.ndarray
    std: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    shape: np.ndarray

    @property
    def range(self):
        """Return the largest less the smallest value of each feature, (n_features,)."""
        return self.highest - self.lowest


class Moments:
    """Statistics of each feature, in float64, in one pass over examples in their order."""

    def __init__(self):
        self._n_examples = 0

    def add(self, images):
        """Add the next examples, (B, n_features) of uint8, float32 or float64."""
        if self._n_examples == 0:
            # an example, not a mean: a constant feature's deviations are then exactly 0
            self._shift = images[0].astype(np.float64)
            self._sums, self._squared_sums = np.zeros((2, images.shape[1]))
            self._lowest, self._highest = self._shift.copy(), self._shift.copy()
        add_moments(images, self._shift, self._sums, self._squared_sums)
        np.minimum(self._lowest, images.min(axis=0), out=self._lowest)
        np.maximum(self._highest, images.max(axis=0), out=self._highest)
        self._n_examples += len(images)

    def statistics(self, shape):
        """Return the statistics of all examples so far, given the shape of one."""
        mean = self._sums / self._n_examples
        variance = self._squared_sums / self._n_examples - mean * mean
        # no deviation is smaller than this bound, but squares of features below 1e-154 vanish
        least = (self._highest - self._lowest) / math.sqrt(2 * self._n_examples)
        std = np.maximum(np.sqrt(np.maximum(variance, 0)), least)
        return Statistics(self._shift + mean, std, self._lowest, self._highest, np.array(shape, np.int64))


class Scaling(NamedTuple):
    """A way to standardise features: ``(x - mean) * factor``.

    Attributes
    ----------
    mean, factor : (n_features,) ndarray of float64
    text : str
        The same in words.
    """

    mean: np.ndarray
    factor: np.ndarray
    text: str


def scaling(statistics, standardize="auto"):
    """Return the way to standardise features.

    Parameters
    ----------
    statistics : Statistics
    standardize : "auto", "feature", "range" or "none"
        ``"feature"``: less the mean, over the standard deviation, but at least over
        a twentieth of the feature's range, so that none comes out at more than 20. A feature that never varies is 0
        in every example, also where a test example differs. ``"range"``: less the mean, over the largest less
        the smallest value: of the feature, or of all pixels of an image. ``"none"``: as it is. ``"auto"``:
        ``"range"`` for images in which some pixels hardly vary, since a border pixel of MNIST that is lit in one
        image of 60 000 would come out at 245 standard deviations; else ``"feature"``.

    Returns
    -------
    Scaling
    """
    if standardize == "auto":
        standardize = "range" if _is_uneven_image(statistics) else "feature"
    if standardize == "none":
        return Scaling(np.zeros_like(statistics.mean), np.ones_like(statistics.std), "as they are")
    return (_by_range if standardize == "range" else _by_deviation)(statistics)


def _by_range(statistics):
    if not _is_image(statistics):
        return Scaling(statistics.mean, _inverse(statistics.range), "each less its mean, over its range")
    whole = float(statistics.highest.max() - statistics.lowest.min())
    factor = np.full_like(statistics.std, 1 / whole if whole else 0.0)
    return Scaling(statistics.mean, factor, f"pixels less their mean, over {whole:g}")


def _by_deviation(statistics):
    least = _LEAST_SHARE * statistics.range
    text = "each less its mean, over its standard deviation"
    if n_bounded := int((statistics.std < least).sum()):
        text += f" ({n_bounded} that hardly vary: over a twentieth of their range)"
    if n_constant := int((statistics.range == 0).sum()):
        text += f" ({n_constant} that never vary: 0)"
    return Scaling(statistics.mean, _inverse(np.maximum(statistics.std, least)), text)


def _inverse(spread):
    """Return one over each number, and 0 for 0."""
    return np.divide(1, spread, out=np.zeros_like(spread), where=spread > 0)


def _is_uneven_image(statistics):
    """Return whether examples are images on one scale, in which some pixel hardly varies beside others."""
    ranges = statistics.range[statistics.range > 0]
    if not (_is_image(statistics) and ranges.size):
        return False
    # columns of a table, each with a scale of its own, are no pixels
    one_scale = 2 * np.median(ranges) >= statistics.highest.max() - statistics.lowest.min()
    return bool(one_scale and statistics.std.min() < _LEAST_PIXEL_SPREAD * statistics.std.max())


def _is_image(statistics):
    """Return whether an example's shape is rows and columns, or the number of pixels of a square, perhaps in colour."""
    sides = [side for side in statistics.shape.tolist() if side > 1]
    if len(sides) != 1:
        return len(sides) > 1
    candidates = [sides[0], sides[0] // 3 if sides[0] % 3 == 0 else 0]
    return any(n >= _LEAST_SIDE**2 and math.isqrt(n) ** 2 == n for n in candidates)
