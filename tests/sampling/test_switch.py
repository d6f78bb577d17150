import math

import numpy as np
import pytest
from samplers import minibatch_of

from isgd_mpi.sampling.gain import Gain
from isgd_mpi.sampling.switch import Switch
from isgd_mpi.settings.config import Config

PATIENCE = 100


@pytest.fixture
def switch():
    return Switch(True, PATIENCE)


def test_without_automatic_it_stays_on():
    switch = Switch(False, PATIENCE)
    assert not any(switch.decide(0.1, 0.9, 1000) for _ in range(10)) and switch.on


def test_an_unknown_gain_changes_nothing(switch):
    assert not switch.decide(math.nan, 0.5, 1000) and switch.on


def test_what_refreshes_cost_is_learnt_while_the_gain_is_unknown(switch):
    switch.decide(math.nan, 0.5, 0)
    switch.decide(3.0, 0.5, 10)
    assert switch.speed_gain == pytest.approx(1.5)


def test_a_gain_that_may_be_above_one_does_not_speak_against_it(switch):
    assert not switch.decide(0.9, 0.0, PATIENCE + 1, error=0.11) and switch.on
    assert switch.decide(0.9, 0.0, PATIENCE + 1, error=0.09) and not switch.on


def test_off_once_it_was_seen_not_to_pay_on_enough_norms(switch):
    decisions = [switch.decide(0.99, 0.0, 40) for _ in range(3)]
    assert decisions == [False, False, True] and not switch.on


def test_a_single_good_figure_starts_the_count_again(switch):
    for gain in (0.9, 0.9, 1.1, 0.9, 0.9):
        switch.decide(gain, 0.0, 40)
    assert switch.on


@pytest.mark.parametrize(("gain", "pays"), [(1.3, True), (1.2, False)])
def test_the_rule_is_variance_gain_times_the_rates_with_and_without(switch, gain, pays):
    for _ in range(5):
        switch.decide(gain, 0.2, 50)
    assert switch.speed_gain == pytest.approx(gain * 0.8) and switch.on == pays


def test_on_again_only_with_a_margin(switch):
    switch.decide(0.9, 0.0, PATIENCE + 1)
    assert not switch.on
    assert not switch.decide(1.04, 0.0, 10) and not switch.on
    assert switch.decide(1.06, 0.0, 10) and switch.on


def test_what_refreshes_cost_is_remembered_while_it_is_off(switch):
    switch.decide(1.0, 0.5, PATIENCE + 1)
    switch.decide(1.5, 0.0, 10)
    assert not switch.on and switch.speed_gain == pytest.approx(0.75)


@pytest.mark.parametrize(("norms_come_back", "n_drawn"), [(True, 4096), (False, 16384)])
def test_it_waits_for_an_epoch_where_the_drawn_examples_alone_are_measured(norms_come_back, n_drawn):
    gain = Gain(Config(minibatch_size=16), 16384, norms_come_back)
    n_refreshes = 0
    while gain.switch.on:
        for _ in range(32):
            norms = np.linspace(0.5, 1.5, 16)
            gain.learn_from_minibatch(minibatch_of(np.arange(16), norms, 1 / norms[::-1] ** 2))
        gain.learn_from_probe(0.01, 1e-6, 0)
        gain.decide(True, 1.0, 0.0, 0)
        n_refreshes += 1
    assert n_refreshes * 32 * 16 == n_drawn + 32 * 16
