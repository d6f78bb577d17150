"""A trainer 0 that feeds: it draws minibatches ahead and leaves the steps to the trainers beside it.

What a step needs from trainer 0, and what it gives back, lies in a :class:`Ring` of slots in memory that they share.
Trainer 0 writes an order into the next slot, and goes on. The trainers take the orders one after another, together as
:mod:`isgd_mpi.model.share` describes, and write their answer beside the order. What trainer 0 does at a refresh takes
them no time then, unless the ring runs empty.

An answer is collected when `depth` more steps have been ordered: a fixed delay, so that a run is repeatable where its
schedule is. Nothing is sent: a count of orders and one of obeyed orders say how far each side is.
"""

import time
from collections import deque

import numpy as np

from isgd_mpi.ranks.exchange import gather_buffers
from isgd_mpi.ranks.shared import Count
from isgd_mpi.training.co_trainers import REFRESH, STEP, STOP, obey, order_dtype
from isgd_mpi.training.minibatch import PER_EXAMPLE, Answer

_SPARE = 2  # slots beyond the steps that are not answered: a refresh, or the order to stop
_PROBLEM_BYTES = 64


def slot_dtype(minibatch_size, dtype):
    """Return the dtype of a slot: an order as :func:`co_trainers.order_dtype` has it, and the answer.

    Parameters
    ----------
    minibatch_size : int
    dtype : numpy dtype
        Dtype of the model's parameters.

    Returns
    -------
    numpy.dtype
        Besides the order's fields ``keeps_params``, whether the parameters are to be copied before the step; ``loss``;
        ``problem``, why no step was taken, or nothing; and the fields PER_EXAMPLE.
    """
    order = order_dtype(minibatch_size)
    kinds = {name: "i4" if name == "predictions" else dtype for name in PER_EXAMPLE}
    return np.dtype(
        [
            *((name, order[name]) for name in order.names),
            ("keeps_params", "?"),
            ("loss", "f8"),
            ("problem", f"S{_PROBLEM_BYTES}"),
            *((name, kind, (minibatch_size,)) for name, kind in kinds.items()),
        ],
        align=True,  # kernels read the indices where they lie
    )


class Ring:
    """Orders and answers in memory that trainer 0 and the trainers that it feeds share. Collective to construct.

    Parameters
    ----------
    share : share.Share
        Of the model that the trainers compute; on trainer 0 it allocates alone.
    params : (P,) ndarray
        Parameters of that model.
    minibatch_size : int
    depth : int
        Steps that are ordered and not answered, at most, when trainer 0 orders one more.
    make_count : callable
        Takes a counter; returns a :class:`shared.Count`.

    Attributes
    ----------
    depth : int
    slots : list of () ndarray of slot_dtype
    ordered, done : shared.Count
        Orders given, and orders obeyed.
    signals : (n_trainers,) ndarray of int64
        A signal that each fed trainer received, or 0.
    idle_seconds : (1,) ndarray of float64
        Time that the first of them has waited for orders.
    kept_params : (P,) ndarray
        The copy of parameters; see :func:`slot_dtype`.
    """

    def __init__(self, share, params, minibatch_size, depth, make_count):
        self.depth = depth
        slots, ordered, done, self.signals, self.idle_seconds, self.kept_params = share.allocate(
            ((depth + 1 + _SPARE,), slot_dtype(minibatch_size, params.dtype)),
            *(2 * [Count.specification()]),
            *(((share.n,), np.int64), ((1,), np.float64), (params.shape, params.dtype)),
        )
        self.slots = [slots[i : i + 1].reshape(()) for i in range(len(slots))]
        self.ordered, self.done = make_count(ordered), make_count(done)

    def slot(self, number):
        """Return the slot of an order, by its number."""
        return self.slots[number % len(self.slots)]


class FedWork:
    """A fed trainer's part of the steps that are ordered, with the methods of :class:`co_trainers.SharedWork`.

    Parameters
    ----------
    ring : Ring
    learner : minibatch.Learner
        Its model is shared by the trainers that are fed.

    Attributes
    ----------
    learner
    order : () ndarray
        The present slot.
    """

    def __init__(self, ring, learner):
        self.learner, self._ring, self._share = learner, ring, learner.model.share
        self.order = None
        self._n_orders = 0
        self._own_params = self._share.columns(learner.model.params.size)

    def share_order(self):
        """Tell that the order before is obeyed, and wait for the next one."""
        ring = self._ring
        if self._share.rank == 0:
            ring.done.raise_to(self._n_orders)
        self._n_orders += 1
        if not ring.ordered.is_at(self._n_orders):
            self._wait()
        self.order = ring.slot(self._n_orders)

    def _wait(self):
        begin = time.perf_counter()
        self._ring.ordered.wait_for(self._n_orders)
        if self._share.rank == 0 and self._n_orders > 1:  # training begins with the first
            self._ring.idle_seconds[0] += time.perf_counter() - begin

    def step(self, signal=0):
        """Take the ordered step together with the other trainers, and write the answer beside the order. Collective.

        Parameters
        ----------
        signal : int
            Signal that this rank received, or 0. It is reported to trainer 0.
        """
        order, own = self.order, self._own_params
        self._ring.signals[self._share.rank] = signal
        if order["keeps_params"]:  # who is late has not let the others update theirs
            self._ring.kept_params[own] = self.learner.model.params[own]
        obey(order, self.learner.optimiser)
        try:
            answer, problem = self.learner.descend(order["indices"], order["weights"], with_gradient=False), b""
        except FloatingPointError as error:  # on all of them
            answer, problem = None, str(error).encode()
        if self._share.rank == 0:
            self._write(answer, problem)

    def _write(self, answer, problem):
        slot = self.order
        slot["problem"] = problem
        if answer is not None:
            slot["loss"] = answer.loss
            for name in PER_EXAMPLE:
                slot[name] = getattr(answer, name)


