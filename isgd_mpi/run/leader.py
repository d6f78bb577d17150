"""Trainer 0: it owns the score table, takes the steps, writes every file, and says when all stop."""

from contextlib import suppress
from functools import partial

import numpy as np

from isgd_mpi.data.files import write_atomically, write_json
from isgd_mpi.ranks.agreement import on_all_ranks
from isgd_mpi.ranks.exchange import LocalExchange, TrainerExchange
from isgd_mpi.ranks.heartbeat import Silent, Watch
from isgd_mpi.ranks.records import is_kept
from isgd_mpi.run.record.checkpoints import FILE, Checkpoints
from isgd_mpi.run.record.environment import describe_environment
from isgd_mpi.run.record.log import RunLog
from isgd_mpi.run.record.summary import Keeper, describe_job, last_evaluation, summarise, verdict
from isgd_mpi.run.resume import RunState
from isgd_mpi.run.setup import in_group, trainers_answer
from isgd_mpi.settings.errors import Diverged, InputError
from isgd_mpi.settings.options import to_toml
from isgd_mpi.training.co_trainers import TrainerGroup
from isgd_mpi.training.loop import StopRule, finish_training, run_trainer
from isgd_mpi.training.minibatch import LocalGradient
from isgd_mpi.training.predictor.forecaster import forecast_locally
from isgd_mpi.training.predictor.remote import RemoteForecaster
from isgd_mpi.training.trainer import Trainer


