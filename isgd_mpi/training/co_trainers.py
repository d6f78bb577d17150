"""Several trainers: each computes its share of every minibatch, and all take the same step.

Trainer 0 broadcasts an order: take a step along the gradient of a minibatch, answer a refresh, or stop. Of a
minibatch each trainer takes one block. Loss and gradient are summed over the trainers (Allreduce), and the answers
for each example are gathered by trainer 0 (Gatherv). Every trainer then updates parameters of its own. They begin as
those of trainer 0 and get the same sum each time, so they stay the same; where processors differ, the updates are
rounded differently, and this difference does not grow. Records are plain bytes, allocated once.

This is the only module that knows the protocol: both ends of each message are next to each other below.
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
    """Return the dtype of trainer 0's orders: a task and, for a step, the minibatch."""
    return np.dtype([("task", "i8"), ("indices", "i8", (minibatch_size,)), ("weights", "f8", (minibatch_size,))])


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


def own_share(comm, minibatch_size):
    """Return the range of a minibatch's examples that this trainer works on."""
    return block(minibatch_size, comm.Get_size(), comm.Get_rank())


def _on_any(comm, flag):
    """Return whether a flag is set on any rank. Collective."""
    flags = np.array([flag], np.intc)
    POLITE.wait([comm.Iallreduce(MPI.IN_PLACE, flags, MPI.MAX)])
    return bool(flags[0])


class _Member:
    """A trainer in the group: computes its share of a minibatch, and sums gradients with the others.

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
    """

    def __init__(self, comm, learner, minibatch_size, waiter):
        self._comm = comm
        self._learner = learner
        self._waiter = replace(waiter, polite=_on_any(comm, waiter.polite))
        self._summing = replace(self._waiter, activity="summing")
        own, params = own_share(comm, minibatch_size), learner.model.params
        self._rows = slice(own.start, own.stop)
        self._fraction = len(own) / minibatch_size
        self._order = np.zeros((), order_dtype(minibatch_size))
        blocks = [block(minibatch_size, comm.Get_size(), rank) for rank in range(comm.Get_size())]
        self._share_dtypes = [share_dtype(len(rows), params.dtype) for rows in blocks]
        self._share = np.zeros((), self._share_dtypes[comm.Get_rank()])
        self._no_gradient = np.zeros_like(params)
        self._loss = np.zeros(1)
        self._waiter.wait([comm.Ibcast(params, root=0)])

    def _share_order(self, waiter):
        """Send the order from trainer 0 to the others. Collective."""
        waiter.wait([self._comm.Ibcast([as_bytes(self._order), MPI.BYTE], root=0)])

    def _share_gradient(self, buffers=None):
        """Compute the ordered minibatch together, and gather the answers for each example. Collective.

        Returns
        -------
        loss : float
        gradient : (P,) ndarray
            The sum over all trainers, in the buffer of this trainer's share.
        """
        self._loss[0], gradient = self._compute_own_share()
        requests = [
            self._comm.Iallreduce(MPI.IN_PLACE, self._loss),
            self._comm.Igatherv([as_bytes(self._share), MPI.BYTE], buffers, root=0),
        ]
        with self._waiter.timeline("summing"):
            if self._waiter.polite:
                requests.append(self._comm.Iallreduce(MPI.IN_PLACE, gradient))
            else:
                # burns a core, and is the fastest: see docs/performance.md
                self._comm.Allreduce(MPI.IN_PLACE, gradient)
            self._summing.wait(requests)
        return float(self._loss[0]), gradient

    def _compute_own_share(self):
        """Compute and keep this trainer's share of the minibatch; return its parts of loss and gradient."""
        indices, weights = self._order["indices"][self._rows], self._order["weights"][self._rows]
        if not len(indices):
            self._no_gradient[:] = 0
            return 0.0, self._no_gradient
        # the model divides by the rows that it sees: together these are means over the minibatch
        answer = self._learner.compute(indices, weights * self._fraction)
        for name in PER_EXAMPLE:
            self._share[name] = getattr(answer, name)
        return answer.loss, answer.gradient

    def _share_refresh(self, published, buffers=None):
        """Do this trainer's part of the ordered refresh, and gather the reports. Collective."""
        # the record has its parameters: in the pipelined schedule they are some steps old by now
        self._waiter.wait([self._comm.Ibcast([as_bytes(published), MPI.BYTE], root=0)])
        report = self._learner.answer(published)
        self._waiter.wait([self._comm.Igatherv([as_bytes(report), MPI.BYTE], buffers, root=0)])


