"""The score table and the proposal formed from it: what minibatches are drawn from until the next refresh."""

import numpy as np

from isgd_mpi.sampling.alain2015 import TimedScoreTable
from isgd_mpi.sampling.mixture import Mixture
from isgd_mpi.sampling.proposal import Proposal, prob_weights_from_scores, stratified_order
from isgd_mpi.sampling.random_state import check_indices, restore_rng, state_of_rng
from isgd_mpi.sampling.score_table import ScoreTable

_FORGET = 0.9  # of the moving average behind adaptive smoothing, arXiv:1706.00043


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
    memory : float
        Fresh norms by which the mixture is chosen; see :class:`mixture.Mixture`.
    clock : callable, optional
        Returns seconds; for `compat`.

    Attributes
    ----------
    table : score_table.ScoreTable
    proposal : proposal.Proposal
        In use.
    importance_sampling : bool
        Whether the proposal in use is other than uniform.
    """

    def __init__(self, config, labels, n_classes, order_rng, memory, clock=None):
        self._config = config
        self._labels = labels
        self._n_classes = n_classes
        self._order_rng = order_rng
        self._mixture = Mixture(config.mixture_in_use, len(labels), memory)
        self._scored_weights = None  # the probability weights without their uniform part, if there are enough scores
        self._mean_score = None
        self._leaves_out = config.compat != "none"
        self.table = TimedScoreTable(labels, clock) if self._leaves_out else ScoreTable(labels, config.max_staleness)
        self._use_uniform_proposal()

    @property
    def mixture(self):
        """Uniform part of the proposal in use."""
        return self._mixture.value if self.importance_sampling else 1.0

    @property
    def second_moment_ratio(self):
        """``mean(|g|^2 / omega) / mean(|g|^2)`` of the proposal that is, or would be, in use."""
        return self._mixture.second_moment_ratio

    def draw(self, rng):
        """Draw a minibatch; see :meth:`proposal.Proposal.draw`.

        With the probability ``uniform_probability`` it is a uniform one.
        """
        probability = self._config.uniform_probability
        proposal = self._uniform if probability and rng.random() < probability else self.proposal
        return proposal.draw(self._config.minibatch_size, self._config.sampling, rng)

    def note_drawn(self, n_examples):
        """Count examples drawn for training: the order ages with them."""
        self._n_since_order += n_examples

    def compare(self, rows, norms, shares=None):
        """Hold fresh gradient norms against the weights of old: what the mixture is chosen by.

        Parameters
        ----------
        rows : slice or (B,) ndarray of int
            The examples.
        norms : (B,) ndarray
        shares : (B,) ndarray of float64, optional
            See :meth:`mixture.Mixture.observe`.

        Returns
        -------
        n_compared : int
        """
        if self._scored_weights is None:
            return 0
        trained = self.table.steps[rows] > 0  # the scores of an untrained model say nothing of later ones
        if not trained.any():
            return 0
        shares = None if shares is None else shares[trained]
        self._mixture.observe(norms[trained], self._scored_weights[rows][trained], shares)
        return np.count_nonzero(trained)

    def react(self, rows, norms, shares):
        """Change the proposal's uniform part at once if a drawn minibatch calls for it.

        Parameters
        ----------
        rows : (M,) ndarray of int
            The examples drawn.
        norms, shares : (M,) ndarray
            Their gradient norms and importance weights.
        """
        if self._scored_weights is None:
            return
        if self._mixture.react(norms, self._scored_weights[rows], shares) and self.importance_sampling:
            self.proposal = self.proposal.with_mixture(self._mixture.value)

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

    def renew(self, step, wanted=True):
        """Form the proposal from the scores there are.

        Parameters
        ----------
        step : int
            Step now.
        wanted : bool
            Whether importance sampling is; if not, the proposal is uniform.

        Returns
        -------
        problem : str or None
            Why the proposal is uniform although enough examples have a score.
        """
        problem = None
        try:
            self._scored_weights = self._weights_from_scores(step)
        except ValueError as error:
            self._scored_weights, problem = None, str(error)
        if self._scored_weights is None and self.importance_sampling and wanted and not problem:
            problem = "too few examples have a usable score"
        self._mixture.choose()
        if self._scored_weights is not None and wanted:
            self._use_scores()
        elif self.importance_sampling or self._order_is_old():
            self._use_uniform_proposal()
        return problem

    def _weights_from_scores(self, step):
        """Return the probability weights without their uniform part; None if too few examples have a score."""
        config = self._config
        if config.score == "uniform" or self.table.usable_fraction(step) < config.usable_fraction:
            return None
        scores = self.table.filled_scores(step)
        smoothing = config.smoothing
        if config.adaptive_smoothing:
            mean = float(scores.mean())
            past = mean if self._mean_score is None else self._mean_score
            self._mean_score = _FORGET * past + (1 - _FORGET) * mean if np.isfinite(mean) else past
            smoothing += config.adaptive_smoothing * self._mean_score
        weights = prob_weights_from_scores(scores, smoothing, config.power_smoothing)
        if self._leaves_out:
            weights[~self.table.usable(step)] = 0
        return weights

    def _use_scores(self):
        """Draw by the scores, along an order in which similar examples follow each other."""
        if self._order_is_old() or not self.importance_sampling:
            single = self._scored_weights.astype(np.float32)
            self._order = stratified_order(self._labels, self.table.predictions, single, self._n_classes)
            self._n_since_order = 0
        self._form_proposal()

    def _form_proposal(self):
        order = self._order[self._scored_weights[self._order] > 0] if self._leaves_out else self._order
        self.proposal = Proposal(self._scored_weights, order, self._mixture.value)
        self.importance_sampling = True

    def _order_is_old(self):
        """Whether as many examples were drawn or scored since the last ordering as there are.

        An old order costs some of systematic sampling's gain, a new one a sort: about 1 % of a sweep.
        """
        return self._n_since_order >= len(self._labels)

    def _use_uniform_proposal(self):
        """Draw uniformly, along a new random order."""
        self._order = self._order_rng.permutation(len(self._labels))
        self._n_since_order = 0
        self._form_uniform_proposal()

    def _form_uniform_proposal(self):
        self._uniform_order = self._order
        self.proposal = self._uniform = Proposal(np.ones(len(self._labels)), self._order)
        self.importance_sampling = False

    def state(self):
        """Return the state; see :mod:`isgd_mpi.ranks.states`."""
        scored = self._scored_weights is not None
        return {
            "table": self.table.state(),
            "mixture": self._mixture.state(),
            "order_rng": state_of_rng(self._order_rng),
            "mean_score": np.nan if self._mean_score is None else self._mean_score,
            "scored": scored,
            "scored_weights": self._scored_weights if scored else np.zeros(len(self._labels)),
            "order": self._order.astype(np.int32),
            "uniform_order": self._uniform_order.astype(np.int32),
            "n_since_order": self._n_since_order,
            "importance_sampling": self.importance_sampling,
        }

    def restore(self, state):
        """Take the state back, and form the proposal as it was.

        Raises
        ------
        ValueError
            If examples or classes are meant that there are not.
        """
        n_examples = len(self._labels)
        check_indices("predictions", state["table"]["predictions"], self._n_classes)
        for name in ("order", "uniform_order"):
            check_indices(name, state[name], n_examples)
        self.table.restore(state["table"])
        self._mixture.restore(state["mixture"])
        restore_rng(self._order_rng, state["order_rng"])
        self._mean_score = None if np.isnan(state["mean_score"]) else float(state["mean_score"])
        self._scored_weights = np.array(state["scored_weights"]) if state["scored"] else None
        self._order = state["uniform_order"].astype(np.int64)
        self._form_uniform_proposal()
        self._order = state["order"].astype(np.int64)
        self._n_since_order = int(state["n_since_order"])
        if state["importance_sampling"]:
            self._form_proposal()
