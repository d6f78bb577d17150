"""Parameters out, reports back: one record to all and one from each a refresh.

The exchange moves records as plain bytes and does not know what is in them, nor how they travel
(:mod:`isgd_mpi.ranks.transports`). In refresh k each rank first starts to move what the trainer
publishes, then what the scorers report, and every buffer is allocated once. Records are as
:mod:`isgd_mpi.ranks.records` defines them; a rank that reports nothing has a dtype of None.
"""

import time

import numpy as np
from mpi4py import MPI

from isgd_mpi.ranks.transports import Collectives, Places, keep_none
from isgd_mpi.ranks.waiting import TESTS_A_LOOK, look, wait


def gather_buffers(dtypes):
    """Allocate what a gather of records arrives in.

    Parameters
    ----------
    dtypes : list of (numpy.dtype or None)
        Of the record that comes from each rank; None of those that send nothing.

    Returns
    -------
    recvbuf : list
        For ``Gatherv`` at the root.
    records : list of () ndarray
        Views of what arrives, one of each rank that sends something.
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
    """The trainer's end: publishes parameters, collects the scorers' reports.

    Collective to construct; each of the methods says what it is.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Private to the exchange; this rank is its root.
    published : numpy.dtype
        Of the record that goes out.
    reports : list of (numpy.dtype or None)
        Of the record that comes back from each rank.
    polite : bool
        See :func:`waiting.wait`.
    transport : class
        Of :mod:`isgd_mpi.ranks.transports`; the same at all ends.
    n_tests : int, optional
        See :func:`waiting.look`; the transport's number if not given.
    keeps : callable
        See :class:`places.Places`; the same at all ends.

    Attributes
    ----------
    published : () ndarray
        Filled in by the caller before each :meth:`start`, which may put another one here.
    reports : list of () ndarray
        One of each rank that reports, valid once the refresh is complete and until the next.
    pending : bool
        Whether a refresh was started and not yet waited for.
    seconds : float
        Time spent here so far: sending, looking and waiting.
    idle : callable or None
        Called now and then while it waits; may raise to end that.
    """

    idle = None

    def __init__(self, comm, published, reports, polite, transport=Collectives, n_tests=None, keeps=keep_none):
        self._polite = polite
        self._transport = transport(comm, root=comm.Get_rank())
        self._n_tests = n_tests or transport.trainer_tests
        self._places = Places(self._transport.places(published), keeps)
        self._recvbuf, self.reports = gather_buffers(reports)
        self._requests = []
        self.pending = False
        self.seconds = 0.0

    @property
    def published(self):
        """What goes out next."""
        return self._places.next

    def start(self):
        """Start a refresh: publish, and expect the reports. Collective, does not wait."""
        begin = time.perf_counter()
        self._requests = self._transport.refresh(self._places.turn(), self._recvbuf)
        self.pending = True
        self.seconds += time.perf_counter() - begin

    def look(self):
        """Return whether the refresh under way is complete; gives it time to go on. Not collective."""
        begin = time.perf_counter()
        complete = look(self._requests, self._n_tests)
        self.seconds += time.perf_counter() - begin
        return complete

    def wait(self):
        """Wait until the refresh under way is complete. Not collective."""
        begin = time.perf_counter()
        wait(self._requests, self._polite, self.idle)
        self.pending = False
        self.seconds += time.perf_counter() - begin

    def hold(self):
        """Wait for the refresh under way, if any, and leave it to be taken in when it is due. Not collective."""
        if self.pending:
            self.wait()
            self.pending = True

    def restore(self, reports, pending):
        """Take back reports of an earlier run, and whether they are still to be taken in. Not collective.

        Parameters
        ----------
        reports : list of () ndarray
        pending : bool
        """
        for record, report in zip(self.reports, reports):
            record[...] = report
        self.pending = pending

    def close(self):
        """Give back what is not memory of this rank; nothing published may be used any more. Collective."""
        self._transport.close()


class ScorerExchange:
    """A scorer's end: receives parameters, reports.

    Collective to construct: it starts to receive, which the trainer's first start completes.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Private to the exchange.
    published, report : numpy.dtype
        Of the records that come in and go out.
    polite : bool
        See :func:`waiting.wait`.
    root : int
        The trainer's rank.
    transport, keeps
        As of :class:`TrainerExchange`.
    n_tests : int
        See :func:`waiting.look`.

    Attributes
    ----------
    published : () ndarray
        The last record received. Stays valid until the one after the next is expected, and if it is kept until the
        next such one has arrived, so that parameters may be used where they are.
    idle : callable or None
        Called now and then while it waits.
    """

    idle = None

    def __init__(
        self,
        comm,
        published,
        report,
        polite,
        root=0,
        transport=Collectives,
        n_tests=TESTS_A_LOOK,
        keeps=keep_none,
    ):
        self._polite = polite
        self._transport = transport(comm, root)
        self._n_tests = n_tests
        self._places = Places(self._transport.places(published), keeps)
        self._outgoing = np.zeros((), report)
        self._receiving = self._sending = MPI.REQUEST_NULL
        self.published = None
        self._expect()

    def _expect(self):
        """Start to receive what comes next."""
        self._receiving = self._transport.receive(self._places.next)

    def arrived(self):
        """Return whether a new record has arrived. If so, :meth:`report` must be called next. Not collective."""
        if self.idle is not None:
            self.idle()
        if not look([self._receiving], self._n_tests):
            return False
        self._take()
        return True

    def wait(self):
        """Wait for the next record. Not collective."""
        wait([self._receiving], self._polite, self.idle)
        self._take()

    def _take(self):
        """Take the record that has arrived."""
        self._transport.arrive()
        self.published = self._places.turn()

    def report(self, record, last=False):
        """Answer the record received, and expect the next one unless this was the last. Collective.

        Parameters
        ----------
        record : () ndarray
            Copied: the caller may go on writing to it.
        last : bool
            Whether to wait until the report is sent rather than expect more.
        """
        wait([self._sending], self._polite, self.idle)
        self._outgoing[...] = record
        self._sending = self._transport.send(self._outgoing)
        if last:
            wait([self._sending], self._polite, self.idle)
        else:
            self._expect()

    def close(self):
        """As :meth:`TrainerExchange.close`."""
        self._transport.close()


class LocalExchange:
    """The exchange of a trainer without scorers: a refresh is a call.

    Parameters
    ----------
    published : numpy.dtype
        Of the record that goes out.
    answer : callable
        Takes that record, returns a list of reports. Its time counts as waiting.

    Attributes
    ----------
    published, reports, pending, seconds
        As of :class:`TrainerExchange`.
    """

    def __init__(self, published, answer):
        self.published = np.zeros((), published)
        self._answer = answer
        self.reports = []
        self._answered = True
        self.pending = False
        self.seconds = 0.0

    def start(self):
        """Start a refresh."""
        self._answered = False
        self.pending = True

    def look(self):
        """Return True: a call is complete when it is wanted."""
        return True

    def wait(self):
        """Complete the refresh."""
        begin = time.perf_counter()
        if not self._answered:
            self.reports = self._answer(self.published)
        self._answered = True
        self.pending = False
        self.seconds += time.perf_counter() - begin

    def hold(self):
        """Complete the refresh under way, if any, and leave it to be taken in when it is due."""
        if self.pending:
            self.wait()
            self.pending = True

    def restore(self, reports, pending):
        """Take back reports of an earlier run; see :meth:`TrainerExchange.restore`."""
        self.reports = reports
        self.pending = pending
