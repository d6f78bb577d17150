"""Where published records lie at an end of the exchange, so that they may be used without a copy."""

N_PLACES = 3
"""One for the last record, one for a record that is kept, one for the next."""


def keep_none(record):
    """Return False: a record is used until the next one comes."""
    return False


class Places:
    """Where published records lie, in turn: a new one overwrites neither the last one nor the one that is kept.

    All ends count alike, so that where they see the same memory none has to say which place is meant.

    Parameters
    ----------
    records : list of () ndarray
        So many as N_PLACES; the same one as often where nobody uses them after they were sent.
    keeps : callable
        Takes a record, returns whether it is kept until the next one that is.
    """

    def __init__(self, records, keeps):
        self._records = records
        self._keeps = keeps
        self._last = self._kept = None

    @property
    def next(self):
        """The record that may be overwritten."""
        return self._records[self._index]

    @property
    def _index(self):
        return next(i for i in range(len(self._records)) if i not in (self._last, self._kept))

    def turn(self):
        """Return the next record, which now is the last one, and complete."""
        self._last = self._index
        record = self._records[self._last]
        if self._keeps(record):
            self._kept = self._last
        return record
