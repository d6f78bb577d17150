"""The exchange of records in a refresh: parameters go to all ranks, and a report comes back from each.

The exchange moves records as plain bytes: :mod:`isgd_mpi.ranks.records` defines their content, and
:mod:`isgd_mpi.ranks.transports` has the ways in which they travel. In each refresh all ranks first start to
move the published record, then the reports. Every buffer is allocated once.
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
        Dtype of the record that each rank sends; None for a rank that sends nothing.

    Returns
    -------
    recvbuf : list
        For ``Gatherv`` at the root.
    records : list of () ndarray
        Views of the buffer, one for each rank that sends a record.
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


class _TrainerEnd:
    """The progress of refreshes at the trainer.

    Parameters
    ----------
    reports : list of () ndarray
    """

    def __init__(self, reports):
        self.reports = reports
        self.pending = self.answered = False

    def complete(self):
        """Wait for the refresh under way, if any, and leave it to be merged when it is due. Not collective."""
        if self.pending:
            self.wait()
            self.pending = True

    def restore(self, reports, pending):
        """Put the reports of a checkpoint back. Not collective.

        Parameters
        ----------
        reports : list of () ndarray
        pending : bool
            Whether they are still to be merged.
        """
        for record, report in zip(self.reports, reports):
            record[...] = report
        self.pending, self.answered = pending, True


class TrainerExchange(_TrainerEnd):
    """Publishes parameters and collects the scorers' reports, for the trainer. Collective to construct.

    Parameters
    ----------
    transport : transports.Transport
        Its root is this rank.
    published : numpy.dtype
        Dtype of the record that goes out.
    reports : list of (numpy.dtype or None)
        Dtype of the record that comes back from each rank; None for a rank that reports nothing.
    waiter : waiting.Waiter

    Attributes
    ----------
    reports : list of () ndarray
        One from each rank that reports, valid from the end of a refresh to the start of the next one.
    pending : bool
        Whether a refresh was started and is not merged yet.
    answered : bool
        Whether any refresh has been complete: until then the reports have no content.
    """

    def __init__(self, transport, published, reports, waiter):
        self._transport = transport
        self._waiter = replace(waiter, n_tests=transport.trainer_tests)
        self._records = PublishedRecords(transport.allocate(published))
        self._recvbuf, records = gather_buffers(reports)
        super().__init__(records)
        self._requests = []

    @property
    def published(self):
        """The record (a () ndarray) that the next :meth:`start` publishes: to be filled in before each."""
        return self._records.next

    def start(self):
        """Start a refresh: publish the record, and expect the reports. Collective, does not wait."""
        with self._waiter.timeline("sending"):
            self._requests = self._transport.refresh(self._records.turn(), self._recvbuf)
        self.pending = True

    def poll(self):
        """Return whether the refresh under way is complete, and give MPI time to go on with it. Not collective."""
        return self._waiter.poll(self._requests)

    def wait(self):
        """Wait until the refresh under way is complete. Not collective."""
        self._waiter.wait(self._requests)
        self.pending, self.answered = False, True


class ScorerExchange:
    """Receives parameters and sends reports, for a scorer.

    Collective to construct: it starts to receive the record that the trainer publishes first.

    Parameters
    ----------
    transport : transports.Transport
    published, report : numpy.dtype
        Dtypes of the records that come in and go out.
    waiter : waiting.Waiter
        Its ``idle`` is called by each :meth:`arrived` as well.

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
        """Make the record that has arrived the published one."""
        self._transport.arrive()
        self.published = self._records.turn()

    def report(self, record, last=False):
        """Answer the record received, and expect the next one unless this was the last. Collective.

        Parameters
        ----------
        record : () ndarray
            It is copied: the caller may go on writing to it.
        last : bool
            Whether to wait until the report is sent, and expect no further record.
        """
        with self._waiter.timeline("sending"):
            self._waiter.wait([self._sending])
            self._outgoing[...] = record
            self._sending = self._transport.send(self._outgoing)
            if last:
                self._waiter.wait([self._sending])
            else:
                self._expect()


class LocalExchange(_TrainerEnd):
    """The exchange of a trainer without scorers: a refresh is a function call.

    Parameters
    ----------
    published : numpy.dtype
        Dtype of the record that goes out.
    reports : list of numpy.dtype
        Dtypes of the records that come back.
    answer : callable
        Takes the record that goes out, returns a list of reports.

    Attributes
    ----------
    published, reports, pending, answered
        See :class:`TrainerExchange`.
    """

    def __init__(self, published, reports, answer):
        super().__init__([np.zeros((), dtype) for dtype in reports])
        self.published = np.zeros((), published)
        self._answer = answer
        self._started = False

    def start(self):
        """Start a refresh."""
        self._started = self.pending = True

    def poll(self):
        """Return True: a function call is complete as soon as its result is wanted."""
        return True

    def wait(self):
        """Complete the refresh."""
        if self._started:
            self.reports = self._answer(self.published)
        self._started = self.pending = False
        self.answered = True
