import math

import numpy as np
import pytest

from isgd_mpi.ranks.states import flatten, nest
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.training.best import Best


def evaluated(best, *values):
    """Let evaluations each 10 steps give these values; the parameters are the steps."""
    for step, value in enumerate(values, start=1):
        best.update(10 * step, {best.measure: value, "other": -value}, np.full(3, 10 * step, np.float32))
    return best


@pytest.mark.parametrize("measure", ["loss", "error"])
def test_the_parameters_with_the_least_value_are_kept_the_first_of_equals(measure):
    best = evaluated(Best(3, measure), 0.5, 0.3, 0.3, 0.4)
    assert (best.step, best.value, best.n_worse) == (20, 0.3, 2)
    np.testing.assert_array_equal(best.params, [20, 20, 20])
    assert best.summary == {"step": 20, "by": measure, "value": 0.3}


def test_what_is_not_finite_is_never_the_best():
    best = evaluated(Best(3, "loss", patience=2), math.nan)
    assert not best.found and best.summary is None and not best.exhausted
    assert evaluated(best, math.inf).step == NEVER and best.exhausted


def test_patience_ends_after_evaluations_in_a_row_without_a_smaller_value():
    best = Best(3, "loss", patience=2)
    ends = [evaluated(best, value).exhausted for value in (0.5, 0.6, 0.4, 0.4, 0.5, 0.3)]
    assert ends == [False, False, False, False, True, False]
    assert not evaluated(Best(3, "loss"), *[0.1] * 99).exhausted


@pytest.mark.parametrize("values", [(), (0.5, 0.3, 0.4)])
def test_a_state_is_restored(values):
    before, after = evaluated(Best(3, "loss", 1), *values), Best(3, "loss", 1)
    after.restore(nest(flatten(before.state())))
    assert (after.step, after.value, after.exhausted) == (before.step, before.value, before.exhausted)
    np.testing.assert_array_equal(after.params, before.params)
