"""Numbers of threads that Numba breaks on are removed, with one line on the first rank."""

import subprocess
import sys

import pytest

from isgd_mpi.settings.variables import drop_numba_threads


@pytest.mark.parametrize("given", ["0", "-3", "two", "2.5", "", " "])
def test_a_number_that_numba_refuses_is_removed_and_the_first_rank_says_so(given):
    for others, told in [({}, True), ({"PMI_RANK": "0", "SLURM_PROCID": "0"}, True), ({"PMI_RANK": "1"}, False)]:
        environment = {"NUMBA_NUM_THREADS": given, **others}
        line = drop_numba_threads(environment)
        assert environment == others
        assert bool(line) == told and (not told or f"NUMBA_NUM_THREADS={given!r} is ignored" in line)


def test_a_number_of_threads_is_left_alone():
    for environment in {}, {"NUMBA_NUM_THREADS": "2"}, {"NUMBA_NUM_THREADS": " 4 "}:
        kept = dict(environment)
        assert drop_numba_threads(environment) is None and environment == kept


def test_the_import_says_it(monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "-1")
    words = [sys.executable, "-c", "import isgd_mpi, numba"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr.startswith("isgd_mpi: NUMBA_NUM_THREADS='-1' is ignored") and done.stderr.count("\n") == 1
