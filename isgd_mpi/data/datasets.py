"""Load data sets by name; standardise their examples a minibatch at a time.

Images stay as they are, uint8 or float32, in files of the cache that all ranks of a node map.
"""

import json
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from isgd_mpi.data import sources
from isgd_mpi.data.checksums import checksum_of, sampled_checksum
from isgd_mpi.data.coding import Coding
from isgd_mpi.data.converted import open_converted
from isgd_mpi.data.examples import FormatError
from isgd_mpi.data.folders import cache_folder
from isgd_mpi.data.standardization import Statistics, scaling
from isgd_mpi.data.synthetic import DEFAULT_SIZE
from isgd_mpi.data.tables.encoding import Encoding
from isgd_mpi.data.target import Target
from isgd_mpi.data.weights import described
from isgd_mpi.kernels.gather import gather_standardized, standardize
from isgd_mpi.settings.errors import InputError

NAMES = sources.NAMES


@dataclass(frozen=True)
class Split:
    """The examples of one split, read-only."""

    images: np.ndarray  # (n, n_features) uint8 or float32, C-contiguous, a map of a file
    labels: np.ndarray  # (n,) int32, or (n, n_outputs) float32: see target.Target
    weights: np.ndarray | None = None  # (n,) float64, as they were given

    def __len__(self):
        return len(self.labels)

    @property
    def total_weight(self):
        """Return the sum of the weights that were given, or the number of examples."""
        return len(self) if self.weights is None else self.weights.sum()

    def weights_of(self, rows):
        """Return the weights that were given for some examples, or None."""
        return None if self.weights is None else self.weights[rows]


@dataclass(frozen=True)
class Dataset:
    """A data set: its splits, and the mean and scale that standardise their features."""

    name: str
    target: Target
    splits: dict[str, Split]  # "train", "test", and "valid" where the set has one
    mean: np.ndarray  # (n_features,) float32, over the training set
    inverse_std: np.ndarray  # (n_features,) float32; see standardization.scaling
    checksum: str = "none"  # of all files that the set was converted into, if it was
    given: tuple[np.ndarray, np.ndarray] | None = None  # see standardization
    scaling: str = ""  # what standardises the features, in words
    encoding: Encoding | None = None  # of a table
    class_weights: np.ndarray | None = None  # (n_classes,) float64; see weights
    example_shape: tuple[int, ...] = ()  # before it was flattened to features; of a table empty

    @property
    def n_features(self):
        """Return the number of features of an example."""
        return self.mean.size

    @property
    def n_train(self):
        """Return the number of training examples."""
        return len(self.splits["train"])

    @property
    def n_classes(self):
        """Return the number of outputs of a model: classes, labels or numbers."""
        return self.target.n_outputs

    @cached_property
    def strata(self):
        """Return the stratum of each training example, (n_train,) ndarray of int32; see :meth:`Target.strata`."""
        return self.target.strata(self.splits["train"].labels)

    @property
    def n_strata(self):
        """Return the number of strata."""
        return self.target.n_strata

    @property
    def table(self):
        """Return the encoding of the table that the features came from as JSON; empty if they came from none."""
        return json.dumps(self.encoding.to_dict()) if self.encoding else ""

    @property
    def description(self):
        """Return what was made of the data, ready for JSON: splits, classes, scaling, the columns of a table."""
        return {
            "name": self.name,
            "splits": {name: len(split) for name, split in self.splits.items()},
            "n_features": self.n_features,
            "target": self.target._asdict(),
            "scaling": self.scaling,
            "weights": described(self),
            "table": self.encoding and self.encoding.to_dict(),
        }

    @property
    def standardization(self):
        """Return the mean and the scale that standardise features as they were given.

        Two (n_features,) arrays: of float32, or of float64 where features are kept in another form than that in which
        they were given; see :class:`isgd_mpi.data.coding.Coding`.
        """
        return self.given or (self.mean, self.inverse_std)

    @property
    def facts(self):
        """Return descriptions and checksums by name, which must be the same on all ranks of a job: dict of str to str.

        Labels, mean and scale enter whole, and so do all files that the set was converted into, by
        the checksum that the cache keeps. Of large arrays of features a sample is read.
        """
        facts = {"the data set": self.name, "the checksum of what it was converted from": self.checksum}
        facts["the description of its target"] = self.target.to_json()
        return facts | self._content

    @property
    def fingerprint(self):
        """Return a number that identifies the content: a run is resumed only on data with the same one.

        The checksum of the converted files is left out: the same examples may come from other files.
        """
        return zlib.crc32(repr(self._content).encode())

    @cached_property
    def _content(self):
        """Return descriptions and checksums of all arrays."""
        content = {}
        for name, split in self.splits.items():
            content[f"the shape of its split {name}"] = f"{split.images.shape} {split.images.dtype}"
            content[f"the checksum of its labels ({name})"] = checksum_of(split.labels)
            content[f"the checksum of its features ({name})"] = sampled_checksum(split.images)
            if split.weights is not None:
                content[f"the checksum of its weights ({name})"] = checksum_of(split.weights)
        if self.class_weights is not None:
            content["the weights of its classes"] = repr(self.class_weights.tolist())
        content["the checksum of its mean"] = checksum_of(*self.standardization)
        if self.target.kind == "numbers":
            content["the mean and the scale of its target"] = f"{self.target.mean} {self.target.scale}"
        return content

    def loss_weights(self, split, rows=slice(None)):
        """Return the weights of the losses of some examples, or None if examples have no weights.

        Parameters
        ----------
        split : str
            A key of `splits`.
        rows : slice

        Returns
        -------
        (n,) ndarray of float64 or None
            Those that were given, times those of the classes; of any mean.
        """
        examples = self.splits[split]
        given = examples.weights_of(rows)
        if self.class_weights is None:
            return given
        of_classes = self.class_weights[examples.labels[rows]]
        return of_classes if given is None else given * of_classes

    @cached_property
    def train_weights(self):
        """Return the weights of the training examples, of mean one, (n_train,) ndarray of float64; None without any."""
        weights = self.loss_weights("train")
        return None if weights is None else weights / weights.mean()

    def gather(self, indices, images, labels):
        """Gather training examples and standardise them, in place.

        Parameters
        ----------
        indices : (B,) ndarray of int64
            Numbers of the examples, in any order; repeats are allowed.
        images : (B, n_features) ndarray of float32 or float64
            Standardised features, updated in place.
        labels : (B, ...) ndarray of target.dtype
            Updated in place.

        Raises
        ------
        IndexError
            An index is outside the training set.
        """
        train = self.splits["train"]
        gather_standardized(train.images, indices, self.mean, self.inverse_std, images)
        # the kernel has checked the indices; mode="raise" would buffer the result
        train.labels.take(indices, axis=0, out=labels, mode="clip")

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
        labels : (stop - start, ...) ndarray of target.dtype
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
        """Yield consecutive examples of a split, as many at a time as fit into `images`; see :meth:`batch`."""
        for first in range(start, stop, len(images)):
            yield self.batch(split, first, min(first + len(images), stop), images)


