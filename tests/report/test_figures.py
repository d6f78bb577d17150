"""Numbers, curves and verdicts of the report, on runs whose every number is known."""

import json

import numpy as np
import pytest
from run_folders import SUMMARY, evaluation, ordinary_lines, write_run

from isgd_mpi.bench.__main__ import main as bench
from isgd_mpi.report import series
from isgd_mpi.report.page import render
from isgd_mpi.report.statistics import band, first_at_or_below, last_tenth, quartiles, value_at
from isgd_mpi.report.study import read_study
from isgd_mpi.report.verdicts import BASELINE, DID_NOT, PAID, UNCLEAR, verdict
from isgd_mpi.settings.errors import InputError

X = np.array([0.0, 1.0, 2.0])


def test_quartiles_leave_out_what_is_not_known():
    assert quartiles([1, 2, np.nan, 3, 4, 5]) == (2, 3, 4, 5)
    assert quartiles([]).n == 0 and np.isnan(quartiles([np.nan]).median)


def test_a_band_holds_medians_and_quartiles_on_a_common_grid():
    found = band([(X, level * X) for level in (1, 2, 3, 4, 5)], n_points=3)
    np.testing.assert_allclose(found.grid, X)
    np.testing.assert_allclose([found.low, found.median, found.high], [2 * X, 3 * X, 4 * X])


def test_a_band_reaches_from_where_all_have_begun_to_where_the_first_one_ends():
    found = band([(X, X), (X + 0.5, X), (np.empty(0), np.empty(0))], n_points=2)
    np.testing.assert_allclose(found.grid, [0.5, 2.0])


def test_a_band_has_a_gap_where_most_are_unknown():
    gap = np.array([1.0, np.nan, 1.0])
    assert np.isnan(band([(X, gap), (X, gap), (X, X)], n_points=5).median[1:4]).all()
    assert np.isfinite(band([(X, gap), (X, X), (X, X)], n_points=5).median).all()


def test_series_without_anything_in_common_have_no_band():
    assert band([(X, X), (X + 9, X)]) is None
    assert band([(X, X * np.nan)]) is None


@pytest.mark.parametrize(("n", "expected"), [(1, 0), (10, 9), (11, 9.5), (20, 18.5), (30, 28)])
def test_the_last_tenth_is_at_least_one_evaluation(n, expected):
    assert last_tenth(np.arange(n)) == expected


def test_a_target_is_reached_along_straight_lines():
    falling = np.array([3.0, 2.0, 0.0])
    assert first_at_or_below(X, falling, 1.0) == 1.5
    assert first_at_or_below(X, falling, 5.0) == 0.0
    assert np.isnan(first_at_or_below(X, falling, -1.0))
    assert value_at(X, falling, 0.5) == 2.5 and np.isnan(value_at(X, falling, 2.5))


def losses(at_the_end):
    return ordinary_lines(at_the_end)


def two_groups(folder, own, uniform, n=3, gain=6.1, uniform_ranks=3):
    for seed in range(n):
        spread = 1 + 0.01 * seed
        summary = SUMMARY | {"variance_gain": gain}
        write_run(folder / f"own-{seed}", losses(own * spread), summary, seed=seed)
        summary = SUMMARY | {"variance_gain": None, "ranks": uniform_ranks}
        write_run(folder / f"uniform-{seed}", losses(uniform * spread), summary, seed=seed, score="uniform")
    return read_study([folder]).groups


@pytest.mark.parametrize(
    ("own", "uniform", "kind", "words"),
    [
        (0.1, 0.4, PAID, "paid here: 6.1 times the minibatch for 3.0 % of the trainer's time and 2 ranks that score"),
        (0.4, 0.1, DID_NOT, "did not pay here"),
        (0.4, 0.4, UNCLEAR, "No clear difference"),
    ],
)
def test_verdict_at_equal_time(tmp_path, own, uniform, kind, words):
    groups = two_groups(tmp_path, own, uniform)
    found = verdict(groups[0], groups)
    assert found.kind == kind and words in found.text
    errors = f"{own * 1.01 / 10:.2%} against {uniform * 1.01 / 10:.2%}"
    assert f"After 10 s on 3 ranks the valid error is {errors} of “" in found.text
    assert (
        f"(at their best steps {errors}), the training loss {own * 1.01:.3g} against {uniform * 1.01:.3g}" in found.text
    )
    if kind == PAID:  # 1 + (0.1 x 1.01 - 1) t / 10 is 0.404 at
        assert f"({0.404:.3g}) after {(1 - 0.404) / (1 - 0.101) * 10:.3g} of 10 s" in found.text
    assert verdict(groups[1], groups).kind == BASELINE


def test_held_out_data_are_judged_by_before_the_training_loss(tmp_path):
    for seed in range(3):
        for name, loss, error in (("own", 0.1, 0.061), ("uniform", 0.4, 0.032)):
            lines = [line for line in losses(loss) if line.get("split") not in ("valid", "test")]
            for step in range(10, 101, 10):
                lines.append(evaluation(step, 1.0, "test", error=0.03 if step == 50 else error + seed / 1e4))
            options = {"score": "uniform"} if name == "uniform" else {}
            write_run(tmp_path / f"{name}-{seed}", lines, seed=seed, **options)
    groups = read_study([tmp_path]).groups
    found = verdict(groups[0], groups)
    assert found.kind == DID_NOT and "the training loss 0.1 against 0.4" in found.text
    assert "the test error is 6.11% against 3.21%" in found.text
    assert "(at their best steps 3.00% against 3.00%)" in found.text


