"""Divide examples into splits, class by class and the same way for every run."""

import numpy as np

TEST_FRACTION = 1 / 5
"""Share of a single file that is its test set, unless the user says otherwise."""

VALID_FRACTION = 1 / 10
"""Share of what remains that is its validation set, likewise."""


def fixed_permutation(n):
    """Return the permutation of 0..n-1 that all runs share.

    Parameters
    ----------
    n : int
        Length.

    Returns
    -------
    (n,) ndarray of int64
        The same for every seed: two runs must have the same splits.
    """
    # RandomState: NumPy froze its stream for good (NEP 19), a Generator's may change
    return np.random.RandomState(0).permutation(n)


def divide(labels, fraction):
    """Divide examples in two, so that each class has the same share in both.

    Parameters
    ----------
    labels : (n,) ndarray of int
        Classes.
    fraction : float
        Share of the second part, in [0, 1).

    Returns
    -------
    kept, taken : ndarray of int64
        Numbers of the examples, ascending. Of each class ``fraction`` of its examples are taken, rounded to
        nearest, and one at least is kept.
    """
    order = fixed_permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]  # class after class, each in random order
    starts = np.flatnonzero(np.diff(labels[order], prepend=labels[order[0]] - 1))
    chosen = np.zeros(len(labels), bool)
    for start, stop in zip(starts, [*starts[1:], len(order)]):
        n_taken = min(round(fraction * int(stop - start)), int(stop - start) - 1)
        chosen[order[start : start + n_taken]] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
