from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.data.target import Target
from isgd_mpi.run.record.summary import columns_by_kind, verdict
from isgd_mpi.sampling.gain import MeanGain


def trainer_after(gain, was_used=True, why="", uniform=2.0, ideal=0.5, **never):
    """A trainer at the end of a run, as far as the verdict sees it."""
    figures = {"trace_uniform": uniform, "trace_ideal": ideal}
    methods = {"variances": lambda: figures, "why_so_low": lambda step: why}
    sampler = SimpleNamespace(mean_gain=gain, was_used=was_used, problem=never.get("problem", ""), **methods)
    target = Target("classes", never.get("n_classes", 3))
    return SimpleNamespace(sampler=sampler, step=800, figures={"usable_fraction": 0.031}, target=target)


def test_the_verdict_says_the_gain_its_error_and_the_possible_one():
    text = verdict(trainer_after(MeanGain(3.142, 0.12, 3.5)), "grad-norm")
    assert text == "variance gain 3.14 ± 0.12 of 3.5 possible: a uniform minibatch would have to be 3.1 times as large"


@pytest.mark.parametrize("possible", [1.2, 5.9])
def test_the_cause_is_named_where_much_more_was_possible(possible):
    text = verdict(trainer_after(MeanGain(1.05, 0.01, possible), why="the scores are too old"), "grad-norm")
    assert text.startswith(f"importance sampling did not pay here: variance gain 1.05 ± 0.01 of {possible} possible")
    assert text.endswith(". The scores are too old") == (possible > 2)


@pytest.mark.parametrize(
    ("trainer", "score", "words"),
    [
        (trainer_after(None, was_used=False), "grad-norm", "never began: 3.1% of the examples had a usable score"),
        (trainer_after(None, was_used=False, problem="all zero"), "grad-norm", "never began: all zero"),
        (trainer_after(None, was_used=False, problem="all zero", n_classes=1), "grad-norm", "one class only"),
        (trainer_after(None), "grad-norm", "too briefly"),
        (trainer_after(None), "uniform", "divided the variance by up to 4"),
        (trainer_after(None, ideal=np.nan), "uniform", "too short a run"),
        (trainer_after(None, uniform=0.0, ideal=0.0), "uniform", "too short a run"),
    ],
)
def test_a_gain_that_is_not_known_is_not_told(trainer, score, words):
    assert words in verdict(trainer, score)


def test_metrics_become_arrays_by_kind_with_nan_for_what_is_not_known():
    lines = [
        {"kind": "event", "step": 0, "message": "start"},
        {"kind": "refresh", "step": 1, "gain": None, "on": False},
        {"kind": "refresh", "step": 2, "gain": 1.5, "on": True},
    ]
    columns = columns_by_kind(lines)
    assert {kind: list(fields) for kind, fields in columns.items()} == {
        "event": ["step", "message"],
        "refresh": ["step", "gain", "on"],
    }
    assert columns["event"]["message"][0] == "start"
    np.testing.assert_array_equal(columns["refresh"]["gain"], [np.nan, 1.5])
    assert columns["refresh"]["step"].tolist() == [1, 2] and columns["refresh"]["on"].dtype == bool
    assert columns_by_kind([]) == {}
