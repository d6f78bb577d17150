"""Reading runs and grouping them; all that can be wrong with their files."""

import json

import numpy as np
import pytest
from run_folders import SUMMARY, evaluation, ordinary_lines, refresh, three_ranks, write_run

from isgd_mpi.report import series
from isgd_mpi.report.runs import read_run
from isgd_mpi.report.study import read_study
from isgd_mpi.settings.errors import InputError


def test_an_evaluation_stands_where_its_parameters_were(tmp_path):
    lines = [refresh(10), refresh(20), evaluation(20, 0.5, staleness=5, seconds=2.5)]
    run = read_run(write_run(tmp_path / "run", lines))
    steps, losses = series.evaluated(run, "train", "loss", "step")
    seconds, _ = series.evaluated(run, "train", "loss", "seconds")
    assert (steps.tolist(), losses.tolist()) == ([15], [0.5])
    np.testing.assert_allclose(seconds, [1.5])


def test_the_last_evaluation_stands_at_the_end_of_training_not_after_it(tmp_path):
    run = read_run(write_run(tmp_path / "run", [refresh(50), evaluation(100, 0.1, seconds=99.0)]))
    assert series.end_seconds(run) == SUMMARY["seconds"]


def test_evaluations_of_a_running_run_are_where_their_lines_say(tmp_path):
    run = read_run(write_run(tmp_path / "run", [refresh(50), evaluation(100, 0.1, seconds=12.0)], summary=None))
    assert series.end_seconds(run) == 12.0
    assert run.status.startswith("incomplete") and run.ranks == 3


@pytest.mark.parametrize(
    ("stopped", "status"),
    [(None, "complete"), ("SIGTERM", "stopped: SIGTERM"), ("the loss is not finite at step 3", "diverged: the loss")],
)
def test_how_a_run_ended(tmp_path, stopped, status):
    run = read_run(write_run(tmp_path / "run", summary=SUMMARY | {"stopped": stopped}))
    assert run.status.startswith(status) and run.complete == (stopped is None)


def test_null_and_missing_figures_are_gaps(tmp_path):
    lines = [refresh(10, in_use=None), refresh(20, in_use=-1.0), refresh(30, in_use=4.0), evaluation(30, None)]
    del lines[2]["trace_uniform"]
    run = read_run(write_run(tmp_path / "run", lines))
    np.testing.assert_array_equal(series.root_of_trace(run, "trace_in_use")[1], [np.nan, np.nan, 2.0])
    assert series.n_negative(run, "trace_in_use") == 1
    assert series.final_ratio(run) == -0.25  # the one refresh that has both; an estimate may be negative
    assert np.isnan(series.final_loss(run))
    assert np.isnan(series.refreshed(run, "predictor_correlation")[1]).all()


def test_final_ratio_is_of_the_last_half_of_the_steps(tmp_path):
    in_use = {10: 4.0, 40: 4.0, 50: 1.0, 60: 2.0, 100: 3.0}
    run = read_run(write_run(tmp_path / "run", [refresh(step, value) for step, value in in_use.items()]))
    assert series.final_ratio(run) == 0.5  # median of 1/4, 2/4, 3/4


def test_a_last_line_that_is_cut_off_is_left_out_with_a_note(tmp_path):
    folder = write_run(tmp_path / "run", [refresh(10), refresh(20)])
    text = (folder / "metrics.jsonl").read_text()
    (folder / "metrics.jsonl").write_text(text[:-20])
    run = read_run(folder)
    assert run.refreshes["step"].tolist() == [10] and "cut off" in run.notes[0]


def test_what_is_not_known_is_ignored(tmp_path):
    lines = [refresh(10, colour="blue", nested={"a": [1]}), {"kind": "future", "step": "x"}]
    assert read_run(write_run(tmp_path / "run", lines)).refreshes["step"].tolist() == [10]


SPANS = three_ranks()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metrics.jsonl", b"{}\nnonsense\n{}\n", "metrics.jsonl, line 2 is not valid JSON"),
        ("metrics.jsonl", b"[1]\n", "metrics.jsonl, line 1 must be a JSON object"),
        ("metrics.jsonl", b"\xff\xfe\n", "metrics.jsonl cannot be read"),
        ("metrics.jsonl", b'{"kind": "refresh", "step": 1}\n', "no step or no seconds"),
        ("metrics.jsonl", b'{"kind": "refresh", "step": "1", "seconds": 1}\n', "step must be a number, not '1'"),
        ("metrics.jsonl", b"[" * 100_000 + b"\n", "metrics.jsonl, line 1 is not valid JSON"),
        ("summary.json", b"{", "summary.json is not valid JSON"),
        ("summary.json", b'{"ranks": "three"}', "summary.json: ranks must be a number"),
        ("environment.json", b"7", "environment.json must be a JSON object"),
        ("config.toml", b"lr = = 1", "config.toml is not valid TOML"),
        ("timeline.npz", b"PK\x03\x04nonsense", "timeline.npz is not a timeline"),
        ("timeline.npz", {"rank": SPANS["rank"]}, "timeline.npz is not a timeline"),
        ("timeline.npz", SPANS | {"begin": SPANS["begin"][1:]}, "differ in length"),
        ("timeline.npz", SPANS | {"end": SPANS["end"] * np.nan}, "not a number"),
        ("timeline.npz", SPANS | {"activity": SPANS["activity"] + 100}, "has no name"),
        ("timeline.npz", SPANS | {"activities": np.array([{}])}, "timeline.npz is not a timeline"),
    ],
)
def test_a_broken_file_is_one_clear_line(tmp_path, name, content, message):
    folder = write_run(tmp_path / "run")
    if isinstance(content, dict):
        np.savez(folder / name, **content)
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        read_run(folder)
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


