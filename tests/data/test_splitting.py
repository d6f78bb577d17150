"""Tests of the division of examples into splits."""

import numpy as np
import pytest

from isgd_mpi.data.splitting import divide


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.2, 0.5, 0.99])
def test_each_class_has_its_share_in_both_parts_and_one_example_at_least_in_the_first(fraction):
    counts = [1, 2, 9, 100]
    labels = np.repeat(np.arange(4), counts)[np.random.default_rng(0).permutation(sum(counts))]
    kept, taken = divide(labels, fraction)
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, taken])), np.arange(sum(counts)))
    n_taken = np.bincount(labels[taken], minlength=4)
    expected = [min(round(fraction * count), count - 1) for count in counts]
    np.testing.assert_array_equal(n_taken, expected)


def test_the_same_examples_are_taken_in_every_run_and_in_no_order_of_the_file():
    labels = np.zeros(1000, np.int32)
    first, second = divide(labels, 0.2), divide(labels, 0.2)
    for one, other in zip(first, second):
        np.testing.assert_array_equal(one, other)
    assert 400 < first[1].mean() < 600


def test_classes_that_are_not_numbered_from_zero_are_divided_too():
    kept, taken = divide(np.array([7, 7, 7, 7, -3, -3, -3, -3]), 0.25)
    assert sorted(np.array([7, 7, 7, 7, -3, -3, -3, -3])[taken]) == [-3, 7]
    assert len(kept) == 6
