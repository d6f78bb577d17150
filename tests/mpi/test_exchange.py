"""The round trip: published records arrive everywhere, reports come home."""

import numpy as np
import pytest
from mpi4py import MPI

from isgd_mpi.ranks.exchange import LocalExchange, ScorerExchange, TrainerExchange
from isgd_mpi.ranks.records import EVALUATE, is_evaluated, published_dtype
from isgd_mpi.ranks.transports import Collectives, Messages, SharedMemory, transport_between
from isgd_mpi.ranks.waiting import POLITE, Waiter

PUBLISHED = published_dtype(1000)


def report_dtype(rank):
    """A report whose size depends on the rank; rank 2's is empty but for its stamp."""
    n_scores = 0 if rank == 2 else 10 * rank + 1
    return np.dtype([("step", "i8"), ("scores", "f4", (n_scores,))])


def expected_scores(rank, step):
    return np.arange(report_dtype(rank)["scores"].shape[0], dtype=np.float32) + 100 * rank + step


def run_trainer_end(transport, comm, n_refreshes, polls, waiter):
    reports = [None] + [report_dtype(r) for r in range(1, comm.size)]
    exchange = TrainerExchange(transport, PUBLISHED, reports, waiter)
    ok = True
    for step in range(n_refreshes):
        exchange.published["step"] = step
        exchange.published["command"] = EVALUATE if step % 5 == 2 else 0
        exchange.published["params"] = step + np.arange(1000)
        exchange.start()
        while polls and not exchange.poll():
            pass
        exchange.wait()
        ok &= len(exchange.reports) == comm.size - 1
        for rank, report in enumerate(exchange.reports, start=1):
            ok &= int(report["step"]) == step
            ok &= np.array_equal(report["scores"], expected_scores(rank, step))
    return ok and exchange.answered and not exchange.pending


def run_scorer_end(transport, comm, n_refreshes, polls, waiter):
    exchange = ScorerExchange(transport, PUBLISHED, report_dtype(comm.rank), waiter)
    record = np.zeros((), report_dtype(comm.rank))
    ok, retained = True, None
    for step in range(n_refreshes):
        if polls:
            while not exchange.arrived():
                pass
        else:
            exchange.wait()
        published = exchange.published
        record["step"] = step
        record["scores"] = expected_scores(comm.rank, step)
        exchange.report(record, last=step == n_refreshes - 1)
        record["scores"] = -1  # the report was copied: this must not travel
        ok &= int(published["step"]) == step  # still valid after the next one is expected
        ok &= np.array_equal(published["params"], np.float32(step + np.arange(1000)))
        retained = (step, published) if is_evaluated(published) else retained
        ok &= retained is None or np.array_equal(retained[1]["params"], np.float32(retained[0] + np.arange(1000)))
    return ok


class PretendedNodes(MPI.Intracomm):
    """Ranks in turn on two nodes."""

    def Split_type(self, kind, key=0):
        return self.Split(self.rank % 2, key)


def shared_on_two_nodes(comm):
    return SharedMemory(PretendedNodes(comm))


@pytest.mark.parametrize("polite", [False, True])
@pytest.mark.parametrize("polls", [False, True])
@pytest.mark.parametrize("transport", [Collectives, Messages, SharedMemory, shared_on_two_nodes])
def test_refreshes_arrive_whole_and_in_order(comm, everywhere, polite, polls, transport):
    end, transport = run_trainer_end if comm.rank == 0 else run_scorer_end, transport(comm)
    ok = end(transport, comm, 20, polls, Waiter(polite))
    transport.close()
    everywhere(ok, "a record differs")


def test_ranks_of_a_node_share_memory_and_others_do_not(comm, everywhere):
    transport = shared_on_two_nodes(comm)
    (record, *_) = transport.allocate(PUBLISHED)
    POLITE.meet(comm)
    if comm.rank < 2:  # the leaders, one of each node
        record["step"] = 10 + comm.rank
    POLITE.meet(comm)
    shared = int(record["step"]) == 10 + comm.rank % 2
    transport.close()
    everywhere(shared, "no memory is shared with the node's leader")


def test_records_are_shared_where_there_is_room():
    assert transport_between(4, 4, 1000, 10_000) is SharedMemory
    assert transport_between(4, 2, 1000, 10_000) is SharedMemory
    assert transport_between(4, 4, 1000, 6000) is Messages
    assert transport_between(4, 2, 1000, 6000) is Collectives


def test_local_exchange_answers_with_the_same_interface():
    dtype = np.dtype([("step", "i8")])
    exchange = LocalExchange(PUBLISHED, [dtype], lambda published: [np.array((int(published["step"]),), dtype)])
    assert len(exchange.reports) == 1 and not exchange.answered
    for step in (3, 4):
        exchange.published["step"] = step
        exchange.start()
        assert exchange.pending and exchange.poll()
        exchange.wait()
        assert exchange.answered and not exchange.pending
        assert exchange.reports[0]["step"] == step


def test_a_refresh_that_is_completed_for_a_checkpoint_is_still_to_be_merged():
    calls = []
    exchange = LocalExchange(PUBLISHED, [], lambda published: calls.append(1) or [])
    exchange.start()
    exchange.complete()
    assert exchange.pending and exchange.answered
    exchange.wait()
    assert not exchange.pending and len(calls) == 1
