"""The score table and the proposal formed from it: what minibatches are drawn from until the next refresh."""

import numpy as np

from isgd_mpi.proposal import Proposal, prob_weights_from_scores, stratified_order
from isgd_mpi.score_table import ScoreTable


class Sampler:
    """Keeps scores, and forms a proposal when it is told to.

    Parameters
    ----------
    config : config.Config
        Score, smoothing, mixture, usable fraction, sampling.
    labels : (N,) ndarray of int
        Classes of the training set.
    n_classes : int
    order_rng : numpy.random.Generator
        For the order in which uniform sampling walks over the training set.

    Attributes
    ----------
    table : score_table.ScoreTable
    proposal : proposal.Proposal
        In use.
    importance_sampling : bool
        Whether the proposal in use is other than uniform.
    """

    def __init__(self, config, labels, n_classes, order_rng):
        self._config = config
        self._labels = labels
        self._n_classes = n_classes
        self._order_rng = order_rng
        self.table = ScoreTable(labels)
        self._use_uniform_proposal()

    @property
    def mixture(self):
        """Uniform part of the proposal in use."""
        return self._config.uniform_part if self.importance_sampling else 1.0

    def draw(self, rng):
        """Draw a minibatch; see :meth:`proposal.Proposal.draw`."""
        return self.proposal.draw(self._config.minibatch_size, self._config.sampling, rng)

    def note_drawn(self, n_examples):
        """Count examples drawn for training: the order ages with them."""
        self._n_since_order += n_examples

    def write(self, rows, scores, predictions, step):
        """Store what the model says of some examples.

        Parameters
        ----------
        rows : slice or (B,) ndarray of int
            The examples. Those of a slice count as scored: the order ages with them.
        scores : (B,) ndarray
        predictions : (B,) ndarray of int
        step : int
            Step of the parameters behind them.
        """
        self.table.write(rows, scores, step)
        self.table.predictions[rows] = predictions
        if isinstance(rows, slice):
            self._n_since_order += rows.stop - rows.start

    def renew(self):
        """Form the proposal from the scores there are.

        Returns
        -------
        problem : str or None
            Why the proposal is uniform although enough examples have a score.
        """
        enough = self.table.usable_fraction() >= self._config.usable_fraction
        if self._config.score == "uniform" or not enough:
            if self._order_is_old():
                self._use_uniform_proposal()
            return None
        scores = self.table.filled_scores()
        single_scores = scores.astype(np.float32)
        try:
            weights = prob_weights_from_scores(scores, self._config.smoothing, self._config.uniform_part)
        except ValueError as error:
            self._use_uniform_proposal()
            return str(error)
        if self._order_is_old() or not self.importance_sampling:
            self._order = stratified_order(self._labels, self.table.predictions, single_scores, self._n_classes)
            self._n_since_order = 0
        self.proposal = Proposal(weights, self._order)
        self.importance_sampling = True
        return None

    def _order_is_old(self):
        """Whether as many examples were drawn or scored since the last ordering as there are.

        An old order costs some of systematic sampling's gain, a new one a sort: about 1 % of a sweep.
        """
        return self._n_since_order >= len(self._labels)

    def _use_uniform_proposal(self):
        """Draw uniformly, along a new random order."""
        self._order = self._order_rng.permutation(len(self._labels))
        self._n_since_order = 0
        self.proposal = Proposal(np.ones(len(self._labels)), self._order)
        self.importance_sampling = False
