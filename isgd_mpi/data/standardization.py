"""Compute the mean and the scale of each feature, which standardise it: ``(x - mean) * scale``."""

import numpy as np

from isgd_mpi.kernels.gather import add_moments
from isgd_mpi.settings.errors import InputError

_LEAST_SPREAD = 0.05  # least standard deviation of a pixel, over the largest, for pixels to be scaled one by one


class Moments:
    """Mean and standard deviation of each feature, in float64, in one pass over examples in their order."""

    def __init__(self):
        self._n_examples = 0

    def add(self, images):
        """Add the next examples, (B, n_features) of uint8 or float32."""
        if self._n_examples == 0:
            # an example, not a mean: a constant feature's deviations are then exactly 0
            self._shift = images[0].astype(np.float64)
            self._sums, self._squared_sums = np.zeros((2, images.shape[1]))
        add_moments(images, self._shift, self._sums, self._squared_sums)
        self._n_examples += len(images)

    def mean_and_std(self):
        """Return the mean and the standard deviation, (n_features,) each."""
        mean = self._sums / self._n_examples
        variance = self._squared_sums / self._n_examples - mean * mean
        return self._shift + mean, np.sqrt(np.maximum(variance, 0))


def scaling(std, dtype, standardize="auto"):
    """Return the factors by which features are multiplied once their mean is subtracted.

    Parameters
    ----------
    std : (n_features,) ndarray of float64
        Standard deviation of each feature over the training set.
    dtype : numpy dtype
        Of the features in memory.
    standardize : "feature", "range" or "auto"
        ``"feature"``: one over the standard deviation; 0 for a feature that
        never varies, which is then 0 in every example, also where a test
        image differs. ``"range"``: 1/255 for all, for uint8 images in which some
        pixels hardly vary: a border pixel of MNIST that is lit in one image
        of 60 000 would come out at 245 standard deviations. ``"auto"``: the latter
        for uint8 images where some pixel's deviation is below a
        twentieth of the largest, else the former.

    Returns
    -------
    (n_features,) ndarray of float32

    Raises
    ------
    InputError
        ``"range"`` is asked for, and the features are not uint8.
    """
    if standardize == "auto":
        uneven = dtype == np.uint8 and std.min() < _LEAST_SPREAD * std.max()
        standardize = "range" if uneven else "feature"
    if standardize == "range" and dtype != np.uint8:
        raise InputError("--standardize range is for uint8 images, and these features are not: use feature")
    if standardize == "range":
        return np.full(std.shape, 1 / 255, np.float32)
    varies = std > np.finfo(np.float32).tiny  # below it, one over it is no float32
    return np.where(varies, 1 / np.where(varies, std, 1), 0).astype(np.float32)
