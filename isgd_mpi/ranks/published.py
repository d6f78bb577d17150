"""The buffers of published records, so that parameters are used where they lie and never copied.

1. The trainer fills the next record and publishes it; it is then the last one, and read-only.
2. Scorers use the last record until they have received the one after it.
3. A record that is to be evaluated is retained until the next such one has been published.
4. Three buffers therefore suffice: the next record overwrites neither the last nor the retained one.

All ends count alike. Where they see the same memory, no message has to say which buffer is meant.
"""

from isgd_mpi.ranks.records import is_evaluated

N_BUFFERS = 3
"""One for the last record, one for the retained record, one for the next."""


class PublishedRecords:
    """The records at one end of an exchange, in turn.

    Parameters
    ----------
    buffers : list of () ndarray
        N_BUFFERS records; the same one each time where nobody reads a record once it is sent.
    """

    def __init__(self, buffers):
        self._buffers = buffers
        self._last = self._retained = None

    @property
    def next(self):
        """The record that may be overwritten."""
        return self._buffers[self._index]

    @property
    def _index(self):
        return next(i for i in range(len(self._buffers)) if i not in (self._last, self._retained))

    def turn(self):
        """Return the next record, which is complete and becomes the last one."""
        self._last = self._index
        record = self._buffers[self._last]
        if is_evaluated(record):
            self._retained = self._last
        return record
