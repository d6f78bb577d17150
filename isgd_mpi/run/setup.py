"""Setup of a job: the facts that a rank has before it plays its role, and the parts that are made from them."""

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from mpi4py import MPI

from isgd_mpi.data.datasets import Dataset
from isgd_mpi.data.measure import measure_for
from isgd_mpi.model.optim import make_optimiser
from isgd_mpi.ranks import records
from isgd_mpi.ranks.node import Node
from isgd_mpi.ranks.published import N_BUFFERS
from isgd_mpi.ranks.shards import Grid, score_batch_size
from isgd_mpi.ranks.transports import transport_between
from isgd_mpi.run.resume import Resumption
from isgd_mpi.settings.config import Config
from isgd_mpi.training.best import Best
from isgd_mpi.training.curvature import Curvature
from isgd_mpi.training.loop import Schedule
from isgd_mpi.training.measures import n_sums
from isgd_mpi.training.minibatch import Learner
from isgd_mpi.training.predictor.forecaster import Forecaster
from isgd_mpi.training.probe import Probe
from isgd_mpi.training.scorer import Scorer, ScoringModels, answer_locally

TRAINER = 0
"""The rank of trainer 0, which owns the score table and writes every file."""

_PROBED_OF_SCORED = 1 / 32  # examples of a probe over those that are scored in a refresh
_PROBED_OF_DRAWN = 1 / 16  # over those that are drawn, where a scorer can score two to three in that time
_PROBED_BY_TRAINER = 1 / 64  # over those that are drawn, where the trainer itself makes the probe
_LEAST_PROBED, _MOST_PROBED = 16, 256


