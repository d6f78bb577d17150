"""The part of the benchmark ``refresh`` that runs on ranks: a trainer 0 that feeds trainers whose steps are made up."""

import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np

from isgd_mpi.bench.refresh.fed_side import MadeUpLearner, ReadyExchange, TimedCount, TimedWork
from isgd_mpi.bench.refresh.trainer_side import TrainerSide
from isgd_mpi.model.optim import SGD
from isgd_mpi.model.share import Share
from isgd_mpi.ranks.node import find_node
from isgd_mpi.ranks.records import published_dtype
from isgd_mpi.ranks.shared import Lookout, Meeting, SharedArrays
from isgd_mpi.run.record.log import RunLog
from isgd_mpi.sampling.division import steps_ahead
from isgd_mpi.training.co_trainers import run_co_trainer
from isgd_mpi.training.feeder import Feeder, Ring
from isgd_mpi.training.loop import Schedule, run_trainer

_WARM_UP = 3  # refreshes before the time is taken
_NO_SIGNAL = SimpleNamespace(signal=0)


def measure(comm, plan):
    """Measure the cases of a plan. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks, of one node: rank 0 feeds the others.
    plan : dict
        ``examples`` and ``fresh``, lists, whose pairs are the cases, and the other options of the benchmark, by name.

    Returns
    -------
    dict
        ``rows``, as :func:`measure_case` returns them.
    """
    settings, node = SimpleNamespace(**plan), find_node(comm, threads=1)
    cases = [(n, fresh) for n in settings.examples for fresh in settings.fresh]
    return {"rows": [measure_case(comm, node, settings, *case) for case in cases]}


def measure_case(comm, node, settings, n_examples, fresh):
    """Measure what refreshes cost trainers that are fed. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    node : node.Node
    settings : object
        The options of the benchmark.
    n_examples : int
    fresh : float
        Share of each shard that was scored since the last refresh.

    Returns
    -------
    dict
        ``examples``, ``fresh``, ``ahead``, and what :meth:`Span.figures` returns; None on other ranks than 0.
    """
    memory, lookout = SharedArrays(comm), Lookout(node.waiter, node.crowded)
    share = _share(comm, memory, lookout)
    (params,), (totals,) = (share.allocate(((size,), kind)) for size, kind in ((settings.params, "f4"), (4, "f8")))
    optimiser = SGD(params, 0.1)
    step, model = settings.step_ms * 1e-3, SimpleNamespace(params=params, share=share)
    learner = MadeUpLearner(model, optimiser, settings.minibatch_size, step)
    ahead = steps_ahead(n_examples, settings.minibatch_size, step)
    ring = Ring(share, params, settings.minibatch_size, ahead, partial(TimedCount, lookout=lookout))
    row = None
    if comm.Get_rank():
        work = TimedWork(ring, learner, totals if share.rank == 0 else np.zeros(4))
        run_co_trainer(work, None, published_dtype(1, 1), _NO_SIGNAL, node.waiter)
    else:
        case = {"examples": n_examples, "fresh": fresh, "ahead": ahead}
        row = case | _feed(Feeder(ring, learner, None), (ring, totals), settings, case)
    memory.close()
    return row


def _share(comm, memory, lookout):
    """Return this rank's share of the fed trainers' model; trainer 0 has memory in common with them alone."""
    rank, size = comm.Get_rank() - 1, comm.Get_size() - 1
    (counters,) = memory.allocate(Meeting.specification(size))
    if rank < 0:
        return Share(0, size, memory.allocate)
    return Share(rank, size, memory.allocate, Meeting(counters, rank, lookout).meet)


def _feed(feeder, shared, settings, case):
    """Play trainer 0 for some time; return its figures."""
    with TemporaryDirectory() as folder:
        log = RunLog(Path(folder), quiet=True)
        side = TrainerSide(case["examples"], case["fresh"], settings, log, feeder)
        exchange = ReadyExchange(side, case["fresh"])
        span = Span(*shared, exchange, settings.seconds)
        schedule = Schedule.named("relaxed", settings.refresh_every, feeds=True)
        run_trainer(side.trainer, exchange, schedule, span.finished, save=int)
        figures = span.figures(settings.step_ms * 1e-3)
        feeder.stop()
        log.close()
    return figures


class Span:
    """A span of a run, from its third refresh on, and what it is counted by.

    Parameters
    ----------
    ring : feeder.Ring
    totals : (4,) ndarray
        See :class:`fed_side.TimedWork`.
    exchange : fed_side.ReadyExchange
    seconds : float
        Its length.
    """

    def __init__(self, ring, totals, exchange, seconds):
        self._ring, self._totals, self._exchange, self._seconds = ring, totals, exchange, seconds
        self._begin = self._end = None

    def finished(self, step, signal):
        """Return whether the span is over; see :func:`loop.run_trainer`."""
        if self._begin is None:
            self._begin = self._counts(step) if self._exchange.n_refreshes >= _WARM_UP else None
            return False
        if time.perf_counter() - self._begin[0] < self._seconds:
            return False
        self._end = self._counts(step)
        return True

    def _counts(self, step):
        ring = self._ring
        waited, idle = float(ring.done.seconds[0]), float(ring.idle_seconds[0])
        counts = time.perf_counter(), step, self._exchange.n_refreshes, waited, idle
        return np.array([*counts, *self._totals.tolist()])

    def figures(self, step_seconds):
        """Return the figures of the span.

        Parameters
        ----------
        step_seconds : float
            Time of a step without all else.

        Returns
        -------
        dict
            ``refreshes``; ``interval``, steps from one refresh to the next; ``idle`` and ``copy``, seconds that a fed
            trainer loses by each, waiting for orders and copying parameters; ``lost``, the same by the time of the
            steps; ``beside``, seconds of a step beside the learner's, without copies; ``rate``, steps a second;
            ``busy``, the share of its time in which trainer 0 does not wait.
        """
        seconds, n_steps, n_refreshes, waited, idle, n_copies, copying, n_others, others = self._end - self._begin
        beside = others / max(1, n_others)
        copy = copying / max(1, n_copies) - beside
        return {
            "refreshes": int(n_refreshes),
            "interval": n_steps / n_refreshes,
            "idle": idle / n_refreshes,
            "copy": copy,
            "lost": (idle + n_copies * copy) / (n_steps * step_seconds),
            "beside": beside,
            "rate": n_steps / seconds,
            "busy": 1 - waited / seconds,
        }
