"""The communicators of a job: each of trainer 0 and the ranks of one role."""

from isgd_mpi.run.setup import TRAINER


class Communicators:
    """The communicators of a job. Collective to construct.

    Parameters
    ----------
    setup : setup.Setup

    Attributes
    ----------
    training, scoring, predicting : mpi4py.MPI.Comm
        Of no use on ranks of another role.
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
        """Return this rank's end of a transport from trainer 0, which is closed when all this is freed.

        Parameters
        ----------
        comm : mpi4py.MPI.Comm
            `scoring` or `predicting`.
        """
        self._transports.append(self._transport(comm, root=TRAINER))
        return self._transports[-1]

    def free(self):
        """Close the transports, free the communicators. Collective."""
        for transport in self._transports:
            transport.close()
        for comm in (self.training, self.scoring, self.predicting, self.states, self.heartbeat):
            comm.Free()
