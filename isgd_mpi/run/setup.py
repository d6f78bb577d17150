"""The setup of a job: everything that a rank knows before it plays its role, and makes what the role needs."""

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from mpi4py import MPI

from isgd_mpi.data.datasets import Dataset
from isgd_mpi.model.optim import SGD
from isgd_mpi.ranks import records
from isgd_mpi.ranks.node import Node
from isgd_mpi.ranks.shards import Grid
from isgd_mpi.ranks.transports import transport_between
from isgd_mpi.run.resume import Resumption
from isgd_mpi.settings.config import Config
from isgd_mpi.training.loop import Schedule
from isgd_mpi.training.minibatch import Learner
from isgd_mpi.training.predictor.forecaster import Forecaster
from isgd_mpi.training.scorer import Scorer, ScoringModels, answer_locally

TRAINER = 0
"""Rank of the trainer that owns the score table and writes every file."""


@dataclass(frozen=True)
class Setup:
    """A job as one of its ranks sees it. Nothing here is collective.

    Attributes
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    config : config.Config
    dataset : datasets.Dataset
    models : blueprints.MLPBlueprint or blueprints.OwnBlueprint
    node : node.Node
    resumption : resume.Resumption or None
        Of a run that is resumed.
    """

    comm: MPI.Comm
    config: Config
    dataset: Dataset
    models: object
    node: Node
    resumption: Resumption | None = None

    @cached_property
    def rank(self):
        """Rank in the job."""
        return self.comm.Get_rank()

    @cached_property
    def size(self):
        """Ranks of the job."""
        return self.comm.Get_size()

    @property
    def n_scorers(self):
        """Ranks that score."""
        return self.config.n_scorers(self.size)

    @property
    def predictor_rank(self):
        """The rank that predicts losses, or None."""
        return self.config.predictor_rank(self.size)

    @property
    def predicts(self):
        """Whether this rank predicts losses."""
        return self.rank == self.predictor_rank

    @property
    def scores(self):
        """Whether this rank is a scorer."""
        return self.rank >= self.config.trainers and not self.predicts

    @cached_property
    def grid(self):
        """The score batches, and the shards that they are dealt out in, as a shards.Grid.

        The trainers score where no ranks do.
        """
        batch_size = min(self.config.score_batch_size, max(map(len, self.dataset.splits.values())))
        return Grid(batch_size, self.n_scorers or self.config.trainers, self.config.whole_batches)

    @cached_property
    def shards(self):
        """Shards of the training set, in the order of the reports."""
        return self.grid.shards(self.dataset.n_train)

    def shards_of(self, n_parts):
        """Return the shards of the training set for another number of ranks."""
        return replace(self.grid, n_parts=n_parts).shards(self.dataset.n_train)

    @cached_property
    def whole(self):
        """The whole training set as one shard: the loss predictor's."""
        (shard,) = Grid(self.grid.batch_size, 1).shards(self.dataset.n_train)
        return shard

    @cached_property
    def published(self):
        """Dtype of the record that goes out in a refresh."""
        return records.published_dtype(self.models.n_params)

    @cached_property
    def observations(self):
        """Dtype of the record that the predictor is sent: a refresh of the trainer's losses, and all others'."""
        n_drawn = self.config.minibatch_size * self.schedule.interval(on=False)
        return records.observations_dtype(n_drawn + self.dataset.n_train)

    def report_dtypes(self, shards):
        """Return the dtype of the report on each of some shards."""
        return [records.report_dtype(shard, self.dataset.n_classes) for shard in shards]

    @property
    def transport(self):
        """The type of :mod:`isgd_mpi.ranks.transports` by which records travel."""
        n_bytes = self.published.itemsize + (0 if self.predictor_rank is None else self.observations.itemsize)
        n_shared_bytes = self.node.n_shared_bytes if self.models.params_may_be_shared else 0
        return transport_between(self.size, self.node.comm.Get_size(), n_bytes, n_shared_bytes)

    @property
    def schedule(self):
        """The times at which the trainer publishes, waits and merges, as a loop.Schedule."""
        return Schedule.named(self.config.schedule, self.config.refresh_every)

    @property
    def norms_come_back(self):
        """Whether scores come back that are gradient norms."""
        scored = self.n_scorers > 0 or self.config.schedule == "exact"
        return scored and self.config.score in ("grad-norm", "uniform")

    def batches_a_refresh(self, scorer):
        """Return how many score batches fit in a refresh: all if `exact`, else by their work.

        Parameters
        ----------
        scorer : scorer.Scorer or forecaster.Forecaster
        """
        if self.config.schedule == "exact":
            return scorer.n_batches
        # a step takes the trainer 6 operations an example and parameter, scoring takes 4, in bfloat16 as if they were 2
        operations = 2 if self.scores and self.models.make_products else 4
        n_examples = 6 / operations * self.config.minibatch_size * self.config.refresh_every
        return min(scorer.n_batches, max(1, round(n_examples / self.grid.batch_size)))

    def make_scorer(self, part, waiter):
        """Return a scorer of a shard.

        Parameters
        ----------
        part : int
        waiter : waiting.Waiter
        """
        models = ScoringModels(*self.models.make_scorer(self.grid.batch_size), self.models.rows_at_a_time)
        return Scorer(models, self.dataset, self.grid, part, waiter)

    def make_forecaster(self, waiter):
        """Return a forecaster: the loss predictor, or its like on trainer 0."""
        seed = np.random.SeedSequence(self.config.seed).spawn(self.size)[TRAINER].spawn(5)[-1]
        return Forecaster(self.config, self.dataset, seed, self.whole, waiter)

    def make_learner(self, model, n_rows):
        """Return a learner, which also scores and evaluates where no ranks do.

        Parameters
        ----------
        model : Model
        n_rows : int
            Examples in its share of a minibatch.
        """
        optimiser = SGD(model.params, **self.config.optimiser_settings(self.dataset.n_train))
        return Learner(self.dataset, model, optimiser, n_rows, None if self.n_scorers else self._local_answer())

    def _local_answer(self):
        """Return a function that does a trainer's part of a refresh."""
        scorer = self.make_scorer(self.rank, self.node.waiter)
        return partial(answer_locally, scorer, scorer.n_batches if self.config.schedule == "exact" else 0)
