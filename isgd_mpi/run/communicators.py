"""The communicators of a job: each of trainer 0 and the ranks of one role."""

from isgd_mpi.run.setup import TRAINER


class Communicators:
    """The communicators of a job: each of trainer 0 and the ranks of one role. Collective to construct.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    parts : setup.Parts

    Attributes
    ----------
    training, scoring, predicting : mpi4py.MPI.Comm
        Of no use on ranks of another role.
    states : mpi4py.MPI.Comm
        Of all ranks, private to what :mod:`isgd_mpi.ranks.states` sends.
    heartbeat : mpi4py.MPI.Comm
        All ranks.
    """

    def __init__(self, comm, parts):
        trains, leads = parts.rank < parts.config.trainers, parts.rank == TRAINER
        self.training = comm.Split(trains, parts.rank)
        self.scoring = comm.Split(leads or parts.scores, parts.rank)
        self.states = comm.Dup()
        self.predicting = comm.Split(leads or parts.predicts, parts.rank)
        self.heartbeat = comm.Dup()
        self._exchanges = []

    def opened(self, exchange):
        """Return an exchange, which is closed when these communicators are freed."""
        self._exchanges.append(exchange)
        return exchange

    def free(self):
        """Free them. Collective."""
        for exchange in self._exchanges:
            exchange.close()
        for comm in (self.training, self.scoring, self.predicting, self.states, self.heartbeat):
            comm.Free()
