"""The round trip: what the trainer publishes arrives everywhere, what the scorers report comes home."""

import numpy as np
import pytest

from isgd_mpi.bench.exchange.ranks import measure_case
from isgd_mpi.ranks.exchange import LocalExchange, ScorerExchange, TrainerExchange
from isgd_mpi.ranks.transports import Collectives, Messages, SharedMemory, transport_between

PUBLISHED = np.dtype([("step", "i8"), ("params", "f4", (1000,))])


def report_dtype(rank):
    """A report whose size depends on the rank; rank 2's is empty but for its stamp."""
    n_scores = 0 if rank == 2 else 10 * rank + 1
    return np.dtype([("step", "i8"), ("scores", "f4", (n_scores,))])


def expected_scores(rank, step):
    return np.arange(report_dtype(rank)["scores"].shape[0], dtype=np.float32) + 100 * rank + step


def is_kept(published):
    return published["step"] % 5 == 2


def run_trainer_end(comm, polite, n_refreshes, look, transport):
    reports = [None] + [report_dtype(r) for r in range(1, comm.size)]
    exchange = TrainerExchange(comm, PUBLISHED, reports, polite, transport, keeps=is_kept)
    ok = True
    for step in range(n_refreshes):
        exchange.published["step"] = step
        exchange.published["params"] = step + np.arange(1000)
        exchange.start()
        while look and not exchange.look():
            pass
        exchange.wait()
        ok &= len(exchange.reports) == comm.size - 1
        for rank, report in enumerate(exchange.reports, start=1):
            ok &= int(report["step"]) == step
            ok &= np.array_equal(report["scores"], expected_scores(rank, step))
    exchange.close()
    return ok and not exchange.pending


def run_scorer_end(comm, polite, n_refreshes, look, transport):
    exchange = ScorerExchange(comm, PUBLISHED, report_dtype(comm.rank), polite, transport=transport, keeps=is_kept)
    record = np.zeros((), report_dtype(comm.rank))
    ok, kept = True, None
    for step in range(n_refreshes):
        if look:
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
        kept = (step, published) if is_kept(published) else kept
        ok &= kept is None or np.array_equal(kept[1]["params"], np.float32(kept[0] + np.arange(1000)))
    exchange.close()
    return ok


@pytest.mark.parametrize("polite", [False, True])
@pytest.mark.parametrize("look", [False, True])
@pytest.mark.parametrize("transport", [Collectives, Messages, SharedMemory])
def test_refreshes_arrive_whole_and_in_order(comm, everywhere, polite, look, transport):
    end = run_trainer_end if comm.rank == 0 else run_scorer_end
    everywhere(end(comm, polite, 20, look, transport), "a record differs")


def test_records_are_shared_on_one_node_where_there_is_room():
    assert transport_between(4, 4, 1000, 10_000) is SharedMemory
    assert transport_between(4, 4, 1000, 6000) is Messages
    assert transport_between(4, 2, 1000, 10_000) is Collectives


@pytest.mark.parametrize("pattern", ["blocking", "collectives", "messages", "memory"])
def test_patterns_of_the_bench_move_the_same(comm, everywhere, pattern):
    case = {"pattern": pattern, "params_bytes": 4000, "reports_bytes": 400, "compute_seconds": 1e-4}
    ok = True
    if comm.size > 1:
        figures = measure_case(comm, True, case | {"scorer_look_seconds": 0, "repeat": 2})  # asserts what arrives
        ok = comm.rank > 0 or 0 < figures["arrival_seconds"] <= figures["complete_seconds"]
    everywhere(ok, "a time is wrong")


def test_local_exchange_answers_with_the_same_interface():
    answers = iter(["first", "second"])
    exchange = LocalExchange(PUBLISHED, lambda published: [(int(published["step"]), next(answers))])
    for step, answer in ((3, "first"), (4, "second")):
        exchange.published["step"] = step
        exchange.start()
        assert exchange.pending and exchange.look()
        exchange.wait()
        assert not exchange.pending
        assert exchange.reports == [(step, answer)]
    assert exchange.seconds > 0
