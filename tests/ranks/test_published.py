"""Buffers of published records: the next one overwrites neither the last record nor the retained one."""

import pytest

from isgd_mpi.ranks.published import N_BUFFERS, PublishedRecords
from isgd_mpi.ranks.records import EVALUATE, STOP


class Record(dict):
    """A record that can be filled in. Use ``is`` to compare two: dicts with the same content are equal."""


def buffers():
    return [Record() for _ in range(N_BUFFERS)]


def publish(records, step, evaluates):
    record = records.next
    record["step"], record["command"] = step, EVALUATE if evaluates else STOP
    return records.turn()


def test_the_last_record_is_not_the_next_one():
    records = PublishedRecords(buffers())
    for step in range(10):
        record = records.next
        assert publish(records, step, evaluates=False) is record
        assert records.next is not record


@pytest.mark.parametrize("every", [1, 2, 3, 7])
def test_a_record_to_be_evaluated_is_retained_until_the_next_such_one(every):
    records, retained = PublishedRecords(buffers()), None
    for step in range(30):
        assert records.next is not retained  # also the next such one does not overwrite it: it may still be read
        record = publish(records, step, step % every == 0)
        retained = record if step % every == 0 else retained


def test_both_ends_count_alike():
    shared = buffers()
    published, received = PublishedRecords(shared), PublishedRecords(shared)
    for step in range(20):
        assert publish(published, step, step in (3, 4, 9)) is received.turn()
