"""Memory that ranks share, and their meetings in it."""

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from isgd_mpi.kernels.memory import LINE_BYTES
from isgd_mpi.ranks.shared import Lookout, Meeting, SharedArrays
from isgd_mpi.ranks.waiting import POLITE


@pytest.fixture
def memory(comm):
    memory = SharedArrays(comm)
    yield memory
    memory.close()


def meeting_of(comm, memory, waiter=POLITE):
    (counters,) = memory.allocate(Meeting.specification(comm.size))
    return Meeting(counters, comm.rank, Lookout(waiter, crowded=comm.size > os.cpu_count()))


def test_all_see_the_same_arrays_which_begin_at_a_line_and_as_zeros(comm, everywhere, memory):
    specifications = ((comm.size, 3), np.float32), ((), [("a", "i8"), ("b", "f4", (5,))]), ((0, 4), np.int32)
    arrays = memory.allocate(*specifications)
    everywhere([each.shape for each in arrays] == [(comm.size, 3), (), (0, 4)])
    everywhere(all(each.ctypes.data % LINE_BYTES == 0 for each in arrays) and not arrays[0].any())
    meeting = meeting_of(comm, memory)
    arrays[0][comm.rank] = comm.rank + 1
    meeting.meet()
    everywhere((arrays[0] == np.arange(1, comm.size + 1)[:, None]).all(), arrays[0])


def test_nobody_leaves_a_meeting_before_the_last_arrives(comm, everywhere, memory):
    meeting, (arrived,) = meeting_of(comm, memory), memory.allocate(((comm.size,), np.int64))
    for n in range(1, 60):
        if n % 20 == comm.rank:
            time.sleep(0.01)  # the others go through all ways of waiting
        arrived[comm.rank] = n
        meeting.meet()
        assert (arrived >= n).all(), arrived
        meeting.meet()
    everywhere(True)


def test_what_idle_raises_ends_the_wait(comm, everywhere, memory):
    def give_up():
        raise TimeoutError

    meeting = meeting_of(comm, memory, replace(POLITE, idle=give_up if comm.rank == 0 else None))
    if comm.rank == 0 and comm.size > 1:
        with pytest.raises(TimeoutError):
            meeting.meet()
    POLITE.meet(comm)  # by messages: only now do the others come to the meeting
    if comm.rank:
        meeting.meet()
    everywhere(True)
