"""Every trainer takes its share: together they do what one does alone."""

import json
import os
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.data import datasets
from isgd_mpi.model.learning_rate import LearningRate
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.optim import SGD
from isgd_mpi.model.params import initial_params
from isgd_mpi.model.share import WHOLE, Share
from isgd_mpi.ranks.exchange import LocalExchange
from isgd_mpi.ranks.records import published_dtype, report_dtype
from isgd_mpi.ranks.shards import Grid
from isgd_mpi.ranks.shared import Count, Lookout, Meeting, SharedArrays
from isgd_mpi.ranks.waiting import Waiter
from isgd_mpi.ranks.watchdog import Watchdog
from isgd_mpi.run.record.log import RunLog
from isgd_mpi.sampling.sampler import Sampler
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.errors import Diverged
from isgd_mpi.training.co_trainers import (
    Refreshes,
    SharedWork,
    SummedWork,
    TrainerGroup,
    run_co_trainer,
)
from isgd_mpi.training.feeder import FedWork, Feeder, Ring
from isgd_mpi.training.loop import Schedule, finish_training, run_trainer
from isgd_mpi.training.measures import n_sums
from isgd_mpi.training.minibatch import PER_EXAMPLE, Learner
from isgd_mpi.training.probe import Probe
from isgd_mpi.training.scorer import Scorer, ScoringModels, answer_locally
from isgd_mpi.training.sums import Sums, own_share
from isgd_mpi.training.trainer import Trainer

STEPS, BATCH, PROBED = 130, 1500, 32
SETTINGS = {
    "hidden": [12, 9],
    "lr": 0.05,
    "momentum": 0.5,
    "usable_fraction": 0.02,
    "score_batch_size": BATCH,
    "eval_every": 30,
}
SETTINGS |= {"mixture": 0.1, "switch": "off"}  # what is chosen by comparing sums may be chosen otherwise
AWAKE = SimpleNamespace(signal=0)


@pytest.fixture(scope="module")
def dataset():
    return datasets.load("mnist10k")


def make_model(dataset, config, share=WHOLE):
    """A model in float64: sums in another order then differ by little."""
    widths = (dataset.n_features, *config.hidden, dataset.n_classes)
    model = MLP(widths, config.minibatch_size, np.float64, share=share)
    if share.rank == 0:
        model.params[:] = initial_params(widths, "he", np.random.default_rng(7), np.float64)
    return model


def evaluations(folder):
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    numbers = ("step", "loss", "error", "n", "staleness")
    return [{name: line[name] for name in numbers} for line in lines if line["kind"] == "eval"]


def setup_of(dataset, config, n_parts):
    grid = Grid(BATCH, n_parts)
    shards = grid.shards(dataset.n_train)
    return SimpleNamespace(
        config=config, dataset=dataset, grid=grid, shards=shards, n_scorers=0, make_best=lambda: None
    )


def learner_of(setup, model, n_rows, part=0):
    optimiser = SGD(model.params, LearningRate(setup.config.lr, "linear", STEPS), setup.config.momentum)
    if part == 0:  # the others learn of it from the order
        optimiser.scale(1.5, 5.0, 0.9, 10.0)
    probe = None if part else Probe(MLP(model.widths, PROBED), setup.dataset, PROBED)
    models = ScoringModels(*[MLP(model.widths, BATCH)] * 2, None, probe)
    answer = partial(answer_locally, Scorer(models, setup.dataset, setup.grid, part, Waiter(polite=True)), 0)
    return Learner(setup.dataset, model, optimiser, n_rows, answer)


def dtypes_of(setup):
    return [report_dtype(shard, setup.dataset.n_strata, n_sums(setup.dataset.target)) for shard in setup.shards]


def train(setup, learner, folder, may_diverge=False):
    """Play trainer 0, from feedback alone; return it."""
    folder.mkdir()
    log = RunLog(folder, quiet=True)
    sampler = Sampler(setup.config, setup.dataset, np.random.SeedSequence(3).spawn(3), norms_come_back=False)
    trainer = Trainer(setup, learner, sampler, log)
    exchange = LocalExchange(published_dtype(trainer.params.size, PROBED), dtypes_of(setup), learner.refresh)
    finished = lambda step, signal: step >= STEPS or signal  # noqa: E731
    try:
        run_trainer(trainer, exchange, Schedule.named("pipelined", 20), finished, save=lambda: None)
    except Diverged:
        assert may_diverge
    finish_training(trainer, exchange, evaluate=not may_diverge)
    log.close()
    return trainer


def train_alone(dataset, config, folder):
    setup, model = setup_of(dataset, config, 1), make_model(dataset, config)
    return model.params, train(setup, learner_of(setup, model, config.minibatch_size), folder)


