"""Trainer 0: it owns the score table, takes the steps, writes every file, and stops all ranks.

:func:`open_run` holds the collective steps of the start, numbered as in :mod:`isgd_mpi.run.roles`.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np

from isgd_mpi.data.files import write_json, write_text
from isgd_mpi.model.trained import TrainedModel
from isgd_mpi.ranks.agreement import on_all_ranks
from isgd_mpi.ranks.exchange import LocalExchange, TrainerExchange
from isgd_mpi.ranks.heartbeat import Heartbeat, Silent
from isgd_mpi.run.record import best_file, scores
from isgd_mpi.run.record.checkpoints import FILE, Checkpoints
from isgd_mpi.run.record.environment import describe_environment
from isgd_mpi.run.record.event_file import FOLDER, EventFile
from isgd_mpi.run.record.held_out import describe_end
from isgd_mpi.run.record.log import RunLog
from isgd_mpi.run.record.next_steps import next_steps
from isgd_mpi.run.record.opening import describe_job, notes
from isgd_mpi.run.record.summary import describe_best, last_evaluation, summarise, verdict
from isgd_mpi.run.record.words import aligned
from isgd_mpi.run.resume import RunState
from isgd_mpi.run.roles import open_ring, open_work
from isgd_mpi.sampling.sampler import Sampler
from isgd_mpi.settings.errors import Diverged, InputError
from isgd_mpi.settings.options import to_toml
from isgd_mpi.training.co_trainers import TrainerGroup
from isgd_mpi.training.feeder import Feeder
from isgd_mpi.training.loop import StopRule, finish_training, run_trainer
from isgd_mpi.training.predictor.forecaster import forecast_locally
from isgd_mpi.training.predictor.observations import PredictedScores
from isgd_mpi.training.trainer import Trainer


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job.

    Attributes
    ----------
    stopped : str or None
        The name of the signal that stopped the run before its end, or the reason why it diverged.
    can_go_on : bool
        Whether the run stopped before its end, and can be resumed there.
    unwritten : list of str
        For each file that could not be written a sentence with the reason.
    log, summary, verdict, trained, best, folder : log.RunLog, dict, str, trained.TrainedModel (two), pathlib.Path
        The results, on rank 0 only; no model if the run diverged, no best one without a validation set, no folder if
        the run has none.
    scores : dict or None
        See :func:`scores.columns`; on rank 0 only, if the settings ask for it.
    """

    stopped: str | None
    can_go_on: bool
    unwritten: list[str] = field(default_factory=list)
    log: RunLog | None = None
    summary: dict | None = None
    verdict: str | None = None
    trained: TrainedModel | None = None
    best: TrainedModel | None = None
    folder: Path | None = None
    scores: dict | None = None


class Run(NamedTuple):
    """The parts of an open run: its ranks have met, and training can begin."""

    trainer: Trainer
    exchange: TrainerExchange | LocalExchange
    log: RunLog
    heartbeat: Heartbeat
    state: RunState


