"""Runs whose scores a loss predictor makes, on a rank of its own where there is one to spare."""

import numpy as np
import pytest
from run_files import read

from isgd_mpi.settings.exit_codes import DONE

SMALL = ["--score", "predicted-loss", "--minibatch-size", 64, "--refresh-every", 16]


def figures(lines, name):
    return [line[name] for line in lines if line["kind"] == "refresh"]


@pytest.mark.parametrize("schedule", ["exact", "pipelined", "relaxed"])
def test_importance_sampling_by_predicted_losses(run, comm, shared_tmp_path, schedule):
    steps = 32 if schedule == "exact" else 200
    assert run("a", *SMALL, "--predictor", "last", "--steps", steps, "--schedule", schedule) == DONE
    lines, summary, _ = read(shared_tmp_path / "a", comm)
    n_evaluated = {line["split"]: line["n"] for line in lines if line["kind"] == "eval"}
    assert n_evaluated == {"train": 8000, "valid": 1000, "test": 1000}
    n_scored, scores = figures(lines, "examples_scored")[-1], comm.size > 2 or schedule == "exact"
    assert scores or n_scored == 0
    if schedule != "relaxed":  # there scorers and predictor do what they find the time for
        assert figures(lines, "importance_sampling")[-1]
        assert (n_scored > 0) == scores
    if schedule == "pipelined":  # looking losses up is cheap: each refresh brings those of all examples
        assert figures(lines, "staleness_max")[-1] <= 2 * 16
    assert summary["ranks"] == comm.size and summary["train"]["loss"] < np.log(10)


@pytest.mark.parametrize("predictor", ["lstm", "lstm-log", "class"])
def test_pipelined_is_bitwise_repeatable(run, comm, shared_tmp_path, predictor):
    for name in ("a", "b"):
        assert run(name, *SMALL, "--predictor", predictor, "--steps", 64, "--schedule", "pipelined") == DONE
    (lines, _, params), (again, _, params_again) = (read(shared_tmp_path / name, comm) for name in ("a", "b"))
    np.testing.assert_array_equal(params, params_again)
    correlations = figures(lines, "predictor_correlation")
    assert correlations == figures(again, "predictor_correlation") and correlations[-1] is not None
    assert figures(lines, "importance_sampling")[-1]


def test_predictions_correlate_with_the_losses_to_come(run, comm, shared_tmp_path):
    options = ["--switch", "off", "--steps", 200, "--schedule", "pipelined", "--eval-every", 200]
    assert run("a", *SMALL, *options, "--minibatch-size", 128) == DONE
    lines, summary, _ = read(shared_tmp_path / "a", comm)
    assert summary["predictor_correlation"] == figures(lines, "predictor_correlation")[-1] > 0.2
