"""Three buffers for published parameters: ranks fill and read them in turn, so that nothing is copied.

1. The trainer fills the next record and publishes it; this record is then the last one, and read-only.
2. Scorers use the last record until they have received the one after it.
3. A record that is to be evaluated is retained until the next such one has been published.
4. Three buffers therefore suffice: the next record overwrites neither the last nor the retained one.

All ranks count alike: where they share the memory of the buffers, no message has to name the buffer.
"""

from isgd_mpi.ranks.records import is_evaluated

N_BUFFERS = 3
"""One for the last record, one for the retained record, one for the next."""


class PublishedRecords:
    """The records that one rank publishes or receives, in turn.

    Parameters
    ----------
    buffers : list of () ndarray
        N_BUFFERS records; the same one N_BUFFERS times where nobody reads a record once it is sent.
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
        """Make the next record, which is complete, the last one, and return it."""
        self._last = self._index
        record = self._buffers[self._last]
        if is_evaluated(record):
            self._retained = self._last
        return record
