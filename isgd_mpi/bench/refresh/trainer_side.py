"""A trainer that receives reports of scorers which are not there: scores are made up, and no model is trained."""

from types import SimpleNamespace

import numpy as np

from isgd_mpi.data.datasets import Dataset, Split
from isgd_mpi.data.target import Target
from isgd_mpi.model.optim import SGD
from isgd_mpi.ranks.records import published_dtype, report_dtype
from isgd_mpi.ranks.shards import Grid, score_batch_size
from isgd_mpi.sampling.sampler import Sampler
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.settings.config import Config
from isgd_mpi.training.measures import ClassErrors
from isgd_mpi.training.minibatch import Minibatch
from isgd_mpi.training.trainer import Trainer

_N_CLASSES = 10
_N_SUMS = ClassErrors.n_sums(_N_CLASSES)
_SPREAD = 1.5  # standard deviation of the logarithm of scores
_CHANGE = 0.3  # the same from one refresh to the next
_WRONG = 0.03  # share of the examples whose predicted class is another one
_VARIANTS = 3  # of the scores, which the reports bring in turn
_N_PROBED = 128  # examples of a probe, as with 60 000 examples


class Learner:
    """A learner that takes no steps.

    Parameters
    ----------
    n_params : int
    """

    feeds, depth = False, 0

    def __init__(self, n_params):
        params = self.kept_params = np.zeros(n_params, np.float32)
        self.model, self.optimiser = SimpleNamespace(params=params), SGD(params, Config().learning_rate())


class TrainerSide:
    """A trainer and the reports that it merges.

    Parameters
    ----------
    n_examples : int
        Training examples N.
    fresh : float
        Share of each shard that was scored since the last refresh.
    settings : argparse.Namespace
        Scorers, steps between refreshes, examples of a minibatch.
    log : log.RunLog
    learner : Learner or feeder.Feeder

    Attributes
    ----------
    sampler, trainer, log
        As in a run.
    exchange : object
        Has the record that is published, and sends nothing.
    age : int
        Steps since the parameters behind a probe.
    shards : list of shards.Shard
    known_steps : (n_batches,) ndarray of int64
        For :func:`records.fresh_batches`.
    """

    def __init__(self, n_examples, fresh, settings, log, learner):
        self._rng, self._fresh, self.log = np.random.default_rng(0), fresh, log
        n_scorers, self.age = settings.scorers, settings.refresh_every
        self._params = learner.model.params
        options = {"minibatch_size": settings.minibatch_size, "refresh_every": self.age, "trainers": 1}
        self._config = config = Config(**options, switch="off")  # made-up steps take no time: a refresh would not pay
        labels = self._rng.integers(0, _N_CLASSES, n_examples, dtype=np.int32)
        split = Split(np.empty((n_examples, 1), np.uint8), labels)
        dataset = Dataset(
            "made up", Target("classes", _N_CLASSES), {"train": split}, np.zeros(1, np.float32), np.ones(1, np.float32)
        )
        grid = Grid(score_batch_size(config.score_batch_size, n_examples), n_scorers)
        self.shards = grid.shards(n_examples)
        self.known_steps = np.full(grid.n_batches(n_examples), NEVER)
        facts = {"dataset": dataset, "grid": grid, "shards": self.shards, "n_scorers": n_scorers}
        setup = SimpleNamespace(config=config, make_best=lambda: None, **facts)
        self.sampler = Sampler(config, dataset, np.random.SeedSequence(0).spawn(3), norms_come_back=True)
        self.trainer = Trainer(setup, learner, self.sampler, self.log)
        self.exchange = SimpleNamespace(
            published=np.zeros((), published_dtype(self._params.size, _N_PROBED, settings.minibatch_size)), start=int
        )
        self._variants = [self._reports(self.shards, labels) for _ in range(_VARIANTS)]
        self._n_refreshes = 0
        self._next = [0] * n_scorers
        for _ in range(2):  # all scores are known, and the proposal is formed from them
            self.trainer.merge(self.reports(1.0))

    def _reports(self, shards, labels):
        """Return a report on each shard, with scores of its own."""
        scores = _SPREAD * np.random.default_rng(1).standard_normal(len(labels))
        scores = np.exp(scores + _CHANGE * self._rng.standard_normal(len(labels)))
        wrong = self._rng.random(len(labels)) < _WRONG
        predictions = np.where(wrong, self._rng.integers(0, _N_CLASSES, len(labels)), labels)
        reports = [np.zeros((), report_dtype(shard, _N_CLASSES, _N_SUMS)) for shard in shards]
        for shard, report in zip(shards, reports):
            own = slice(shard.start, shard.stop)
            report["scores"], report["predictions"] = scores[own], predictions[own]
        return reports

    def reports(self, fresh=None):
        """Take the steps up to the next refresh, and return its reports; see :meth:`next_reports`."""
        self._take_steps()
        self.trainer.step += self._config.refresh_every
        return self.next_reports(self._fresh if fresh is None else fresh)

    def next_reports(self, fresh):
        """Return the reports of the next refresh, in which a share of the batches is new."""
        self._n_refreshes += 1
        reports = self._variants[self._n_refreshes % _VARIANTS]
        before = self._variants[(self._n_refreshes - 1) % _VARIANTS]
        for part, (report, last) in enumerate(zip(reports, before)):
            steps = report["batch_steps"]
            steps[...] = last["batch_steps"]
            scored = self._next[part] + np.arange(round(fresh * len(steps)))
            steps[scored % max(1, len(steps))] = self.trainer.step
            self._next[part] += len(scored)
        reports[0]["probe_step"], reports[0]["squared_mean_gradient"] = self.trainer.step - self.age, (0.5, 1e-3)
        reports[0]["curvature"] = 1.0
        return reports

    def _take_steps(self):
        """Learn from minibatches as steps do, and change the parameters, which drives all else from the caches."""
        for _ in range(self._config.refresh_every):
            self.sampler.learn_from_minibatch(self.minibatch(*self.sampler.draw()), self.trainer.step)
            self._params += np.float32(1e-3)

    def minibatch(self, indices, weights):
        """Return a minibatch with made-up results."""
        n = len(indices)
        norms = self._rng.exponential(size=n).astype(np.float32)
        return Minibatch(indices, weights, 1.0, None, norms, np.zeros(n, np.int32), norms)
