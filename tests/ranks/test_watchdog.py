"""The watchdog raises Silent where one block takes too long, and only there."""

import threading
import time

import pytest

from isgd_mpi.ranks.heartbeat import Silent
from isgd_mpi.ranks.watchdog import Watchdog


@pytest.fixture
def caught(monkeypatch):
    """Collect what threads raise."""
    found = []
    monkeypatch.setattr(threading, "excepthook", lambda failure: found.append(failure.exc_value))
    return found


def test_a_block_that_takes_too_long_is_noticed(caught):
    watchdog = Watchdog(0.2, "the sum takes long", can_go_on=True)
    with watchdog.watching():
        deadline = time.monotonic() + 20
        while not caught and time.monotonic() < deadline:
            time.sleep(0.01)
    (error,) = caught
    assert isinstance(error, Silent) and str(error) == "the sum takes long" and error.exit_code == 75


def test_many_short_blocks_and_the_time_between_are_not(caught):
    watchdog = Watchdog(0.5, "", can_go_on=False)
    begin = time.monotonic()
    while time.monotonic() < begin + 0.8:
        with watchdog.watching():
            time.sleep(0.001)
    time.sleep(0.6)
    watchdog.close()
    assert not caught
