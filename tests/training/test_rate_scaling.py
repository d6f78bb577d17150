"""The learning rate rises with the gain, slowly, and no further than the curvature permits; it falls at once."""

import numpy as np
import pytest

from isgd_mpi.settings.saved import Saved
from isgd_mpi.training.rate_scaling import RateScaling


def settled(curvature, gain_ratio=8.0, learning_rate=0.1, momentum=0.0, n=100):
    scaling = RateScaling(momentum)
    for step in range(n):
        scaling.observe(curvature)
        scaling.renew(step, gain_ratio, learning_rate)
    return scaling


def renewed(scaling, gain_ratio=8.0, learning_rate=0.1):
    scaling.renew(100, gain_ratio, learning_rate)
    return scaling.factor


def test_nothing_is_scaled_before_four_curvatures_are_known():
    scaling = RateScaling()
    for _ in range(3):
        scaling.observe(0.01)
        assert renewed(scaling) == 1.0
    scaling.observe(np.nan)
    assert renewed(scaling) == 1.0
    scaling.observe(0.01)
    assert renewed(scaling) == 1.15


def test_the_factor_rises_by_15_per_cent_a_refresh_to_the_ratio_of_squared_norms():
    scaling = settled(0.01, n=8)
    assert scaling.factor == pytest.approx(1.15**5)
    assert settled(0.01).factor == 8.0


@pytest.mark.parametrize("ratio", [1.0, 0.5, np.nan])
def test_it_falls_at_once_where_nothing_is_gained_or_known(ratio):
    assert renewed(settled(0.01), ratio) == 1.0


@pytest.mark.parametrize("momentum, factor", [(0.0, 2.5), (0.5, 1.25), (0.9, 1.0)])
def test_a_step_is_at_most_a_third_of_the_one_to_the_least_loss(momentum, factor):
    assert settled(4 / 3, momentum=momentum).factor == pytest.approx(factor)


def test_a_curvature_that_is_negative_bounds_nothing():
    assert settled(-1.0).factor == 8.0


def test_the_bound_is_the_mean_of_the_last_eight_curvatures():
    scaling = settled(0.01)
    for curvature in (1, 2, 3, 4, 5, 6, 7, 8):
        scaling.observe(curvature)
    assert scaling.curvature == 4.5
    assert renewed(scaling, learning_rate=0.01) == pytest.approx(1 / 3 / 0.045)


def test_it_is_saved_and_restored():
    scaling, other = settled(1.0), RateScaling()
    assert isinstance(scaling, Saved)
    other.restore(scaling.state())
    assert (other.factor, other.curvature) == (scaling.factor, scaling.curvature)
