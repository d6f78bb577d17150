"""A training run on all ranks: what each of them sets up, and the role that it then plays."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from isgd_mpi import messages
from isgd_mpi.agreement import check_agreement, data_facts
from isgd_mpi.environment import describe_environment
from isgd_mpi.errors import InputError
from isgd_mpi.exchange import LocalExchange, ScorerExchange, TrainerExchange
from isgd_mpi.faults import Interruption
from isgd_mpi.forecaster import Forecaster, forecast_locally
from isgd_mpi.minibatch import LocalGradient
from isgd_mpi.node import find_node, on_all_ranks
from isgd_mpi.optim import SGD
from isgd_mpi.options import to_toml
from isgd_mpi.parallel import CoTrainer, TrainerGroup, run_co_trainer
from isgd_mpi.results import describe_job, last_evaluation, summarise, verdict
from isgd_mpi.runlog import RunLog, create_run_dir, write_atomically, write_json
from isgd_mpi.scorer import Scorer, answer_locally, finish_scorer, run_counting_scorer, run_relaxed_scorer
from isgd_mpi.shards import shards
from isgd_mpi.timeline import Timeline, gather_timeline
from isgd_mpi.trainer import Schedule, StopRule, finish_training, run_trainer
from isgd_mpi.training import Diverged, Trainer
from isgd_mpi.waiting import meet
from isgd_mpi.warmup import warm_up, warm_up_predictor

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
        self.predictor_rank = config.predictor_rank(self.size)
        self.n_scorers = config.n_scorers(self.size)
        self.node = find_node(comm, config.wanted_threads)
        self.dataset = on_all_ranks(comm, partial(self._load, load))
        check_agreement(comm, {"the settings": repr(config), **data_facts(self.dataset)})
        self.batch_size = min(config.score_batch_size, max(map(len, self.dataset.splits.values())))
        self.models = on_all_ranks(comm, partial(blueprint, config, self.dataset))
        on_all_ranks(comm, self._check_size)
        self.published = messages.published_dtype(self.models.n_params)
        with self.node.first_rank_first():
            warm_up(self.dataset)
            if config.score == "predicted-loss":
                warm_up_predictor(config.predictor, self.dataset)
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
        left_out = [name for name, split in self.dataset.splits.items() if len(split) < self.batch_size]
        if self._whole_batches and left_out:
            raise InputError(
                f"--compat {self.config.compat} leaves out partial batches, which is all of the split {left_out[0]}: "
                f"give a --score-batch-size of at most {len(self.dataset.splits[left_out[0]])}"
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
        """Train, or help until trainer 0 stops.

        Returns
        -------
        str or None
            What stopped the run before its end, if anything: a signal's name, or why it diverged.
        """
        n_trainers = self.config.trainers
        predicts = self.rank == self.predictor_rank
        scores = self.rank >= n_trainers and not predicts
        self.training_comm = self.comm.Split(self.rank < n_trainers, self.rank)
        self.scoring_comm = self.comm.Split(self.rank == TRAINER or scores, self.rank)
        self.predicting_comm = self.comm.Split(self.rank == TRAINER or predicts, self.rank)
        role = self._predict if predicts else self._score if scores else self._co_train
        if self.rank == TRAINER:
            role = self._train
        with Interruption() as self.interruption:
            stopped = role()
            meet(self.comm, self.node.crowded)
            self._save_timeline()
        for comm in (self.training_comm, self.scoring_comm, self.predicting_comm, self.node.comm):
            comm.Free()
        return self.comm.bcast(stopped, root=TRAINER)

    def _save_timeline(self):
        """Write what every rank did over the last stretch of training."""
        spans = gather_timeline(self.comm, self.timeline, self.node.crowded, root=TRAINER)
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
        """Return the dtype of the report of each that scores, in the order of their shards."""
        n_parts = self.n_scorers or self.config.trainers
        parts = shards(self.dataset.n_train, self.batch_size, n_parts, self._whole_batches)
        return [messages.report_dtype(shard) for shard in parts]

    def _scorer(self, part, n_parts):
        model = self.models.make(self.batch_size)
        scorer = Scorer(model, self.dataset, part, n_parts, self.batch_size, self._whole_batches)
        self.timeline.watch(scorer, score="scoring", evaluate="evaluating")
        return scorer

    @property
    def _whole_batches(self):
        return self.config.compat != "none"

    def _forecaster(self):
        labels = self.dataset.splits["train"].labels
        seed = np.random.SeedSequence(self.config.seed).spawn(self.size)[TRAINER].spawn(5)[-1]
        forecaster = Forecaster(self.config, labels, self.dataset.n_classes, seed, self.batch_size)
        self.timeline.watch(forecaster, take="training", score="scoring")
        return forecaster

    def _observations(self):
        """Return the dtype of what the predictor is sent: a refresh of the trainer's losses, and all others'."""
        schedule = Schedule.named(self.config.schedule, self.config.refresh_every)
        n_drawn = self.config.minibatch_size * schedule.interval(resting=True)
        return messages.observations_dtype(n_drawn + self.dataset.n_train)

    def _score(self):
        """Play the role of a scorer."""
        scorer = self._scorer(self.rank - self.config.trainers, self.n_scorers)
        self._serve(scorer, self.scoring_comm, self.published)

    def _predict(self):
        """Play the role of the loss predictor."""
        self._serve(self._forecaster(), self.predicting_comm, self._observations())

    def _serve(self, scorer, comm, published):
        """Answer the trainer until it stops."""
        gives_way = self.node.crowded and self.config.schedule == "relaxed"  # in the others the trainer waits for it
        if gives_way:
            self.node.give_way()
        exchange = ScorerExchange(comm, published, scorer.record.dtype, self.node.crowded)
        self.timeline.watch(exchange, arrived="sending", report="sending", wait="waiting")
        meet(self.comm, self.node.crowded)
        self.timeline.start()
        if self.config.schedule == "relaxed":
            run_relaxed_scorer(scorer, exchange, self.interruption)
        else:
            run_counting_scorer(scorer, exchange, self.interruption, self._batches_a_refresh(scorer))
        if gives_way:
            self.node.take_back()  # the trainer waits for the evaluation at the end
        finish_scorer(scorer, exchange)

    def _batches_a_refresh(self, scorer):
        """Return how many score batches fit in a refresh: all if `exact`, else by their work."""
        if self.config.schedule == "exact":
            return scorer.n_batches
        # a step takes the trainer 6 operations an example and parameter, scoring takes 4
        n_examples = 1.5 * self.config.minibatch_size * self.config.refresh_every
        return min(scorer.n_batches, max(1, round(n_examples / self.batch_size)))

    def _answer(self):
        """Return what does a trainer's part of a refresh, or None where scorers do."""
        if self.n_scorers:
            return None
        scorer = self._scorer(self.rank, self.config.trainers)
        n_batches = scorer.n_batches if self.config.schedule == "exact" else 0
        return partial(answer_locally, scorer, n_batches)

    def _gradients_and_exchange(self, model):
        """Return what computes trainer 0's gradients, alone or with others, and its end of the exchange."""
        reports = self._report_dtypes()
        if self.config.trainers == 1:
            gradients = LocalGradient(self.dataset, model, self.config.minibatch_size, self._answer())
        else:
            gradients = self._in_group(TrainerGroup, model, [] if self.n_scorers else reports)
        if self.n_scorers == 0:
            return gradients, LocalExchange(self.published, gradients.refresh)
        exchange = TrainerExchange(self.scoring_comm, self.published, [None, *reports], self.node.crowded)
        self.timeline.watch(exchange, start="sending", look="sending", wait="waiting")
        return gradients, exchange

    def _predictor_exchange(self):
        """Return the trainer's end of the exchange with the loss predictor, or None where there is none."""
        if self.config.score != "predicted-loss":
            return None
        forecaster = self._forecaster()
        if self.predictor_rank is None:
            answer = partial(forecast_locally, forecaster, self._batches_a_refresh(forecaster))
            return LocalExchange(self._observations(), lambda published: [answer(published)])
        reports = [None, forecaster.record.dtype]
        return TrainerExchange(self.predicting_comm, self._observations(), reports, self.node.crowded)

    def _in_group(self, end, model, *more):
        """Return this rank's end of the group of trainers."""
        size, polite = self.config.minibatch_size, self.node.crowded
        return end(self.training_comm, self.dataset, model, size, polite, self._answer(), *more)

    def _co_train(self):
        """Play the role of a trainer other than the first."""
        model = self.models.make(self.config.minibatch_size)
        optimiser = SGD(model.params, **self.config.optimiser_settings(self.dataset.n_train))
        co_trainer = self._in_group(CoTrainer, model, self.published, optimiser, self.interruption)
        meet(self.comm, self.node.crowded)
        self.timeline.start()
        self.timeline.watch(co_trainer, receive="waiting", compute="training", step="training", refresh="scoring")
        run_co_trainer(co_trainer)

    def _train(self):
        """Play the role of trainer 0; return what stopped the run."""
        init_seed, *seeds = np.random.SeedSequence(self.config.seed).spawn(self.size)[self.rank].spawn(4)
        model = self.models.make_initial(self.config.minibatch_size, np.random.default_rng(init_seed))
        gradients, exchange = self._gradients_and_exchange(model)
        if self.folder:
            text = to_toml(self.config, self.models.unused)
            write_atomically(self.folder / "config.toml", lambda file: file.write(text.encode()))
            write_json(self.folder / "environment.json", describe_environment(self.comm, self.node))
        meet(self.comm, self.node.crowded)
        self.timeline.start()
        log = self.log = RunLog(self.folder, self.config.n_steps(self.dataset.n_train), self.config.quiet)
        log.say(describe_job(self.config, self.dataset, self.models.text, self.size, self.node, self.folder))
        trainer = Trainer(
            self.config,
            self.dataset,
            model,
            gradients,
            seeds,
            log,
            self._norms_come_back(),
            self._predictor_exchange(),
        )
        self.timeline.watch(trainer, take_step="training", merge="proposing")
        try:
            return self._run_to_the_end(trainer, exchange, gradients, model, log)
        finally:
            log.close()

    def _norms_come_back(self):
        """Whether scores come back that are gradient norms."""
        scored = self.n_scorers > 0 or self.config.schedule == "exact"
        return scored and self.config.score in ("grad-norm", "uniform")

    def _run_to_the_end(self, trainer, exchange, gradients, model, log):
        """Train, evaluate, and keep what came of it; return what stopped the run."""
        log.event(0, "start")
        rule = StopRule(self.config, self.dataset.n_train, log, self.interruption)
        problem = None
        try:
            run_trainer(trainer, exchange, Schedule.named(self.config.schedule, self.config.refresh_every), rule)
        except Diverged as error:
            problem = str(error)
        self.timeline.stop()
        # without the evaluation at the end
        seconds, waiting_seconds = log.seconds, exchange.seconds + gradients.seconds + trainer.intake.seconds
        stopped = problem or rule.interrupted_by
        finish_training(trainer, exchange, evaluate=not stopped)
        gradients.stop()
        self.summary = summarise(trainer, self.config, self.size, seconds, waiting_seconds)
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
