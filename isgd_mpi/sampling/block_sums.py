"""Scores along an order of the examples, whose sums follow new scores without summing all of them again."""

import numpy as np

from isgd_mpi.kernels.block_sums import BLOCK, put, put_runs, search_blocks, sum_blocks, weights_at


class BlockSums:
    """The scores of all examples along an order, with the sums that a search needs.

    The sums depend on scores and order alone, bit by bit: not on how often, and in which parts, scores were put.

    Parameters
    ----------
    scores : (N,) ndarray of float32
        Finite, not negative.
    order : (N,) ndarray of int64
        A permutation.

    Attributes
    ----------
    order : (N,) ndarray of int64
    """

    def __init__(self, scores, order):
        n_blocks = -(-len(order) // BLOCK)
        self.order = order
        self._places = np.empty(len(order), np.int32)
        self._places[order] = np.arange(len(order), dtype=np.int32)
        self._along = np.zeros(n_blocks * BLOCK, np.float32)
        self._changed = np.empty(n_blocks, bool)
        self._sums, self._running = np.empty((2, n_blocks))
        self.put_all(scores)
        self.sum_up()

    @property
    def along(self):
        """The scores in this order, (N,) ndarray of float32."""
        return self._along[: len(self.order)]

    def put(self, rows, scores):
        """Write scores; :meth:`sum_up` has to follow.

        Parameters
        ----------
        rows : slice or (B,) ndarray of int
        scores : (B,) ndarray of float32
        """
        put(scores, self._places[rows], self._along, self._changed)

    def put_runs(self, new, bounds, scores):
        """Write the scores of some runs of examples, here and into `scores`; :meth:`sum_up` has to follow.

        Parameters
        ----------
        new : (N,) ndarray of float32
            Scores of all examples.
        bounds : (n, 2) ndarray of int
            See :func:`score_table.bounds_of`.
        scores : (N,) ndarray of float32
            Updated in place.
        """
        put_runs(new, bounds, scores, self._places, self._along, self._changed)

    def put_all(self, scores):
        """Write all scores, in less time than in parts; :meth:`sum_up` has to follow."""
        np.take(scores, self.order, out=self.along, mode="clip")  # with "raise" it is buffered
        self._changed[:] = True

    def sum_up(self):
        """Bring the sums up to date."""
        sum_blocks(self._along, self._changed, self._sums, self._running)

    @property
    def mean(self):
        """The mean score."""
        return float(self._running[-1]) / len(self.order)

    def draw(self, affine, points):
        """Draw the examples at some points of the sum of all weights.

        Parameters
        ----------
        affine : (float, float)
            Scale and shift that turn scores into weights.
        points : (M,) ndarray of float64
            Fractions of the sum, in [0, 1).

        Returns
        -------
        indices : (M,) ndarray of int64
        weights : (M,) ndarray of float64
        """
        places, weights = np.empty(len(points), np.int64), np.empty(len(points))
        search_blocks(self._along, self._running, affine, len(self.order), points, places, weights)
        return self.order[places], weights


def affine_weights(scores, rows, affine):
    """Return the weights of some examples.

    Parameters
    ----------
    scores : (N,) ndarray of float32
    rows : slice or (B,) ndarray of int
    affine : (float, float)
        See :meth:`BlockSums.draw`.

    Returns
    -------
    (B,) ndarray of float64
    """
    if isinstance(rows, slice):
        weights = np.multiply(scores[rows], affine[0], dtype=np.float64)
        weights += affine[1]
    else:
        weights = np.empty(len(rows))
        weights_at(scores, rows, affine, weights)
    return weights