def load(
    name,
    data_dir=None,
    synthetic_size=DEFAULT_SIZE,
    cache_dir=None,
    standardize="auto",
    verify=True,
    loss="auto",
    **division,
):
    """Load a data set, mapped from the cache of converted data.

    Not collective: any number of processes may load the same set at once; the first one converts it.

    Parameters
    ----------
    name : str
        A name in `NAMES`, or the path of an npz file with x_train, y_train,
        x_test, y_test and perhaps x_valid, y_valid (or x_val, y_val), or of a table.
    data_dir : str or Path, optional
        Folder of the original files; by default ``$ISGD_MPI_DATA`` or
        ``isgd_mpi`` in the user's cache.
    synthetic_size : int
        Training examples of the synthetic set.
    cache_dir : str or Path, optional
        Folder of converted data; by default ``$ISGD_MPI_CACHE`` or
        ``isgd_mpi/converted`` in the user's cache.
    standardize : "auto", "feature", "range" or "none"
        See :func:`isgd_mpi.data.standardization.scaling`.
    verify : bool
        Whether to compute the checksum of the converted files: one process of a node is enough.
    loss : "auto", "cross-entropy", "logistic", "squared" or "huber"
        Decides what the target is read as: classes, labels or numbers; by its values, if "auto".
    **division
        Fields of :class:`isgd_mpi.data.sources.Division`, for a table.

    Returns
    -------
    Dataset
        Read-only.

    Raises
    ------
    InputError
        The name is unknown, a file is missing or damaged, or the cache cannot be used.
    """
    if data_dir is not None and not Path(data_dir).is_dir():
        raise InputError(f"--data-dir {data_dir}: there is no such folder")
    recipe = sources.recipe(name, data_dir, synthetic_size, sources.Division(**division), loss)
    try:
        target, arrays, checksum, encoding = open_converted(recipe, cache_folder(cache_dir), verify)
    except FormatError as error:
        raise InputError(f"{error}; {recipe.way_out}") from None
    names = [key[2:] for key in arrays if key.startswith("x_")]
    splits = {name: Split(*map(arrays.get, (f"x_{name}", f"y_{name}", f"w_{name}"))) for name in names}
    kept = [kind(*(arrays[name] for name in kind._fields)) for kind in (Statistics, Coding)]
    return replace(standardized(recipe.name, target, splits, kept, standardize, checksum), encoding=encoding)


def standardized(name, target, splits, kept, standardize, checksum="none"):
    """Return a data set with the scaling that its options ask for.

    Parameters
    ----------
    name, target, splits, checksum
        See :class:`Dataset`.
    kept : pair of Statistics and Coding
        What its features are, and the form in which they are kept.
    standardize : "auto", "feature", "range" or "none"
        See :func:`isgd_mpi.data.standardization.scaling`.
    """
    statistics, coding = kept
    mean, factor, text = scaling(statistics, standardize)
    pairs = [coding.encoded(mean, factor), (mean.copy(), factor)]
    for array in (*pairs[0], *pairs[1]):
        array.flags.writeable = False
    given = None if coding.is_plain else pairs[1]
    shape = tuple(statistics.shape.tolist())
    return Dataset(name, target, splits, *pairs[0], checksum, given, text, example_shape=shape)
