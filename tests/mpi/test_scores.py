"""All that is known of each example at the end of a run, on as many ranks as there are."""

import numpy as np
import pytest
from mpi4py import MPI
from own_models import Copying, Regression

import isgd_mpi
from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.model.mlp import MLP
from isgd_mpi.ranks.states import flatten
from isgd_mpi.run.until import train_until

OPTIONS = {"threads": 1, "score_batch_size": 100, "steps": 48, "refresh_every": 16, "minibatch_size": 32}
COLUMNS = {"index", "label", "grad_norm", "loss", "prediction"}
COUNTS = {"draws", "mean_score", "measured"}


def problem_of(check, result):
    """Return what an assertion of a check says, or an empty string: the other ranks must learn of it."""
    try:
        return "" if result is None else check(result) or ""
    except AssertionError as error:
        return str(error) or "an assertion"


@pytest.fixture
def splits(rng):
    """Noisy prototypes of 3 classes: a training set of more than one batch, and a validation set."""
    labels = rng.integers(0, 3, 1400)
    x = (2 * rng.standard_normal((3, 4))[labels] + rng.standard_normal((1400, 4))).astype(np.float32)
    return (x[:1300], labels[:1300]), (x[1300:], labels[1300:])


def test_examples_are_measured_with_the_last_parameters_alike_on_any_number_of_ranks(
    comm, everywhere, splits, shared_tmp_path
):
    options = OPTIONS | {"hidden": [8], "schedule": "exact", "score": "loss", "save_scores": True}
    result = isgd_mpi.fit(*splits[0], splits[1], comm=comm, run_dir=shared_tmp_path / "run", **options)

    def check(result):
        alone = isgd_mpi.fit(*splits[0], splits[1], comm=MPI.COMM_SELF, **options)
        found, model = result.scores, MLP((4, 8, 3), 1300)
        model.params = result.model.params
        for (x, y), split in zip(splits, ("train", "valid")):
            standardised = (x - result.model.mean) * result.model.inverse_std
            norms, losses, _ = model.scores(standardised, y)
            np.testing.assert_allclose(found[split]["grad_norm"], norms, rtol=1e-3, atol=1e-5)
            np.testing.assert_allclose(found[split]["loss"], losses, rtol=1e-3, atol=1e-5)
            np.testing.assert_array_equal(found[split]["prediction"], result.predict(x))
            np.testing.assert_array_equal(found[split]["label"], y)
        train = found["train"]
        assert train["draws"].sum() == 48 * 32 and (train["measured"] == train["draws"] + 3).all()
        assert (found["step"], found["score"], set(train), set(found["valid"])) == (
            48,
            "loss",
            COLUMNS | COUNTS,
            COLUMNS,
        )
        with np.load(result.folder / "scores.npz") as file:
            same = flatten(alone.scores)
            assert set(file.files) == set(same)
            assert all(np.array_equal(file[name], same[name]) for name in same)

    problem = problem_of(check, result)
    everywhere(not problem, problem)


@pytest.mark.parametrize("model", [Copying, Regression])
def test_a_model_of_the_users_own_is_measured_by_its_own_scores(comm, everywhere, splits, model):
    (x, y), _ = splits
    y = y if model is Copying else np.stack([3 * x[:, 0], 5 - x[:, 1]], axis=1)
    trainers = min(2, comm.size)
    result = isgd_mpi.fit(x, y, model=model, comm=comm, trainers=trainers, save_scores=True, lr=0.01, **OPTIONS)

    def check(result):
        train = result.scores["train"]
        np.testing.assert_array_equal(train["prediction"], result.predict(x))
        np.testing.assert_allclose(train["label"], y, rtol=1e-5, atol=1e-5)
        assert train["draws"].sum() == 48 * 32 and (train["grad_norm"] >= 0).all()

    problem = problem_of(check, result)
    everywhere(not problem, problem)


def test_a_run_that_is_stopped_ends_at_once(comm, everywhere, splits):
    options = {name: value for name, value in OPTIONS.items() if name != "steps"} | {"hidden": [8], "save_scores": True}
    _, outcome = train_until(comm, options, from_arrays(*splits[0]), lambda trainer: trainer.step == 20)
    everywhere(outcome.stopped == "SIGUSR1" and outcome.scores is None)
