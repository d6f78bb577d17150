"""The roles that ranks play beside trainer 0: scorer, loss predictor, further trainer."""

from functools import partial

from isgd_mpi.exchange import ScorerExchange
from isgd_mpi.heartbeat import Pulse
from isgd_mpi.optim import SGD
from isgd_mpi.parallel import CoTrainer, run_co_trainer
from isgd_mpi.parts import TRAINER
from isgd_mpi.scorer import answer_locally, finish_scorer, run_counting_scorer, run_relaxed_scorer
from isgd_mpi.waiting import meet


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
    heartbeat : mpi4py.MPI.Comm
        All ranks.
    """

    def __init__(self, comm, parts):
        trains, leads = parts.rank < parts.config.trainers, parts.rank == TRAINER
        self.training = comm.Split(trains, parts.rank)
        self.scoring = comm.Split(leads or parts.scores, parts.rank)
        self.predicting = comm.Split(leads or parts.predicts, parts.rank)
        self.heartbeat = comm.Dup()

    def free(self):
        """Free them. Collective."""
        for comm in (self.training, self.scoring, self.predicting, self.heartbeat):
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
    _serve(parts, scorer, circles.scoring, parts.published, interruption, pulse)


def predict(parts, circles, interruption):
    """Play the role of the loss predictor; parameters as of :func:`score`."""
    pulse = Pulse(circles.heartbeat, parts.config.scorer_timeout)
    _serve(parts, parts.forecaster(), circles.predicting, parts.observations(), interruption, pulse)


def _serve(parts, scorer, comm, published, interruption, pulse):
    """Answer the trainer until it stops."""
    node, timeline, relaxed = parts.node, parts.timeline, parts.config.schedule == "relaxed"
    gives_way = node.crowded and relaxed  # in the others the trainer waits for it
    if gives_way:
        node.give_way()
    exchange = ScorerExchange(comm, published, scorer.record.dtype, node.crowded)
    timeline.watch(exchange, arrived="sending", report="sending", wait="waiting")
    exchange.idle = pulse.beat
    meet(parts.comm, node.crowded)
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
    meet(parts.comm, parts.node.crowded)
    parts.timeline.start()
    parts.timeline.watch(co_trainer, receive="waiting", compute="training", step="training", refresh="scoring")
    run_co_trainer(co_trainer)


def in_group(end, parts, circles, model, *more):
    """Return this rank's end of the group of trainers. Collective over them.

    Parameters
    ----------
    end : type
        :class:`parallel.TrainerGroup` or :class:`parallel.CoTrainer`.
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