@dataclass(frozen=True)
class Setup:
    """A job, seen from one of its ranks. Nothing here is collective.

    Attributes
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    config : config.Config
    dataset : datasets.Dataset
    models : blueprints.MLPBlueprint or blueprints.OwnBlueprint
    node : node.Node
    resumption : resume.Resumption or None
        The plan, if a run is resumed.
    why_trainers : str or None
        The reason for the number of trainers in `config`, if the user left that to us.
    where : str or None
        The run's folder, if it has one.
    irreducible_losses : (N,) ndarray of float32 or None
        On trainer 0, the losses of the reference model, if there is one and the run is not resumed.
    given_feeder : str
        The option `--feeder` as the user gave it; `config` has what was chosen.
    n_ahead : int
        Steps that trainer 0 orders before it needs the answer to the first, where it feeds others.
    """

    comm: MPI.Comm
    config: Config
    dataset: Dataset
    models: object
    node: Node
    resumption: Resumption | None = None
    why_trainers: str | None = None
    where: str | None = None
    irreducible_losses: np.ndarray | None = None
    given_feeder: str = "auto"
    n_ahead: int = 0

    @property
    def way_on(self):
        """The way to go on when trainer 0 is lost, to be added to a message."""
        command = self.resume_command
        return f"; go on from its last checkpoint, if there is one, with {command}" if command else ""

    @property
    def resume_command(self):
        """The command that goes on from the run's checkpoint, in words; empty where none can."""
        if not self.where or not self.models.resumable:
            return ""
        if self.config.data != "arrays":
            return f"--resume {self.where}"
        return f"python -m isgd_mpi --resume {self.where} --data FILE, with the same arrays in FILE"

    @property
    def given_config(self):
        """The settings as the user gave them, to be used again on another number of ranks."""
        trainers = "auto" if self.why_trainers else self.config.trainers
        return replace(self.config, trainers=trainers, feeder=self.given_feeder)

    @cached_property
    def rank(self):
        """The number of this rank."""
        return self.comm.Get_rank()

    @cached_property
    def size(self):
        """The number of ranks."""
        return self.comm.Get_size()

    @property
    def rank_names(self):
        """The number and host of each rank, for messages."""
        return [f"rank {rank} ({host})" for rank, host in enumerate(self.node.hosts)]

    def waiting_by(self, waiter):
        """Return this setup, with another way to wait."""
        return replace(self, node=replace(self.node, waiter=waiter))

    @property
    def n_scorers(self):
        """The number of scorers."""
        return self.config.n_scorers(self.size)

    @property
    def predictor_rank(self):
        """The rank that predicts losses, or None."""
        return self.config.predictor_rank(self.size)

    @property
    def predicts(self):
        """Return whether this rank is the loss predictor."""
        return self.rank == self.predictor_rank

    @property
    def scores(self):
        """Return whether this rank is a scorer."""
        return self.rank >= self.config.trainers and not self.predicts

    @property
    def has_validation(self):
        """True if the data set has a validation set."""
        return "valid" in self.dataset.splits

    @property
    def roles_on_node(self):
        """Return the numbers of ranks on this rank's node that train, and that serve trainer 0."""
        nodes, trainers = self.node.nodes, self.config.trainers
        own = nodes[self.rank]
        return nodes[:trainers].count(own), nodes[trainers:].count(own)

    @cached_property
    def grid(self):
        """The grid of score batches, cut into a shard for each scorer, or each trainer where there are no scorers."""
        size = score_batch_size(self.config.score_batch_size, self.dataset.n_train)
        batch_size = min(size, max(map(len, self.dataset.splits.values())))
        return Grid(batch_size, self.n_scorers or self.config.trainers, self.config.whole_batches)

    @cached_property
    def shards(self):
        """The shards of the training set, in the order of the reports."""
        return self.grid.shards(self.dataset.n_train)

    def shards_of(self, n_parts):
        """Return the shards of the training set for another number of ranks."""
        return replace(self.grid, n_parts=n_parts).shards(self.dataset.n_train)

    @cached_property
    def whole(self):
        """The shard of the loss predictor: the whole training set."""
        (shard,) = Grid(self.grid.batch_size, 1).shards(self.dataset.n_train)
        return shard

    @cached_property
    def published(self):
        """The dtype of the record that trainer 0 publishes in a refresh."""
        return records.published_dtype(self.models.n_params, self.n_probed, self.n_measured)

    @property
    def n_probed(self):
        """The examples of a probe of |mu|^2: a few per cent of those that are scored or drawn in a refresh.

        The number depends on the scorers' number only where the schedule lets results depend on it.
        """
        if self.config.schedule == "exact":
            n_wanted = _PROBED_OF_SCORED * self.dataset.n_train
        else:
            share = _PROBED_OF_DRAWN if self.n_scorers else _PROBED_BY_TRAINER
            n_wanted = share * self.config.minibatch_size * self.config.refresh_every
        return int(np.clip(n_wanted // 8 * 8, _LEAST_PROBED, _MOST_PROBED))

    @property
    def n_measured(self):
        """The examples of a minibatch that the curvature is measured on, where the learning rate is scaled by it."""
        return self.config.minibatch_size if self.config.lr_scaling == "gain" else 0

    @cached_property
    def observations(self):
        """The dtype of the record of losses for the predictor: the trainer's of a refresh, and one an example."""
        n_drawn = self.config.minibatch_size * self.schedule.interval(on=False)
        return records.observations_dtype(n_drawn + self.dataset.n_train)

    def report_dtypes(self, shards):
        """Return the dtype of the report on each shard."""
        dataset = self.dataset
        return [records.report_dtype(shard, dataset.n_strata, n_sums(dataset.target)) for shard in shards]

    @property
    def transport(self):
        """The class in :mod:`isgd_mpi.ranks.transports` by which records travel."""
        n_bytes = self.published.itemsize + (0 if self.predictor_rank is None else self.observations.itemsize)
        n_shared_bytes = self.node.n_shared_bytes if self.models.params_may_be_shared else 0
        return transport_between(self.size, self.node.comm.Get_size(), n_bytes, n_shared_bytes)

    @property
    def schedule(self):
        """The times at which the trainer publishes, waits and merges."""
        return Schedule.named(self.config.schedule, self.config.refresh_every, self.feeds)

    @property
    def norms_come_back(self):
        """Return whether the reports bring gradient norms."""
        scored = self.n_scorers > 0 or self.config.schedule == "exact"
        return scored and self.config.score in ("grad-norm", "uniform")

    def batches_a_refresh(self, worker):
        """Return the number of batches in a refresh: all if `exact`, else as many as take a refresh's time.

        Parameters
        ----------
        worker : scorer.Scorer or forecaster.Forecaster
        """
        if self.config.schedule == "exact":
            return worker.n_batches
        n_params = self.models.n_params
        # operations an example and parameter: 6 in a step, 4 in scoring, which take the time of 2 in bfloat16
        scoring = (2 if self.scores and self.models.make_products else 4) * n_params
        operations = worker.operations if isinstance(worker, Forecaster) else scoring
        n_steps = self.config.refresh_every - self.n_ahead  # before trainer 0 waits for the report
        n_examples = 6 * n_params * self.config.minibatch_size * n_steps / operations
        return min(worker.n_batches, max(1, round(n_examples / self.grid.batch_size)))

    def make_scorer(self, part, waiter):
        """Return the scorer of a shard, by the shard's number."""
        measures = [
            kind(self.models.make(n_rows), self.dataset, n_rows) if part == 0 and n_rows else None
            for kind, n_rows in ((Probe, self.n_probed), (Curvature, self.n_measured))
        ]
        models = ScoringModels(*self.models.make_scorer(self.grid.batch_size), self.models.rows_at_a_time, *measures)
        return Scorer(models, self.dataset, self.grid, part, waiter)

    def make_forecaster(self, waiter):
        """Return the loss predictor; trainer 0 also makes one, for the dtype and initial state of its report."""
        seed = np.random.SeedSequence(self.config.seed).spawn(self.size)[TRAINER].spawn(5)[-1]
        return Forecaster(self.config, self.dataset, seed, self.whole, waiter)

    @cached_property
    def trainers_share(self):
        """True if the trainers of each node share a model: our own, with room for it in shared memory.

        There are several, and as many on each node, so that each has an equal on every other one.
        """
        config = self.config
        if config.trainers == 1 or config.compat != "none" or not self.models.params_may_be_shared:
            return False  # the figures of `compat` are of gradients, which are not formed where the model is shared
        n_on_nodes = list(map(len, self._trainers_of_nodes.values()))
        alike = min(n_on_nodes) == max(n_on_nodes) > 1
        if not alike or len(n_on_nodes) > config.minibatch_size:
            return False
        n_bytes = self.models.shared_bytes(config.minibatch_size) + N_BUFFERS * self.published.itemsize
        return 2 * n_bytes <= self.node.n_shared_bytes

    @property
    def feeds(self):
        """True if trainer 0 leaves the steps to the other trainers, whose model is shared, and feeds them."""
        return self.config.feeder == "on"

    @cached_property
    def _trainers_of_nodes(self):
        """The trainers of each node that has any, in the order of their ranks."""
        nodes = self.node.nodes[: self.config.trainers]
        return {node: [rank for rank, its in enumerate(nodes) if its == node] for node in nodes}

    @property
    def n_models(self):
        """The number of models that the trainers have, each with a part of the minibatch."""
        return len(self._trainers_of_nodes) if self.trainers_share else self.config.trainers

    @property
    def model_and_place(self):
        """The number of this trainer's model, and this trainer's place among those that share it; 0 elsewhere.

        The trainers with the same place sum gradients, if there are several models.
        """
        if self.rank >= self.config.trainers:
            return 0, 0
        if not self.trainers_share:
            return self.rank, 0
        node = self.node.nodes[self.rank]
        return list(self._trainers_of_nodes).index(node), self._trainers_of_nodes[node].index(self.rank)

    @property
    def waiter_among_trainers(self):
        """The way in which this rank waits for other trainers: trainer 0 counts it as summing."""
        waiter = self.node.waiter
        return replace(waiter, activity="summing") if self.rank == TRAINER else waiter

    @property
    def most_rows(self):
        """The most examples of a minibatch that a model gets: the same on all nodes, so that all are cut alike."""
        return -(-self.config.minibatch_size // self.n_models)

    def make_best(self):
        """Return what remembers the best parameters on the validation set, or None where there is none."""
        if not self.has_validation:
            return None
        measure = "loss" if self.config.best_by == "loss" else measure_for(self.dataset.target).name
        return Best(self.models.n_params, measure, self.config.patience)

    def make_learner(self, model, n_rows):
        """Return the learner of a trainer, which also scores and evaluates where there are no scorers.

        Parameters
        ----------
        model : own_model.Model
        n_rows : int
            Examples of a minibatch that this trainer works on.
        """
        optimiser = make_optimiser(model.params, self.config, self.dataset.n_train, self.dataset.target.kind)
        if self.trainers_share:
            optimiser.keep_in(model.share)
        return Learner(self.dataset, model, optimiser, n_rows, None if self.n_scorers else self._local_answer())

    def _local_answer(self):
        """Return a function that does this trainer's part of a refresh."""
        scorer = self.make_scorer(self.rank, self.node.waiter)
        return partial(answer_locally, scorer, scorer.n_batches if self.config.schedule == "exact" else 0)
