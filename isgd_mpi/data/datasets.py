"""Data sets by name: images that stay as they are in memory, standardised a minibatch at a time."""

import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from isgd_mpi.data import sources
from isgd_mpi.data.checksums import checksum_of, sampled_checksum
from isgd_mpi.data.converted import open_converted
from isgd_mpi.data.examples import FormatError
from isgd_mpi.data.folders import cache_folder
from isgd_mpi.data.synthetic import DEFAULT_SIZE
from isgd_mpi.kernels.gather import gather_standardized, standardize
from isgd_mpi.settings.errors import InputError

NAMES = sources.NAMES

_LEAST_SPREAD = 0.05  # least standard deviation of a pixel, over the largest, for pixels to be scaled one by one


@dataclass(frozen=True)
class Split:
    """Examples of one split, read-only."""

    images: np.ndarray  # (n, n_features) uint8 or float32, C-contiguous, a map of a file
    labels: np.ndarray  # (n,) int32

    def __len__(self):
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """A data set: its splits, and what standardises their features."""

    name: str
    n_classes: int
    splits: dict[str, Split]  # "train", "test", and "valid" where the set has one
    mean: np.ndarray  # (n_features,) float32, over the training set
    inverse_std: np.ndarray  # (n_features,) float32, or 1/255: see scaling
    checksum: str = "none"  # of all files that it was converted into, where it was

    @property
    def n_features(self):
        """Number of features of an example."""
        return self.mean.size

    @property
    def n_train(self):
        """Number of training examples."""
        return len(self.splits["train"])

    @property
    def facts(self):
        """The content of this data set in short texts, which are the same on all ranks of a job: dict of str to str.

        Labels, mean and scale enter whole, the features in part; for all of them there is the
        checksum that the cache keeps of what it has converted.
        """
        facts = {"the data set": self.name, "the checksum of what it was converted from": self.checksum}
        return facts | self._content

    @property
    def fingerprint(self):
        """A number that another data set does not have: to resume a run with the data that it had.

        The checksum of the conversion is left out: another processor may round its moments otherwise.
        """
        return zlib.crc32(repr(self._content).encode())

    @cached_property
    def _content(self):
        """Descriptions and checksums of all arrays."""
        content = {}
        for name, split in self.splits.items():
            content[f"the shape of its split {name}"] = f"{split.images.shape} {split.images.dtype}"
            content[f"the checksum of its labels ({name})"] = checksum_of(split.labels)
            content[f"the checksum of its features ({name})"] = sampled_checksum(split.images)
        return content | {"the checksum of its mean": checksum_of(self.mean, self.inverse_std)}

    def gather(self, indices, images, labels):
        """Gather training examples and standardise them, in place.

        Parameters
        ----------
        indices : (B,) ndarray of int64
            Which examples, in which order; repeats are allowed.
        images : (B, n_features) ndarray of float32 or float64
            Standardised features, updated in place.
        labels : (B,) ndarray of int32
            Labels, updated in place.

        Raises
        ------
        IndexError
            An index is outside the training set.
        """
        train = self.splits["train"]
        gather_standardized(train.images, indices, self.mean, self.inverse_std, images)
        # the kernel has checked the indices; mode="raise" would buffer the result
        np.take(train.labels, indices, out=labels, mode="clip")

    def batch(self, split, start, stop, images):
        """Standardise consecutive examples of a split, in place.

        Parameters
        ----------
        split : str
            A key of `splits`.
        start, stop : int
            First example and the one after the last.
        images : (at least stop - start, n_features) ndarray of float
            Standardised features, its first rows are updated in place.

        Returns
        -------
        images : (stop - start, n_features) ndarray
            View of `images`.
        labels : (stop - start,) ndarray of int32
            View of the split's labels, read-only.

        Raises
        ------
        ValueError
            The examples are not all in the split, or not all fit.
        """
        examples = self.splits[split]
        if not 0 <= start <= stop <= len(examples) or stop - start > len(images):
            raise ValueError(f"examples {start}:{stop} of {len(examples)} into {len(images)} rows")
        standardized = images[: stop - start]
        standardize(examples.images[start:stop], self.mean, self.inverse_std, standardized)
        return standardized, examples.labels[start:stop]

    def pieces(self, split, start, stop, images):
        """Yield consecutive examples of a split, so many at a time as fit into `images`; see :meth:`batch`."""
        for first in range(start, stop, len(images)):
            yield self.batch(split, first, min(first + len(images), stop), images)


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


def load(name, data_dir=None, synthetic_size=DEFAULT_SIZE, cache_dir=None, standardize="auto"):
    """Load a data set, mapped from the cache of converted data.

    Not collective: any number of processes may load the same set at once;
    the first one converts it.

    Parameters
    ----------
    name : str
        One of `NAMES`, or the path of an npz file with x_train, y_train,
        x_test, y_test and perhaps x_valid, y_valid.
    data_dir : str or Path, optional
        Folder of the original files; by default ``$ISGD_MPI_DATA`` or
        ``~/.cache/isgd_mpi``.
    synthetic_size : int
        Training examples of the synthetic set.
    cache_dir : str or Path, optional
        Folder of converted data; by default ``$ISGD_MPI_CACHE`` or
        ``~/.cache/isgd_mpi/converted``.
    standardize : "auto", "feature" or "range"
        See :func:`scaling`.

    Returns
    -------
    Dataset
        Read-only.

    Raises
    ------
    InputError
        The name is unknown, a file is missing or damaged, or the cache
        cannot be used.
    """
    if data_dir is not None and not Path(data_dir).is_dir():
        raise InputError(f"--data-dir {data_dir}: there is no such folder")
    recipe = sources.recipe(name, data_dir, synthetic_size)
    try:
        n_classes, arrays, checksum = open_converted(recipe, cache_folder(cache_dir))
    except FormatError as error:
        raise InputError(f"{error}; {recipe.way_out}") from None
    splits = {key[2:]: Split(arrays[key], arrays["y_" + key[2:]]) for key in arrays if key.startswith("x_")}
    mean = arrays["mean"].astype(np.float32)
    inverse_std = scaling(arrays["std"], splits["train"].images.dtype, standardize)
    mean.flags.writeable = inverse_std.flags.writeable = False
    return Dataset(recipe.name, n_classes, splits, mean, inverse_std, checksum)
