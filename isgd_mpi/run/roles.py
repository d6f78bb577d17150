"""The roles beside trainer 0: scorer, loss predictor, further trainer.

Once step 0, the communicators, is done in :meth:`isgd_mpi.run.job.Job.run`, each role takes part in the collective
steps by which a job starts, under the same numbers as in :func:`isgd_mpi.run.leader.open_run`:

1. the trainers open their group,
2. trainer 0 and the scorers open the exchange of scores,
3. trainer 0 and the predictor open theirs,
4. trainer 0 prepares the run's folder; all ranks fail together if it cannot,
5. trainer 0 hands out what was saved, if a run is resumed.
"""

from dataclasses import replace

import numpy as np

from isgd_mpi.ranks.agreement import on_all_ranks
from isgd_mpi.ranks.exchange import ScorerExchange
from isgd_mpi.ranks.priority import Priority
from isgd_mpi.ranks.states import receive_arrays
from isgd_mpi.run.resume import Resumption, is_evaluating, share_training_state
from isgd_mpi.run.setup import TRAINER
from isgd_mpi.training.co_trainers import Refreshes, SharedWork, SummedWork, run_co_trainer
from isgd_mpi.training.feeder import FedWork, Ring
from isgd_mpi.training.scorer import finish_scorer, run_counting_scorer, run_relaxed_scorer
from isgd_mpi.training.sums import own_share


def score(setup, comms, interruption):
    """Play the role of a scorer.

    Parameters
    ----------
    setup : setup.Setup
    comms : communicators.Communicators
    interruption : faults.Interruption
        The signals to this rank, which trainer 0 learns of.
    """

    def resume(scorer):
        if setup.resumption is Resumption.SAME_RANKS:
            report, params = np.zeros_like(scorer.record), None
            receive_arrays(comms.states, [report], TRAINER, setup.node.waiter)
            if is_evaluating(report):
                params = np.empty(setup.models.n_params, np.float32)
                receive_arrays(comms.states, [params], TRAINER, setup.node.waiter)
            scorer.restore(report, params)

    waiter, priority = _waiter_and_priority(setup, comms)
    scorer = setup.make_scorer(setup.rank - setup.config.trainers, waiter)
    # (2) trainer 0 and the scorers open the exchange of scores
    exchange = ScorerExchange(comms.transport(comms.scoring), setup.published, scorer.record.dtype, waiter)
    _serve(setup, (scorer, exchange, priority), interruption, resume)


def predict(setup, comms, interruption):
    """Play the role of the loss predictor; parameters as in :func:`score`."""

    def resume(forecaster):
        report = np.zeros_like(forecaster.record)
        receive_arrays(comms.states, [report], TRAINER, setup.node.waiter)
        forecaster.restore_report(report)

    waiter, priority = _waiter_and_priority(setup, comms)
    forecaster = setup.make_forecaster(waiter)
    # (3) trainer 0 and the predictor open theirs
    exchange = ScorerExchange(comms.transport(comms.predicting), setup.observations, forecaster.record.dtype, waiter)
    _serve(setup, (forecaster, exchange, priority), interruption, resume)


def train_along(setup, comms, interruption):
    """Play the role of a trainer other than the first; parameters as in :func:`score`."""
    waiter = setup.node.waiter
    # (1) the trainers open their group
    model = setup.models.make_trainer(setup.most_rows, comms.share(setup))
    if setup.feeds:
        ring, learner, refreshes = open_ring(setup, comms, model)
        work = FedWork(ring, learner)
    else:
        work, refreshes = open_work(setup, comms, model)
    # (4) trainer 0 prepares the run's folder
    on_all_ranks(setup.comm)
    waiter.timeline.start()
    # (5) trainer 0 hands out what was saved
    if setup.resumption:
        share_training_state(setup, comms, work.learner.optimiser)
    run_co_trainer(work, refreshes, setup.published, interruption, waiter)


def open_work(setup, comms, model):
    """Return this trainer's part of the group's steps and of its refreshes. Collective over several trainers.

    Parameters
    ----------
    setup : setup.Setup
    comms : communicators.Communicators
    model : Model
        This trainer's own, or shared.
    """
    size, waiter = setup.config.minibatch_size, setup.waiter_among_trainers
    if setup.trainers_share:
        setup.node.use_one_thread()
    learner = setup.make_learner(model, len(own_share(comms.equals, size)))
    if setup.trainers_share:
        work = SharedWork(comms.equals, learner, size, waiter)
    else:
        work = SummedWork(comms.equals, comms.sums(setup), learner, size, waiter)
    return work, Refreshes(comms.training, learner, setup.node.waiter)


def open_ring(setup, comms, model):
    """Return the ring of a trainer 0 that feeds, this rank's learner, and its part of refreshes.

    Collective over the trainers.

    Parameters
    ----------
    setup, comms, model
        See :func:`open_work`. The model is shared by those that are fed.
    """
    setup.node.use_one_thread()
    size = setup.config.minibatch_size
    learner = setup.make_learner(model, size)
    ring = Ring(model.share, model.params, size, setup.n_ahead, comms.make_count(setup))
    return ring, learner, Refreshes(comms.training, learner, setup.node.waiter)


def _waiter_and_priority(setup, comms):
    """Return this rank's priority, and a waiter that sees to it and to the heartbeat while it waits."""

    def see_to_both():
        priority.measure()
        comms.heartbeat.pulse.starved = priority.starved
        comms.heartbeat.tick()

    priority = Priority(setup.node, *setup.roles_on_node)
    return replace(setup.node.waiter, idle=see_to_both), priority


def _serve(setup, parts, interruption, resume):
    """Take part in the last steps of the start, and answer trainer 0 until it stops.

    Parameters
    ----------
    setup : setup.Setup
    parts : tuple
        The Scorer or Forecaster, its ScorerExchange, its Priority.
    interruption : faults.Interruption
    resume : callable
        Takes the scorer, receives what was saved of it, and restores it.
    """
    scorer, exchange, priority = parts
    relaxed = setup.config.schedule == "relaxed"
    gives_way = relaxed and setup.node.crowded  # in the other schedules the trainer waits for this rank
    if gives_way:
        priority.give_way()
    # (4) trainer 0 prepares the run's folder
    on_all_ranks(setup.comm)
    setup.node.waiter.timeline.start()
    # (5) trainer 0 hands out what was saved
    if setup.resumption:
        resume(scorer)
    if relaxed:
        run_relaxed_scorer(scorer, exchange, interruption)
    else:
        run_counting_scorer(scorer, exchange, interruption, setup.batches_a_refresh(scorer))
    if gives_way:
        priority.take_back()  # the trainer waits for the evaluation at the end
    finish_scorer(scorer, exchange)
