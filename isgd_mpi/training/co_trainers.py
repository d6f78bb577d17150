"""Several trainers, which take the same steps together.

Trainer 0 gives an order: take a step along the gradient of a minibatch, answer a refresh, or stop. There are two ways
to work on a minibatch:

* :class:`SharedWork`, within a node and for our own model: the trainers share its parameters and all its buffers, and
  each computes its columns of every layer (:mod:`isgd_mpi.model.share`). The order lies in shared memory, too. No
  message is sent, and nothing is summed.
* :class:`SummedWork`, everywhere and for every model: each trainer has parameters of its own and takes one block of
  the minibatch's examples. Loss and gradient are summed over the trainers (Allreduce), and the answers for each
  example are gathered by trainer 0 (Gatherv). The parameters begin as those of trainer 0 and get the same sum each
  time, so they stay the same; where processors differ, the updates are rounded differently, and this difference does
  not grow.

This is the only module that knows the protocol: both ends of each message are next to each other below. Records are
plain bytes, allocated once.
"""

from contextlib import suppress
from dataclasses import replace

import numpy as np
from mpi4py import MPI

from isgd_mpi.ranks.exchange import gather_buffers
from isgd_mpi.ranks.shards import block
from isgd_mpi.ranks.states import as_bytes
from isgd_mpi.ranks.waiting import POLITE
from isgd_mpi.training.minibatch import PER_EXAMPLE, Answer

STEP, REFRESH, STOP = range(3)
"""Tasks: compute a gradient and update; answer a refresh; stop."""


def order_dtype(minibatch_size):
    """Return the dtype of trainer 0's orders.

    Parameters
    ----------
    minibatch_size : int

    Returns
    -------
    numpy.dtype
        ``task``; and for a step ``n_done`` and ``rate_factor``, as the optimiser has them, ``indices`` and ``weights``.
    """
    minibatch = [("indices", "i8", (minibatch_size,)), ("weights", "f8", (minibatch_size,))]
    return np.dtype([("task", "i8"), ("n_done", "i8"), ("rate_factor", "f8"), *minibatch])


def share_dtype(n_rows, dtype):
    """Return the dtype of a trainer's answer for the examples of its share.

    Parameters
    ----------
    n_rows : int
        Examples in the share.
    dtype : numpy dtype
        Dtype of the model's parameters.

    Returns
    -------
    numpy.dtype
        ``signal``: a signal that this rank received, or 0; and the fields PER_EXAMPLE.
    """
    fields = [(name, "i4" if name == "predictions" else dtype, (n_rows,)) for name in PER_EXAMPLE]
    return np.dtype([("signal", "i8"), *fields])


def _obey(order, optimiser):
    """Set the step size of an optimiser as trainer 0 has it."""
    optimiser.n_done = int(order["n_done"])
    optimiser.scale(order["rate_factor"])


def own_share(comm, minibatch_size):
    """Return the range of a minibatch's examples that this trainer works on where gradients are summed."""
    return block(minibatch_size, comm.Get_size(), comm.Get_rank())


def _on_any(comm, flag):
    """Return whether a flag is set on any rank. Collective."""
    flags = np.array([flag], np.intc)
    POLITE.wait([comm.Iallreduce(MPI.IN_PLACE, flags, MPI.MAX)])
    return bool(flags[0])


class SharedWork:
    """A trainer's part of the steps of a model that the trainers share. Collective to construct.

    Parameters
    ----------
    share : share.Share
        This trainer's share, that of the learner's model.
    learner : minibatch.Learner
    minibatch_size : int

    Attributes
    ----------
    learner
    order : () ndarray
        Trainer 0 writes it before :meth:`share_order`; all may read it afterwards.
    """

    def __init__(self, share, learner, minibatch_size):
        self.learner = learner
        self._share = share
        self.order, self._signals = share.allocate(((), order_dtype(minibatch_size)), ((share.n,), np.int64))
        self._indices, self._weights = self.order["indices"], self.order["weights"]

    @property
    def reported_signal(self):
        """A signal that any trainer received before the last step, or 0."""
        return int(self._signals.max())

    def share_order(self):
        """Show trainer 0's order to the others. Collective."""
        self._share.meet()

    def step(self, signal=0):
        """Take the ordered step together; return the answer. Collective.

        Parameters
        ----------
        signal : int
            Signal that this rank received, or 0. It is reported to trainer 0.

        Raises
        ------
        FloatingPointError
            On all trainers; see :meth:`minibatch.Learner.descend`.
        """
        self._signals[self._share.rank] = signal
        _obey(self.order, self.learner.optimiser)
        return self.learner.descend(self._indices, self._weights, with_gradient=False)


