"""The patterns of the bench of the exchange move the same records."""

import pytest

from isgd_mpi.bench.exchange.ranks import measure_case
from isgd_mpi.ranks.waiting import POLITE


@pytest.mark.parametrize("pattern", ["blocking", "collectives", "messages", "memory"])
def test_patterns_of_the_bench_move_the_same(comm, everywhere, pattern):
    case = {"pattern": pattern, "params_bytes": 4000, "reports_bytes": 400, "compute_seconds": 1e-4}
    ok = True
    if comm.size > 1:
        figures = measure_case(comm, POLITE, case | {"scorer_poll_seconds": 0, "repeat": 2})  # asserts what arrives
        ok = comm.rank > 0 or 0 < figures["arrival_seconds"] <= figures["complete_seconds"]
    everywhere(ok, "a time is wrong")
