"""The communicators of a job: each connects trainer 0 with the ranks of one role, or all ranks."""

from dataclasses import replace
from functools import partial

from isgd_mpi.model.share import WHOLE, Share
from isgd_mpi.ranks.heartbeat import Heartbeat
from isgd_mpi.ranks.shared import Count, Lookout, Meeting, SharedArrays
from isgd_mpi.ranks.watchdog import Watchdog
from isgd_mpi.run.setup import TRAINER
from isgd_mpi.training.sums import Sums


class Communicators:
    """The communicators of a job. Collective to construct: step 0 of the start.

    Parameters
    ----------
    setup : setup.Setup

    Attributes
    ----------
    training, scoring, predicting : mpi4py.MPI.Comm
        Trainer 0 and the ranks of one role; not for use on other ranks.
    equals : mpi4py.MPI.Comm
        The trainers with the same place as this one, in the order of their parts of the minibatch: who sums gradients.
    states : mpi4py.MPI.Comm
        All ranks; private to the states that are handed out when a run is resumed.
    heartbeat : heartbeat.Heartbeat
        Between trainer 0 and each other rank.
    """

    def __init__(self, setup):
        comm, rank, leads = setup.comm, setup.rank, setup.rank == TRAINER
        self._transport = setup.transport
        self._to_close = []
        self.training = comm.Split(rank < setup.config.trainers, rank)
        model, place = setup.model_and_place
        self._sharing = self.training.Split(model, place)
        self.equals = self.training.Split(place, model)
        self.scoring = comm.Split(leads or setup.scores, rank)
        self.predicting = comm.Split(leads or setup.predicts, rank)
        self.states = comm.Dup()
        self._beats = comm.Dup()
        others = range(1, setup.size) if leads else [TRAINER]
        self.heartbeat = Heartbeat(self._beats, others, setup.config.scorer_timeout, setup.rank_names)

    def transport(self, comm):
        """Return this rank's end of a transport from trainer 0, which :meth:`free` closes.

        Parameters
        ----------
        comm : mpi4py.MPI.Comm
            `scoring` or `predicting`.
        """
        self._to_close.append(self._transport(comm, root=TRAINER))
        return self._to_close[-1]

    def share(self, setup):
        """Return this trainer's share of a model: everything, unless trainers share it. Collective over the trainers.

        A trainer 0 that feeds has memory in common with the others, and no part in what they compute.

        Parameters
        ----------
        setup : setup.Setup
        """
        if not setup.trainers_share:
            return WHOLE
        rank, size, memory = self._sharing.Get_rank(), self._sharing.Get_size(), SharedArrays(self._sharing)
        self._to_close.append(memory)
        if setup.feeds:
            rank, size = rank - 1, size - 1
        (counters,) = memory.allocate(Meeting.specification(size))
        if rank < 0:
            return Share(0, size, memory.allocate)
        share = Share(rank, size, memory.allocate, Meeting(counters, rank, self._lookout(setup)).meet)
        if setup.n_models > 1:
            share = replace(share, sum_over_nodes=self.sums(setup).sum)
        return share

    def make_count(self, setup):
        """Return a function that makes a count of its counter: how far trainer 0 is, or those that it feeds."""
        lookout = replace(self._lookout(setup), waiter=setup.node.waiter)
        in_haste = setup.rank != TRAINER  # which has ordered some steps ahead
        return partial(Count, lookout=replace(lookout, in_haste=in_haste))

    def _lookout(self, setup):
        """Return this trainer's way of waiting for others that share a model with it."""
        return Lookout(setup.waiter_among_trainers, self._sharing.Get_size() > setup.node.n_cores)

    def sums(self, setup):
        """Return what sums gradients over this trainer and its equals. Collective over them.

        If a sum never ends, its watchdog ends the job; :meth:`free` closes that.
        """
        seconds, name = setup.config.scorer_timeout, setup.rank_names[setup.rank]
        message = f"{name} ends: the sum of gradients has taken {seconds:g} s (--scorer-timeout): a trainer is lost"
        watchdog = Watchdog(seconds, f"{message}{setup.way_on}", setup.where is not None)
        self._to_close.append(watchdog)
        return Sums(self.equals, setup.waiter_among_trainers, watchdog)

    def free(self):
        """Close the transports and the watchdog, free what trainers share, and the communicators. Collective."""
        for each in self._to_close:
            each.close()
        of_trainers = self._sharing, self.equals, self.training
        for comm in (*of_trainers, self.scoring, self.predicting, self.states, self._beats):
            comm.Free()
