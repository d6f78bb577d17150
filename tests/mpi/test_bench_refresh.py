"""The bench of refreshes has trainers fed as in a run, and counts what that costs them."""

import pytest

from isgd_mpi.bench.refresh.main import fed_line
from isgd_mpi.bench.refresh.ranks import measure


def test_fed_trainers_of_the_bench_take_steps_and_refreshes(comm, everywhere):
    if comm.size == 1:
        pytest.skip("nobody to feed")
    sizes = {"scorers": 3, "refresh_every": 8, "minibatch_size": 16, "params": 5000}
    cases = {"examples": [3000], "fresh": [1.0, 0.5]}
    rows = measure(comm, cases | sizes | {"step_ms": 0.2, "seconds": 0.1})["rows"]
    everywhere(comm.rank == 0 or rows == [None, None], f"{rows} beside rank 0")
    for row in rows if comm.rank == 0 else []:
        assert row["ahead"] == 2 and row["interval"] >= 8 and row["refreshes"] >= 1
        assert 0 <= row["idle"] < 0.1 and 0 < row["beside"] < 0.1 and 0 < row["busy"] < 1
        assert 10 < row["rate"] < 1 / 0.2e-3
        assert fed_line(row, 0.2e-3)[0] == "3,000"
