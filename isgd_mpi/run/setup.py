"""What the roles of a job are played with: scorers, predictor, and the records that travel between them."""

from functools import partial

import numpy as np

from isgd_mpi.ranks import records
from isgd_mpi.ranks.shards import shards
from isgd_mpi.ranks.transports import transport_between
from isgd_mpi.training.loop import Schedule
from isgd_mpi.training.predictor.forecaster import Forecaster
from isgd_mpi.training.scorer import Scorer, answer_locally

TRAINER = 0
"""Rank of the trainer that owns the score table and writes every file."""


class Parts:
    """Makes what a rank needs to play its role. Not collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    config : config.Config
    dataset : datasets.Dataset
    models : blueprints.MLPBlueprint or blueprints.OwnBlueprint
    node : node.Node
    batch_size : int
        Examples in a score batch.
    timeline : timeline.Timeline
        Watches what is made here.
    resumption : resume.Resumption, optional
        Of a run that is taken up again.

    Attributes
    ----------
    comm, config, dataset, models, node, timeline, resumption
        As given.
    rank, size : int
    n_scorers : int
        Ranks that score.
    predictor_rank : int or None
        The rank that predicts losses, if there is one.
    published : numpy.dtype
        Of the record that goes out in a refresh.
    transport : class
        By which records travel: of :mod:`transports`.
    """

    def __init__(self, comm, config, dataset, models, node, batch_size, timeline, resumption=None):
        self.comm = comm
        self.config = config
        self.dataset = dataset
        self.models = models
        self.node = node
        self.timeline = timeline
        self.resumption = resumption
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self.n_scorers = config.n_scorers(self.size)
        self.predictor_rank = config.predictor_rank(self.size)
        self.published = records.published_dtype(models.n_params)
        self._batch_size = batch_size
        n_bytes = self.published.itemsize + (0 if self.predictor_rank is None else self.observations().itemsize)
        n_shared_bytes = node.n_shared_bytes if models.params_may_be_shared else 0
        self.transport = transport_between(self.size, node.comm.Get_size(), n_bytes, n_shared_bytes)

    @property
    def predicts(self):
        """Whether this rank predicts losses."""
        return self.rank == self.predictor_rank

    @property
    def scores(self):
        """Whether this rank is a scorer."""
        return self.rank >= self.config.trainers and not self.predicts

    def scorer(self, part, n_parts, pulse=None):
        """Return what scores and evaluates one of so many shards, with a beat after each batch if there is a pulse."""
        models = self.models.make_scorer(self._batch_size)
        for model in set(models) if pulse else ():
            model.scores = pulse.after_each(model.scores)
        scorer = Scorer(
            *models,
            self.dataset,
            part,
            n_parts,
            self._batch_size,
            self.config.whole_batches,
            self.models.rows_at_a_time,
        )
        self.timeline.watch(scorer, score="scoring", evaluate="evaluating")
        return scorer

    def forecaster(self):
        """Return what predicts losses."""
        labels = self.dataset.splits["train"].labels
        seed = np.random.SeedSequence(self.config.seed).spawn(self.size)[TRAINER].spawn(5)[-1]
        forecaster = Forecaster(self.config, labels, self.dataset.n_classes, seed, self._batch_size)
        self.timeline.watch(forecaster, take="training", score="scoring")
        return forecaster

    @property
    def n_parts(self):
        """In how many parts the training set is scored."""
        return self.n_scorers or self.config.trainers

    def report_dtypes(self, n_parts=None):
        """Return the dtype of the report of each that scores, in the order of their shards.

        Parameters
        ----------
        n_parts : int, optional
            As of another number of ranks.
        """
        n_parts = n_parts or self.n_parts
        parts = shards(self.dataset.n_train, self._batch_size, n_parts, self.config.whole_batches)
        return [records.report_dtype(shard, self.dataset.n_classes) for shard in parts]

    def observations(self):
        """Return the dtype of what the predictor is sent: a refresh of the trainer's losses, and all others'."""
        n_drawn = self.config.minibatch_size * self.schedule().interval(resting=True)
        return records.observations_dtype(n_drawn + self.dataset.n_train)

    def schedule(self):
        """Return when the trainer publishes, waits and merges."""
        return Schedule.named(self.config.schedule, self.config.refresh_every)

    def batches_a_refresh(self, scorer):
        """Return how many score batches fit in a refresh: all if `exact`, else by their work."""
        if self.config.schedule == "exact":
            return scorer.n_batches
        # a step takes the trainer 6 operations an example and parameter, scoring takes 4, in bfloat16 as if they were 2
        operations = 2 if self.scores and self.models.make_products else 4
        n_examples = 6 / operations * self.config.minibatch_size * self.config.refresh_every
        return min(scorer.n_batches, max(1, round(n_examples / self._batch_size)))

    def norms_come_back(self):
        """Whether scores come back that are gradient norms."""
        scored = self.n_scorers > 0 or self.config.schedule == "exact"
        return scored and self.config.score in ("grad-norm", "uniform")


def in_group(end, parts, comms, model, *more):
    """Return this rank's end of the group of trainers. Collective over them.

    Parameters
    ----------
    end : type
        :class:`co_trainers.TrainerGroup` or :class:`co_trainers.CoTrainer`.
    parts, comms
        As of :func:`score`.
    model : Model
    *more
        What this end needs besides.
    """
    size, polite = parts.config.minibatch_size, parts.node.crowded
    return end(comms.training, parts.dataset, model, size, polite, trainers_answer(parts), *more)


def trainers_answer(parts):
    """Return what does a trainer's part of a refresh, or None where scorers do."""
    if parts.n_scorers:
        return None
    scorer = parts.scorer(parts.rank, parts.config.trainers)
    n_batches = scorer.n_batches if parts.config.schedule == "exact" else 0
    return partial(answer_locally, scorer, n_batches)