@pytest.fixture(params=["shared", "summed"])
def open_work(comm, dataset, request):
    """Return a function that opens this rank's work in a group of all ranks, of either kind.

    An even number of ranks that share a model plays two nodes, with a model each.
    """
    n_sharing = 1 if request.param == "summed" else comm.size // 2 if comm.size % 2 == 0 else comm.size
    sharing = comm.Split(comm.rank // n_sharing, comm.rank)
    equals = comm.Split(comm.rank % n_sharing, comm.rank)
    memory, watchdog = SharedArrays(sharing), Watchdog(60, "too long", can_go_on=False)

    def open_shared(config, waiter):
        (counters,) = memory.allocate(Meeting.specification(n_sharing))
        meeting = Meeting(counters, sharing.rank, Lookout(waiter, comm.size > os.cpu_count()))
        share = Share(sharing.rank, n_sharing, memory.allocate, meeting.meet)
        if equals.size > 1:
            share = replace(share, sum_over_nodes=Sums(equals, waiter, watchdog).sum)
        return open_any(config, share, partial(SharedWork, equals), waiter)

    def open_summed(config, waiter):
        return open_any(config, WHOLE, partial(SummedWork, equals, Sums(equals, waiter, watchdog)), waiter)

    def open_any(config, share, kind, waiter):
        setup, model = setup_of(dataset, config, comm.size), make_model(dataset, config, share)
        if equals.rank > 0 == share.rank:
            model.params[:] = 0  # they get theirs from rank 0
        learner = learner_of(setup, model, len(own_share(equals, config.minibatch_size)), comm.rank)
        return setup, kind(learner, config.minibatch_size, waiter)

    yield open_summed if request.param == "summed" else open_shared
    memory.close()
    watchdog.close()
    sharing.Free()
    equals.Free()


def train_together(comm, work, folder, polite=True, interruption=AWAKE, **kwargs):
    """Play this rank's role in a group of all ranks; return the parameters, and on rank 0 the trainer."""
    setup, work = work
    model, waiter = work.learner.model, Waiter(polite)
    refreshes = Refreshes(comm, work.learner, waiter)
    if comm.rank:
        run_co_trainer(work, refreshes, published_dtype(model.params.size, PROBED), interruption, waiter)
        return model.params.copy(), None
    group = TrainerGroup(work, refreshes, dtypes_of(setup))
    trainer = train(setup, group, folder, **kwargs)
    group.stop()
    return model.params.copy(), trainer


@pytest.mark.parametrize(
    ("polite", "minibatch_size", "score"),
    [(False, 16, "grad-norm"), (True, 3, "grad-norm"), (True, 16, "uniform")],  # 3: of five two have nothing to do
)
def test_together_they_do_what_one_does(comm, everywhere, dataset, open_work, tmp_path, polite, minibatch_size, score):
    config = Config(minibatch_size=minibatch_size, score=score, **SETTINGS)
    polite = polite or comm.size > os.cpu_count()  # ranks that spin and share cores wait for each other's time slices
    params, trainer = train_together(comm, open_work(config, Waiter(polite)), tmp_path / "together", polite)
    expected, alone = train_alone(dataset, config, tmp_path / "alone")
    distance = np.linalg.norm(params - expected) / np.linalg.norm(expected - make_model(dataset, config).params)
    everywhere(distance < 1e-10, f"parameters differ from those of one trainer by {distance:.3g} of the way")
    everywhere(len(set(comm.allgather(params.tobytes()))) == 1, "parameters differ between trainers")
    if trainer:
        timings = {"steps_per_second", "scored_per_second", "wait_fraction"}
        for name in trainer.figures.keys() - timings:
            np.testing.assert_allclose(trainer.figures[name], alone.figures[name], rtol=1e-6, err_msg=name)
        assert trainer.figures["importance_sampling"] == (score != "uniform")
        lines, expected_lines = (evaluations(tmp_path / name) for name in ("together", "alone"))
        assert len(lines) == len(expected_lines) == 5 * 3  # of parameters 20 steps old, and at the end
        for line, expected_line in zip(lines, expected_lines):
            assert line == pytest.approx(expected_line, rel=1e-5)


def test_scores_and_predictions_come_back_in_the_order_of_the_minibatch(comm, everywhere, dataset, open_work):
    config, waiter = Config(minibatch_size=11, **SETTINGS), Waiter(polite=True)
    setup, work = open_work(config, waiter)
    refreshes = Refreshes(comm, work.learner, waiter)
    if comm.rank:
        run_co_trainer(work, refreshes, published_dtype(1, 1), AWAKE, waiter)
        return everywhere(True)
    indices, weights = np.arange(30, 41), np.linspace(0.1, 3, 11)
    group = TrainerGroup(work, refreshes)
    alone = learner_of(setup, make_model(dataset, config), 11)
    together, alone = (learner.descend(indices, weights, with_gradient=False) for learner in (group, alone))
    group.stop()
    names = ("loss", *PER_EXAMPLE)
    close = [np.allclose(getattr(together, name), getattr(alone, name), rtol=1e-12, atol=1e-15) for name in names]
    return everywhere(all(close), f"of loss and the rest are the same: {close}")


def test_a_signal_to_another_trainer_ends_the_run_after_the_step(comm, everywhere, open_work, tmp_path):
    work = open_work(Config(minibatch_size=8, **SETTINGS), Waiter(polite=True))
    guilty = SimpleNamespace(signal=15 if comm.rank == comm.size - 1 else 0)
    _, trainer = train_together(comm, work, tmp_path / "run", interruption=guilty)
    everywhere(trainer is None or comm.size == 1 or trainer.step == 1)


def test_divergence_ends_all(comm, everywhere, open_work, tmp_path):
    work = open_work(Config(minibatch_size=8, **SETTINGS | {"lr": 1e200}), Waiter(polite=True))
    with np.errstate(all="ignore"):
        _, trainer = train_together(comm, work, tmp_path / "run", may_diverge=True)
    everywhere(trainer is None or trainer.step < STEPS)


class Late:
    """The naive twin of a trainer 0 that feeds: a learner that takes each step at once, and answers late."""

    feeds, reported_signal, idle_seconds = True, 0, 0.0

    def __init__(self, learner, depth):
        self._learner, self.depth = learner, depth
        self.model, self.optimiser, self.refresh, self.settle = (
            getattr(learner, name) for name in ("model", "optimiser", "refresh", "settle")
        )
        self._answers = []

    def descend(self, *arguments):
        answer = self._learner.descend(*arguments)
        self._answers.append(answer._replace(**{name: getattr(answer, name).copy() for name in PER_EXAMPLE}))

    def collect(self):
        return self._answers.pop(0)

    def keep_params(self):
        self.kept_params = self.model.params.copy()


@pytest.fixture
def feed(comm, dataset):
    """Return a function that trains with rank 0 as feeder; it returns parameters, and rank 0's trainer."""
    memory = SharedArrays(comm)

    def train_fed(config, depth, folder, interruption=AWAKE, **kwargs):
        (counters,) = memory.allocate(Meeting.specification(comm.size - 1))
        waiter = Waiter(polite=comm.size > os.cpu_count())
        lookout = Lookout(waiter, crowded=comm.size > os.cpu_count())
        place = max(0, comm.rank - 1)
        meet = Meeting(counters, place, lookout).meet if comm.rank else None
        share = Share(place, comm.size - 1, memory.allocate, meet)
        setup = setup_of(dataset, config, comm.size)
        model = make_model(dataset, config, share)
        comm.Barrier()
        learner = learner_of(setup, model, config.minibatch_size, comm.rank)
        learner.optimiser.keep_in(share)
        size, count = config.minibatch_size, partial(Count, lookout=lookout)
        ring = Ring(share, model.params, size, depth, count)
        refreshes = Refreshes(comm, learner, waiter)
        if comm.rank:
            record = published_dtype(model.params.size, PROBED)
            run_co_trainer(FedWork(ring, learner), refreshes, record, interruption, waiter)
            return model.params.copy(), None
        feeder = Feeder(ring, learner, refreshes, dtypes_of(setup))
        trainer = train(setup, feeder, folder, **kwargs)
        feeder.stop()
        return model.params.copy(), trainer

    yield train_fed
    memory.close()


@pytest.mark.parametrize(("depth", "score"), [(0, "grad-norm"), (4, "grad-norm"), (9, "uniform")])
def test_fed_trainers_do_what_one_does_that_learns_late(comm, everywhere, dataset, feed, tmp_path, depth, score):
    if comm.size == 1:
        pytest.skip("nobody to feed")
    config = Config(minibatch_size=16, score=score, **SETTINGS)
    params, trainer = feed(config, depth, tmp_path / "fed")
    setup, model = setup_of(dataset, config, 1), make_model(dataset, config)
    alone = train(setup, Late(learner_of(setup, model, 16), depth), tmp_path / "alone")
    distance = np.linalg.norm(params - alone.params) / np.linalg.norm(alone.params - make_model(dataset, config).params)
    everywhere(distance < 1e-10, f"parameters differ from those of one trainer by {distance:.3g} of the way")
    if trainer:
        for name in trainer.figures.keys() - {"steps_per_second", "scored_per_second", "wait_fraction"}:
            np.testing.assert_allclose(trainer.figures[name], alone.figures[name], rtol=1e-6, err_msg=name)
        lines, expected_lines = (evaluations(tmp_path / name) for name in ("fed", "alone"))
        assert len(lines) == len(expected_lines) >= 4 * 3
        for line, expected_line in zip(lines, expected_lines):
            assert line == pytest.approx(expected_line, rel=1e-5)


def test_a_signal_or_divergence_of_fed_trainers_ends_the_run_soon(comm, everywhere, feed, tmp_path):
    if comm.size == 1:
        pytest.skip("nobody to feed")
    config, guilty = Config(minibatch_size=8, **SETTINGS), SimpleNamespace(signal=15 if comm.rank == 1 else 0)
    _, stopped = feed(config, 6, tmp_path / "signal", interruption=guilty)
    with np.errstate(all="ignore"):
        diverging = Config(minibatch_size=8, **SETTINGS | {"lr": 1e200})
        _, diverged = feed(diverging, 6, tmp_path / "diverged", may_diverge=True)
    everywhere(stopped is None or (stopped.step <= 8 and diverged.step < STEPS))
