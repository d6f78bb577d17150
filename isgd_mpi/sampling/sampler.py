"""The sampler: it collects scores, forms the proposal from them, and draws minibatches from the proposal.

The sampler owns the score table, the mixture, the estimate of the variance, and the switch. The trainer
calls eight methods: `draw`, `loss_weights` and `learn_from_minibatch` at each step, `draw_probe`,
`learn_from_scores`, `learn_from_probe`, `renew` and `figures` at each refresh.

Weights of the examples are known here alone: scores, and whatever computes them, are those of single examples. The
weights enter where a proposal is formed, where losses are weighted, and where norms become second moments.
"""

import numpy as np

from isgd_mpi.kernels.sampling import all_finite
from isgd_mpi.sampling.alain2015 import TimedScoreTable
from isgd_mpi.sampling.gain import Gain
from isgd_mpi.sampling.label_noise import LabelNoise
from isgd_mpi.sampling.live_weights import scored_weights
from isgd_mpi.sampling.mixture import Mixture
from isgd_mpi.sampling.orders import Orders
from isgd_mpi.sampling.proposal import Proposal, biased_weights
from isgd_mpi.sampling.random_state import SavedGenerator, check_indices
from isgd_mpi.sampling.score_table import ScoreTable, joined, joined_values
from isgd_mpi.settings.sampling import PROPORTIONAL, drawing_of
from isgd_mpi.settings.saved import Saved

_PROBE_MIXTURE = 0.5  # least uniform part of the proposal of probes: their weights are at most 2

# Fresh norms that the mixture is chosen by, as shares of the training set: if scorers report norms, and if only the
# minibatches have them. A drawn example tells more of the variance than a scored one, but few are drawn.
_SCORED_MEMORY, _DRAWN_MEMORY = 1.0, 1 / 8