class SummedWork:
    """A trainer's part of steps along gradients that are summed. Collective to construct.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        The trainers. It is private to the group, and rank 0 leads.
    learner : minibatch.Learner
        Takes as many rows as :func:`own_share` has. The parameters of its model become those of rank 0.
    minibatch_size : int
        Examples M in the whole minibatch. With fewer examples than trainers some shares are empty.
    waiter : waiting.Waiter
        All trainers wait politely where one of them must.
    watchdog : watchdog.Watchdog
        Watches the sum of gradients, where that is one blocking call.

    Attributes
    ----------
    learner
    order : () ndarray
        See :class:`SharedWork`.
    reported_signal : int
        A signal that any trainer received before the last step, or 0; known on rank 0.
    """

    def __init__(self, comm, learner, minibatch_size, waiter, watchdog):
        self.learner = learner
        self.order = np.zeros((), order_dtype(minibatch_size))
        self.reported_signal = 0
        self._comm, self._watchdog = comm, watchdog
        self._waiter = replace(waiter, polite=_on_any(comm, waiter.polite))
        self._summing = replace(self._waiter, activity="summing")
        own, params = own_share(comm, minibatch_size), learner.model.params
        self._rows = slice(own.start, own.stop)
        self._fraction = len(own) / minibatch_size
        blocks = [block(minibatch_size, comm.Get_size(), rank) for rank in range(comm.Get_size())]
        dtypes = [share_dtype(len(rows), params.dtype) for rows in blocks]
        self._share = np.zeros((), dtypes[comm.Get_rank()])
        self._leads = comm.Get_rank() == 0
        self._buffers, self._shares = gather_buffers(dtypes) if self._leads else (None, [])
        self._no_gradient = np.zeros_like(params)
        self._loss = np.zeros(1)
        self._waiter.wait([comm.Ibcast(params, root=0)])

    def share_order(self):
        """Send trainer 0's order to the others. Collective."""
        waiter = self._summing if self._leads else self._waiter
        waiter.wait([self._comm.Ibcast([as_bytes(self.order), MPI.BYTE], root=0)])

    def step(self, signal=0):
        """Take the ordered step; see :meth:`SharedWork.step`. The answer for each example is on rank 0 only."""
        self._share["signal"] = signal
        _obey(self.order, self.learner.optimiser)
        loss, gradient = self._sum(*self._compute_own_share())
        self.reported_signal = max((int(share["signal"]) for share in self._shares), default=0)
        self.learner.update(loss, gradient)
        if not self._leads:
            return None
        per_example = (np.concatenate([share[name] for share in self._shares]) for name in PER_EXAMPLE)
        return Answer(loss, gradient, *per_example)

    def _compute_own_share(self):
        """Compute and keep this trainer's share of the minibatch; return its parts of loss and gradient."""
        indices, weights = self.order["indices"][self._rows], self.order["weights"][self._rows]
        if not len(indices):
            self._no_gradient[:] = 0
            return 0.0, self._no_gradient
        # the model divides by the rows that it sees: together these are means over the minibatch
        answer = self.learner.compute(indices, weights * self._fraction)
        for name in PER_EXAMPLE:
            self._share[name] = getattr(answer, name)
        return answer.loss, answer.gradient

    def _sum(self, loss, gradient):
        """Sum losses and gradients over the trainers, the latter in place, and gather the answers for each example."""
        self._loss[0] = loss
        requests = [
            self._comm.Iallreduce(MPI.IN_PLACE, self._loss),
            self._comm.Igatherv([as_bytes(self._share), MPI.BYTE], self._buffers, root=0),
        ]
        with self._waiter.timeline("summing"):
            if self._waiter.polite:
                requests.append(self._comm.Iallreduce(MPI.IN_PLACE, gradient))
            else:
                self._summing.wait(requests[:1])  # every trainer is there: the call below sends no beats
                with self._watchdog.watching():  # it burns a core, and is the fastest: see docs/performance.md
                    self._comm.Allreduce(MPI.IN_PLACE, gradient)
            self._summing.wait(requests)
        return float(self._loss[0]), gradient


