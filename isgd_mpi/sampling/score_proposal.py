"""A proposal in proportion to scores of which a few change at a time."""

from functools import lru_cache

import numpy as np

from isgd_mpi.sampling.block_sums import affine_weights
from isgd_mpi.sampling.proposal import Proposal


class ScoreProposal(Proposal):
    """A proposal in proportion to ``s + c`` with a uniform part, :func:`proposal.mix`, which is affine in the score s.

    It is valid until the scores change.

    Parameters
    ----------
    scores : (N,) ndarray of float32
        By example.
    sums : block_sums.BlockSums
        The same scores along an order, summed.
    smoothing : float
        Constant c.
    mixture : float
        Uniform part lambda.
    """

    def __init__(self, scores, sums, smoothing=0.0, mixture=0.0):
        self._scores, self._sums = scores, sums
        self._order = sums.order
        self._mean_score, self._smoothing = sums.mean, smoothing
        self._set_mixture(mixture)

    def _set_mixture(self, mixture):
        scale = (1 - mixture) / (self._mean_score + self._smoothing)
        shift = scale * self._smoothing + mixture
        self._affine = scale, shift
        self._mean_weight = scale * self._mean_score + shift

    @property
    def prob_weights(self):
        """Unnormalised probabilities omega of all examples, (N,) ndarray of float64, read-only."""
        weights = self.prob_weights_of(slice(None))
        weights.flags.writeable = False
        return weights

    def prob_weights_of(self, rows):
        """Return the probability weights omega of some examples."""
        return affine_weights(self._scores, rows, self._affine)

    def typical_weights(self, n_least):
        """Return the weights of some examples; see :meth:`proposal.Proposal.typical_weights`."""
        return affine_weights(self._sums.along, self._typical(n_least), self._affine)  # no row after the other

    def draw(self, size, sampling, rng):
        """Draw a minibatch; see :meth:`proposal.Proposal.draw`."""
        points = _equidistant(size) + rng.random() / size if sampling == "systematic" else rng.random(size)
        indices, weights = self._sums.draw(self._affine, points)
        return indices, np.divide(self._mean_weight, weights, out=weights)


@lru_cache
def _equidistant(size):
    return np.arange(size) / size
