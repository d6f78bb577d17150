"""Orders of rank 0 to all ranks of a job that does one run after another."""

import json

import numpy as np

from isgd_mpi.ranks.waiting import POLITE


class Orders:
    """Hands orders from rank 0 to the other ranks, as JSON; waits politely, since rank 0 may be at work for long.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    """

    def __init__(self, comm):
        self._comm = comm
        self._size = np.zeros(1, np.int64)

    def share(self, order=None):
        """Return rank 0's order on all ranks. Collective.

        Parameters
        ----------
        order : dict, optional
            On rank 0; an empty one tells the others that there are no more.
        """
        words = b"" if order is None else json.dumps(order).encode()
        self._size[0] = len(words)
        POLITE.wait([self._comm.Ibcast(self._size, root=0)])
        buffer = np.zeros(self._size[0], np.uint8)
        if words:
            buffer[:] = list(words)
        POLITE.wait([self._comm.Ibcast(buffer, root=0)])
        return json.loads(buffer.tobytes())
