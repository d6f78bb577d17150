"""Labels and numbers, trained on as many ranks as there are."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from mpi4py import MPI
from own_models import Regression

from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.data.datasets import Split
from isgd_mpi.data.target import Target
from isgd_mpi.model.blueprints import MLPBlueprint, OwnBlueprint
from isgd_mpi.ranks.faults import Interruption
from isgd_mpi.run.job import Job
from isgd_mpi.settings.config import Config

slow = pytest.mark.slow
N_TRAIN, N_TEST, N_OUTPUTS = 600, 200, 2
SETTINGS = {"minibatch_size": 32, "refresh_every": 16, "score_batch_size": 100, "threads": 1, "quiet": True}
MEANS, SCALES = np.array([100.0, -3.0]), np.array([20.0, 0.5])


@pytest.fixture(scope="module")
def problem():
    """Features, and numbers of mean MEANS and standard deviation SCALES, mostly determined by them."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((N_TRAIN + N_TEST, 6)).astype(np.float32)
    y = np.tanh(x @ rng.standard_normal((6, N_OUTPUTS)) / 2) + 0.1 * rng.standard_normal((len(x), N_OUTPUTS))
    y -= y[:N_TRAIN].mean(axis=0)
    return x, MEANS + SCALES * y / y[:N_TRAIN].std(axis=0)


def dataset_of(loss, x, y):
    """Make a data set of labels, which hold for numbers above their means, or of the numbers."""
    parts, classes = (slice(N_TRAIN), slice(N_TRAIN, None)), np.arange(len(x)) % 2
    base = from_arrays(*[(x[part], classes[part]) for part in parts][0], test=(x[parts[1]], classes[parts[1]]))
    kept = (y > MEANS) if loss == "logistic" else (y - MEANS) / SCALES
    target = Target("labels", N_OUTPUTS)
    if loss != "logistic":
        target = Target("numbers", N_OUTPUTS, (), tuple(MEANS.tolist()), tuple(SCALES.tolist()))
    images = [base.splits[name].images for name in ("train", "test")]
    pairs = zip(("train", "test"), images, parts)
    splits = {name: Split(array, kept[part].astype(np.float32)) for name, array, part in pairs}
    return replace(base, target=target, splits=splits)


def train(comm, dataset, blueprint=MLPBlueprint, **options):
    job = Job(comm, Config(**SETTINGS | options), lambda verify: dataset, blueprint)
    with Interruption() as interruption:
        return job.run(interruption)


@pytest.mark.parametrize(
    ("loss", "score"),
    [
        ("huber", "predicted-loss"),
        pytest.param("logistic", "grad-norm", marks=slow),
        pytest.param("squared", "grad-bound", marks=slow),
    ],
)
def test_exact_is_bitwise_what_one_rank_gives(comm, everywhere, problem, loss, score):
    options = {"loss": loss, "score": score, "schedule": "exact", "steps": 64, "hidden": [16], "momentum": 0.5}
    dataset = dataset_of(loss, *problem)
    outcome = train(comm, dataset, **options)
    params = comm.bcast(outcome.trained.params if comm.rank == 0 else None)
    alone = train(MPI.COMM_SELF, dataset, **options)
    everywhere((alone.trained.params == params).all(), "parameters differ from those of one rank")


@pytest.mark.parametrize(
    ("loss", "precision"),
    [
        ("squared", "f32"),
        pytest.param("squared", "bf16", marks=slow),
        pytest.param("huber", "bf16", marks=slow),
        pytest.param("logistic", "f32", marks=slow),
        pytest.param("logistic", "bf16", marks=slow),
    ],
)
def test_predictions_are_in_the_users_units_and_measured_so(comm, everywhere, problem, loss, precision):
    x, y = problem
    precisions = {"score_precision": precision, "train_precision": precision}
    outcome = train(comm, dataset_of(loss, x, y), loss=loss, steps=400, hidden=[32], lr=0.05, **precisions)
    ok = True
    if comm.rank == 0:
        predicted, figures = outcome.trained.predict(x[N_TRAIN:]), outcome.summary["test"]
        residuals = predicted - (y[N_TRAIN:] > MEANS if loss == "logistic" else y[N_TRAIN:])
        if loss == "logistic":
            expected = {"error": residuals.any(axis=1).mean(), "label_error": np.abs(residuals).mean()}
        else:
            expected = {"rmse": np.sqrt(((residuals / SCALES) ** 2).mean())}
        ok = all(abs(figures[name] - value) < 1e-3 for name, value in expected.items())
        ok &= (figures["label_error"] < 0.2) if loss == "logistic" else (figures["rmse"] < 0.6)
    everywhere(ok, "what is predicted is not what was measured, or bad")


def test_a_model_of_ones_own_gets_numbers_and_predicts_them(comm, everywhere, problem):
    x, y = problem
    outcome = train(comm, dataset_of("squared", x, y), partial(OwnBlueprint, Regression), steps=200, lr=0.05)
    ok = True
    if comm.rank == 0:
        rmse = np.sqrt((((outcome.trained.predict(x[N_TRAIN:]) - y[N_TRAIN:]) / SCALES) ** 2).mean())
        ok = abs(rmse - outcome.summary["test"]["rmse"]) < 1e-4 and rmse < 0.7
    everywhere(ok, "what is predicted is not what was measured, or bad")
