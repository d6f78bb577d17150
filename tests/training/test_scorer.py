"""A scorer by itself: what it reports of its shard."""

import numpy as np
import pytest

from isgd_mpi.data.datasets import Dataset, Split
from isgd_mpi.data.target import Target
from isgd_mpi.model.mlp import MLP
from isgd_mpi.ranks.records import EVALUATE, STOP, published_dtype
from isgd_mpi.ranks.shards import Grid
from isgd_mpi.ranks.waiting import Waiter
from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.training.probe import Probe
from isgd_mpi.training.scorer import Scorer, ScoringModels

pytestmark = pytest.mark.usefixtures("spurious_flags_of_blas")
N, BATCH, PROBED, WIDTHS = 23, 5, 16, (4, 6, 3)


@pytest.fixture
def dataset(rng):
    split = Split(rng.integers(0, 256, (N, 4), dtype=np.uint8), rng.integers(0, 3, N, dtype=np.int32))
    return Dataset(
        "made", Target("classes", 3), {"train": split}, np.full(4, 127.0, np.float32), np.full(4, 0.01, np.float32)
    )


def published(rng, command=0):
    record = np.zeros((), published_dtype(MLP(WIDTHS, 1).params.size, PROBED))
    record["step"], record["command"] = 7, command
    record["probe"], record["probe_weights"] = rng.integers(0, N, PROBED), rng.exponential(size=PROBED)
    record["params"] = rng.standard_normal(record["params"].shape)
    return record


@pytest.mark.parametrize("rows_at_a_time", [1, 2, 4, 99])
def test_pieces_of_a_batch_are_reported_as_the_whole(rng, dataset, rows_at_a_time):
    record, reports, beats = published(rng, EVALUATE), [], []
    for rows in (None, rows_at_a_time):
        model = MLP(WIDTHS, BATCH)
        waiter = Waiter(polite=True, idle=lambda: beats.append(1))
        scorer = Scorer(ScoringModels(model, model, rows), dataset, Grid(BATCH, 1), 0, waiter)
        scorer.take(record)
        scorer.score(scorer.n_batches)
        scorer.evaluate()
        reports.append(scorer.record.copy())
    whole, parted = reports
    assert len(beats) == 2 * (5 + 5)  # after each batch that is scored or evaluated
    assert (whole["batch_steps"] == 7).all() and whole["evaluated_step"] == 7
    for name in whole.dtype.names:
        np.testing.assert_allclose(parted[name], whole[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_a_scorer_rests_once_all_is_scored_with_the_newest_parameters(rng, dataset):
    model = MLP(WIDTHS, BATCH)
    scorer = Scorer(ScoringModels(model, model), dataset, Grid(BATCH, 1), 0, Waiter(polite=True))
    for step in (7, 8):
        record = published(rng)
        record["step"] = step
        scorer.take(record)
        assert [scorer.advance() for _ in range(scorer.n_batches + 2)] == scorer.n_batches * [True] + 2 * [False]
        assert (scorer.record["batch_steps"] == step).all()


@pytest.mark.parametrize("command", [0, STOP])
def test_the_probe_is_reported_with_its_step_but_not_once_the_run_is_over(rng, dataset, command):
    record, model = published(rng, command), MLP(WIDTHS, PROBED)
    models = ScoringModels(model, model, None, Probe(MLP(WIDTHS, PROBED), dataset, PROBED))
    scorer = Scorer(models, dataset, Grid(BATCH, 1), 0, Waiter(polite=True))
    scorer.take(record)
    if command == STOP:
        assert scorer.record["probe_step"] == NEVER
        return
    model.params = record["params"]
    x = np.empty((N, 4), np.float32)
    dataset.batch("train", 0, N, x)
    gradients = []
    for row, weight in zip(record["probe"], record["probe_weights"]):
        example = x[row : row + 1], dataset.splits["train"].labels[row : row + 1]
        gradients.append(weight * model.gradient(*example, np.ones(1, np.float32))[1].astype(float))
    total = np.sum(gradients, axis=0)
    expected = (total @ total - np.sum(np.square(gradients))) / (PROBED * (PROBED - 1))
    assert scorer.record["probe_step"] == 7
    np.testing.assert_allclose(scorer.record["squared_mean_gradient"][0], expected, rtol=1e-3)
