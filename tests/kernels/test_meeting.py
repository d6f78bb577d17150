from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from isgd_mpi.kernels.meeting import STRIDE, arrive, wait_for_all

pytestmark = pytest.mark.kernels


def test_a_meeting_is_complete_when_the_last_has_arrived(variant):
    counters = np.zeros(3 * STRIDE, np.int64)
    for rank in (2, 0, 1):
        assert not variant(wait_for_all)(counters, 1, 1)
        assert variant(arrive)(counters, rank, 1, 2) == (rank == 1)
    assert counters[::STRIDE].tolist() == [1, 1, 1] and counters.sum() == 3
    assert variant(wait_for_all)(counters, 1, 1) and not variant(wait_for_all)(counters, 2, 1)


def test_who_has_arrived_sees_what_the_others_wrote_before(variant):
    counters, written = np.zeros(2 * STRIDE, np.int64), np.zeros((2, 512), np.int64)

    def play(rank):
        for number in range(1, 200, 2):
            written[rank] = number
            while not variant(arrive)(counters, rank, number, 100):
                pass
            assert (written[1 - rank] == number).all()
            while not variant(arrive)(counters, rank, number + 1, 100):
                pass

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(play, range(2)))
