"""The times at which the trainer publishes."""

import math

import pytest

from isgd_mpi.training.loop import Schedule

NOTHING = (0.0, 0.0)  # was merged so far
ON = True


@pytest.mark.parametrize("name", ["exact", "pipelined", "relaxed"])
def test_publishes_once_the_steps_are_done_and_seldom_while_switched_off(name):
    schedule = Schedule.named(name, 32)
    assert [schedule.wants_refresh(lag, ON, NOTHING) for lag in (0, 31, 32, math.inf)] == [False, False, True, True]
    assert [schedule.wants_refresh(lag, not ON, NOTHING) for lag in (32, 511, 512)] == [False, False, True]


def test_only_relaxed_waits_until_merging_takes_a_tenth_of_the_time():
    def wants(name, *merging):
        return Schedule.named(name, 32).wants_refresh(32, ON, merging)

    assert [wants("relaxed", 0.25, since) for since in (0.25, 1.9, 2.1)] == [False, False, True]
    assert wants("relaxed", 0.05, 0.05)  # short runs live from their first refreshes
    assert wants("exact", 0.2, 0.2) and wants("pipelined", 0.2, 0.2)  # these must not depend on the clock