class Feeder:
    """Orders steps as trainer 0, with the methods of :class:`co_trainers.TrainerGroup`, but answers late.

    Parameters
    ----------
    ring : Ring
    learner : minibatch.Learner
        Of the model that the fed trainers share. It takes no step itself.
    refreshes : co_trainers.Refreshes
    reports : list of numpy.dtype
        Dtype of each trainer's report in a refresh.

    Attributes
    ----------
    model, optimiser
        Those of the learner: parameters and moments change while steps are ordered.
    depth : int
        Steps after whose orders an answer is to be collected.
    kept_params : (P,) ndarray
        See :meth:`keep_params`.
    feeds : bool
        True.
    reported_signal : int
        Signal that a trainer received, or 0.
    """

    feeds = True

    def __init__(self, ring, learner, refreshes, reports=()):
        self.model, self.optimiser = learner.model, learner.optimiser
        self.depth, self.kept_params = ring.depth, ring.kept_params
        self._ring, self._refreshes = ring, refreshes
        self._report_buffers, self._reports = gather_buffers(reports)
        self._n_orders, self._steps = 0, deque()  # numbers, from 1, of the orders whose answers are not collected
        self._keeps_params = False

    @property
    def reported_signal(self):
        """A signal that any trainer received, or 0."""
        return int(self._ring.signals.max())

    def descend(self, indices, weights, with_gradient):
        """Order a step along the gradient of a minibatch; see :meth:`minibatch.Learner.descend`.

        Its answer is to be collected: the call returns None.
        """
        slot = self._next_slot()
        slot["indices"], slot["weights"] = indices, weights
        slot["n_done"], slot["scaling"] = self.optimiser.n_done, self.optimiser.scaling
        slot["keeps_params"], self._keeps_params = self._keeps_params, False
        self._give(slot, STEP)
        self._steps.append(self._n_orders)
        self.optimiser.advance()

    def collect(self):
        """Wait for the answer to the first step whose answer is not collected, and return it.

        Raises
        ------
        FloatingPointError
            That step was not taken: the loss or the gradient is not finite.
        """
        number = self._steps[0]
        self._ring.done.wait_for(number)
        self._steps.popleft()
        slot = self._ring.slot(number)
        if problem := slot["problem"].item():
            raise FloatingPointError(problem.decode())
        return Answer(float(slot["loss"]), None, *(slot[name].copy() for name in PER_EXAMPLE))

    def settle(self, seconds=None):
        """Wait until all steps that were ordered are taken; their answers can still be collected.

        Parameters
        ----------
        seconds : float, optional
            To wait at most, whoever has failed meanwhile.

        Returns
        -------
        bool
            Whether they are.
        """
        last = self._steps[-1] if self._steps else 0  # a refresh that was ordered changes no parameters
        if seconds is None:
            self._ring.done.wait_for(last)
            return True
        end = time.monotonic() + seconds
        while not (is_done := self._ring.done.is_at(last)) and time.monotonic() < end:
            time.sleep(1e-3)
        return is_done

    def keep_params(self):
        """Copy the parameters as they are behind all steps ordered so far; the copy is whole when these are answered.

        If none is unanswered, it is whole at once; else the next step's order has it made, and that step is to be
        answered, too.
        """
        self._keeps_params = bool(self._steps)
        if not self._steps:
            self.kept_params[:] = self.model.params

    def refresh(self, published):
        """Score and evaluate together; see :meth:`minibatch.Learner.refresh`. Collective.

        The reports are valid until the next refresh.
        """
        self._give(self._next_slot(), REFRESH)
        self._refreshes.answer(published, self._report_buffers)
        return self._reports

    def stop(self):
        """Order the trainers to stop."""
        self._give(self._next_slot(), STOP)

    @property
    def idle_seconds(self):
        """Time that the trainers have waited for orders."""
        return float(self._ring.idle_seconds[0])

    def _next_slot(self):
        """Return the slot of the next order, once the order that it held is obeyed."""
        number = self._n_orders + 1
        self._ring.done.wait_for(number - len(self._ring.slots))
        return self._ring.slot(number)

    def _give(self, slot, task):
        slot["task"] = task
        self._n_orders += 1
        self._ring.ordered.raise_to(self._n_orders)
