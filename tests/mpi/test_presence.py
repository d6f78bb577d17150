"""A rank that waits for others says for whom."""

import logging
import time

from isgd_mpi.ranks.presence import meet_in_words
from isgd_mpi.ranks.waiting import POLITE


def test_the_lowest_rank_that_waits_names_those_that_are_not_there(comm, everywhere, caplog, monkeypatch):
    monkeypatch.setattr("isgd_mpi.ranks.presence._ANSWER_SECONDS", 0.2)
    caplog.set_level(logging.WARNING, "isgd_mpi")  # a bench may have asked for errors alone
    last = comm.size - 1
    time.sleep(1.5 if comm.rank == last and last > 0 else 0.1 * comm.rank)
    meet_in_words(comm, "this", patience_seconds=0.3)
    said = comm.allgather([record.getMessage() for record in caplog.records])
    expected = [[] for _ in range(comm.size)]
    if last > 0:
        assert f"rank 0 of {comm.size} has waited" in said[0][0]
        assert said[0][0].endswith(f" s in this for rank {last}: every rank must call it")
        expected[0] = said[0]
    everywhere(said == expected, said)


def test_nothing_is_left_behind(comm, everywhere, caplog):
    time.sleep(0.05 * comm.rank)
    meet_in_words(comm, "this", patience_seconds=0.01)
    POLITE.meet(comm)
    everywhere(not comm.Iprobe())


def test_where_all_come_nothing_is_said(comm, everywhere, caplog):
    meet_in_words(comm, "this")
    everywhere(not caplog.records)