def open_run(setup, comms, keeper, saved=None):
    """Open a run on trainer 0. Collective: :mod:`isgd_mpi.run.roles` has the other ranks' part.

    Parameters
    ----------
    setup : setup.Setup
    comms : communicators.Communicators
    keeper : summary.Keeper
        Knows the run's folder.
    saved : resume.SavedRun, optional
        The run to resume.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        On every rank: the folder cannot be written, or the saved run is damaged.
    """

    def tell(text):
        """Print a line, and write it to the metrics, at the present step."""
        log.tell(trainer.step, text)

    config, timeline = setup.config, setup.node.waiter.timeline
    init_seed, *seeds = np.random.SeedSequence(config.seed).spawn(setup.size)[setup.rank].spawn(4)
    events = EventFile(keeper.folder / FOLDER) if config.tensorboard else None
    log = RunLog(keeper.folder, config.n_steps(setup.dataset.n_train), config.quiet, timeline, events)
    sampler = Sampler(config, setup.dataset, seeds, setup.norms_come_back, clock=lambda: log.seconds)
    if setup.irreducible_losses is not None:
        sampler.scored.irreducible_losses[:] = setup.irreducible_losses
    # (1) the trainers open their group
    learner = _open_group(setup, comms, np.random.default_rng(init_seed))
    # (2) trainer 0 and the scorers open the exchange of scores
    exchange = _open_exchange(setup, comms, learner)
    # (3) trainer 0 and the predictor open theirs
    forecaster, predicted = _open_predictor(setup, comms, sampler, log)
    trainer = Trainer(setup, learner, sampler, log, predicted)
    if config.starts_from_model:
        trainer.evaluations.begin_at_once()  # no later one may be better
    comms.heartbeat.tell_to(tell)
    state = RunState(setup, trainer, exchange, forecaster if saved else None)
    # (4) trainer 0 prepares the run's folder; all ranks fail together if it cannot
    on_all_ranks(setup.comm, partial(_prepare, setup, log, state, keeper, saved))
    timeline.start()
    log.start_clock(saved.seconds if saved else 0.0)
    log.event(trainer.step, f"resume: {setup.size} ranks" if saved else "start")
    # (5) trainer 0 hands out what was saved
    if saved:
        if saved.arithmetic not in (None, setup.models.arithmetic):
            tell(f"scores are computed in {setup.models.arithmetic} now, and were in {saved.arithmetic}")
        if saved.train_arithmetic not in (None, setup.models.train_arithmetic):
            tell(f"training is in {setup.models.train_arithmetic} now, and was in {saved.train_arithmetic}")
        threads = setup.node.threads_of_ranks
        if config.repeatable and saved.threads not in (None, threads):
            tell(f"ranks have {threads} threads now, and had {saved.threads}: bits may differ (--threads)")
        state.hand_out(comms)
    return Run(trainer, exchange, log, comms.heartbeat, state)


def _open_group(setup, comms, rng):
    """Return the learner, whose parameters are drawn: trainer 0's own, or its end of the group of trainers."""
    model = setup.models.make_initial(setup.most_rows, rng, comms.share(setup))
    if setup.config.trainers == 1:
        return setup.make_learner(model, setup.config.minibatch_size)
    reports = [] if setup.n_scorers else setup.report_dtypes(setup.shards)
    if setup.feeds:
        return Feeder(*open_ring(setup, comms, model), reports)
    return TrainerGroup(*open_work(setup, comms, model), reports)


def _open_exchange(setup, comms, learner):
    """Return trainer 0's end of the exchange with the scorers, or one with itself where there are none."""
    reports = setup.report_dtypes(setup.shards)
    if setup.n_scorers == 0:
        return LocalExchange(setup.published, reports, learner.refresh)
    return TrainerExchange(comms.transport(comms.scoring), setup.published, [None, *reports], setup.node.waiter)


def _open_predictor(setup, comms, sampler, log):
    """Return the loss predictor and trainer 0's end of its exchange, or None twice if no losses are predicted.

    If another rank predicts, the predictor is a new one, for the dtype and the initial state of its report.
    """
    if setup.config.score != "predicted-loss":
        return None, None
    forecaster = setup.make_forecaster(setup.node.waiter)
    dtype, n_batches = forecaster.record.dtype, setup.batches_a_refresh(forecaster)
    if setup.predictor_rank is None:
        exchange = LocalExchange(
            setup.observations, [dtype], lambda published: [forecast_locally(forecaster, n_batches, published)]
        )
    else:
        transport = comms.transport(comms.predicting)
        exchange = TrainerExchange(transport, setup.observations, [None, dtype], setup.node.waiter)
    return forecaster, PredictedScores(exchange, setup.config.schedule, sampler, log, setup.whole)


