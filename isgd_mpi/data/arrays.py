"""Make a data set from arrays in memory, checked and standardised like the examples of a file."""

from isgd_mpi.data.coding import coding_of
from isgd_mpi.data.datasets import Split, standardized
from isgd_mpi.data.examples import FormatError, check_alike, features_of
from isgd_mpi.data.given import as_array, feature_names
from isgd_mpi.data.given_target import Given, read_examples
from isgd_mpi.data.numbers import standardise
from isgd_mpi.data.standardization import Moments
from isgd_mpi.data.weights import checked, weighed
from isgd_mpi.settings.errors import InputError

_WHERE = {"train": "x, y", "valid": "validation", "test": "test"}
_LABELS = {"train": "y", "valid": "y of validation", "test": "y of test"}


def from_arrays(
    x, y, validation=None, test=None, standardize="auto", loss="auto", sample_weight=None, class_weight=None
):
    """Make a data set from arrays.

    Parameters
    ----------
    x : (N, ...) array_like of numbers
        Training examples, one a row, flattened to features. Copied only if they are neither uint8
        nor float32, or not contiguous.
    y : (N,) or (N, K) array_like
        Their targets; see :mod:`isgd_mpi.data.given_target`.
    validation, test : pair or triple of array_like, optional
        Examples and targets of the other splits, and perhaps weights of the examples.
    standardize : "auto", "feature", "range" or "none"
        See :func:`isgd_mpi.data.standardization.scaling`.
    loss : "auto", "cross-entropy", "logistic", "squared" or "huber"
        Decides what `y` is read as: classes, labels or numbers; by its values, if "auto".
    sample_weight : (N,) array_like of numbers, optional
        Weights of the training examples, not negative.
    class_weight : str or dict, optional
        See :func:`isgd_mpi.data.weights.weighed`.

    Returns
    -------
    Dataset
        Named ``arrays``, read-only; to the last bit what a file of the same arrays gives.

    Raises
    ------
    InputError
        Shapes, dtypes, counts or labels are wrong, a feature is not finite, or there is no example.
    """
    pairs, weights = _without_weights({"train": (x, y, sample_weight), "valid": validation, "test": test})
    pairs = {split: _pair(split, pair) for split, pair in pairs.items() if pair is not None}
    target, parts = read_examples(pairs, loss, feature_names(y) or ())
    check_alike(list(parts.values()))
    target, parts = standardise(target, parts, loss=loss)
    given = {split: features_of(p.where, p.images, range(len(p)), p.names) for split, p in parts.items()}
    moments = Moments()
    moments.add(given["train"])
    statistics = moments.statistics(parts["train"].images.shape[1:])
    coding = coding_of(statistics, given["train"].dtype)
    splits = {}
    for split, part in parts.items():
        own = None if weights[split] is None else _read_only(checked(part.where, weights[split], len(part)))
        splits[split] = Split(_read_only(coding.encode(given[split])), _read_only(part.labels), own)
    dataset = standardized("arrays", target, splits, (statistics, coding), standardize)
    return weighed(dataset, class_weight)


def _without_weights(given):
    """Return the pairs of examples and labels of each split, and the weights of each, or None."""
    pairs, weights = dict(given), dict.fromkeys(given)
    for split, arrays in given.items():
        if isinstance(arrays, (tuple, list)) and len(arrays) == 3:
            *pairs[split], weights[split] = arrays
    return pairs, weights


def _pair(split, pair):
    """Return a pair of examples and their targets as arrays."""
    where = _WHERE[split]
    try:
        images, labels = pair
    except (TypeError, ValueError) as error:
        raise FormatError(where, f"must be a pair of arrays, examples and their labels ({error})") from None
    try:
        return Given(where, _LABELS[split], as_array(images), as_array(labels), feature_names(images))
    except InputError as error:
        raise FormatError(where, error) from None


def _read_only(array):
    """Return a view that cannot be written to: the arrays remain the caller's."""
    view = array.view()
    view.flags.writeable = False
    return view