def test_numbers_are_judged_and_shown_by_their_rmse(tmp_path, capsys):
    for seed in range(3):
        for name, rmse in (("own", 4.25), ("uniform", 5.5)):
            lines = [line | {"rmse": rmse, "mae": 1.0} for line in losses(0.2)]
            lines = [{field: value for field, value in line.items() if field != "error"} for line in lines]
            options = {"score": "uniform"} if name == "uniform" else {}
            write_run(tmp_path / f"{name}-{seed}", lines, seed=seed, **options)
    study = read_study([tmp_path])
    found = verdict(study.groups[0], study.groups)
    assert found.kind == PAID and "the valid RMSE is 4.25 against 5.5 of" in found.text
    page = render(study, [], [])
    assert "<th>test RMSE / unit of the target</th>" in page and "error" not in page and "nats" not in page
    assert bench(["runs", str(tmp_path)]) == 0
    assert "| test RMSE / unit of the target |" in capsys.readouterr().out


def test_numbers_and_classes_are_reported_apart(tmp_path):
    lines = [{"rmse" if name == "error" else name: value for name, value in line.items()} for line in losses(0.2)]
    write_run(tmp_path / "classes", losses(0.2))
    write_run(tmp_path / "begun", [])
    write_run(tmp_path / "numbers", lines)
    with pytest.raises(InputError, match="classes is judged by its error, and .*numbers is judged by its RMSE: report"):
        read_study([tmp_path])
    study = read_study([tmp_path / "begun", tmp_path / "numbers"])
    assert study.measure.name == "rmse"


def test_verdict_without_a_uniform_group_on_as_many_ranks(tmp_path):
    groups = two_groups(tmp_path, 0.1, 0.4, uniform_ranks=2)
    found = verdict(groups[0], groups)
    assert found.kind == PAID and "no uniform group on as many ranks" in found.text


@pytest.mark.parametrize("gain", [1.05, None])
def test_verdict_of_no_gain(tmp_path, gain):
    groups = two_groups(tmp_path, 0.1, 0.4, uniform_ranks=2, gain=gain)
    assert verdict(groups[0], groups).kind == DID_NOT


def test_verdict_of_few_runs_says_that_it_is_weak(tmp_path):
    groups = two_groups(tmp_path, 0.1, 0.4, n=1)
    assert "weak statement" in verdict(groups[0], groups).text


def test_runs_that_are_not_complete_do_not_count(tmp_path, capsys):
    write_run(tmp_path / "run", summary=SUMMARY | {"stopped": "SIGINT"})
    groups = read_study([tmp_path]).groups
    assert verdict(groups[0], groups).kind == UNCLEAR
    assert bench(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[2].startswith("| run | 0 of 1 | – | – |")


def test_the_table_of_runs_has_medians_and_quartiles_and_dashes_for_what_a_run_lacks(tmp_path, capsys):
    two_groups(tmp_path, 0.1, 0.4)
    assert bench(["runs", str(tmp_path), "--json", str(tmp_path / "table.json")]) == 0
    head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines())
    own, uniform = (dict(zip(head, row)) for row in rows)
    assert own["train loss"] == "0.101 (0.1 – 0.101)" and own["complete"] == "3 of 3"
    assert own["test error / %"] == "1.01 (1 – 1.01)" and own["in use / uniform"] == "0.25 (0.25 – 0.25)"
    assert (own["variance gain"], uniform["variance gain"]) == ("6.1 (6.1 – 6.1)", "–")
    written = json.loads((tmp_path / "table.json").read_text())["rows"]
    assert written[0]["variance gain"] == {"low": 6.1, "median": 6.1, "high": 6.1, "n": 3}
    assert written[1]["variance gain"] == {"low": None, "median": None, "high": None, "n": 0}


def test_error_of_the_last_tenth(tmp_path):
    lines = [evaluation(step, 1.0, "test", error=step / 1000) for step in range(10, 201, 10)]
    write_run(tmp_path / "run", lines)
    (run,) = read_study([tmp_path]).runs
    assert series.late(run, "test", "measured") == pytest.approx(0.195)


def test_shares_and_dominant_activity_of_a_timeline(tmp_path):
    activity = pytest.importorskip("isgd_mpi.report.activity", reason='pip install "isgd_mpi[report]"')
    run = read_study([write_run(tmp_path / "run")]).runs[0]
    np.testing.assert_allclose(activity.shares(run, 0), [0.9, 0.0, 0.1])
    np.testing.assert_allclose(activity.shares(run, 1), [0.6, 0.1, 0.3])
    names = [str(run.spans["activities"][code]) for code in activity.dominant(run.spans, 1, np.arange(0.0, 11.0))]
    assert names == ["scoring"] * 6 + ["sending"] + ["waiting"] * 3
    assert activity.dominant(run.spans, 1, np.array([10.0, 11.0])).tolist() == [-1]


def test_a_timeline_names_the_roles(tmp_path):
    activity = pytest.importorskip("isgd_mpi.report.activity", reason='pip install "isgd_mpi[report]"')
    scored = read_study([write_run(tmp_path / "scored")]).runs[0]
    predicted = read_study([write_run(tmp_path / "predicted", score="predicted-loss")]).runs[0]
    assert [activity.role(scored, rank) for rank in range(3)] == ["trainer", "scorer", "scorer"]
    scored.environment["feeder"] = True
    assert [activity.role(scored, rank) for rank in range(2)] == ["feeder", "scorer"]
    assert [activity.role(predicted, rank) for rank in range(3)] == ["trainer", "scorer", "predictor"]
