"""The heartbeat on as many ranks as there are: who is silent is known, also while all wait."""

import time

import pytest

from isgd_mpi.ranks.heartbeat import Pulse, Silent, Watch

NAMES = [f"rank {rank}" for rank in range(10)]


def beats_for(seconds, pulse):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pulse.beat()
        time.sleep(0.002)


def test_ranks_that_beat_are_never_told_of(comm, everywhere):
    ok = True
    if comm.rank:
        pulse = Pulse(comm, timeout_seconds=8)
        beats_for(0.5, pulse)
        pulse.stop()
    else:
        told = []
        watch = Watch(comm, range(1, comm.size), 8, NAMES, told.append)
        watch.close()
        watch.check()
        ok = told == []
    everywhere(ok)


def test_a_silent_rank_is_told_of_and_heard_again(comm, everywhere):
    last, told = comm.size - 1, []
    if comm.rank:
        pulse = Pulse(comm, timeout_seconds=2)
        beats_for(0.2, pulse)
        if comm.rank == last:
            time.sleep(1.0)
        beats_for(1.5 if comm.rank != last else 0.3, pulse)
        pulse.stop()
    else:
        Watch(comm, range(1, comm.size), 2, NAMES, told.append).close()
    ok = True
    if comm.rank == 0 and last:
        first, second = [line for line in told if line.startswith(f"rank {last} ")]
        ok = "has not answered for 0." in first and "answers again after" in second
    everywhere(ok, str(told))


def test_after_the_time_limit_the_silent_rank_is_named(comm, everywhere):
    last, ok = comm.size - 1, True
    if comm.rank:
        pulse = Pulse(comm, timeout_seconds=1.5)
        beats_for(0.1 if comm.rank == last else 3.5, pulse)
        time.sleep(3.5 if comm.rank == last else 0.1)
        pulse.stop()
    else:
        watch = Watch(comm, range(1, comm.size), 1.5, NAMES, lambda line: None)
        if last:
            begin = time.monotonic()
            with pytest.raises(Silent, match=rf"no answer from rank {last} for 1.5 s \(--scorer-timeout\)"):
                watch.close()
            ok = 1.4 < time.monotonic() - begin < 3
            watch = drained(watch)
    everywhere(ok)


def drained(watch):
    """Take in what is left, so that nothing strays into the next test."""
    while True:
        try:
            return watch.close()
        except Silent:
            time.sleep(0.05)


def test_time_in_which_the_trainer_itself_stood_still_hardly_counts(comm, everywhere):
    ok = True
    if comm.rank:
        pulse = Pulse(comm, timeout_seconds=2)
        comm.Barrier()
        beats_for(0.1, pulse)
        time.sleep(1.5)
        pulse.stop()
    else:
        told = []
        watch = Watch(comm, range(1, comm.size), 2, NAMES, told.append)
        comm.Barrier()
        watch.check()
        time.sleep(1.0)
        watch.check()
        ok = told == []
        watch.close()
    everywhere(ok)