class TrainerGroup(_Member):
    """Leads the group as trainer 0, with the methods of :class:`minibatch.Learner`. Collective to construct.

    Parameters
    ----------
    comm, learner, minibatch_size, waiter
        The same for all trainers; see :class:`_Member`.
    reports : list of numpy.dtype
        Dtype of each trainer's report in a refresh.

    Attributes
    ----------
    model, optimiser
        Those of the learner.
    reported_signal : int
        Signal that another trainer received, or 0.
    """

    def __init__(self, comm, learner, minibatch_size, waiter, reports=()):
        super().__init__(comm, learner, minibatch_size, waiter)
        self.model, self.optimiser = learner.model, learner.optimiser
        self._share_buffers, self._shares = gather_buffers(self._share_dtypes)
        self._report_buffers, self._reports = gather_buffers(reports)
        self.reported_signal = 0

    def descend(self, indices, weights, with_gradient):
        """Take a step along the gradient of a minibatch; see :meth:`minibatch.Learner.descend`. Collective.

        The gradient is always formed, because it is summed.
        """
        self._order["task"] = STEP
        self._order["indices"] = indices
        self._order["weights"] = weights
        self._share_order(self._summing)
        loss, gradient = self._share_gradient(self._share_buffers)
        self.reported_signal = max(int(share["signal"]) for share in self._shares)
        per_example = (np.concatenate([share[name] for share in self._shares]) for name in PER_EXAMPLE)
        answer = Answer(loss, gradient, *per_example)
        self._learner.update(loss, gradient)
        return answer

    def refresh(self, published):
        """Score and evaluate together; see :meth:`minibatch.Learner.refresh`. Collective.

        The reports are valid until the next refresh.
        """
        self._order["task"] = REFRESH
        self._share_order(self._waiter)
        self._share_refresh(published, self._report_buffers)
        return self._reports

    def stop(self):
        """Order the other trainers to stop. Collective."""
        self._order["task"] = STOP
        self._share_order(self._waiter)


class CoTrainer(_Member):
    """Obeys trainer 0, as any other trainer. Collective to construct.

    Parameters
    ----------
    comm, learner, minibatch_size, waiter
        The same for all trainers; see :class:`_Member`.
    published : numpy.dtype
        Dtype of the record that trainer 0 publishes in a refresh.
    """

    def __init__(self, comm, learner, minibatch_size, waiter, published):
        super().__init__(comm, learner, minibatch_size, waiter)
        self._published = np.zeros((), published)

    def receive(self):
        """Wait for the next order, and return its task. Collective."""
        self._share_order(self._waiter)
        return int(self._order["task"])

    def compute(self, signal):
        """Take part in the ordered step. Collective.

        Parameters
        ----------
        signal : int
            Signal that this rank received, or 0. It is reported to trainer 0.
        """
        with self._waiter.timeline("training"):
            self._share["signal"] = signal
            loss, gradient = self._share_gradient()
            # trainer 0 meets the same number that is not finite, and orders all to stop
            with suppress(FloatingPointError):
                self._learner.update(loss, gradient)

    def refresh(self):
        """Take part in the ordered refresh. Collective."""
        self._share_refresh(self._published)


def run_co_trainer(co_trainer, interruption):
    """Obey trainer 0 until the order to stop.

    Parameters
    ----------
    co_trainer : CoTrainer
    interruption : faults.Interruption
        This rank's; its signal is reported to trainer 0.
    """
    while (task := co_trainer.receive()) != STOP:
        if task == REFRESH:
            co_trainer.refresh()
        else:
            co_trainer.compute(interruption.signal)