class Leader:
    """Plays the role of trainer 0. Collective to construct, with the other ranks' roles.

    Parameters
    ----------
    parts : setup.Parts
    comms : communicators.Communicators
    interruption : faults.Interruption
        Of this rank.
    folder : pathlib.Path or None
        Where to write; nowhere if None.
    saved : resume.Saved, optional
        What to go on from.

    Attributes
    ----------
    log : log.RunLog
    summary : dict
    verdict : str
    trained : trained.TrainedModel or None
        What came of the run; no model if it diverged.
    can_go_on : bool
        Whether the run stopped before its end, and can be taken up again where it did.
    keeper : keeping.Keeper
        Says which files could not be written.
    """

    def __init__(self, parts, comms, interruption, folder, saved=None):
        config, n_train = parts.config, parts.dataset.n_train
        self._parts = parts
        self._folder = folder
        self.summary = self.verdict = self.trained = None
        self.can_go_on = False
        self.keeper = Keeper()
        hosts = [f"rank {rank} ({host})" for rank, host in enumerate(parts.node.hosts)]
        sources = range(config.trainers, parts.size)
        self._watch = Watch(comms.heartbeat, sources, config.scorer_timeout, hosts, self._tell)
        init_seed, *seeds = np.random.SeedSequence(config.seed).spawn(parts.size)[parts.rank].spawn(4)
        self._model = parts.models.make_initial(config.minibatch_size, np.random.default_rng(init_seed))
        self._gradients, self._exchange = self._gradients_and_exchange(comms)
        self.log = RunLog(folder, config.n_steps(n_train), config.quiet)
        self._trainer = Trainer(
            config,
            parts.dataset,
            self._model,
            self._gradients,
            seeds,
            self.log,
            parts.norms_come_back(),
            self._predictor(comms),
        )
        self._run_state = RunState(parts, self._trainer, self._exchange, self._gradients)
        on_all_ranks(parts.comm, partial(self._prepare, saved))
        self._trainer.intake.connect()
        parts.timeline.start()
        parts.timeline.watch(self._trainer, take_step="training", merge="proposing")
        self.log.start_clock(saved.seconds if saved else 0.0)
        if saved:
            self.log.event(saved.step, f"resume: {parts.size} ranks")
            if saved.arithmetic not in (None, parts.models.arithmetic):
                self._tell(f"scores are computed in {parts.models.arithmetic} now, and were in {saved.arithmetic}")
            self._run_state.hand_out(comms)
        else:
            self.log.event(0, "start")
        if parts.models.notice:
            self.log.say(parts.models.notice)
        self.log.say(describe_job(config, parts.dataset, parts.models.text, parts.size, parts.node, folder))
        self._rule = StopRule(config, n_train, self.log, interruption)
        self._checkpoints = Checkpoints(folder, config, self.log, self._run_state.state, saved and saved.step)

    def _prepare(self, saved):
        """Take back what was saved, if anything was, and write down what is run; raises InputError where that fails."""
        try:
            self.log.lock()
            if saved:
                self._run_state.restore(saved)
                self.log.cut(saved.n_lines, saved.step)
            self._describe_run()
        except InputError:
            self.log.close()
            raise
        except OSError as error:
            self.log.close()
            raise InputError(f"the run directory {self._folder} cannot be written ({error.strerror})") from None

    def _tell(self, text):
        """Say something that belongs to the run's record as well."""
        self.log.event(self._trainer.step, text)
        self.log.say(text)

    def run(self):
        """Train, evaluate, and keep what came of it.

        Returns
        -------
        str or None
            What stopped the run before its end, if anything.
        """
        try:
            return self._run_to_the_end()
        except Silent as error:
            self._give_up(error)
            raise
        finally:
            self.log.close()
            if self.log.problem:
                self.keeper.note(self._folder / "metrics.jsonl", self.log.problem)

    def _give_up(self, silent):
        """Save what can be saved without the ranks that are silent."""
        step = self._trainer.step
        self._run_state.alone = True
        with suppress(Silent):  # where the state is that of a silent rank
            self._checkpoints.save(step)
        self._checkpoints.finish()
        self.log.event(step, f"stop: {silent}")
        silent.can_go_on = self._checkpoints.step is not None
        silent.args = (f"stopped at step {step}: {silent}; {self._checkpoints.describe()}",)

    def _describe_run(self):
        """Write down what is run on what, if there is a folder."""
        if self._folder is None:
            return
        text = to_toml(self._parts.config, self._parts.models.unused)
        write_atomically(self._folder / "config.toml", lambda file: file.write(text.encode()))
        parts = self._parts
        transport = parts.transport.__name__ if parts.size > parts.config.trainers else None
        environment = describe_environment(parts.comm, parts.node, parts.models.arithmetic, transport)
        write_json(self._folder / "environment.json", environment)

    def _gradients_and_exchange(self, comms):
        """Return what computes trainer 0's gradients, alone or with others, and its end of the exchange."""
        parts = self._parts
        reports = parts.report_dtypes()
        if parts.config.trainers == 1:
            answer = trainers_answer(parts)
            gradients = LocalGradient(parts.dataset, self._model, parts.config.minibatch_size, answer)
        else:
            gradients = in_group(TrainerGroup, parts, comms, self._model, [] if parts.n_scorers else reports)
        if parts.n_scorers == 0:
            return gradients, LocalExchange(parts.published, gradients.refresh)
        exchange = self._open(comms, comms.scoring, parts.published, [None, *reports])
        parts.timeline.watch(exchange, start="sending", look="sending", wait="waiting")
        return gradients, exchange

    def _open(self, comms, comm, published, reports):
        """Return trainer 0's end of an exchange with the ranks of a communicator."""
        polite, transport = self._parts.node.crowded, self._parts.transport
        exchange = comms.opened(TrainerExchange(comm, published, reports, polite, transport, keeps=is_kept))
        exchange.idle = self._watch.check
        return exchange

    def _predictor(self, comms):
        """Return the trainer's end of the exchange with the loss predictor, and what has its state, if there is one."""
        parts = self._parts
        if parts.config.score != "predicted-loss":
            return ()
        forecaster = parts.forecaster()
        if parts.predictor_rank is None:
            answer = partial(forecast_locally, forecaster, parts.batches_a_refresh(forecaster))
            return LocalExchange(parts.observations(), lambda published: [answer(published)]), forecaster
        reports = [None, forecaster.record.dtype]
        exchange = self._open(comms, comms.predicting, parts.observations(), reports)
        return exchange, RemoteForecaster(comms.states, parts.predictor_rank, exchange, forecaster, parts.node.crowded)

    def _run_to_the_end(self):
        """Train, evaluate, and keep what came of it; return what stopped the run."""
        trainer, log = self._trainer, self.log
        problem = None
        try:
            run_trainer(trainer, self._exchange, self._parts.schedule(), self._finished, self._save_if_due)
        except Diverged as error:
            problem = str(error)
        self._parts.timeline.stop()
        # without the evaluation at the end
        seconds = log.seconds
        waiting_seconds = self._exchange.seconds + self._gradients.seconds + trainer.intake.seconds
        stopped = problem or self._rule.interrupted_by
        if problem is None:
            self._checkpoints.save(trainer.step)
        finish_training(trainer, self._exchange, evaluate=not stopped)
        self._gradients.stop()
        not_saved = self._checkpoints.finish()
        if not_saved:
            self.keeper.note(self._folder / FILE, not_saved)
        if problem:
            stopped = problem = f"{problem}; {self._checkpoints.describe()}"
        self.can_go_on = bool(self._rule.interrupted_by and self._folder and not not_saved)
        self.summary = summarise(trainer, self._parts.config, self._parts.size, seconds, waiting_seconds)
        log.event(trainer.step, f"stop: {stopped or 'complete'}")
        self.summary |= {"stopped": stopped, **last_evaluation(trainer.splits)}
        if problem is None:
            self.trained = self._parts.models.trained(self._model.params, self._parts.dataset, trainer.step)
        self._write_results()
        self._watch.close()
        self.verdict = verdict(trainer, self._parts.config.score)
        log.say(self.verdict)
        return stopped

    def _finished(self, step, reported_signal):
        """Return whether to take no further step; raises Silent."""
        self._watch.check()
        return self._rule(step, reported_signal)

    def _save_if_due(self):
        if self._checkpoints.due:
            self._checkpoints.save(self._trainer.step)

    def _write_results(self):
        """Write what came of the run, if it has a folder."""
        if self._folder is None:
            return
        self.keeper.keep(self._folder / "summary.json", lambda path: write_json(path, self.summary))
        if self.trained:
            self.keeper.keep(self._folder / "model.npz", self.trained.save)