def test_numbers_too_large_to_draw_count_as_unknown(tmp_path):
    run = read_run(write_run(tmp_path / "run", [refresh(10, in_use=1e300), evaluation(10, 10**400)]))
    assert np.isnan(run.refreshes["trace_in_use"]).all() and np.isnan(series.final_loss(run))


def test_runs_are_grouped_by_what_differs_other_than_the_seed(tmp_path):
    for seed in (0, 1):
        for score in ("grad-norm", "uniform"):
            write_run(tmp_path / f"{score}-{seed}", score=score, seed=seed, run_dir=f"/somewhere/{seed}")
    study = read_study([tmp_path])
    assert [(group.label, len(group.runs), group.uniform) for group in study.groups] == [
        ("grad-norm", 2, False),
        ("uniform", 2, True),
    ]
    assert study.x_label is None and len(study.runs) == 4


def test_ranks_count_as_an_option(tmp_path):
    for ranks in (2, 3):
        write_run(tmp_path / f"run-{ranks}", summary=SUMMARY | {"ranks": ranks})
    assert [(group.label, group.ranks) for group in read_study([tmp_path]).groups] == [("ranks 2", 2), ("ranks 3", 3)]


def test_a_number_that_alone_differs_is_the_axis(tmp_path):
    for k, mixture in enumerate([0.1, 0.3, "auto"]):
        write_run(tmp_path / f"run-{k}", mixture=mixture)
    study = read_study([tmp_path])
    assert study.x_label == "mixture"
    assert [(group.label, group.x) for group in study.groups] == [
        ("mixture 0.1", 0.1),
        ("mixture 0.3", 0.3),
        ("mixture auto", None),
    ]


def test_runs_may_be_named_one_by_one_and_twice(tmp_path):
    folders = [write_run(tmp_path / name) for name in ("a", "b")]
    study = read_study([*folders, folders[0], tmp_path])
    assert [run.name for run in study.runs] == ["a", "b"] and study.title == "2 runs"


def experiment(folder, **content):
    folder.mkdir(exist_ok=True)
    (folder / "experiment.json").write_text(json.dumps(content))
    return folder


def test_an_experiment_says_how_its_runs_belong_together(tmp_path):
    write_run(tmp_path / "a-0", ordinary_lines())
    experiment(
        tmp_path, name="e", title="An experiment", question="Why?", notes=["a note"], command="mpirun", x_label="λ",
        groups=[{"label": "A", "options": {"mixture": 0.1}, "x": 0.1, "runs": ["a-0", "a-1"]},
                {"label": "B", "options": {}, "x": None, "runs": []}], figures=["loss"],
    )  # fmt: skip
    study = read_study([tmp_path])
    assert (study.title, study.question, study.notes) == ("An experiment", "Why?", ["a note"])
    assert (study.command, study.x_label, study.figures) == ("mpirun", "λ", ("loss",))
    assert [(group.label, group.x, len(group.runs), group.missing) for group in study.groups] == [
        ("A", 0.1, 1, ["a-1"]),
        ("B", None, 0, []),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "groups must be a list"),
        ({"groups": [1]}, "groups must be a list"),
        ({"groups": [{"label": 3}]}, "group 1: label must be a text"),
        ({"groups": [{"runs": ["../elsewhere"]}]}, "group 1: run '../elsewhere' lies outside"),
        ({"groups": [{"runs": ["a"], "x": "1"}]}, "group 1: x must be a number"),
        ({"groups": [{"runs": ["a"], "options": 1}]}, "group 1: options must be an object"),
        ({"groups": [{"runs": ["not-there"]}]}, "none of its runs is there"),
        ({"groups": [{"runs": ["a"]}], "figures": ["pie"]}, "unknown figure 'pie'"),
    ],
)
def test_a_broken_experiment_is_one_clear_line(tmp_path, content, message):
    write_run(tmp_path / "a")
    with pytest.raises(InputError, match=f"experiment.json.*{message}"):
        read_study([experiment(tmp_path, **content)])


def test_an_experiment_is_reported_alone(tmp_path):
    write_run(tmp_path / "other")
    with pytest.raises(InputError, match="give it alone"):
        read_study([experiment(tmp_path / "e", groups=[]), tmp_path / "other"])


def test_a_folder_without_runs_is_told_of(tmp_path):
    with pytest.raises(InputError, match="neither the folder of a run nor"):
        read_study([tmp_path])
