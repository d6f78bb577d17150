"""Where records lie in turn."""

import pytest

from isgd_mpi.ranks.transports import N_PLACES, Places, keep_none


class Record(dict):
    """Something that can be filled in."""


def places(keeps=keep_none):
    return Places([Record() for _ in range(N_PLACES)], keeps)


def test_the_last_record_is_not_the_next_one():
    turns = places()
    for _ in range(10):
        record = turns.next
        assert turns.turn() is record
        assert turns.next is not record


@pytest.mark.parametrize("every", [1, 2, 3, 7])
def test_a_kept_record_stays_until_the_next_one_that_is_kept(every):
    turns, kept = places(keeps=lambda record: record["step"] % every == 0), None
    for step in range(30):
        record = turns.next
        assert record is not kept  # also the next kept one does not overwrite it: it may still be read
        record["step"] = step
        turns.turn()
        kept = record if step % every == 0 else kept


def test_both_ends_count_alike():
    published = places(keeps=lambda record: record["step"] in (3, 4, 9))
    received = Places(published._records, published._keeps)
    for step in range(20):
        published.next["step"] = step
        assert published.turn() is received.turn()
