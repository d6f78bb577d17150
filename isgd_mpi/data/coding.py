"""Keep features as uint8 or float32, without losing what only float64 can tell apart."""

from typing import NamedTuple

import numpy as np

_CHUNK_ROWS = 4096  # coded at a time
_SMALLEST, _LARGEST = 1e-30, 1e30  # standard deviations whose inverse a float32 holds with all its digits
_LARGEST_CODE = float(np.finfo(np.float32).max)


class Coding(NamedTuple):
    """The form in which features are kept: uint8 and most float32 as they are, else ``(x - offset) / unit`` in float32.

    Attributes
    ----------
    offset : (n_features,) ndarray of float64
        Subtracted in float64: numbers near 1e6 that differ by 1e-3 are equal in float32.
    unit : (n_features,) ndarray of float64
        Powers of two, so that nothing is rounded by them.
    """

    offset: np.ndarray
    unit: np.ndarray

    @property
    def is_plain(self):
        """Return whether features are kept as they are."""
        return not self.offset.any() and bool((self.unit == 1).all())

    def encode(self, images):
        """Return features in the form in which they are kept.

        Parameters
        ----------
        images : (B, n_features) ndarray of uint8, float32 or float64
            C-contiguous.

        Returns
        -------
        (B, n_features) ndarray of uint8 or float32
            C-contiguous; not copied if it need not be.
        """
        if images.dtype == np.uint8 or self.is_plain:
            return images if images.dtype == np.uint8 else images.astype(np.float32, copy=False)
        codes = np.empty(images.shape, np.float32)
        for start in range(0, len(images), _CHUNK_ROWS):
            chunk = slice(start, start + _CHUNK_ROWS)
            with np.errstate(over="ignore"):  # far from all that training has seen
                exact = (images[chunk] - self.offset) / self.unit
            codes[chunk] = np.clip(exact, -_LARGEST_CODE, _LARGEST_CODE)
        return codes

    def encoded(self, mean, factor):
        """Return a mean and a factor for features in the form in which they are kept, as float32."""
        return ((mean - self.offset) / self.unit).astype(np.float32), (factor * self.unit).astype(np.float32)


def coding_of(statistics, dtype):
    """Return the form in which to keep features.

    Parameters
    ----------
    statistics : standardization.Statistics
        Over the training set.
    dtype : numpy dtype
        Of the training set, as it was given.

    Returns
    -------
    Coding
        Plain for uint8, and for float32 whose deviations are not extreme.
    """
    std = np.where(statistics.std > 0, statistics.std, 1)
    if dtype == np.uint8 or (dtype == np.float32 and std.min() > _SMALLEST and std.max() < _LARGEST):
        return Coding(np.zeros_like(std), np.ones_like(std))
    return Coding(statistics.mean, np.exp2(np.round(np.log2(std))))
