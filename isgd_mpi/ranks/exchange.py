"""Parameters out, reports back: in a refresh one record goes to all ranks, and one comes back from each.

The exchange moves records as plain bytes and does not know what is in them, nor how they travel
(:mod:`isgd_mpi.ranks.transports`). In refresh k each rank first starts to move the published
record, then the reports. Every buffer is allocated once. Records are as
:mod:`isgd_mpi.ranks.records` defines them; a rank that reports nothing has a dtype of None.
"""

from dataclasses import replace

import numpy as np
from mpi4py import MPI

from isgd_mpi.ranks.published import PublishedRecords


def gather_buffers(dtypes):
    """Allocate the buffer of a gather of records.

    Parameters
    ----------
    dtypes : list of (numpy.dtype or None)
        Of the record that comes from each rank; None for a rank that sends nothing.

    Returns
    -------
    recvbuf : list
        For ``Gatherv`` at the root.
    records : list of () ndarray
        Views of the records in it, one for each rank that sends one.
    """
    counts = [dtype.itemsize if dtype else 0 for dtype in dtypes]
    displs = [sum(counts[:rank]) for rank in range(len(counts))]
    received = np.zeros(sum(counts), np.uint8)
    records = [
        received[start : start + count].view(dtype)[0:1].reshape(())
        for start, count, dtype in zip(displs, counts, dtypes)
        if dtype
    ]
    return [received, counts, displs, MPI.BYTE], records


class TrainerExchange:
    """The trainer's end: publishes parameters, collects the scorers' reports. Collective to construct.

    Parameters
    ----------
    transport : transports.Transport
        Its root is this rank.
    published : numpy.dtype
        Of the record that goes out.
    reports : list of (numpy.dtype or None)
        Of the record that comes back from each rank.
    waiter : waiting.Waiter

    Attributes
    ----------
    reports : list of () ndarray
        One from each rank that reports, valid once a refresh is complete and until the next one starts.
    pending : bool
        Whether a refresh was started and is not merged yet.
    answered : bool
        Whether a refresh has ever been complete: the reports then mean something.
    """

    def __init__(self, transport, published, reports, waiter):
        self._transport = transport
        self._waiter = replace(waiter, n_tests=transport.trainer_tests)
        self._records = PublishedRecords(transport.allocate(published))
        self._recvbuf, self.reports = gather_buffers(reports)
        self._requests = []
        self.pending = False
        self.answered = False

    @property
    def published(self):
        """The () ndarray that goes out next: to be filled in before each :meth:`start`, which may put another here."""
        return self._records.next

    def start(self):
        """Start a refresh: publish, and expect the reports. Collective, does not wait."""
        with self._waiter.timeline("sending"):
            self._requests = self._transport.refresh(self._records.turn(), self._recvbuf)
        self.pending = True

    def poll(self):
        """Return whether the refresh under way is complete, and give it time to go on. Not collective."""
        return self._waiter.poll(self._requests)

    def wait(self):
        """Wait until the refresh under way is complete. Not collective."""
        self._waiter.wait(self._requests)
        self.pending = False
        self.answered = True

    def complete(self):
        """Wait for the refresh under way, if any, and leave it to be merged when it is due. Not collective."""
        if self.pending:
            self.wait()
            self.pending = True

    def restore(self, reports, pending):
        """Put reports of an earlier life back, and whether they are still to be merged. Not collective.

        Parameters
        ----------
        reports : list of () ndarray
        pending : bool
        """
        for record, report in zip(self.reports, reports):
            record[...] = report
        self.pending, self.answered = pending, True


class ScorerExchange:
    """A scorer's end: receives parameters, reports.

    Collective to construct: it starts to receive, which the trainer's first start completes.

    Parameters
    ----------
    transport : transports.Transport
    published, report : numpy.dtype
        Of the records that come in and go out.
    waiter : waiting.Waiter
        Its ``idle`` is called by each :meth:`arrived`, too.

    Attributes
    ----------
    published : () ndarray
        The last record received; :mod:`isgd_mpi.ranks.published` says how long it is valid.
    """

    def __init__(self, transport, published, report, waiter):
        self._transport = transport
        self._waiter = waiter
        self._records = PublishedRecords(transport.allocate(published))
        self._outgoing = np.zeros((), report)
        self._receiving = self._sending = MPI.REQUEST_NULL
        self.published = None
        self._expect()

    def _expect(self):
        """Start to receive the next record."""
        self._receiving = self._transport.receive(self._records.next)

    def arrived(self):
        """Return whether a new record has arrived. If so, :meth:`report` must be called next. Not collective."""
        if self._waiter.idle is not None:
            self._waiter.idle()
        if not self._waiter.poll([self._receiving]):
            return False
        self._take()
        return True

    def wait(self):
        """Wait for the next record. Not collective."""
        self._waiter.wait([self._receiving])
        self._take()

    def _take(self):
        """Take the record that has arrived."""
        self._transport.arrive()
        self.published = self._records.turn()

    def report(self, record, last=False):
        """Answer the record received, and expect the next one unless this was the last. Collective.

        Parameters
        ----------
        record : () ndarray
            Copied: the caller may go on writing to it.
        last : bool
            Whether to wait until the report is sent rather than expect more.
        """
        with self._waiter.timeline("sending"):
            self._waiter.wait([self._sending])
            self._outgoing[...] = record
            self._sending = self._transport.send(self._outgoing)
            if last:
                self._waiter.wait([self._sending])
            else:
                self._expect()


class LocalExchange:
    """The exchange of a trainer without scorers: a refresh is a call.

    Parameters
    ----------
    published : numpy.dtype
        Of the record that goes out.
    reports : list of numpy.dtype
        Of the records that come back.
    answer : callable
        Takes the record that goes out, returns a list of reports.

    Attributes
    ----------
    published, reports, pending, answered
        See :class:`TrainerExchange`.
    """

    def __init__(self, published, reports, answer):
        self.published = np.zeros((), published)
        self.reports = [np.zeros((), dtype) for dtype in reports]
        self._answer = answer
        self._started = False
        self.pending = self.answered = False

    def start(self):
        """Start a refresh."""
        self._started = self.pending = True

    def poll(self):
        """Return True: a call is complete when it is wanted."""
        return True

    def wait(self):
        """Complete the refresh."""
        if self._started:
            self.reports = self._answer(self.published)
        self._started = self.pending = False
        self.answered = True

    def complete(self):
        """Complete the refresh under way, if any, and leave it to be merged when it is due."""
        if self.pending:
            self.wait()
            self.pending = True

    def restore(self, reports, pending):
        """Put reports of an earlier life back; see :meth:`TrainerExchange.restore`."""
        self.reports = reports
        self.pending, self.answered = pending, True