class Refreshes:
    """The refreshes that the trainers answer together where there are no scorers.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        The trainers. It is private to the group, and rank 0 leads.
    learner : minibatch.Learner
        Answers a published record with the report of this trainer.
    waiter : waiting.Waiter
    """

    def __init__(self, comm, learner, waiter):
        self._comm = comm
        self._learner = learner
        self._waiter = waiter

    def answer(self, published, buffers=None):
        """Do this trainer's part of a refresh, and gather the reports. Collective.

        Parameters
        ----------
        published : () ndarray of records.published_dtype
            Trainer 0's record; received elsewhere.
        buffers : list, optional
            On trainer 0; see :func:`exchange.gather_buffers`.
        """
        # the record has its parameters: in the pipelined schedule they are some steps old by now
        self._waiter.wait([self._comm.Ibcast([as_bytes(published), MPI.BYTE], root=0)])
        report = self._learner.answer(published)
        self._waiter.wait([self._comm.Igatherv([as_bytes(report), MPI.BYTE], buffers, root=0)])


class TrainerGroup:
    """Leads the group as trainer 0, with the methods of :class:`minibatch.Learner`.

    Parameters
    ----------
    work : SharedWork or SummedWork
    refreshes : Refreshes
    reports : list of numpy.dtype
        Dtype of each trainer's report in a refresh.

    Attributes
    ----------
    model, optimiser
        Those of the learner.
    reported_signal : int
        Signal that another trainer received, or 0.
    amidst_step : bool
        Whether a step was begun and not finished: parameters may be half updated, if a trainer is silent.
    """

    def __init__(self, work, refreshes, reports=()):
        self.model, self.optimiser = work.learner.model, work.learner.optimiser
        self._work, self._refreshes = work, refreshes
        self._report_buffers, self._reports = gather_buffers(reports)
        self.reported_signal = 0
        self.amidst_step = False

    def descend(self, indices, weights, with_gradient):
        """Take a step along the gradient of a minibatch; see :meth:`minibatch.Learner.descend`. Collective.

        Where gradients are summed the answer always has the gradient, and otherwise never.
        """
        order = self._work.order
        order["n_done"], order["rate_factor"] = self.optimiser.n_done, self.optimiser.rate_factor
        order["indices"] = indices
        order["weights"] = weights
        self.amidst_step = True
        self._give(STEP)
        answer = self._work.step()
        self.reported_signal = self._work.reported_signal
        self.amidst_step = False
        return answer

    def refresh(self, published):
        """Score and evaluate together; see :meth:`minibatch.Learner.refresh`. Collective.

        The reports are valid until the next refresh.
        """
        self._give(REFRESH)
        self._refreshes.answer(published, self._report_buffers)
        return self._reports

    def stop(self):
        """Order the other trainers to stop. Collective."""
        self._give(STOP)

    def _give(self, task):
        self._work.order["task"] = task
        self._work.share_order()


def run_co_trainer(work, refreshes, published, interruption, waiter):
    """Obey trainer 0, as any other trainer, until the order to stop.

    Parameters
    ----------
    work : SharedWork or SummedWork
    refreshes : Refreshes
    published : numpy.dtype
        Dtype of the record that trainer 0 publishes in a refresh.
    interruption : faults.Interruption
        This rank's; its signal is reported to trainer 0.
    waiter : waiting.Waiter
        Its timeline is used, and `idle` is called before each task.
    """
    record = np.zeros((), published)
    while True:
        work.share_order()
        if waiter.idle is not None:
            waiter.idle()
        task = int(work.order["task"])
        if task == STOP:
            return
        if task == REFRESH:
            refreshes.answer(record)
            continue
        # trainer 0 meets the same number that is not finite, and orders all to stop
        with waiter.timeline("training"), suppress(FloatingPointError):
            work.step(interruption.signal)
