"""Real tables train as a user would have it: with ``--data FILE`` and next to nothing else."""

import json
import subprocess
import sys

import numpy as np
import pytest
from launch import train

from isgd_mpi.data.datasets import load

pytest.importorskip("pyarrow")


@pytest.fixture
def tables(real_data):
    return real_data / "tables"


def design(dataset, split):
    """Return standardised features with a column of ones, and the number to predict in its own unit."""
    n = len(dataset.splits[split])
    x, y = dataset.batch(split, 0, n, np.empty((n, dataset.n_features), np.float32))
    return np.c_[x, np.ones(n)].astype(np.float64), y[:, 0] * dataset.target.scale[0] + dataset.target.mean[0]


def rmse_of_ridge_regression(dataset, penalty=1.0):
    x, y = design(dataset, "train")
    x_test, y_test = design(dataset, "test")
    parameters = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y)
    return np.sqrt(np.mean((x_test @ parameters - y_test) ** 2))


def test_numbers_are_predicted_better_than_by_ridge_regression_on_the_same_split(tables, tmp_path):
    file = tables / "casp.csv.gz"
    run = train(tmp_path / "run", 2, "--data", file, "--target", "RMSD", "--steps", 400)
    dataset = load(str(file), target="RMSD")
    ridge = rmse_of_ridge_regression(dataset)
    test = run.summary["test"]
    assert 5 < ridge < 5.4 and 3.5 < test["rmse"] < 0.97 * ridge
    x, y = design(dataset, "test")
    assert test["r2"] == pytest.approx(1 - test["rmse"] ** 2 / y.var(), rel=1e-4)
    out = tmp_path / "out.csv"
    command = [sys.executable, "-m", "isgd_mpi.predict", run.folder, "--data", file, "--out", out]
    subprocess.run(command, check=True)
    predicted, given = np.loadtxt(out, skiprows=1), np.loadtxt(file, delimiter=",", skiprows=1)[:, 0]
    assert np.sqrt(np.mean((predicted - given) ** 2)) == pytest.approx(test["rmse"], rel=0.05)


def test_letters_are_learnt_with_nothing_but_their_file(tables, tmp_path):
    run = train(tmp_path / "run", 2, "--data", tables / "letter.csv.gz", "--eval-every", 3000)
    assert run.summary["steps"] == 3000
    assert run.summary["test"]["error"] < 0.06 and run.summary["test"]["balanced_error"] < 0.065


@pytest.mark.parametrize(
    ("name", "n_classes", "most_error"), [("kr-vs-k", 18, 0.6), ("page-blocks", 5, 0.05), ("fars", 8, 0.25)]
)
def test_tables_of_words_and_rare_classes_train(tables, tmp_path, name, n_classes, most_error):
    run = train(tmp_path / "run", 2, "--data", tables / f"{name}.csv.gz", "--steps", 300, "--eval-every", 300)
    test = run.summary["test"]
    assert test["error"] < most_error and test["error"] < test["balanced_error"] < 1
    target = json.loads((run.folder / "data.json").read_text())["target"]
    assert target["n_outputs"] == n_classes and list(test["class_errors"]) == target["names"]
