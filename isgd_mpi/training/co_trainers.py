"""Several trainers, which take the same steps together.

Trainer 0 gives an order: take a step along the gradient of a minibatch, answer a refresh, or stop. There are two ways
to work on a minibatch:

* :class:`SharedWork`, for our own model and as many trainers on each node: the trainers of a node share its parameters
  and all its buffers, and each computes its columns of every layer (:mod:`isgd_mpi.model.share`). The order lies in
  shared memory, too. On one node no message is sent, and nothing is summed. On several each node has a model, and takes
  one block of the minibatch's examples. Each trainer then sums the gradient of its columns with its equals, the
  trainers that have the same columns on other nodes.
* :class:`SummedWork`, everywhere and for every model: each trainer has parameters of its own and takes one block of
  the minibatch's examples. Loss and gradient are summed over the trainers (Allreduce).

The answers for each example are gathered by trainer 0 (Gatherv). Where there are several copies of the parameters, all
begin as those of trainer 0 and get the same sum each time, so they stay the same; where processors differ, the updates
are rounded differently, and this difference does not grow.

This module and :mod:`isgd_mpi.training.sums` alone know the protocol: both ends of each message are next to each other.
Records are plain bytes, allocated once.
"""

from contextlib import suppress

import numpy as np
from mpi4py import MPI

