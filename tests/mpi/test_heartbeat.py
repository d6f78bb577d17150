"""The heartbeat on as many ranks as there are: who is silent is known, also while all wait."""

import time

import pytest

from isgd_mpi.ranks.heartbeat import Pulse, Silent, Watch

NAMES = [f"rank {rank}" for rank in range(10)]


def beat(comm, timeout_seconds, *stretches):
    """Beat for some seconds, be silent for some seconds, and so on; then stop."""
    pulse = Pulse(comm, timeout_seconds)
    for number, seconds in enumerate(stretches):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if number % 2 == 0:
                pulse.beat()
            time.sleep(0.002)
    pulse.stop()


def watch_of(comm, timeout_seconds):
    """A watch over all other ranks, and the list of the lines that it tells."""
    told = []
    return Watch(comm, range(1, comm.size), timeout_seconds, NAMES, told.append), told


def test_ranks_that_beat_are_never_told_of(comm, everywhere):
    told = []
    if comm.rank:
        beat(comm, 8, 0.5)
    else:
        watch, told = watch_of(comm, 8)
        watch.close()
        watch.check()
    everywhere(told == [])


def test_a_silent_rank_is_told_of_and_heard_again(comm, everywhere):
    last, told = comm.size - 1, []
    if comm.rank:
        beat(comm, 2, *((0.2, 1.0, 0.3) if comm.rank == last else (1.7,)))
    else:
        watch, told = watch_of(comm, 2)
        watch.close()
    ok = True
    if comm.rank == 0 and last:
        first, *_, second = [line for line in told if line.startswith(f"rank {last} ")]
        ok = "has not answered for " in first and "answers again after" in second
    everywhere(ok, str(told))


def test_after_the_time_limit_the_silent_rank_is_named(comm, everywhere):
    last, ok = comm.size - 1, True
    if comm.rank:
        beat(comm, 1.5, *((0.1, 3.5) if comm.rank == last else (3.5, 0.1)))
    else:
        watch, _ = watch_of(comm, 1.5)
        if last:
            begin = time.monotonic()
            with pytest.raises(Silent, match=rf"no answer from rank {last} for 1.5 s \(--scorer-timeout\)"):
                watch.close()
            ok = time.monotonic() - begin > 1.4
        drain(watch)
    everywhere(ok)


def test_of_ranks_that_get_too_little_cpu_time_the_first_is_told_of(comm, everywhere):
    told = []
    if comm.rank:
        pulse = Pulse(comm, 8)
        pulse.starved = True
        pulse.beat()
        pulse.stop()
    else:
        watch, told = watch_of(comm, 8)
        watch.close()
    everywhere(all("gets little CPU time" in line for line in told))
    everywhere(comm.rank > 0 or len(told) == (comm.size > 1), str(told))


def drain(watch):
    """Receive the beats that are left, so that none strays into the next test."""
    while True:
        try:
            return watch.close()
        except Silent:
            time.sleep(0.05)


def test_time_in_which_the_trainer_itself_stood_still_hardly_counts(comm, everywhere):
    early = []
    if comm.rank:
        comm.Barrier()
        beat(comm, 2, 0.1, 1.5)
    else:
        watch, told = watch_of(comm, 2)
        comm.Barrier()
        watch.check()
        time.sleep(1.0)
        watch.check()
        early = list(told)
        watch.close()
    everywhere(early == [])
