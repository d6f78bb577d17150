"""The orders of the examples that systematic sampling walks along, and their age."""

import numpy as np

from isgd_mpi.sampling.proposal import stratified_order
from isgd_mpi.sampling.random_state import SavedGenerator, check_indices
from isgd_mpi.settings.saved import Saved, check_array

# An order lasts while this many times the training set's number of examples are drawn or scored. On MNIST one by scores
# is as good as new after 1000 steps, and by class alone the variance is 2 % larger: see docs/performance-memory.md
_SWEEPS, _SWEEPS_UNIFORM = 8, 1


class Orders(Saved):
    """The order in use, and the random one of uniform sampling.

    Parameters
    ----------
    strata : (N,) ndarray of int
    n_strata : int
    seed : numpy.random.SeedSequence

    Attributes
    ----------
    present : (N,) ndarray of int64
        A permutation.
    uniform : (N,) ndarray of int64
        The last random one.
    """

    saved = ("_shuffles", "_n_since")

    def __init__(self, strata, n_strata, seed):
        self._strata, self._n_strata = strata, n_strata
        self._shuffles = SavedGenerator(seed)
        self.shuffle()

    def count(self, n_examples):
        """Let the order age by a number of examples that were drawn or scored."""
        self._n_since += n_examples

    def is_old(self, uniform):
        """Return whether to make a new order, if sampling is uniform or not."""
        return self._n_since >= (_SWEEPS_UNIFORM if uniform else _SWEEPS) * len(self._strata)

    def stratify(self, predictions, weights):
        """Order the examples so that similar ones follow each other; see :func:`proposal.stratified_order`."""
        self.present = stratified_order(self._strata, predictions, weights, self._n_strata)
        self._n_since = 0

    def shuffle(self):
        """Order the examples randomly."""
        self.present = self.uniform = self._shuffles.rng.permutation(len(self._strata))
        self._n_since = 0

    def state(self):
        """Return the state; see :class:`saved.Saved`."""
        orders = {"present": self.present, "uniform": self.uniform}
        return super().state() | {name: order.astype(np.int32) for name, order in orders.items()}

    def restore(self, state):
        """Take the state back; raises ValueError if it is no such state, or examples are out of range."""
        orders, n_examples = {name: state.get(name) for name in ("present", "uniform")}, len(self._strata)
        super().restore({name: value for name, value in state.items() if name not in orders})
        for name, order in orders.items():
            check_array(order, np.empty(n_examples, np.int32), name)
            check_indices(name, order, n_examples)
            setattr(self, name, order.astype(np.int64))
