"""The roles beside trainer 0: scorer, loss predictor, further trainer.

Each takes part in the collective steps by which a job starts, under the same numbers as in
:func:`isgd_mpi.run.leader.open_run`:

1. trainers open their group,
2. trainer 0 and the scorers open the exchange,
3. trainer 0 and the predictor open theirs,
4. trainer 0 prepares the run's folder; all fail together if it cannot,
5. trainer 0 hands out what was saved, if a run is resumed.
"""

from dataclasses import replace

import numpy as np

from isgd_mpi.ranks.agreement import on_all_ranks
from isgd_mpi.ranks.exchange import ScorerExchange
from isgd_mpi.ranks.heartbeat import Pulse
from isgd_mpi.ranks.states import receive_arrays
from isgd_mpi.run.resume import Ranks, is_evaluating, share_training_state
from isgd_mpi.run.setup import TRAINER
from isgd_mpi.training.co_trainers import CoTrainer, own_share, run_co_trainer
from isgd_mpi.training.scorer import finish_scorer, run_counting_scorer, run_relaxed_scorer


def score(setup, comms, interruption):
    """Play the role of a scorer.

    Parameters
    ----------
    setup : setup.Setup
    comms : communicators.Communicators
    interruption : faults.Interruption
        Of this rank; trainer 0 is told.
    """

    def resume(scorer):
        if setup.resumption.ranks is Ranks.SAME:
            report, params = np.zeros_like(scorer.record), None
            receive_arrays(comms.states, [report], TRAINER, setup.node.waiter)
            if is_evaluating(report):
                params = np.empty(setup.models.n_params, np.float32)
                receive_arrays(comms.states, [params], TRAINER, setup.node.waiter)
            scorer.restore(report, params)

    pulse, waiter = _pulse_and_waiter(setup, comms)
    scorer = setup.make_scorer(setup.rank - setup.config.trainers, waiter)
    _give_way(setup)
    # (2) open the exchange
    exchange = ScorerExchange(comms.transport(comms.scoring), setup.published, scorer.record.dtype, waiter)
    _serve(setup, scorer, exchange, interruption, resume)
    pulse.stop()


def predict(setup, comms, interruption):
    """Play the role of the loss predictor; parameters as in :func:`score`."""

    def resume(forecaster):
        report = np.zeros_like(forecaster.record)
        receive_arrays(comms.states, [report], TRAINER, setup.node.waiter)
        forecaster.restore_report(report)

    pulse, waiter = _pulse_and_waiter(setup, comms)
    forecaster = setup.make_forecaster(waiter)
    _give_way(setup)
    # (3) open the exchange with the predictor
    transport = comms.transport(comms.predicting)
    exchange = ScorerExchange(transport, setup.observations, forecaster.record.dtype, waiter)
    _serve(setup, forecaster, exchange, interruption, resume)
    pulse.stop()


def _pulse_and_waiter(setup, comms):
    """Return this rank's heartbeat, and a waiter that beats."""
    pulse = Pulse(comms.heartbeat, setup.config.scorer_timeout)
    return pulse, replace(setup.node.waiter, idle=pulse.beat)


def _gives_way(setup):
    return setup.node.crowded and setup.config.schedule == "relaxed"  # in the others the trainer waits for it


def _give_way(setup):
    if _gives_way(setup):
        setup.node.give_way()


def _serve(setup, scorer, exchange, interruption, resume):
    """Answer the trainer until it stops; first resume, if there is something to resume from."""
    # (4) trainer 0 prepares the folder
    on_all_ranks(setup.comm)
    setup.node.waiter.timeline.start()
    # (5) receive what was saved
    if setup.resumption:
        resume(scorer)
    if setup.config.schedule == "relaxed":
        run_relaxed_scorer(scorer, exchange, interruption)
    else:
        run_counting_scorer(scorer, exchange, interruption, setup.batches_a_refresh(scorer))
    if _gives_way(setup):
        setup.node.take_back()  # the trainer waits for the evaluation at the end
    finish_scorer(scorer, exchange)


def train_along(setup, comms, interruption):
    """Play the role of a trainer other than the first; parameters as in :func:`score`."""
    size = setup.config.minibatch_size
    learner = setup.make_learner(setup.models.make(size), len(own_share(comms.training, size)))
    # (1) open the group of trainers
    co_trainer = CoTrainer(comms.training, learner, size, setup.node.waiter, setup.published)
    # (4) trainer 0 prepares the folder
    on_all_ranks(setup.comm)
    setup.node.waiter.timeline.start()
    # (5) receive what was saved
    if setup.resumption:
        share_training_state(comms, learner.optimiser, setup.node.waiter)
    run_co_trainer(co_trainer, interruption)