def _prepare(setup, log, state, keeper, saved):
    """Restore what was saved, and describe the run in its folder; raise InputError if that fails."""
    try:
        log.metrics.lock(resumed=saved is not None)
        if saved:
            saved.check_unchanged()
            state.restore(saved)
            log.cut(saved.n_lines, saved.step)
        if keeper.folder:
            _describe_run(setup, keeper.folder)
    except InputError:
        log.close()
        raise
    except OSError as error:
        log.close()
        raise InputError(f"the run directory {keeper.folder} cannot be written ({error.strerror})") from None


def _describe_run(setup, folder):
    """Write the options and the environment."""
    write_text(folder / "config.toml", to_toml(setup.given_config, setup.models.unused))
    write_json(folder / "data.json", setup.dataset.description)
    transport = setup.transport.__name__ if setup.size > setup.config.trainers else None
    environment = describe_environment(setup.comm, setup.node, setup.models, transport)
    environment |= {"trainers": setup.config.trainers, "trainers_chosen": setup.why_trainers, "feeder": setup.feeds}
    write_json(folder / "environment.json", environment)


class Leader:
    """Plays the role of trainer 0 in an open run.

    Parameters
    ----------
    setup : setup.Setup
    run : Run
    keeper : summary.Keeper
        Writes the files at the end.
    interruption : faults.Interruption
        The signals to this rank.
    saved_step : int, optional
        Step of the checkpoint that the run is resumed from.
    """

    def __init__(self, setup, run, keeper, interruption, saved_step=None):
        self._setup = setup
        self._run = run
        self._keeper = keeper
        self._best = run.trainer.evaluations.best
        self._rule = StopRule(setup.config, setup.dataset.n_train, run.log, interruption, self._best)
        self._best_file = best_file.BestFile(keeper.folder, self._best, self._trained, run.log)
        self._resumed_at = saved_step
        self._checkpoints = Checkpoints(keeper.folder, setup.config, run.log, run.state.state, saved_step)

    def lead(self, on_step=None):
        """Train, evaluate, and write the results.

        Parameters
        ----------
        on_step : callable, optional
            Takes the trainer, after each step.

        Returns
        -------
        Outcome
        """
        log = self._run.log
        log.print(describe_job(self._setup, self._keeper.folder, self._resumed_at))
        for line in notes(self._setup):
            log.event(self._run.trainer.step, f"note: {line}")
            log.print(aligned("note", line))
        try:
            return self._lead_to_the_end(on_step)
        except Silent as error:
            self._give_up(error)
            raise
        finally:
            log.close()
            if log.metrics.problem:
                self._keeper.note("metrics.jsonl", log.metrics.problem)

    def _trained(self, params, step):
        """Return the trained model of some parameters."""
        return self._setup.models.trained(params, self._setup.dataset, step)

    def _give_up(self, silent):
        """Save the state as far as that is possible without the silent ranks, and complete the error's message."""
        step = self._run.trainer.step
        self._run.state.alone = True
        self._checkpoints.finish()
        if self._checkpoints.step != step:  # else it is saved already, with the refresh that is under way
            with suppress(Silent, Diverged):  # if a silent rank has a part of the state, or a step was not taken
                self._checkpoints.save(step)
            self._checkpoints.finish()
        self._best_file.finish()
        self._run.log.event(step, f"stop: {silent}")
        silent.can_go_on = self._checkpoints.step is not None
        command = self._setup.resume_command
        way_on = f": go on with {command}" if silent.can_go_on and command else ""
        silent.args = (f"stopped at step {step}: {silent}; {self._checkpoints.describe()}{way_on}",)

    def _lead_to_the_end(self, on_step):
        """Train, stop all ranks, and write the results."""
        trainer, log = self._run.trainer, self._run.log
        problem = self._train(on_step)
        trainer.timeline.stop()
        stopped = problem or self._rule.interrupted_by
        seconds, waiting_seconds = log.seconds, trainer.waiting_seconds  # without the evaluation at the end
        finish_training(trainer, self._run.exchange, evaluate=not stopped)
        self._stop_others()
        examples = self._look_at_examples(bool(stopped))
        if not_saved := self._checkpoints.finish():
            self._keeper.note(FILE, not_saved)
        if not_written := self._best_file.finish():
            self._keeper.note(best_file.FILE, not_written)
        if problem:
            stopped = f"{problem}; {self._checkpoints.describe()}"
        ending = stopped or ("patience is at its end" if self._rule.stopped_early else "complete")
        log.event(trainer.step, f"stop: {ending}")
        evaluated = last_evaluation(trainer, self._setup, complete=not stopped)
        outcome = Outcome(
            stopped,
            can_go_on=bool(self._rule.interrupted_by and self._keeper.folder and not (problem or not_saved)),
            log=log,
            summary=summarise(trainer, self._setup, seconds, waiting_seconds) | self._ending(stopped) | evaluated,
            verdict="\n".join(self._verdict(evaluated)),
            trained=None if problem else self._trained(trainer.params, trainer.step),
            best=self._trained(self._best.params, self._best.step) if self._best and self._best.found else None,
            folder=self._keeper.folder,
            scores=examples,
        )
        self._write(outcome)
        self._run.heartbeat.stop()
        log.conclude(self._conclusion(outcome))
        return outcome

    def _look_at_examples(self, stopped):
        """Return what there is to know of each example, or None if nobody asks, or time is short. Collective."""
        setup, trainer = self._setup, self._run.trainer
        if not setup.config.save_scores:
            return None
        measured = scores.measure_examples(setup, trainer.params, trainer.step, stopped)
        return measured and scores.columns(setup, trainer, measured)

    def _conclusion(self, outcome):
        """Return the verdict, and the commands to type next; of a run that was stopped the program tells the way on."""
        labels = chain(["result"], repeat(""))
        lines = [aligned(label, line) for label, line in zip(labels, outcome.verdict.splitlines())]
        if not outcome.stopped:
            lines.append(next_steps(self._setup, outcome.folder, self._run.trainer.sampler.mean_gain))
        return "\n".join(line for line in lines if line)

    def _ending(self, stopped):
        """Return the part of the summary that says how the run ended."""
        best = self._best and self._best.summary
        return {"stopped": stopped, "stopped_early": self._rule.stopped_early, "best": best}

    def _verdict(self, evaluated):
        """Return the lines of the verdict: held-out data, what importance sampling gained, suspicions."""
        trainer = self._run.trainer
        best = describe_best(trainer, self._rule.stopped_early, self._keeper.folder)
        config = self._setup.config
        gained = verdict(trainer, config.score, config.sampling)
        lines = [*describe_end(self._run.log.lines(), evaluated), best, gained]
        if noise := trainer.sampler.label_noise:
            errors = [figures["error"] for figures in evaluated.values() if figures]
            lines.append(noise.suspicion(*errors[:2]))
        return [line for line in lines if line]

    def _train(self, on_step):
        """Take all steps, and save the state; return the reason if training diverged, or None."""
        run = self._run
        try:
            run_trainer(run.trainer, run.exchange, self._setup.schedule, self._finished, self._save_if_due, on_step)
            self._checkpoints.save(run.trainer.step)
            run.trainer.learn_the_rest()
        except Diverged as error:
            return str(error)
        return None

    def _stop_others(self):
        """Stop the other trainers, if there are any."""
        if self._setup.config.trainers > 1:
            self._run.trainer.learner.stop()

    def _finished(self, step, reported_signal):
        """Return whether to take no further step; raise Silent if a rank has not answered for too long."""
        self._run.heartbeat.tick()
        return self._rule(step, reported_signal)

    def _save_if_due(self):
        self._best_file.write_if_new()
        if self._checkpoints.due:
            self._checkpoints.save(self._run.trainer.step)

    def _write(self, outcome):
        """Write summary and model, if the run has a folder."""
        self._keeper.keep("summary.json", lambda path: write_json(path, outcome.summary))
        if outcome.trained:
            self._keeper.keep("model.npz", outcome.trained.save)
        if outcome.scores:
            self._keeper.keep(scores.FILE, partial(scores.save, outcome.scores))
