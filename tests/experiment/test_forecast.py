"""Tests of the forecast: does importance sampling pay?"""

import json
from dataclasses import replace

import numpy as np
import pytest

from isgd_mpi.experiment.__main__ import main
from isgd_mpi.experiment.pays import forecast, speed
from isgd_mpi.sampling.division import Work, trainers_gain
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.errors import InputError

WORK = Work(
    n_ranks=2, n_on_node=2, n_cores=2, n_params=670_000, minibatch_size=64, n_examples=50_000, score_batch_size=512,
    refresh_every=32, arithmetic="float32", train_arithmetic="bfloat16 (AVX-512)",
)  # fmt: skip
MEASURED = speed.Measured(
    work=WORK, step_seconds=1.5e-3, score_seconds=2e-5, possible_gain=8.0, gain=4.0, age=300.0, rate=0.1,
    largest_rate=0.5, critical_minibatch=200.0,
)  # fmt: skip


def test_gain_at_an_age_begins_with_the_possible_one_and_meets_the_measured_one():
    assert MEASURED.gain_at(0) == pytest.approx(8)
    assert MEASURED.gain_at(300 * 0.1) == pytest.approx(4)
    assert MEASURED.gain_at(1e9) == pytest.approx(1)
    worthless = replace(MEASURED, gain=1.0, possible_gain=1.0)
    assert worthless.gain_at(10) == pytest.approx(1)


def test_gain_at_an_age_is_that_of_other_measurements():
    """MNIST: see `division`."""
    measured = replace(MEASURED, possible_gain=9.5, gain=4.0, age=130.0, rate=1.0)
    assert [measured.gain_at(age) for age in (16, 64, 300, 600)] == pytest.approx([8.0, 5.4, 2.7, 1.6], rel=0.1)


def test_nothing_gained_is_trainers_lost():
    worthless = replace(MEASURED, gain=1.0, possible_gain=1.0)
    for n_ranks in speed.RANKS:
        assert speed.best_importance(worthless, n_ranks).progress <= speed.best_uniform(worthless, n_ranks).progress


@pytest.mark.parametrize("n_ranks", speed.RANKS)
def test_steps_fall_by_at_most_the_gain(n_ranks):
    sampling = speed.best_importance(MEASURED, n_ranks)
    same = speed._uniform(MEASURED, n_ranks, sampling.minibatch_size, 1)
    assert 1 < sampling.share / same.share < sampling.gain <= 8
    assert 1 <= sampling.n_trainers < n_ranks and 1 <= speed.best_uniform(MEASURED, n_ranks).n_trainers <= n_ranks


def test_a_gain_helps_where_noise_limits_and_not_beyond():
    noisy, calm = (replace(MEASURED, critical_minibatch=size) for size in (3000.0, 3.0))
    noisy, calm = (
        speed.best_importance(each, 4).progress / speed.best_uniform(each, 4).progress for each in (noisy, calm)
    )
    assert calm < 1 < noisy


def columns(**changes):
    """Return the columns of three refreshes that :func:`forecast._pool` reads."""
    figures = {
        "step": 0.0, "seconds": 0.0, "importance_sampling": 1.0, "variance_gain": 4.0, "variance_gain_error": 0.1,
        "trace_uniform": 12.0, "trace_ideal": 2.0, "curvature": 2.0, "minibatch_loss": 0.03, "learning_rate": 0.1,
        "staleness_mean": 100.0, "scored_per_second": 5e4, "noise_scale": 900.0, "steps_per_second": 1000.0,
    }  # fmt: skip
    rows = {name: np.full(3, value) for name, value in (figures | changes).items()}
    return rows | {"step": np.array([0.0, 32.0, 64.0]), "seconds": np.array([0.0, 0.04, 0.08])}


