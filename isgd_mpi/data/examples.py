"""Examples as a data file holds them, checked: shapes, dtypes, counts, labels, finite features."""

from dataclasses import dataclass

import numpy as np

from isgd_mpi.errors import InputError


class FormatError(InputError):
    """A data file does not hold what it should."""

    def __init__(self, where, problem):
        super().__init__(f"{where}: {' '.join(str(problem).split())}")


@dataclass(frozen=True)
class RawExamples:
    """Examples of one file, checked."""

    where: str  # the file, for messages
    images: np.ndarray  # (n, ...) uint8 or float, any strides
    labels: np.ndarray  # (n,) int32, not negative

    def __len__(self):
        return len(self.labels)

    def take(self, rows):
        """Return some of the examples, flattened.

        Parameters
        ----------
        rows : (B,) ndarray of int
            Which examples.

        Returns
        -------
        images : (B, n_features) ndarray of uint8 or float32
            C-contiguous.
        labels : (B,) ndarray of int32
            Their labels.

        Raises
        ------
        FormatError
            A feature is NaN, infinite, or too large for float32.
        """
        images = self.images[rows].reshape(len(rows), -1)
        if images.dtype != np.uint8:
            with np.errstate(over="ignore"):
                images = images.astype(np.float32)
            self._check_finite(images, rows)
        return np.ascontiguousarray(images), self.labels[rows]

    def _check_finite(self, images, rows):
        finite = np.isfinite(images).all(axis=1)
        if not finite.all():
            raise FormatError(self.where, f"example {rows[finite.argmin()]} has a NaN or infinite feature")


def check_examples(where, images, labels, n_classes=None):
    """Return images and labels as `RawExamples` if they fit each other.

    Parameters
    ----------
    where : str or Path
        The file they come from, for messages.
    images : (n, ...) ndarray
        uint8 or float.
    labels : (n,) or (n, 1) ndarray of int
        0 to ``n_classes - 1``.
    n_classes : int, optional
        By default labels need only not be negative.

    Returns
    -------
    RawExamples
        Float images are not yet searched for NaN: `RawExamples.take` does.

    Raises
    ------
    FormatError
        Shapes, dtypes, counts or labels are wrong, or there is no example.
    """
    if images.ndim < 2 or not (images.dtype == np.uint8 or images.dtype.kind == "f"):
        raise FormatError(where, f"images must be uint8 or float, one per row, not {describe(images)}")
    if labels.shape not in ((labels.size,), (labels.size, 1)) or labels.dtype.kind not in "iu":
        raise FormatError(where, f"labels must be integers, one per example, not {describe(labels)}")
    if len(images) != len(labels):
        raise FormatError(where, f"{len(images)} images but {len(labels)} labels")
    if images.size == 0:
        raise FormatError(where, "holds no example")
    lowest, highest = int(labels.min()), int(labels.max())
    last = np.iinfo(np.int32).max if n_classes is None else n_classes - 1
    if lowest < 0 or highest > last:
        raise FormatError(where, f"label {lowest if lowest < 0 else highest} is out of range 0..{last}")
    return RawExamples(str(where), images, labels.reshape(-1).astype(np.int32))


def describe(array):
    """Return an array's dtype and shape, for messages."""
    return f"{array.dtype} of shape {array.shape}"