from isgd_mpi.ranks.exchange import gather_buffers
from isgd_mpi.ranks.states import as_bytes
from isgd_mpi.training.minibatch import LearnsAtOnce
from isgd_mpi.training.sums import Answers

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
        ``task``; and for a step ``n_done`` and ``scaling``, as the optimiser has them, ``indices`` and ``weights``.
    """
    minibatch = [("indices", "i8", (minibatch_size,)), ("weights", "f8", (minibatch_size,))]
    return np.dtype([("task", "i8"), ("n_done", "i8"), ("scaling", "f8", (4,)), *minibatch])


def obey(order, optimiser):
    """Set the step size of an optimiser as trainer 0 has it in an order, () ndarray of :func:`order_dtype`."""
    optimiser.n_done = int(order["n_done"])
    optimiser.scale(*order["scaling"].tolist())


class SharedWork:
    """A trainer's part of the steps of a model that the trainers of each node share. Collective to construct.

    Parameters
    ----------
    equals : mpi4py.MPI.Comm
        The trainers with the same share as this one, one of each node; private to the group, and trainer 0 is rank 0.
    learner : minibatch.Learner
        Takes as many rows as :func:`own_share` has. Its model is the node's, whose parameters become those of trainer
        0's node.
    minibatch_size : int
        Examples in the whole minibatch, at least one for each node.
    waiter : waiting.Waiter

    Attributes
    ----------
    learner
    order : () ndarray
        Trainer 0 writes it before :meth:`share_order`; all may read it afterwards.
    """

    def __init__(self, equals, learner, minibatch_size, waiter):
        self.learner = learner
        self._share, self._equals, self._waiter = learner.model.share, equals, waiter
        share = self._share
        self.order, self._signals = share.allocate(((), order_dtype(minibatch_size)), ((share.n,), np.int64))
        self._answers = Answers(equals, minibatch_size, learner.model.params.dtype)
        self._indices, self._weights = (self.order[name][self._answers.rows] for name in ("indices", "weights"))
        self._speaks = share.rank == 0 and equals.Get_size() > 1
        if self._speaks:
            waiter.wait([equals.Ibcast(learner.model.params, root=0)])

    @property
    def reported_signal(self):
        """A signal that any trainer received before the last step, or 0; known on trainer 0."""
        return max(*self._signals.tolist(), self._answers.signal)

    def share_order(self):
        """Show trainer 0's order to the others. Collective."""
        if self._speaks:
            self._waiter.wait([self._equals.Ibcast([as_bytes(self.order), MPI.BYTE], root=0)])
        self._share.meet()

    def step(self, signal=0):
        """Take the ordered step together; return the answer, for each example on trainer 0 only. Collective.

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
        obey(self.order, self.learner.optimiser)
        fraction = self._answers.fraction
        weights = self._weights if fraction == 1 else self._weights * fraction
        answer = self.learner.descend(self._indices, weights, with_gradient=False)
        return self._gather(answer) if self._speaks else answer

    def _gather(self, answer):
        """Gather the answers of all nodes at trainer 0, and the signals."""
        self._answers.keep(answer)
        self._waiter.wait([self._answers.begin_to_gather(self._signals.max())])
        return self._answers.of_all(answer.loss)


class SummedWork:
    """A trainer's part of steps along gradients that are summed. Collective to construct.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        The trainers. It is private to the group, and rank 0 leads.
    sums : Sums
        Over these trainers.
    learner : minibatch.Learner
        Takes as many rows as :func:`own_share` has. The parameters of its model become those of rank 0.
    minibatch_size : int
        Examples M in the whole minibatch. With fewer examples than trainers some shares are empty.
    waiter : waiting.Waiter

    Attributes
    ----------
    learner
    order : () ndarray
        See :class:`SharedWork`.
    """

    def __init__(self, comm, sums, learner, minibatch_size, waiter):
        self.learner = learner
        self.order = np.zeros((), order_dtype(minibatch_size))
        self._comm, self._sums, self._waiter = comm, sums, waiter
        params = learner.model.params
        self._answers = Answers(comm, minibatch_size, params.dtype)
        self._no_gradient = np.zeros_like(params)
        self._loss = np.zeros(1)
        self._waiter.wait([comm.Ibcast(params, root=0)])

    @property
    def reported_signal(self):
        """A signal that any trainer received before the last step, or 0; known on rank 0."""
        return self._answers.signal

    def share_order(self):
        """Send trainer 0's order to the others. Collective."""
        self._waiter.wait([self._comm.Ibcast([as_bytes(self.order), MPI.BYTE], root=0)])

    def step(self, signal=0):
        """Take the ordered step; see :meth:`SharedWork.step`. The answer is on rank 0 only."""
        obey(self.order, self.learner.optimiser)
        self._loss[0], gradient = self._compute_own_share()
        gathering = self._answers.begin_to_gather(signal)
        self._sums.sum(self._loss)
        self._sums.sum(gradient)
        self._waiter.wait([gathering])
        loss = float(self._loss[0])
        self.learner.update(loss, gradient)
        return self._answers.of_all(loss, gradient)

    def _compute_own_share(self):
        """Compute and keep this trainer's share of the minibatch; return its parts of loss and gradient."""
        indices, weights = (self.order[name][self._answers.rows] for name in ("indices", "weights"))
        if not len(indices):
            self._no_gradient[:] = 0
            return 0.0, self._no_gradient
        answer = self.learner.compute(indices, weights * self._answers.fraction)
        self._answers.keep(answer)
        return answer.loss, answer.gradient


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


class TrainerGroup(LearnsAtOnce):
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
    """

    def __init__(self, work, refreshes, reports=()):
        self.model, self.optimiser = work.learner.model, work.learner.optimiser
        self._work, self._refreshes = work, refreshes
        self._report_buffers, self._reports = gather_buffers(reports)
        self._indices, self._weights = work.order["indices"], work.order["weights"]
        self._amidst_step = False

    def settle(self, seconds=None):
        """See :meth:`minibatch.LearnsAtOnce.settle`."""
        return not self._amidst_step

    def descend(self, indices, weights, with_gradient):
        """Take a step along the gradient of a minibatch; see :meth:`minibatch.Learner.descend`. Collective.

        Where gradients are summed the answer always has the gradient, and otherwise never.
        """
        order = self._work.order
        order["n_done"], order["scaling"] = self.optimiser.n_done, self.optimiser.scaling
        self._indices[:], self._weights[:] = indices, weights
        self._amidst_step = True
        self._give(STEP)
        answer = self._work.step()
        self.reported_signal = self._work.reported_signal
        self._amidst_step = False
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
    work : SharedWork, SummedWork or feeder.FedWork
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