@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_noise_may_be_seven_eighths_of_the_loss(noise):
    """Of a quadratic from 100 times the loss on, where the noise adds `noise` times the learning rate."""
    rates = np.linspace(0.01, 0.99, 99) / noise
    steps = np.log(100 / (1 - noise * rates)) / rates
    assert rates[np.argmin(steps)] * noise == pytest.approx(7 / 8, abs=0.03)


def test_more_trainers_gain_little_of_a_short_step():
    seconds = 4e-4, 1.5e-3, 4e-3
    assert [trainers_gain(each, 1) for each in seconds] == [1, 1, 1]
    assert [trainers_gain(each, 2) for each in seconds] == pytest.approx([1.33, 1.57, 1.91], abs=0.02)


def test_critical_minibatch_is_that_of_rate_trace_and_loss():
    figures = forecast._pool(WORK, columns(), [])
    assert figures.measured.critical_minibatch == pytest.approx(0.5 * 12 / (3.5 * 0.03))
    assert figures.measured.possible_gain == pytest.approx(6) and figures.measured.gain == pytest.approx(4)
    assert (figures.low.gain, figures.high.gain) == pytest.approx((3.8, 4.2))
    assert figures.measured.step_seconds == pytest.approx(0.08 / 64) and figures.noise_scale == 900
    assert figures.measured.score_seconds == pytest.approx(1 / 5e4)


def test_without_a_curvature_all_steps_count_as_noise():
    figures = forecast._pool(WORK, columns(curvature=np.nan, noise_scale=np.nan), ["note"])
    assert figures.measured.critical_minibatch == 1e4 and figures.measured.largest_rate == pytest.approx(0.1)
    row = forecast.row_of(figures, 4)
    assert row["low"] <= row["speed_up"] <= row["high"]


def test_a_forecast_within_the_error_of_the_model_leaves_it_open():
    figures = forecast._pool(WORK, columns(), [])
    row = forecast.row_of(figures, 2)
    told = forecast.sentence("x", figures, row | {"low": 0.9, "high": 2.0})
    assert "it is open whether importance sampling pays" in told
    assert "in 0.50 of its time" in forecast.sentence("x", figures, row | {"speed_up": 2.0, "low": 1.1, "high": 3.5})
    open_one = forecast.sentence("x", figures, row | {"speed_up": 1.04, "low": 0.9, "high": 2.0})
    assert "it is expected to be as fast as tuned uniform sampling (0.9 to 2)." in open_one
    no = forecast.sentence("x", figures, row | {"speed_up": 0.6, "low": 0.4, "high": 0.98})
    assert "does not pay (0.6 times as fast as tuned uniform sampling; 0.4 to 0.98)" in no
    assert row["low"] < row["speed_up"] / 1.7 and row["high"] <= figures.high.possible_gain


def test_a_gain_of_nothing_is_a_no_with_its_reason():
    figures = forecast._pool(WORK, columns(variance_gain=1.0, trace_ideal=11.9, importance_sampling=0.0), [])
    answer = forecast.sentence("/a/b/letter.csv", figures, forecast.row_of(figures, 2))
    assert answer.startswith("Forecast: on letter.csv with 2 ranks importance sampling does not pay")
    assert "all gradients are alike" in answer


def test_a_run_gives_a_forecast(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(forecast, "_SECONDS", 1.5)
    assert main(["pays", "--quick", "--hidden", "32", "--out", str(tmp_path / "out")]) == 0
    written = json.loads((tmp_path / "out" / "forecast.json").read_text())
    printed = capsys.readouterr().out
    assert [row["ranks"] for row in written["rows"]] == [2, 4, 8, 16, 32, 64]
    assert written["forecast"] and written["sentence"] in printed and "not a measurement" in printed
    assert all(0 < row["low"] <= row["speed_up"] <= row["high"] for row in written["rows"])
    assert 1 < written["reached_gain"] <= 1.1 * written["possible_gain"]


def test_a_run_that_fails_is_one_line(tmp_path):
    with pytest.raises(InputError, match="nothing.csv"):
        forecast.forecast(Config(data="nothing.csv"), 2, tmp_path)
