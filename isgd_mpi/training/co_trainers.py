"""Several trainers: each computes its share of every minibatch, and all take the same step.

Trainer 0 sends an order (Bcast): a minibatch to work on, a refresh to answer, or to stop. Of a minibatch each
trainer takes one block; loss and gradient are summed over the trainers (Allreduce), and what is known of
each example goes back to trainer 0 (Gatherv). Every trainer then updates parameters of its own. They begin as
trainer 0's and get the same sum each time, so they stay the same: where processors differ, but for the rounding of
the updates, which does not grow. Records are plain bytes, allocated once.

This is the only module that knows the protocol: both ends of each message are next to each other below.
"""

import time
from contextlib import suppress

import numpy as np
from mpi4py import MPI

from isgd_mpi.ranks.exchange import gather_buffers
from isgd_mpi.ranks.shards import block
from isgd_mpi.ranks.transports import as_bytes
from isgd_mpi.ranks.waiting import wait
from isgd_mpi.training.minibatch import PER_EXAMPLE, LocalGradient, MinibatchGradient, update

GRADIENT, STEP, REFRESH, STOP = range(4)
"""Tasks: compute a gradient; compute one and update; answer a refresh; stop."""


def order_dtype(minibatch_size):
    """Return the dtype of what trainer 0 sends: a task, and the minibatch that it may be about."""
    return np.dtype([("task", "i8"), ("indices", "i8", (minibatch_size,)), ("weights", "f8", (minibatch_size,))])


def share_dtype(n_rows, dtype):
    """Return the dtype of what a trainer says of the examples of its share.

    Parameters
    ----------
    n_rows : int
        Examples in the share.
    dtype : numpy dtype
        The model's.

    Returns
    -------
    numpy.dtype
        ``signal``: a signal that this rank received, or 0; and the fields PER_EXAMPLE.
    """
    fields = [(name, "i4" if name == "predictions" else dtype, (n_rows,)) for name in PER_EXAMPLE]
    return np.dtype([("signal", "i8"), *fields])


def _on_any(comm, flag):
    """Return whether a flag is set on any rank. Collective."""
    flags = np.array([flag], np.intc)
    wait([comm.Iallreduce(MPI.IN_PLACE, flags, MPI.MAX)], polite=True)
    return bool(flags[0])


class _Member:
    """What all trainers of a group do: compute a share, and sum.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Of the trainers, private to the group; rank 0 leads.
    dataset : datasets.Dataset
    model : Model
        Its parameters become those of rank 0, and are updated in place.
    minibatch_size : int
        Examples M in the minibatch that is shared. With fewer examples than trainers some shares are empty.
    polite : bool
        See :func:`waiting.wait`. All are polite where one wants it.
    answer : callable, optional
        Does this trainer's part of a refresh where there are no scorers: takes a record of what is published,
        returns one of what is reported.
    """

    def __init__(self, comm, dataset, model, minibatch_size, polite, answer=None):
        self._comm = comm
        self._polite = _on_any(comm, polite)
        self._answer = answer
        blocks = [block(minibatch_size, comm.Get_size(), rank) for rank in range(comm.Get_size())]
        own = blocks[comm.Get_rank()]
        self._rows = slice(own.start, own.stop)
        self._fraction = len(own) / minibatch_size
        self._local = LocalGradient(dataset, model, len(own))
        self._order = np.zeros((), order_dtype(minibatch_size))
        self._share_dtypes = [share_dtype(len(rows), model.params.dtype) for rows in blocks]
        self._share = np.zeros((), self._share_dtypes[comm.Get_rank()])
        self._no_gradient = np.zeros_like(model.params)
        self._loss = np.zeros(1)
        self.seconds = 0.0
        wait([comm.Ibcast(model.params, root=0)], self._polite)

    def _wait(self, request):
        begin = time.perf_counter()
        wait([request], self._polite)
        self.seconds += time.perf_counter() - begin

    def _share_order(self):
        """Send the order from trainer 0 to the others. Collective."""
        self._wait(self._comm.Ibcast([as_bytes(self._order), MPI.BYTE], root=0))

    def _share_gradient(self, buffers=None):
        """Compute the minibatch ordered together; collect what is known of each example in the buffers. Collective.

        Returns
        -------
        loss : float
        gradient : (P,) ndarray
            In the place of this trainer's share of it.
        """
        self._loss[0], gradient = self._own_share()
        begin = time.perf_counter()
        requests = [
            self._comm.Iallreduce(MPI.IN_PLACE, self._loss),
            self._comm.Igatherv([as_bytes(self._share), MPI.BYTE], buffers, root=0),
        ]
        if self._polite:
            requests.append(self._comm.Iallreduce(MPI.IN_PLACE, gradient))
        else:
            self._comm.Allreduce(MPI.IN_PLACE, gradient)  # burns a core, and is the fastest: see docs/performance.md
        wait(requests, self._polite)
        self.seconds += time.perf_counter() - begin
        return float(self._loss[0]), gradient

    def _own_share(self):
        """Compute and keep this trainer's share of the minibatch; return its parts of loss and gradient."""
        indices, weights = self._order["indices"][self._rows], self._order["weights"][self._rows]
        if not len(indices):
            self._no_gradient[:] = 0
            return 0.0, self._no_gradient
        # the model divides by the rows that it sees: together these are means over the minibatch
        loss, gradient, *of_examples = self._local.compute(indices, weights * self._fraction)
        for name, values in zip(PER_EXAMPLE, of_examples):
            self._share[name] = values
        return loss, gradient

    def _share_refresh(self, published, buffers=None):
        """Do this trainer's part of the refresh ordered, and collect the reports in the buffers. Collective."""
        # with the parameters: in the pipelined schedule they are some steps old by now
        self._wait(self._comm.Ibcast([as_bytes(published), MPI.BYTE], root=0))
        report = self._answer(published)
        self._wait(self._comm.Igatherv([as_bytes(report), MPI.BYTE], buffers, root=0))


