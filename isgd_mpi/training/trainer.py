"""The trainer: the state of a training run, and three actions: take a step, publish parameters, merge scores."""

import math
import time

import numpy as np

from isgd_mpi.ranks.records import fresh_batches
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.sampling.tally import Tally
from isgd_mpi.settings.errors import Diverged
from isgd_mpi.settings.saved import Saved
from isgd_mpi.training.bad_scores import BadScores
from isgd_mpi.training.counters import Counters
from isgd_mpi.training.evaluation import EvaluationPlan
from isgd_mpi.training.ordered_steps import OrderedSteps
from isgd_mpi.training.rate_scaling import make_rate_scaling


class Trainer(Saved):
    """Trains the model: takes steps, publishes parameters, merges scores; holds the state of the run.

    Parameters
    ----------
    setup : setup.Setup
        Options, data set, and shards.
    learner : minibatch.Learner, co_trainers.TrainerGroup or feeder.Feeder
        Computes gradients, and updates the model.
    sampler : sampler.Sampler
    log : log.RunLog
        Its clock and timeline are used.
    predicted : observations.PredictedScores, optional
        The trainer's end of a loss predictor, if one fills the score table.

    Attributes
    ----------
    step : int
        Updates done, or ordered.
    loss : float
        Weighted mean loss of the last minibatch that was learnt from, nats; NaN before the first.
    n_scored : int
        Examples that scorers scored.
    reported_signal : int
        Signal that another rank received, or 0.
    published_step : int
        Step of the parameters that were published last, or are kept to be published; or NEVER.
    evaluations : evaluation.EvaluationPlan
    tally : tally.Tally or None
        Counts draws and scores of each example, if the settings ask for it.
    target : target.Target
        Of the data set.
    figures : dict
        Figures of the last refresh, as in the metrics file.
    """

    saved = (
        *("step", "n_scored", "published_step", "_sum_of_losses", "params", "optimiser", "_ordered", "sampler"),
        *("predicted", "_batch_steps", "_probe_step", "_scaling", "_counters", "evaluations", "timeline", "tally"),
    )

    def __init__(self, setup, learner, sampler, log, predicted=None):
        config, n_train = setup.config, setup.dataset.n_train
        self._config = config
        self._shards = setup.shards
        self.target = setup.dataset.target
        self._first_scorer = config.trainers if setup.n_scorers else 0
        self.learner = learner
        self._ordered = OrderedSteps(learner, self._diverged)
        self._log = log
        self.sampler = sampler
        self.predicted = predicted
        self.timeline = log.timeline
        interval = config.steps_per_evaluation(n_train)
        self.evaluations = EvaluationPlan(interval, log, setup.dataset, config.repeatable, setup.make_best())
        self._batch_steps = np.full(setup.grid.n_batches(n_train), NEVER, np.int64)
        self._counters = Counters()
        self._bad_scores = BadScores(log)
        self.tally = Tally(n_train) if config.save_scores else None
        self._first_merge, self._merge_seconds = None, 0.0
        self._sum_of_losses = 0.0
        self._probe_step = NEVER
        self._scaling = make_rate_scaling(config, n_train)
        self.step = 0
        self.loss = math.nan
        self.n_scored = 0
        self.published_step = NEVER
        self.reported_signal = 0
        self.figures = {}

    @property
    def params(self):
        """The model's parameters, (P,) ndarray."""
        return self.learner.model.params

    @property
    def optimiser(self):
        """The learner's optimiser."""
        return self.learner.optimiser

    @property
    def lag(self):
        """Steps since parameters were last published; infinite if they never were."""
        return math.inf if self.published_step == NEVER else self.step - self.published_step

    @property
    def merging(self):
        """CPU seconds that merges have taken so far, and seconds since the first one began."""
        return self._merge_seconds, 0.0 if self._first_merge is None else self._log.seconds - self._first_merge

    def take_step(self):
        """Draw a minibatch, have the model updated, and hand the scores that come back to the sampler.

        Returns
        -------
        bool
            Whether a minibatch was learnt from. Where trainer 0 feeds others it is one that was drawn some steps ago.

        Raises
        ------
        Diverged
            The loss or the gradient is not finite.
        """
        with self.timeline("training"):
            drawn = self.sampler.draw()
            weights = self.sampler.loss_weights(*drawn)
            self._ordered.order(self.step, drawn, weights, self.sampler.wants_gradient)
            self.step += 1
            return self._learn(self._ordered.due())

    def learn_the_rest(self):
        """Learn from the minibatches that are left, once their steps are taken; raises as :meth:`take_step`."""
        self._learn(self._ordered.rest())

    def _learn(self, taken):
        """Learn from steps that were taken; return whether there are any."""
        learnt = False
        for step, minibatch in taken:
            self._bad_scores.tell(minibatch.indices, minibatch.scores, step, rank=0)
            self.sampler.learn_from_minibatch(minibatch, step)
            if self.predicted:
                self._learn_to_predict(minibatch, step)
            if self.tally:
                self.tally.add_drawn(minibatch.indices, minibatch.scores)
            self.loss = minibatch.loss
            self._sum_of_losses += minibatch.loss
            self.reported_signal = max(self.reported_signal, self.learner.reported_signal)
            learnt = True
        return learnt

    def _diverged(self, error, step, weights):
        """Return the exception for a step that could not be taken."""
        rate = self._config.learning_rate(self.target.kind)
        advice = f"a --lr below {rate:g}" if step else "a smaller --init, or look at the data"
        return Diverged(f"{error} at step {step} (largest importance weight {weights.max():.3g}): try {advice}")

    def _learn_to_predict(self, minibatch, step):
        """Hand the minibatch's losses to the loss predictor, and give MPI time to go on with its messages."""
        if self._config.feedback:
            self.predicted.observe(minibatch.indices, minibatch.scores, step)
        self.predicted.poll()

    def keep_params(self):
        """Have the present parameters kept, to be published once all steps up to them are taken."""
        self._ordered.keep_params(self.step)
        self.published_step = self.step

    @property
    def keeps_params(self):
        """True if parameters are kept, and not published yet."""
        return self._ordered.keeps_params

    @property
    def can_publish(self):
        """True if parameters are kept, and whole."""
        return self._ordered.has_params(self.step)

    def publish(self, exchange, command=0):
        """Start a refresh with the parameters that were kept.

        Parameters
        ----------
        exchange : exchange.TrainerExchange or exchange.LocalExchange
        command : int
            Flags of :mod:`isgd_mpi.ranks.records`.
        """
        step, params = self._ordered.take_params()
        command |= self.evaluations.command(step, command, params)
        record = exchange.published
        record["step"], record["command"] = step, command
        record["probe"], record["probe_weights"] = self.sampler.draw_probe(record["probe"].size)
        if self._scaling:
            minibatch = self.sampler.draw_trial(record["minibatch"].size)
            record["minibatch"], record["minibatch_weights"] = minibatch
        record["learning_rate"] = self.optimiser.present_learning_rate
        record["params"] = params
        exchange.start()
        if self.predicted:
            self.predicted.publish(step, command)

    def publish_last(self, exchange, command):
        """Start a refresh with the last parameters; steps that are left are not learnt from."""
        self._ordered.drop()
        self.keep_params()
        self.publish(exchange, command)

    def merge(self, reports, shards=None):
        """Merge the scores and evaluations of a refresh, and renew the proposal.

        Parameters
        ----------
        reports : list of () ndarray of records.report_dtype
        shards : list of shards.Shard, optional
            Shards of the reports, if they come from a job with another number of ranks.
        """
        begin = time.thread_time()  # a merge that another process or a slow disk interrupts is not a long one
        if self._first_merge is None:
            self._first_merge = self._log.seconds
        with self.timeline("proposing"):
            self._merge_scores(reports, shards or self._shards)
            self._merge_probe(reports[0])
            self.evaluations.merge(self.step, reports)
            signals = [int(report["signal"]) for report in reports]
            self.reported_signal = max(*signals, self.predicted.signal if self.predicted else 0)
            refresh_share = self._log_refresh()
            # decisions must not depend on the clock where a run is to be repeatable
            for event in self.sampler.renew(self.step, 0.0 if self._config.repeatable else refresh_share):
                self._log.event(self.step, event)
            if self._scaling:
                rate = self.optimiser.scheduled_learning_rate
                self._scaling.renew(self.step, self.sampler.squared_norm_ratio(), rate)
                self._scaling.apply_to(self.optimiser)
        self._merge_seconds += time.thread_time() - begin

    def _merge_scores(self, reports, shards):
        """Hand the batches scored since the last refresh to the sampler."""
        batches = list(fresh_batches(reports, self._batch_steps, shards))
        all_are_finite = self.sampler.learn_from_scores(batches)
        for rows, scores, _, _ in batches:
            if not all_are_finite:
                self._bad_scores.tell(rows, scores, self.step, self._rank_of(rows.start, shards))
            if self.tally:
                self.tally.add_scored(rows, scores)
            self.n_scored += rows.stop - rows.start
        if self.predicted:
            for rows, losses, _, step in batches:
                self.predicted.observe(np.arange(rows.start, rows.stop), losses, step)
            self.predicted.merge(self.step)

    def _merge_probe(self, report):
        """Hand the result of a probe to the sampler, if it is a new one."""
        if report["probe_step"] > self._probe_step:
            self._probe_step = int(report["probe_step"])
            age = self.step - self._probe_step
            self.sampler.learn_from_probe(*report["squared_mean_gradient"].tolist(), age)
            if self._scaling:
                self._scaling.observe(float(report["curvature"]))

    def _rank_of(self, example, shards):
        """Return the rank that scores an example: a scorer, or a trainer where there are no scorers."""
        part = next(part for part, shard in enumerate(shards) if shard.start <= example < shard.stop)
        return part + self._first_scorer

    def _log_refresh(self):
        """Log the figures since the last refresh; return the share of this time that refreshes took."""
        past = self._counters
        self._counters = Counters(self._log.seconds, self.step, self.n_scored, sum_of_losses=self._sum_of_losses)
        self._counters.lose(*self._lost_seconds())
        self.figures = self.sampler.figures(self.step) | {
            "examples_scored": self.n_scored,
            "learning_rate": self.optimiser.present_learning_rate,
            "schedule_progress": self.optimiser.learning_rate.share(self.optimiser.progress),
            "curvature": self._scaling.curvature if self._scaling else math.nan,
            "predictor_correlation": self.predicted.correlation if self.predicted else math.nan,
            **self._counters.rates_since(past),
        }
        self._log.refreshed(self.step, self.figures)
        return self._counters.refresh_share_since(past)

    def _lost_seconds(self):
        """Return the trainers' time for refreshes without merging, for merging, and for sums of gradients."""
        if self.learner.feeds:  # and they train while it waits
            return self._ordered.idle_seconds, 0.0, 0.0
        timeline = self.timeline
        return timeline.seconds_of_refreshes, timeline.seconds("proposing"), timeline.seconds("summing")

    @property
    def waiting_seconds(self):
        """Time that was lost to refreshes, and to sums of gradients."""
        refreshing, _, summing = self._lost_seconds()
        return refreshing + summing

    def restore(self, state):
        """Take the state back; see :class:`saved.Saved`."""
        super().restore(state)
        self._counters.lose(*self._lost_seconds())  # another kind of learner counted them in another way
        if self._scaling:
            self._scaling.apply_to(self.optimiser)
        self.evaluations.go_on_at(self.step)
        self.figures = self.sampler.variances()