class Sampler(Saved):
    """Draws minibatches, and forms the proposal that they are drawn from.

    Parameters
    ----------
    config : config.Config
        Score, smoothing, mixture, usable fraction, sampling, switch.
    dataset : datasets.Dataset
        The strata of its training set are used: its classes, if it has any; and the weights of its examples.
    seeds : list of numpy.random.SeedSequence
        For the draws, for the order of uniform sampling, and for the probes of |mu|^2.
    norms_come_back : bool
        Whether scorers report gradient norms. If not, the mixture learns from the minibatches alone.
    clock : callable, optional
        Returns the seconds of training so far.

    Attributes
    ----------
    table : score_table.ScoreTable
    label_noise : label_noise.LabelNoise or None
        None where there are no classes.
    proposal : proposal.Proposal
        The proposal in use.
    importance_sampling : bool
        Whether the proposal in use is formed from scores. If not, it is uniform.
    """

    saved = (
        *("table", "_mixture", "_gain", "_draws", "_orders", "_probes", "_scored", "label_noise"),
        *("_n_compared", "importance_sampling", "_problem"),
    )

    def __init__(self, config, dataset, seeds, norms_come_back, clock=None):
        self._config = config
        self._strata, self._n_strata = dataset.strata, dataset.n_strata
        self._example_weights = dataset.train_weights
        draws, orders, probes = seeds
        self._draws, self._probes = SavedGenerator(draws), SavedGenerator(probes)
        self._orders = Orders(self._strata, self._n_strata, orders, len(self._strata) // config.minibatch_size)
        self._norms_come_back = norms_come_back
        memory = len(self._strata) * (_SCORED_MEMORY if norms_come_back else _DRAWN_MEMORY)
        self._mixture = Mixture(config.mixture_in_use, len(self._strata), memory)
        self._gain = Gain(config, len(self._strata), norms_come_back)
        self._n_compared = 0  # norms that the mixture learnt from since the last renewal
        self._problem = b""  # why sampling is uniform although it should not be
        self._leaves_out = config.compat != "none"
        self.table = (
            TimedScoreTable(self._strata, clock) if self._leaves_out else ScoreTable(self._strata, config.max_staleness)
        )
        self._scored = scored_weights(config, self.table, self._leaves_out, self._example_weights, clock)
        self.label_noise = None
        if dataset.target.kind == "classes":
            self.label_noise = LabelNoise(self._strata, max(1, len(self._strata) // config.minibatch_size))
        self._form_uniform_proposal()

    @property
    def on(self):
        """True while importance sampling is switched on; otherwise refreshes can be rare."""
        return self._gain.switch.on

    @property
    def scored(self):
        """The weights that are formed from scores, :class:`scored_weights.ScoredWeights`."""
        return self._scored

    @property
    def mean_gain(self):
        """See :attr:`gain.Gain.mean`."""
        return self._gain.mean

    @property
    def was_used(self):
        """True once a step was taken with importance sampling."""
        return self._gain.n_steps_in_use > 0

    @property
    def problem(self):
        """The reason why sampling was uniform after the last refresh although scores were there, or an empty string."""
        return self._problem.decode()

    @property
    def wants_gradient(self):
        """True if each minibatch must come back with its gradient."""
        return self._gain.wants_each_gradient

    def draw(self):
        """Draw a minibatch from the proposal, or a uniform one with the probability ``uniform_probability``.

        While sampling is uniform, examples are drawn once an epoch; see :class:`orders.Orders`.

        Returns
        -------
        indices : (M,) ndarray of int64
        importance_weights : (M,) ndarray of float64
            ``r = 1 / (N q)``, without the weights of the examples.
        """
        size, drawing, rng = self._config.minibatch_size, drawing_of(self._config), self._draws.rng
        if not self.importance_sampling and drawing == "systematic":
            if self._orders.epoch_is_over:
                self._orders.shuffle()
                self._form_uniform_proposal()
            return self.proposal.draw(size, drawing, self._orders)
        proposal = self._uniform if (p := self._config.uniform_probability) and rng.random() < p else self.proposal
        return proposal.draw(size, drawing, rng)

    def loss_weights(self, indices, importance_weights):
        """Return the weights of the losses of a drawn minibatch: importance weights times the weights of the examples.

        Parameters
        ----------
        indices, importance_weights : (M,) ndarray
            See :meth:`draw`.

        Returns
        -------
        (M,) ndarray of float64
        """
        config = self._config
        weights = biased_weights(importance_weights, config.bias_exponent, config.sampling in PROPORTIONAL)
        return weights if self._example_weights is None else weights * self._example_weights[indices]

    def draw_probe(self, size):
        """Draw the examples of a probe of |mu|^2, independently of each other and of the minibatches.

        Parameters
        ----------
        size : int

        Returns
        -------
        indices : (size,) ndarray of int64
        weights : (size,) ndarray of float64
            Importance weights times the weights of the examples.
        """
        mixture = max(_PROBE_MIXTURE, self._mixture.value)
        indices, weights = self.proposal.with_mixture(mixture).draw(size, "multinomial", self._probes.rng)
        return indices, weights if self._example_weights is None else weights * self._example_weights[indices]

    def draw_trial(self, size):
        """Draw examples as :meth:`draw` does, to measure something; return them and the weights of their losses."""
        indices, importance_weights = self.proposal.draw(size, drawing_of(self._config), self._probes.rng)
        return indices, self.loss_weights(indices, importance_weights)

    def learn_from_minibatch(self, minibatch, step):
        """Update variance, mixture and, with `feedback`, scores with the results of a training step.

        Parameters
        ----------
        minibatch : minibatch.Minibatch
            Its gradient may be None.
        step : int
            Step of the parameters that it was computed with.
        """
        rows, norms, weights = minibatch.indices, minibatch.grad_norms, minibatch.importance_weights
        self._orders.count(len(rows))
        if not self._gain.learn_from_minibatch(minibatch, self._own(rows)):
            known = np.isfinite(norms)
            rows, norms, weights = rows[known], norms[known], weights[known]
        if not self._norms_come_back:
            self._compare([rows], norms, weights)
        self._react(rows, norms, weights)
        if self._config.feedback:
            self._write(minibatch.indices, minibatch.scores, minibatch.predictions, step)

    def learn_from_probe(self, value, variance, age):
        """Update the estimates of the gain with a probe; see :meth:`gain.Gain.learn_from_probe`."""
        self._gain.learn_from_probe(value, variance, age)

    def learn_from_scores(self, batches):
        """Update the mixture with the norms of score batches, and store their scores.

        Parameters
        ----------
        batches : list of tuple
            Rows (slice), scores, predictions and step of each; see :func:`records.fresh_batches`.

        Returns
        -------
        bool
            Whether all scores are finite.
        """
        if not batches:
            return True
        slices, parts, predictions, steps = zip(*batches)
        scores = parts[0] if len(parts) == 1 else np.concatenate(parts)
        are_finite = all_finite(scores)
        if self._norms_come_back:
            self._learn_from_norms(joined(slices), scores, are_finite)
        for rows, own in zip(slices, predictions):
            self.table.predictions[rows] = own
        if self._config.score != "predicted-loss":
            self.table.write_runs(slices, scores, steps)
            self._orders.count(len(scores))
        return are_finite

    def _learn_from_norms(self, slices, norms, are_finite):
        if self._leaves_out or not are_finite:
            rows, known = joined_values(np.arange(len(self._strata)).__getitem__, slices), np.isfinite(norms)
            rows, norms = rows[known], norms[known]
            if self._leaves_out:
                weights = self.proposal.importance_weights(rows)
                can_be_drawn = np.isfinite(weights)
                rows, norms = rows[can_be_drawn], norms[can_be_drawn]
                self._gain.learn_from_scored_norms(norms, weights[can_be_drawn])
            slices = [rows]
        self._compare(slices, norms)

    def _compare(self, parts, norms, shares=None):
        """Update the mixture's estimate with fresh norms, and the weights that these examples had before.

        The examples are slices or arrays of int, which are much slower.
        """
        if not self._scored.formed:
            return
        weights = self._scored.of_parts(parts)
        own = None if self._example_weights is None else joined_values(self._own, parts)
        if not self.table.all_are_trained:  # the scores of an untrained model say nothing of later ones
            trained = joined_values(self.table.steps.__getitem__, parts) > 0
            norms, weights = norms[trained], weights[trained]
            shares, own = (None if each is None else each[trained] for each in (shares, own))
        if len(norms):
            self._mixture.observe(norms, weights, shares, own)
            self._n_compared += len(norms)

    def _own(self, rows):
        """Return the weights of some examples, or None if examples have none."""
        return None if self._example_weights is None else self._example_weights[rows]

    def _react(self, rows, norms, shares):
        """Change the proposal's uniform part at once if a drawn minibatch calls for it."""
        if not self._scored.formed:
            return
        changed = self._mixture.react(norms, self._scored.of(rows), shares, self._own(rows))
        if changed and self.importance_sampling:
            self.proposal = self.proposal.with_mixture(self._mixture.value)

    def _write(self, rows, scores, predictions, step):
        """Store predicted classes, and scores unless a loss predictor makes them."""
        self.table.predictions[rows] = predictions
        if self._config.score != "predicted-loss":
            self.write_scores(rows, scores, step)

    def write_scores(self, rows, scores, step):
        """Store scores; see :meth:`score_table.ScoreTable.write`.

        Examples given as a slice count as scored: the order of sampling ages with them.
        """
        self.table.write(rows, scores, step)
        if isinstance(rows, slice):
            self._orders.count(rows.stop - rows.start)

    def figures(self, step):
        """Return the gain of the proposal in use, and the age of the scores at this step, for the metrics file.

        Returns
        -------
        dict of str to (float, int or bool)
        """
        staleness_mean, staleness_max = self.table.staleness(step)
        return self._gain.figures(self.proposal, self._example_weights) | {
            "mixture": self._mixture.value if self.importance_sampling else 1.0,
            "usable_fraction": self.table.usable_fraction(step),
            "staleness_mean": staleness_mean,
            "staleness_max": staleness_max,
            "importance_sampling": self.importance_sampling,
        }

    def why_so_low(self, step):
        """Return in words why the gain is far below the possible one; see :meth:`gain.Gain.why_so_low`."""
        return self._gain.why_so_low(self.table.staleness(step)[0])

    def squared_norm_ratio(self):
        """Return the factor by which a uniform minibatch's ``|g|^2`` is larger; see :meth:`variance.Variance`."""
        size = self._config.minibatch_size
        return self._gain.variance.squared_norm_ratio(size) if self.importance_sampling else 1.0

    def variances(self):
        """Return the traces of the covariance and the gain; see :meth:`variance.Variance.figures`."""
        return self._gain.variance.figures()

    def renew(self, step, refresh_share):
        """Form the proposal from the present scores, or return to uniform sampling.

        Parameters
        ----------
        step : int
            Step now.
        refresh_share : float
            Share of the trainer's time since the last renewal that its refreshes took.

        Returns
        -------
        events : list of str
            Changes, for the log.
        """
        n_compared, self._n_compared = self._n_compared, 0
        was_on, events = self.importance_sampling, []
        ratio = np.nan if was_on else self._mixture.second_moment_ratio
        if self._gain.decide(was_on, ratio, refresh_share, n_compared):
            events.append(self._gain.decision(self.table.staleness(step)[0]))
        problem, suspicion = self._form(step), self._look_for_label_noise(step)
        if self.importance_sampling and not was_on:
            events.append("importance sampling begins")
        if suspicion:
            events.append(suspicion)
        if problem and problem.encode() != self._problem:
            events.append(f"sampling uniformly: {problem}")
        self._problem = problem.encode()
        return events

    def _look_for_label_noise(self, step):
        """Return a sentence if label noise is suspected, and was not before; else an empty string."""
        if self.label_noise is None:
            return ""
        was_suspected = self.label_noise.suspicion()
        self.label_noise.update(self.table, step)
        return "" if was_suspected else self.label_noise.suspicion()

    def _form(self, step):
        """Form the proposal; return why it is uniform although it should not be, or an empty string."""
        problem = ""
        try:
            self._scored.form(step)
        except ValueError as error:
            problem = str(error)
        if not self._scored.formed and self.importance_sampling and self.on and not problem:
            problem = "too few examples have a usable score"
            if n_bad := self.table.n_not_finite:
                problem += f", and {n_bad} scores are not finite"
        self._mixture.choose()
        if self._scored.formed and self.on:
            self._use_scores()
        elif self.importance_sampling:
            self._orders.shuffle()
            self._form_uniform_proposal()
        return problem

    def _use_scores(self):
        """Draw by the scores, along an order in which similar examples follow each other."""
        if self._orders.is_old or not self.importance_sampling:
            self._orders.stratify(self.table.predictions, self._scored.values.astype(np.float32))
        self._form_proposal()

    def _form_proposal(self):
        self.proposal = self._scored.proposal(self._orders.present, self._mixture.value)
        self.importance_sampling = True

    def _form_uniform_proposal(self):
        self.proposal = self._uniform = Proposal(np.ones(len(self._strata)), self._orders.uniform)
        self.importance_sampling = False
        self._scored.release()

    def restore(self, state):
        """Take the state back, and form the proposal that was in use.

        Raises
        ------
        ValueError
            It is no such state, or examples or classes are out of range.
        """
        super().restore(state)
        importance_sampling = self.importance_sampling
        check_indices("predictions", self.table.predictions, self._n_strata)
        if importance_sampling and not self._scored.formed:
            raise ValueError("importance_sampling is true, and there are no weights to sample by")
        self._form_uniform_proposal()
        if importance_sampling:
            self._form_proposal()
