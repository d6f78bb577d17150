"""Sum arrays over several trainers, and gather their answers for the examples of a minibatch. All of it is collective.

Records are plain bytes, allocated once.
"""

from dataclasses import replace

import numpy as np
from mpi4py import MPI

from isgd_mpi.ranks.exchange import gather_buffers
from isgd_mpi.ranks.shards import block
from isgd_mpi.ranks.states import as_bytes
from isgd_mpi.ranks.waiting import POLITE
from isgd_mpi.training.minibatch import PER_EXAMPLE, Answer

_FEW = 64  # numbers that are summed while heartbeats go on


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


def own_share(equals, minibatch_size):
    """Return the range of a minibatch's examples that this trainer works on.

    Parameters
    ----------
    equals : mpi4py.MPI.Comm
        The trainers that this one sums gradients with.
    minibatch_size : int
    """
    return block(minibatch_size, equals.Get_size(), equals.Get_rank())


class Answers:
    """Gathers the answers for each example at trainer 0, from trainers that each have a block of the minibatch.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        One trainer for each block; rank 0 is trainer 0.
    minibatch_size : int
    dtype : numpy dtype
        Dtype of the model's parameters.

    Attributes
    ----------
    rows : slice
        This trainer's examples. With fewer examples than trainers some have none.
    fraction : float
        Their share of the minibatch. The model divides by the rows that it sees: weights times this give parts of means
        over the whole minibatch.
    """

    def __init__(self, comm, minibatch_size, dtype):
        size, own = comm.Get_size(), own_share(comm, minibatch_size)
        dtypes = [share_dtype(len(block(minibatch_size, size, rank)), dtype) for rank in range(size)]
        self.rows, self.fraction = slice(own.start, own.stop), len(own) / minibatch_size
        self._comm, self._record = comm, np.zeros((), dtypes[comm.Get_rank()])
        self._buffers, self._records = gather_buffers(dtypes) if comm.Get_rank() == 0 else (None, [])

    def keep(self, answer):
        """Keep this trainer's answer until it is gathered."""
        for name in PER_EXAMPLE:
            self._record[name] = getattr(answer, name)

    def begin_to_gather(self, signal):
        """Return a request that is complete when what was kept is gathered, with a signal of this rank. Collective."""
        self._record["signal"] = signal
        return self._comm.Igatherv([as_bytes(self._record), MPI.BYTE], self._buffers, root=0)

    @property
    def signal(self):
        """A signal that was gathered, or 0; known on rank 0."""
        return max((int(record["signal"]) for record in self._records), default=0)

    def of_all(self, loss, gradient=None):
        """Return the answer for the whole minibatch, with the loss and the gradient of it; None but on rank 0."""
        if not self._records:
            return None
        per_example = (np.concatenate([record[name] for record in self._records]) for name in PER_EXAMPLE)
        return Answer(loss, gradient, *per_example)


class Sums:
    """Sums arrays of several trainers. Collective to construct.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        These trainers.
    waiter : waiting.Waiter
        All of them wait politely where one must.
    watchdog : watchdog.Watchdog
        Watches what is one blocking call.
    """

    def __init__(self, comm, waiter, watchdog):
        self._comm, self._watchdog = comm, watchdog
        self._waiter = replace(waiter, polite=_on_any(comm, waiter.polite), activity="summing")
        self._vector = np.empty(0)

    def sum(self, *arrays):
        """Sum arrays of one dtype, each in place. Collective.

        Few numbers are waited for with beats, and many are summed by a blocking call without: who sums few numbers
        first knows that every trainer is there.
        """
        if len(arrays) == 1 and arrays[0].flags.c_contiguous:
            self._sum(arrays[0].reshape(-1))
            return
        ends = np.cumsum([array.size for array in arrays])
        if (self._vector.size, self._vector.dtype) != (ends[-1], arrays[0].dtype):
            self._vector = np.empty(ends[-1], arrays[0].dtype)
        parts = [part.reshape(array.shape) for array, part in zip(arrays, np.split(self._vector, ends))]
        for array, part in zip(arrays, parts):
            part[...] = array
        self._sum(self._vector)
        for array, part in zip(arrays, parts):
            array[...] = part

    def _sum(self, vector):
        if self._waiter.polite or vector.size <= _FEW:
            self._waiter.wait([self._comm.Iallreduce(MPI.IN_PLACE, vector)])
            return
        with self._waiter.timeline("summing"), self._watchdog.watching():
            self._comm.Allreduce(MPI.IN_PLACE, vector)  # it burns a core, and is the fastest: see docs/performance.md


def _on_any(comm, flag):
    """Return whether a flag is set on any rank. Collective."""
    flags = np.array([flag], np.intc)
    POLITE.wait([comm.Iallreduce(MPI.IN_PLACE, flags, MPI.MAX)])
    return bool(flags[0])
