"""A training run on all ranks: what each of them sets up, and the role that it then plays."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from isgd_mpi import messages
from isgd_mpi.environment import describe_environment
from isgd_mpi.errors import InputError
from isgd_mpi.exchange import LocalExchange, ScorerExchange, TrainerExchange
from isgd_mpi.faults import Interruption
from isgd_mpi.node import find_node, on_all_ranks
from isgd_mpi.options import to_toml
from isgd_mpi.results import describe_job, last_evaluation, summarise, verdict
from isgd_mpi.runlog import RunLog, create_run_dir, write_atomically, write_json
from isgd_mpi.scorer import Scorer, answer_locally, run_counting_scorer, run_relaxed_scorer
from isgd_mpi.shards import shards
from isgd_mpi.timeline import Timeline, gather_timeline
from isgd_mpi.trainer import Schedule, StopRule, finish_training, run_trainer
from isgd_mpi.training import Diverged, Trainer
from isgd_mpi.waiting import meet
from isgd_mpi.warmup import warm_up

_LARGEST_MESSAGE_BYTES = 2**31 - 2**12  # NumPy's limit for a record, less its header

TRAINER = 0
"""Rank of the trainer that owns the score table and writes every file."""


class Job:
    """A training run on all ranks. Construction and :meth:`run` are collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    config : config.Config
        The same on every rank.
    load : callable
        Returns the data set; called on every rank, first on one of each node.
    blueprint : callable
        Takes the settings and the data set, returns what makes the models, such as
        :class:`blueprints.MLPBlueprint`.
    in_memory : bool
        Whether to write no files.

    Attributes
    ----------
    folder : pathlib.Path or None
        Where rank 0 writes.
    log : runlog.RunLog or None
    summary : dict or None
    verdict : str or None
    trained : trained.TrainedModel or None
        What came of the run, on rank 0; no model if it diverged.

    Raises
    ------
    InputError
        On every rank, if the input is bad on any.
    """

    def __init__(self, comm, config, load, blueprint, in_memory=False):
        self.comm = comm
        self.config = config
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self.n_scorers = self.size - config.trainers
        self.node = find_node(comm, config.wanted_threads)
        self.dataset = on_all_ranks(comm, partial(self._load, load))
        self.batch_size = min(config.score_batch_size, max(map(len, self.dataset.splits.values())))
        self.models = on_all_ranks(comm, partial(blueprint, config, self.dataset))
        on_all_ranks(comm, self._check_size)
        self.published = messages.published_dtype(self.models.n_params)
        with self.node.first_rank_first():
            warm_up(self.dataset)
        self.folder = None if in_memory else on_all_ranks(comm, self._create_folder)
        self.log = self.summary = self.verdict = self.trained = None
        self.timeline = Timeline()

    def _check_size(self):
        """Refuse what cannot fit, before anything is written."""
        params_bytes = 4 * self.models.n_params
        if params_bytes >= _LARGEST_MESSAGE_BYTES:
            raise InputError(
                f"{params_bytes / 1e9:.3g} GB of parameters do not fit into one message of 2 GB: lower --hidden"
            )
        rows = max(self.config.minibatch_size, self.batch_size)
        needed = 4 * params_bytes + 8 * rows * self.models.units
        available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if needed > available:
            raise InputError(
                f"a rank would need {needed / 1e9:.3g} GB, and this machine has {available / 1e9:.3g} GB: "
                "lower --minibatch-size, --score-batch-size or --hidden"
            )

    def run(self):
        """Train, or score until the trainer stops.

        Returns
        -------
        str or None
            What stopped the run before its end, if anything: a signal's name, or why it diverged.
        """
        self.exchange_comm = self.comm.Dup()
        with Interruption() as self.interruption:
            stopped = self._train() if self.rank == TRAINER else self._score()
            meet(self.comm, self.node.crowded)
            self._save_timeline()
        self.exchange_comm.Free()
        self.node.comm.Free()
        return self.comm.bcast(stopped, root=TRAINER)

    def _save_timeline(self):
        """Write what every rank did over the last stretch of training."""
        spans = gather_timeline(self.comm, self.timeline, root=TRAINER)
        if self.folder:
            write_atomically(self.folder / "timeline.npz", lambda file: np.savez(file, **spans))

    def _load(self, load):
        """Load the data: one rank of each node first, which may have to convert them."""
        with self.node.first_rank_first():
            return load()

    def _create_folder(self):
        if self.rank != TRAINER:
            return None
        stem = f"{Path(self.dataset.name).stem}-{self.config.score}-{self.config.seed}"
        return create_run_dir(self.config.run_dir, stem)

    def _report_dtypes(self):
        """Return the dtype of each rank's report; None of the trainers'."""
        parts = shards(self.dataset.n_train, self.batch_size, self.n_scorers, self._whole_batches)
        return [None] * self.config.trainers + [messages.report_dtype(shard) for shard in parts]

    def _scorer(self, part, n_parts):
        model = self.models.make(self.batch_size)
        scorer = Scorer(model, self.dataset, part, n_parts, self.batch_size, self._whole_batches)
        self.timeline.watch(scorer, score="scoring", evaluate="evaluating")
        return scorer

    @property
    def _whole_batches(self):
        return self.config.compat != "none"

    def _score(self):
        """Play the role of a scorer."""
        if self.node.crowded:
            self.node.give_way()
        scorer = self._scorer(self.rank - self.config.trainers, self.n_scorers)
        exchange = ScorerExchange(self.exchange_comm, self.published, scorer.record.dtype, self.node.crowded)
        self.timeline.watch(exchange, arrived="sending", report="sending", wait="waiting")
        meet(self.comm, self.node.crowded)
        self.timeline.start()
        if self.config.schedule == "relaxed":
            run_relaxed_scorer(scorer, exchange, self.interruption)
        else:
            run_counting_scorer(scorer, exchange, self.interruption, self._batches_a_refresh(scorer))

    def _batches_a_refresh(self, scorer):
        """Return how many score batches fit in a refresh: all if `exact`, else by their work."""
        if self.config.schedule == "exact":
            return scorer.n_batches
        # a step takes the trainer 6 operations an example and parameter, scoring takes 4
        n_examples = 1.5 * self.config.minibatch_size * self.config.refresh_every
        return min(scorer.n_batches, max(1, round(n_examples / self.batch_size)))

    def _exchange(self):
        """Return the trainer's end of the exchange."""
        if self.n_scorers:
            exchange = TrainerExchange(self.exchange_comm, self.published, self._report_dtypes(), self.node.crowded)
            self.timeline.watch(exchange, start="sending", look="sending", wait="waiting")
            return exchange
        scorer = self._scorer(0, 1)
        n_batches = scorer.n_batches if self.config.schedule == "exact" else 0
        return LocalExchange(self.published, partial(answer_locally, scorer, n_batches))

    def _train(self):
        """Play the role of the trainer; return what stopped the run."""
        exchange = self._exchange()
        init_seed, *seeds = np.random.SeedSequence(self.config.seed).spawn(self.size)[self.rank].spawn(4)
        model = self.models.make_initial(self.config.minibatch_size, np.random.default_rng(init_seed))
        if self.folder:
            text = to_toml(self.config, self.models.unused)
            write_atomically(self.folder / "config.toml", lambda file: file.write(text.encode()))
            write_json(self.folder / "environment.json", describe_environment(self.comm, self.node))
        meet(self.comm, self.node.crowded)
        self.timeline.start()
        log = self.log = RunLog(self.folder, self.config.n_steps(self.dataset.n_train), self.config.quiet)
        log.say(describe_job(self.config, self.dataset, self.models.text, self.size, self.node, self.folder))
        trainer = Trainer(self.config, self.dataset, model, seeds, log, self._norms_come_back())
        self.timeline.watch(trainer, take_step="training", merge="proposing")
        try:
            return self._run_to_the_end(trainer, exchange, model, log)
        finally:
            log.close()

    def _norms_come_back(self):
        """Whether scores come back that are gradient norms."""
        scored = self.n_scorers > 0 or self.config.schedule == "exact"
        return scored and self.config.score in ("grad-norm", "uniform")

    def _run_to_the_end(self, trainer, exchange, model, log):
        """Train, evaluate, and keep what came of it; return what stopped the run."""
        log.event(0, "start")
        rule = StopRule(self.config, self.dataset.n_train, log, self.interruption)
        problem = None
        try:
            run_trainer(trainer, exchange, Schedule.named(self.config.schedule, self.config.refresh_every), rule)
        except Diverged as error:
            problem = str(error)
        self.timeline.stop()
        seconds, exchange_seconds = log.seconds, exchange.seconds  # without the evaluation at the end
        stopped = problem or rule.interrupted_by
        finish_training(trainer, exchange, evaluate=not stopped)
        self.summary = summarise(trainer, self.config, self.size, seconds, exchange_seconds)
        log.event(trainer.step, f"stop: {stopped or 'complete'}")
        self.summary |= {"stopped": stopped, **last_evaluation(trainer.splits)}
        if problem is None:
            self.trained = self.models.trained(model.params, self.dataset, trainer.step)
        self._write_results()
        self.verdict = verdict(trainer, self.config.score)
        log.say(self.verdict)
        return stopped

    def _write_results(self):
        """Write what came of the run, if it has a folder."""
        if self.folder is None:
            return
        write_json(self.folder / "summary.json", self.summary)
        if self.trained:
            self.trained.save(self.folder / "model.npz")
