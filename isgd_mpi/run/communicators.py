"""The communicators of a job: each connects trainer 0 with the ranks of one role, or all ranks."""

from isgd_mpi.model.share import WHOLE, Share
from isgd_mpi.ranks.heartbeat import Heartbeat
from isgd_mpi.ranks.shared import Meeting, SharedArrays
from isgd_mpi.ranks.watchdog import Watchdog
from isgd_mpi.run.setup import TRAINER


class Communicators:
    """The communicators of a job. Collective to construct: step 0 of the start.

    Parameters
    ----------
    setup : setup.Setup

    Attributes
    ----------
    training, scoring, predicting : mpi4py.MPI.Comm
        Trainer 0 and the ranks of one role; not for use on other ranks.
    states : mpi4py.MPI.Comm
        All ranks; private to the states that are handed out when a run is resumed.
    heartbeat : heartbeat.Heartbeat
        Between trainer 0 and each other rank.
    """

    def __init__(self, setup):
        comm, rank, leads = setup.comm, setup.rank, setup.rank == TRAINER
        self._transport = setup.transport
        self._to_close = []
        self._trainers_share = setup.trainers_share
        self._crowded = setup.config.trainers > setup.node.n_cores
        self.training = comm.Split(rank < setup.config.trainers, rank)
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

    def share(self, waiter):
        """Return this trainer's share of the model: everything, unless the trainers share it. Collective over them.

        Parameters
        ----------
        waiter : waiting.Waiter
            The way in which this trainer waits for the others.
        """
        if not self._trainers_share:
            return WHOLE
        memory = SharedArrays(self.training)
        self._to_close.append(memory)
        rank, size = self.training.Get_rank(), self.training.Get_size()
        (counters,) = memory.allocate(Meeting.specification(size))
        return Share(rank, size, memory.allocate, Meeting(counters, rank, waiter, self._crowded).meet)

    def watchdog(self, setup):
        """Return what ends the job if the trainers' sum of gradients never ends; :meth:`free` closes it."""
        seconds, name = setup.config.scorer_timeout, setup.rank_names[setup.rank]
        message = f"{name} ends: the sum of gradients has taken {seconds:g} s (--scorer-timeout): a trainer is lost"
        self._to_close.append(Watchdog(seconds, f"{message}{setup.way_on}", setup.where is not None))
        return self._to_close[-1]

    def free(self):
        """Close the transports and the watchdog, free what trainers share, and the communicators. Collective."""
        for each in self._to_close:
            each.close()
        for comm in (self.training, self.scoring, self.predicting, self.states, self._beats):
            comm.Free()
