"""The roles that ranks play beside trainer 0: scorer, loss predictor, further trainer."""

from functools import partial

import numpy as np

from isgd_mpi.model.optim import SGD
from isgd_mpi.parts import TRAINER
from isgd_mpi.ranks.agreement import on_all_ranks
from isgd_mpi.ranks.exchange import ScorerExchange
from isgd_mpi.ranks.heartbeat import Pulse
from isgd_mpi.ranks.records import is_kept
from isgd_mpi.ranks.states import pack, receive_report, receive_state, send_state, share, unpack
from isgd_mpi.training.co_trainers import CoTrainer, run_co_trainer
from isgd_mpi.training.scorer import (
    answer_locally,
    finish_scorer,
    resume_scorer,
    run_counting_scorer,
    run_relaxed_scorer,
)


class Circles:
    """The communicators of a job: each of trainer 0 and the ranks of one role. Collective to construct.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    parts : parts.Parts

    Attributes
    ----------
    training, scoring, predicting : mpi4py.MPI.Comm
        Of no use on ranks of another role.
    states : mpi4py.MPI.Comm
        Of all ranks, private to what :mod:`isgd_mpi.ranks.states` sends.
    heartbeat : mpi4py.MPI.Comm
        All ranks.
    """

    def __init__(self, comm, parts):
        trains, leads = parts.rank < parts.config.trainers, parts.rank == TRAINER
        self.training = comm.Split(trains, parts.rank)
        self.scoring = comm.Split(leads or parts.scores, parts.rank)
        self.states = comm.Dup()
        self.predicting = comm.Split(leads or parts.predicts, parts.rank)
        self.heartbeat = comm.Dup()
        self._exchanges = []

    def opened(self, exchange):
        """Return an exchange, which is closed when these communicators are freed."""
        self._exchanges.append(exchange)
        return exchange

    def free(self):
        """Free them. Collective."""
        for exchange in self._exchanges:
            exchange.close()
        for comm in (self.training, self.scoring, self.predicting, self.states, self.heartbeat):
            comm.Free()


def score(parts, circles, interruption):
    """Play the role of a scorer.

    Parameters
    ----------
    parts : parts.Parts
    circles : Circles
    interruption : faults.Interruption
        Of this rank; trainer 0 is told.
    """
    pulse = Pulse(circles.heartbeat, parts.config.scorer_timeout)
    scorer = parts.scorer(parts.rank - parts.config.trainers, parts.n_scorers, pulse)

    def go_on():
        if parts.resumption.hands_back:
            params = np.empty(parts.models.n_params, np.float32) if parts.resumption.evaluates else None
            report = receive_report(circles.states, scorer.record.dtype, params, parts.node.crowded)
            resume_scorer(scorer, report, params)

    _serve(parts, circles, scorer, circles.scoring, parts.published, interruption, pulse, go_on)


def predict(parts, circles, interruption):
    """Play the role of the loss predictor; parameters as of :func:`score`."""
    pulse = Pulse(circles.heartbeat, parts.config.scorer_timeout)
    forecaster, polite = parts.forecaster(), parts.node.crowded
    forecaster.hand_over = partial(send_state, circles.states, dest=TRAINER, polite=polite)

    def go_on():
        forecaster.restore(receive_state(circles.states, forecaster.state(), TRAINER, polite))

    _serve(parts, circles, forecaster, circles.predicting, parts.observations(), interruption, pulse, go_on)


def _serve(parts, circles, scorer, comm, published, interruption, pulse, go_on):
    """Answer the trainer until it stops; first take back what was saved, if anything was."""
    node, timeline, relaxed = parts.node, parts.timeline, parts.config.schedule == "relaxed"
    gives_way = node.crowded and relaxed  # in the others the trainer waits for it
    if gives_way:
        node.give_way()
    exchange = circles.opened(
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


def train_along(parts, circles, interruption):
    """Play the role of a trainer other than the first; parameters as of :func:`score`."""
    config = parts.config
    model = parts.models.make(config.minibatch_size)
    optimiser = SGD(model.params, **config.optimiser_settings(parts.dataset.n_train))
    co_trainer = in_group(CoTrainer, parts, circles, model, parts.published, optimiser, interruption)
    on_all_ranks(parts.comm, _nothing)
    if parts.resumption:
        share_training_state(parts, circles, optimiser)
    parts.timeline.start()
    parts.timeline.watch(co_trainer, receive="waiting", compute="training", step="training", refresh="scoring")
    run_co_trainer(co_trainer)


def share_training_state(parts, circles, optimiser):
    """Let all trainers go on with trainer 0's parameters and the state of its optimiser. Collective over them.

    Parameters
    ----------
    parts, circles
        As of :func:`score`.
    optimiser : optim.SGD
        Of this trainer, on trainer 0 as it was saved.
    """
    state = optimiser.state() | {"params": optimiser.params}
    packed = pack(state)
    share(circles.training, packed, parts.node.crowded)
    state = unpack(packed, state)
    optimiser.params[:] = state["params"]
    optimiser.restore(state)


def _nothing():
    """Do nothing: another rank does."""


def in_group(end, parts, circles, model, *more):
    """Return this rank's end of the group of trainers. Collective over them.

    Parameters
    ----------
    end : type
        :class:`co_trainers.TrainerGroup` or :class:`co_trainers.CoTrainer`.
    parts, circles
        As of :func:`score`.
    model : Model
    *more
        What this end needs besides.
    """
    size, polite = parts.config.minibatch_size, parts.node.crowded
    return end(circles.training, parts.dataset, model, size, polite, trainers_answer(parts), *more)


def trainers_answer(parts):
    """Return what does a trainer's part of a refresh, or None where scorers do."""
    if parts.n_scorers:
        return None
    scorer = parts.scorer(parts.rank, parts.config.trainers)
    n_batches = scorer.n_batches if parts.config.schedule == "exact" else 0
    return partial(answer_locally, scorer, n_batches)
