"""The priority of scorers, and the CPU time that they get beside processes of others, by clocks of the tests' own."""

from types import SimpleNamespace

import pytest

from isgd_mpi.ranks import priority as module
from isgd_mpi.ranks.priority import Priority, fair_share, scorer_niceness


class Machine:
    """Two cores, a trainer and two scorers; `run` lets this scorer want to work for a second and get a part of it."""

    def __init__(self, monkeypatch):
        self.now = self.wanted = self.got = 0.0
        self.set = []
        monkeypatch.setattr(module, "set_niceness", lambda niceness, own_session: self.set.append(niceness))
        waiter = SimpleNamespace(timeline=SimpleNamespace(seconds=lambda *_: self.wanted))
        node = SimpleNamespace(n_cores=2, threads=1, niceness=3, own_session=True, waiter=waiter)
        self.priority = Priority(node, 1, 2, clocks=(lambda: self.now, lambda: self.got))

    def run(self, part, seconds=1.0):
        self.now, self.wanted, self.got = self.now + seconds, self.wanted + seconds, self.got + part * seconds
        self.priority.measure()
        return self.priority.starved


@pytest.fixture
def machine(monkeypatch):
    machine = Machine(monkeypatch)
    machine.priority.give_way()
    return machine


def test_the_priority_is_lowered_and_taken_back(machine):
    machine.priority.take_back()
    assert machine.set == [scorer_niceness(1, 2), 3]


def test_a_rank_that_gets_a_fraction_of_its_fair_share_is_starved_until_it_gets_more(machine):
    assert [machine.run(part) for part in (0.5, 0.2, 0.04, 0.02, 0.2, 0.5)] == [False, False, True, True, False, False]


def test_a_short_time_tells_nothing(machine):
    assert [machine.run(0.0, 0.1) for _ in range(4)] == 4 * [False]
    assert machine.run(0.0, 0.2)


def test_a_rank_that_waits_wants_nothing(machine):
    for _ in range(5):
        machine.now += 1
        machine.priority.measure()
    assert not machine.priority.starved


def test_a_rank_that_does_not_give_way_is_not_measured(machine):
    machine.priority.take_back()
    assert not machine.run(0.0)


@pytest.mark.parametrize(("free", "threads", "share"), [(1, 2, 0.5), (1, 15, 1 / 15), (3, 2, 1), (0, 2, 0), (-1, 2, 0)])
def test_scorers_share_the_cores_that_trainers_leave(free, threads, share):
    assert fair_share(free, threads) == pytest.approx(share)


@pytest.mark.parametrize("n_scorers", [1, 2, 7])
def test_all_scorers_together_weigh_a_quarter_of_the_trainer(n_scorers):
    together = n_scorers * 1.25 ** -scorer_niceness(1, n_scorers)
    assert together == pytest.approx(0.25, rel=0.15)


def test_niceness_has_its_limits():
    assert scorer_niceness(1, 1000) == 19 and scorer_niceness(16, 1) == 0
