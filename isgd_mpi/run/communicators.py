"""The communicators of a job: each connects trainer 0 with the ranks of one role, or all ranks."""

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
    heartbeat : mpi4py.MPI.Comm
        All ranks.
    """

    def __init__(self, setup):
        comm, rank, leads = setup.comm, setup.rank, setup.rank == TRAINER
        self._transport = setup.transport
        self._transports = []
        self.training = comm.Split(rank < setup.config.trainers, rank)
        self.scoring = comm.Split(leads or setup.scores, rank)
        self.predicting = comm.Split(leads or setup.predicts, rank)
        self.states = comm.Dup()
        self.heartbeat = comm.Dup()

    def transport(self, comm):
        """Return this rank's end of a transport from trainer 0, which :meth:`free` closes.

        Parameters
        ----------
        comm : mpi4py.MPI.Comm
            `scoring` or `predicting`.
        """
        self._transports.append(self._transport(comm, root=TRAINER))
        return self._transports[-1]

    def free(self):
        """Close the transports, and free the communicators. Collective."""
        for transport in self._transports:
            transport.close()
        for comm in (self.training, self.scoring, self.predicting, self.states, self.heartbeat):
            comm.Free()
