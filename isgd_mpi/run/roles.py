"""The roles that ranks play beside trainer 0: scorer, loss predictor, further trainer."""

from functools import partial

import numpy as np

from isgd_mpi.model.optim import SGD
from isgd_mpi.ranks.agreement import on_all_ranks
from isgd_mpi.ranks.exchange import ScorerExchange
from isgd_mpi.ranks.heartbeat import Pulse
from isgd_mpi.ranks.records import is_kept
from isgd_mpi.ranks.states import receive_report, receive_state, send_state
from isgd_mpi.run.resume import share_training_state
from isgd_mpi.run.setup import TRAINER, in_group
from isgd_mpi.training.co_trainers import CoTrainer, run_co_trainer
from isgd_mpi.training.scorer import (
    finish_scorer,
    resume_scorer,
    run_counting_scorer,
    run_relaxed_scorer,
)


def score(parts, comms, interruption):
    """Play the role of a scorer.

    Parameters
    ----------
    parts : setup.Parts
    comms : Communicators
    interruption : faults.Interruption
        Of this rank; trainer 0 is told.
    """
    pulse = Pulse(comms.heartbeat, parts.config.scorer_timeout)
    scorer = parts.scorer(parts.rank - parts.config.trainers, parts.n_scorers, pulse)

    def go_on():
        if parts.resumption.hands_back:
            params = np.empty(parts.models.n_params, np.float32) if parts.resumption.evaluates else None
            report = receive_report(comms.states, scorer.record.dtype, params, parts.node.crowded)
            resume_scorer(scorer, report, params)

    _serve(parts, comms, scorer, comms.scoring, parts.published, interruption, pulse, go_on)


def predict(parts, comms, interruption):
    """Play the role of the loss predictor; parameters as of :func:`score`."""
    pulse = Pulse(comms.heartbeat, parts.config.scorer_timeout)
    forecaster, polite = parts.forecaster(), parts.node.crowded
    forecaster.hand_over = partial(send_state, comms.states, dest=TRAINER, polite=polite)

    def go_on():
        forecaster.restore(receive_state(comms.states, forecaster.state(), TRAINER, polite))

    _serve(parts, comms, forecaster, comms.predicting, parts.observations(), interruption, pulse, go_on)


def _serve(parts, comms, scorer, comm, published, interruption, pulse, go_on):
    """Answer the trainer until it stops; first take back what was saved, if anything was."""
    node, timeline, relaxed = parts.node, parts.timeline, parts.config.schedule == "relaxed"
    gives_way = node.crowded and relaxed  # in the others the trainer waits for it
    if gives_way:
        node.give_way()
    exchange = comms.opened(
        ScorerExchange(comm, published, scorer.record.dtype, node.crowded, transport=parts.transport, keeps=is_kept)
    )
    timeline.watch(exchange, arrived="sending", report="sending", wait="waiting")
    exchange.idle = pulse.beat
    on_all_ranks(parts.comm, _nothing)  # trainer 0 restores what was saved
    if parts.resumption:
        go_on()
    timeline.start()
    if relaxed:
        run_relaxed_scorer(scorer, exchange, interruption)
    else:
        run_counting_scorer(scorer, exchange, interruption, parts.batches_a_refresh(scorer))
    if gives_way:
        node.take_back()  # the trainer waits for the evaluation at the end
    finish_scorer(scorer, exchange)
    pulse.stop()


def train_along(parts, comms, interruption):
    """Play the role of a trainer other than the first; parameters as of :func:`score`."""
    config = parts.config
    model = parts.models.make(config.minibatch_size)
    optimiser = SGD(model.params, **config.optimiser_settings(parts.dataset.n_train))
    co_trainer = in_group(CoTrainer, parts, comms, model, parts.published, optimiser, interruption)
    on_all_ranks(parts.comm, _nothing)
    if parts.resumption:
        share_training_state(parts, comms, optimiser)
    parts.timeline.start()
    parts.timeline.watch(co_trainer, receive="waiting", compute="training", step="training", refresh="scoring")
    run_co_trainer(co_trainer)


def _nothing():
    """Do nothing: another rank does."""
