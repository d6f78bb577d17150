"""The orders of the examples that systematic sampling walks along, and their age."""

import numpy as np

from isgd_mpi.sampling.proposal import stratified_order
from isgd_mpi.sampling.random_state import SavedGenerator, check_indices
from isgd_mpi.settings.saved import Saved, check_array

# An order by scores lasts while this many times the training set's number of examples are drawn or scored. On MNIST it
# is as good as new after 1000 steps, and by class alone the variance is 2 % larger: see docs/performance-memory.md
_SWEEPS = 8


class Orders(Saved):
    """The order in use, and the random one of uniform sampling, with the offsets at which that is drawn from.

    Uniform minibatches are the examples at equal distances along a random order. As many offsets as there are
    minibatches in an epoch, in random succession, let each example be drawn at most once: the usual baseline, a random
    reshuffling. It needs fewer steps than offsets that are drawn independently.

    Parameters
    ----------
    strata : (N,) ndarray of int
    n_strata : int
    seed : numpy.random.SeedSequence
    n_offsets : int
        Minibatches of an epoch; one, at least, is made.

    Attributes
    ----------
    present : (N,) ndarray of int64
        A permutation.
    uniform : (N,) ndarray of int64
        The last random one.
    """

    saved = ("_shuffles", "_n_since", "_offsets", "_n_used")

    def __init__(self, strata, n_strata, seed, n_offsets):
        self._strata, self._n_strata = strata, n_strata
        self._shuffles = SavedGenerator(seed)
        self._offsets = np.empty(max(1, n_offsets))
        self.shuffle()

    def count(self, n_examples):
        """Let the order age by a number of examples that were drawn or scored."""
        self._n_since += n_examples

    @property
    def is_old(self):
        """True if an order by scores is to be made anew."""
        return self._n_since >= _SWEEPS * len(self._strata)

    @property
    def epoch_is_over(self):
        """True if no offset of the random order is left, so that it is time for :meth:`shuffle`."""
        return self._n_used == len(self._offsets)

    def random(self):
        """Return the next offset, in [0, 1), as a random generator would."""
        self._n_used += 1
        return self._offsets[self._n_used - 1]

    def stratify(self, predictions, weights):
        """Order the examples so that similar ones follow each other; see :func:`proposal.stratified_order`."""
        self.present = stratified_order(self._strata, predictions, weights, self._n_strata)
        self._n_since = 0

    def shuffle(self):
        """Order the examples randomly, and begin an epoch."""
        rng, n_offsets = self._shuffles.rng, len(self._offsets)
        self.present = self.uniform = rng.permutation(len(self._strata))
        self._offsets[:] = (rng.permutation(n_offsets) + rng.random()) / n_offsets
        self._n_since = self._n_used = 0

    def state(self):
        """Return the state; see :class:`saved.Saved`."""
        orders = {"present": self.present, "uniform": self.uniform}
        return super().state() | {name: order.astype(np.int32) for name, order in orders.items()}

    def restore(self, state):
        """Take the state back; raises ValueError if it is no such state, or examples are out of range.

        A state without offsets, of runs that drew them independently, goes on with those of this object.
        """
        orders, n_examples = {name: state.get(name) for name in ("present", "uniform")}, len(self._strata)
        own = {"offsets": self._offsets, "n_used": self._n_used}
        super().restore(own | {name: value for name, value in state.items() if name not in orders})
        self._n_used = min(max(0, self._n_used), len(self._offsets))
        for name, order in orders.items():
            check_array(order, np.empty(n_examples, np.int32), name)
            check_indices(name, order, n_examples)
            setattr(self, name, order.astype(np.int64))