class TrainerGroup(_Member):
    """Trainer 0's end of the group: takes the place of :class:`minibatch.LocalGradient`. Collective to construct.

    Parameters
    ----------
    comm, dataset, model, minibatch_size, polite, answer
        As the other trainers give them to :class:`CoTrainer`.
    reports : list of numpy.dtype
        Of what each trainer's `answer` returns.

    Attributes
    ----------
    seconds : float
        Time spent here on communication so far: sending, summing, and waiting for the slowest.
    reported_signal : int
        Signal that another trainer received, or 0.
    """

    def __init__(self, comm, dataset, model, minibatch_size, polite, answer=None, reports=()):
        super().__init__(comm, dataset, model, minibatch_size, polite, answer)
        self._share_buffers, self._shares = gather_buffers(self._share_dtypes)
        self._report_buffers, self._reports = gather_buffers(reports)
        self.reported_signal = 0

    def compute(self, indices, weights, applied=False):
        """Compute the gradient of a minibatch, as :meth:`minibatch.LocalGradient.compute`. Collective."""
        self._order["task"] = STEP if applied else GRADIENT
        self._order["indices"] = indices
        self._order["weights"] = weights
        self._share_order()
        loss, gradient = self._share_gradient(self._share_buffers)
        self.reported_signal = max(int(share["signal"]) for share in self._shares)
        of_examples = (np.concatenate([share[name] for share in self._shares]) for name in PER_EXAMPLE)
        return MinibatchGradient(loss, gradient, *of_examples)

    def descend(self, indices, weights, optimiser, with_gradient):
        """Take a step along the gradient of a minibatch, as :meth:`minibatch.LocalGradient.descend`. Collective.

        The gradient is always formed: it must be summed.
        """
        minibatch = self.compute(indices, weights, applied=True)
        update(optimiser, minibatch.loss, minibatch.gradient)
        return minibatch

    def refresh(self, published):
        """Score and evaluate together, as :meth:`minibatch.LocalGradient.refresh`. Collective.

        The reports are valid until the next refresh.
        """
        self._order["task"] = REFRESH
        seconds = self.seconds
        self._share_order()
        self._share_refresh(published, self._report_buffers)
        self.seconds = seconds  # the exchange counts those of a refresh
        return self._reports

    def stop(self):
        """Let the other trainers go. Collective."""
        self._order["task"] = STOP
        self._share_order()


class CoTrainer(_Member):
    """The end of a trainer other than the first. Collective to construct.

    Parameters
    ----------
    comm, dataset, model, minibatch_size, polite, answer
        As for all trainers.
    published : numpy.dtype
        Of what trainer 0 publishes in a refresh.
    optimiser : optim.SGD
        Of the model's parameters, with trainer 0's settings.
    interruption : faults.Interruption
        Of this rank; trainer 0 is told.
    """

    def __init__(self, comm, dataset, model, minibatch_size, polite, answer, published, optimiser, interruption):
        super().__init__(comm, dataset, model, minibatch_size, polite, answer)
        self._published = np.zeros((), published)
        self._optimiser = optimiser
        self._interruption = interruption

    def receive(self):
        """Wait for the next order, and return its task. Collective."""
        self._share_order()
        return int(self._order["task"])

    def compute(self):
        """Take part in the gradient that was ordered; return loss and gradient. Collective."""
        self._share["signal"] = self._interruption.signal
        return self._share_gradient()

    def step(self):
        """Take part in the gradient that was ordered, and update. Collective."""
        # trainer 0 finds the same number that is not finite, and orders all to stop
        with suppress(FloatingPointError):
            update(self._optimiser, *self.compute())

    def refresh(self):
        """Take part in the refresh that was ordered. Collective."""
        self._share_refresh(self._published)


def run_co_trainer(co_trainer):
    """Obey trainer 0 until it says stop.

    Parameters
    ----------
    co_trainer : CoTrainer
    """
    acts = {GRADIENT: co_trainer.compute, STEP: co_trainer.step, REFRESH: co_trainer.refresh}
    while (task := co_trainer.receive()) != STOP:
        acts[task]()
