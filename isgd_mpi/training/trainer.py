"""The state of a training run, and what can be done to it: take a step, publish, merge."""

import math
from typing import NamedTuple

import numpy as np

from isgd_mpi.model.optim import SGD
from isgd_mpi.ranks.records import fresh_batches
from isgd_mpi.sampling.gain import Appraisal
from isgd_mpi.sampling.proposal import biased_weights
from isgd_mpi.sampling.random_state import restore_rng, state_of_rng
from isgd_mpi.sampling.sampler import Sampler
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.sampling.variance import PAIR_EVERY
from isgd_mpi.settings.errors import Diverged
from isgd_mpi.training.counters import Counters
from isgd_mpi.training.evaluation import EvaluationPlan
from isgd_mpi.training.predictor.observations import DirectScores, PredictedScores

# Shares of the training set: the mixture is chosen by so many fresh norms. A drawn example tells more of the variance
# than any other, but few are drawn.
_SCORED_MEMORY, _DRAWN_MEMORY = 1.0, 1 / 8

_PLAIN = ("step", "n_scored", "_merge_seconds", "_sum_of_losses")
_PROBLEM = "S256"  # why sampling is uniform, in UTF-8


class Trainer:
    """The state of a training run, and what can be done to it.

    Parameters
    ----------
    config : config.Config
    dataset : datasets.Dataset
    model : Model
        Updated in place.
    gradients : minibatch.LocalGradient or co_trainers.TrainerGroup
        Computes the gradients of minibatches, with this model.
    seeds : list of numpy.random.SeedSequence
        For the draws, for the order of uniform sampling, and for the monitor's own draws.
    log : log.RunLog
    norms_come_back : bool
        Whether scorers report gradient norms; if not, the monitor and the choice of the mixture live
        from the trainer's own minibatches.
    predictor : tuple
        Where a loss predictor fills the score table: the exchange with it (exchange.TrainerExchange or
        exchange.LocalExchange), and what has its state (forecaster.Forecaster or transfer.RemoteForecaster).

    Attributes
    ----------
    step : int
        Updates done.
    n_scored : int
        Examples that scorers scored.
    reported_signal : int
        Signal that another rank received, or 0.
    published_step : int or None
        Of the parameters that were published last.
    evaluations : evaluation_plan.EvaluationPlan
    optimiser : optim.SGD
    figures : dict
        Of the last refresh, as in the metrics file.
    """

    def __init__(self, config, dataset, model, gradients, seeds, log, norms_come_back, predictor=()):
        self._config = config
        self._model = model
        self._gradients = gradients
        self._log = log
        self._norms_come_back = norms_come_back
        self._draw_rng, order_rng, self._pair_rng = (np.random.default_rng(seed) for seed in seeds)
        memory = dataset.n_train * (_SCORED_MEMORY if norms_come_back else _DRAWN_MEMORY)
        labels, clock = dataset.splits["train"].labels, lambda: log.seconds
        self._sampler = Sampler(config, labels, dataset.n_classes, order_rng, memory, clock)
        self.intake = (
            PredictedScores(*predictor, config.schedule, self._sampler, log, config.score_batch_size)
            if predictor
            else DirectScores(self._sampler)
        )
        self._appraisal = Appraisal(config, model.params, self._sampler, dataset.n_train, memory)
        self.optimiser = SGD(model.params, **config.optimiser_settings(dataset.n_train))
        self._batch_steps = np.full(-(-dataset.n_train // config.score_batch_size), NEVER, np.int64)
        self.evaluations = EvaluationPlan(
            config.steps_per_evaluation(dataset.n_train), log, keeps_params=config.repeatable
        )
        self.published_step = None
        self._counters = Counters()
        self._merge_seconds, self._last_merge = 0.0, (0.0, 0.0)
        self._problem = None
        self._sum_of_losses = 0.0
        self.step = 0
        self.n_scored = 0
        self.reported_signal = 0
        self.figures = {}

    @property
    def splits(self):
        """The last evaluation of each split."""
        return self.evaluations.splits

    @property
    def lag(self):
        """Steps since parameters were last published; infinite if they never were."""
        return math.inf if self.published_step is None else self.step - self.published_step

    @property
    def last_merge(self):
        """Seconds that the last merge took, and since it began."""
        begin, seconds = self._last_merge
        return seconds, self._log.seconds - begin

    @property
    def resting(self):
        """Whether importance sampling is switched off: scores are then wanted now and then only."""
        return not self._appraisal.on

    @property
    def mean_variance_gain(self):
        """Geometric mean of the variance gain over the refreshes with importance sampling, or None."""
        return self._appraisal.mean_variance_gain

    def take_step(self):
        """Draw a minibatch, update the model, keep the minibatch's scores.

        Raises
        ------
        Diverged
            If the loss or the gradient is not finite.
        """
        paired = self.step % PAIR_EVERY == 0
        if paired:
            self._appraisal.monitor.hold(self._minibatch_gradient(self._pair_rng).gradient)
        if paired and self._config.bias_exponent != 1:  # the product of a pair wants unbiased gradients
            self._appraisal.monitor.observe_pair(self._minibatch_gradient(self._pair_rng).gradient)
        minibatch = self._descend(with_gradient=paired or self._appraisal.wants_gradients)
        if paired and self._config.bias_exponent == 1:
            self._appraisal.monitor.observe_pair(minibatch.gradient)
        self._appraisal.observe_gradient(minibatch.gradient)
        self._sampler.note_drawn(len(minibatch.indices))
        if not self._norms_come_back:
            self._appraisal.learn_from_drawn(minibatch.indices, minibatch.grad_norms, minibatch.importance_weights)
        self._sampler.react(minibatch.indices, minibatch.grad_norms, minibatch.importance_weights)
        if self._config.feedback:
            self.intake.write(minibatch.indices, minibatch.scores, minibatch.predictions, self.step)
        self.intake.look()
        self._sum_of_losses += minibatch.loss
        self.reported_signal = max(self.reported_signal, self._gradients.reported_signal)
        self.step += 1

    def _minibatch_gradient(self, rng):
        """Draw a minibatch and compute its gradient."""
        indices, importance_weights = self._sampler.draw(rng)
        return _Minibatch(indices, importance_weights, *self._gradients.compute(indices, importance_weights))

    def _descend(self, with_gradient):
        """Draw a minibatch and take the optimiser's step unless something is not finite."""
        indices, importance_weights = self._sampler.draw(self._draw_rng)
        weights = biased_weights(importance_weights, self._config.bias_exponent)
        try:
            answer = self._gradients.descend(indices, weights, self.optimiser, with_gradient)
        except FloatingPointError as error:
            advice = f"a --lr below {self._config.lr:g}" if self.step else "a smaller --init, or look at the data"
            raise Diverged(
                f"{error} at step {self.step} (largest importance weight {importance_weights.max():.3g}): try {advice}"
            ) from None
        return _Minibatch(indices, importance_weights, *answer)

    def publish(self, exchange, command=0):
        """Start a refresh with the present parameters."""
        command |= self.evaluations.command(self.step, command, self._model.params)
        exchange.published["step"] = self.step
        exchange.published["command"] = command
        exchange.published["params"] = self._model.params
        exchange.start()
        self.intake.publish(self.step, command)
        self.published_step = self.step

    def merge(self, exchange):
        """Take in the scores and evaluations that came back, and renew the proposal."""
        begin, waited = self._log.seconds, self.intake.seconds
        self._merge_scores(exchange.reports)
        self.intake.merge(self.step)
        self.merge_evaluation(exchange.reports)
        self.reported_signal = max(self.intake.signal, *(int(report["signal"]) for report in exchange.reports))
        past = self._log_refresh(exchange.seconds + self.intake.seconds)
        # decisions must not depend on the clock where a run is to be repeatable
        if self._appraisal.decide(0.0 if self._config.repeatable else self._counters.refresh_share_since(past)):
            self._tell_of_switch()
        was_on = self._sampler.importance_sampling
        problem = self._sampler.renew(self.step, self._appraisal.on)
        if self._sampler.importance_sampling and not was_on:
            self._log.event(self.step, "importance sampling begins")
        if problem and problem != self._problem:
            self._log.event(self.step, f"sampling uniformly: {problem}")
        self._problem = problem
        self._last_merge = begin, self._log.seconds - begin - (self.intake.seconds - waited)
        self._merge_seconds += self._last_merge[1]

    def _tell_of_switch(self):
        state, gain = "on" if self._appraisal.on else "off", self._appraisal.speed_gain
        self._log.event(self.step, f"switch: importance sampling {state}, speed gain {gain:.3f}")

    def merge_evaluation(self, reports):
        """Record the evaluation asked for once every rank has done its part."""
        self.evaluations.merge(self.step, reports)

    def _merge_scores(self, reports):
        """Hand the batches scored since the last refresh to the monitor and the sampler."""
        fresh = list(fresh_batches(reports, self._batch_steps, self._config.score_batch_size))
        if not fresh:
            return
        rows = np.concatenate([np.arange(batch[0].start, batch[0].stop) for batch in fresh])
        norms = np.concatenate([batch[1] for batch in fresh])
        if self._norms_come_back:
            self._appraisal.learn_from_scored(rows, norms)
        for batch in fresh:
            self.intake.write(*batch)
        self.n_scored += len(rows)

    def _log_refresh(self, exchange_seconds):
        """Record the figures of the interval that ends; return the counters of its beginning."""
        now = Counters(
            self._log.seconds,
            self.step,
            self.n_scored,
            exchange_seconds,
            self._gradients.seconds,
            self._merge_seconds,
            self._sum_of_losses,
        )
        past, self._counters = self._counters, now
        staleness_mean, staleness_max = self._sampler.table.staleness(self.step)
        self.figures = self._appraisal.figures() | {
            "mixture": self._sampler.mixture,
            "usable_fraction": self._sampler.table.usable_fraction(self.step),
            "staleness_mean": staleness_mean,
            "staleness_max": staleness_max,
            "importance_sampling": self._sampler.importance_sampling,
            "examples_scored": self.n_scored,
            "predictor_correlation": self.intake.correlation,
            **now.rates_since(past),
        }
        self._log.refreshed(self.step, self.figures)
        return past

    def state(self):
        """Return the state between two steps, parameters and all; see :mod:`isgd_mpi.ranks.states`."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        rngs = {name: state_of_rng(rng) for name, rng in self._rngs.items()}
        parts = {name: part.state() for name, part in self._stateful.items()}
        return {
            **plain,
            **parts,
            "rng": rngs,
            "params": self._model.params,
            "published_step": NEVER if self.published_step is None else self.published_step,
            "problem": np.array((self._problem or "").encode(), _PROBLEM),
            "batch_steps": self._batch_steps,
            "counters": self._counters.state(),
            "evaluations": self.evaluations.state(),
        }

    def restore(self, state):
        """Take the state back.

        Raises
        ------
        ValueError
            If examples or classes are meant that there are not.
        """
        for name in _PLAIN:
            setattr(self, name, state[name].item())
        for name, rng in self._rngs.items():
            restore_rng(rng, state["rng"][name])
        for name, part in self._stateful.items():
            part.restore(state.get(name, {}))  # what has no state leaves none
        self._model.params[:] = state["params"]
        published_step = int(state["published_step"])
        self.published_step = None if published_step == NEVER else published_step
        self._problem = state["problem"].item().decode(errors="replace") or None
        self._batch_steps[:] = state["batch_steps"]
        self._counters = Counters.restored(state["counters"])
        self.evaluations.restore(state["evaluations"], self.step)
        self.figures = self._appraisal.monitor.traces()

    @property
    def _rngs(self):
        return {"draw": self._draw_rng, "pair": self._pair_rng}

    @property
    def _stateful(self):
        """What has a state of its own."""
        return {
            "optimiser": self.optimiser,
            "sampler": self._sampler,
            "appraisal": self._appraisal,
            "intake": self.intake,
        }


class _Minibatch(NamedTuple):
    """A drawn minibatch and what the model says of it."""

    indices: np.ndarray
    importance_weights: np.ndarray
    loss: float
    gradient: np.ndarray | None
    scores: np.ndarray
    predictions: np.ndarray
    grad_norms: np.ndarray
