"""The log of a run: its folder, its metrics, and its lines on the terminal."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.run.record import log as log_module
from isgd_mpi.run.record.log import RunLog, create_run_dir
from isgd_mpi.settings.errors import InputError

FIGURES = {
    "minibatch_loss": 0.5, "steps_per_second": 100.0, "importance_sampling": True, "variance_gain": 2.0,
    "variance_gain_error": 0.031, "staleness_mean": 3.0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(log_module, "terminal_columns", lambda: None)


@pytest.fixture
def log(tmp_path):
    log = RunLog(tmp_path, n_steps=10)
    yield log
    log.close()


def refuse_constant(name):
    raise AssertionError(f"{name} is not JSON")


def lines_of(folder):
    text = (folder / "metrics.jsonl").read_text()
    return [json.loads(line, parse_constant=refuse_constant) for line in text.splitlines()]


def at_once(n, action):
    """Return the results of an action that n threads do at the same time."""
    start, results = threading.Barrier(n), [None] * n

    def run(i):
        start.wait()
        results[i] = action()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("taken, expected", [([], "stem-0"), (["stem-0", "stem-2", "other-1"], "stem-1")])
def test_runs_get_the_first_free_number(tmp_path, taken, expected):
    for name in taken:
        (tmp_path / "runs" / name).mkdir(parents=True)
    folder = create_run_dir(None, "stem")
    assert folder.name == expected and folder.samefile(tmp_path / "runs" / expected)


def test_runs_that_begin_at_once_get_folders_of_their_own():
    folders = at_once(8, lambda: create_run_dir(None, "stem"))
    assert sorted(folder.name for folder in folders) == [f"stem-{n}" for n in range(8)]


@pytest.mark.parametrize("path", ["a/b/c", "empty"])
def test_a_folder_that_is_missing_or_empty_may_be_given(tmp_path, path):
    (tmp_path / "empty").mkdir()
    assert create_run_dir(path, "stem").samefile(tmp_path / path)


def test_a_run_is_never_overwritten():
    folder = create_run_dir("mine", "stem")
    before = sorted(folder.iterdir())
    with pytest.raises(InputError, match="mine .*never overwritten"):
        create_run_dir("mine", "stem")
    assert sorted(folder.iterdir()) == before


def test_of_runs_that_begin_at_once_in_one_folder_one_gets_it():
    def create():
        try:
            return create_run_dir("mine", "stem").name
        except InputError as error:
            return str(error)

    results = at_once(6, create)
    assert results.count("mine") == 1
    assert all("--run-dir" in result for result in results if result != "mine")


@pytest.mark.parametrize("file, path, named", [("a", "a", "a"), ("a", "a/below", "a/below"), ("runs", None, "runs")])
def test_a_folder_that_cannot_be_made_is_named(tmp_path, file, path, named):
    (tmp_path / file).touch()
    with pytest.raises(InputError, match=f"{named} .*cannot be written .*--run-dir"):
        create_run_dir(path, "stem")


def test_every_line_has_kind_step_and_seconds_and_is_there_at_once(log, tmp_path):
    log.write("refresh", 5, trace_ideal=0.5)
    log.event(6, "stop: complete")
    first, second = lines_of(tmp_path)
    assert (first["kind"], first["step"], first["trace_ideal"]) == ("refresh", 5, 0.5)
    assert (second["kind"], second["step"], second["message"]) == ("event", 6, "stop: complete")
    assert 0 <= first["seconds"] <= second["seconds"]


def test_numbers_that_are_not_finite_become_null(log, tmp_path):
    log.write("refresh", 1, gain=float("nan"), entropy=np.float64("nan"), trace=float("inf"), message="nan")
    (line,) = lines_of(tmp_path)
    assert line["gain"] is line["entropy"] is line["trace"] is None and line["message"] == "nan"


def test_lines_are_appended_to_those_there_are(tmp_path):
    for step in (1, 2):
        log = RunLog(tmp_path, quiet=True)
        log.event(step, "start")
        log.close()
    assert [line["step"] for line in lines_of(tmp_path)] == [1, 2]


def test_an_evaluation_is_a_line_for_each_split(log, tmp_path, capsys):
    splits = {"train": {"loss": 0.25, "error": 0.5, "n": 8}, "test": {"loss": 1.0, "error": 0.125, "n": 4}}
    log.evaluated(20, splits, staleness=3)
    found = {line.pop("split"): line for line in lines_of(tmp_path)}
    expected = {"kind": "eval", "step": 20, "staleness": 3}
    assert all(line.pop("seconds") >= 0 for line in found.values())
    assert found == {split: expected | figures for split, figures in splits.items()}
    assert "step 17" in capsys.readouterr().out


def test_refreshes_are_written_and_now_and_then_printed(log, tmp_path, capsys):
    log.refreshed(1, FIGURES)
    assert not capsys.readouterr().out
    log._last_line -= 1000
    log.refreshed(2, FIGURES)
    assert "step 2/10  loss 0.5000" in capsys.readouterr().out
    log.close()
    assert [line["minibatch_loss"] for line in lines_of(tmp_path)] == [0.5, 0.5]


def write_another_line(log):
    log.event(4, "start")


def wait_for_another_refresh(log):
    log._written_at -= log_module._TOGETHER_SECONDS
    log.refreshed(4, FIGURES)


@pytest.mark.parametrize("act", [write_another_line, wait_for_another_refresh, RunLog.close, lambda log: log.metrics])
def test_refreshes_in_quick_succession_are_written_together_and_before_what_follows(log, tmp_path, act):
    for step in (1, 2, 3):
        log.refreshed(step, FIGURES)
    assert [line["step"] for line in lines_of(tmp_path)] == [1]
    act(log)
    assert [line["step"] for line in lines_of(tmp_path)] in ([1, 2, 3], [1, 2, 3, 4])
    assert [line["step"] for line in log.lines()][:3] == [1, 2, 3]


def test_lines_that_wait_are_handed_on_before_all_is_closed(tmp_path):
    calls = []
    events = SimpleNamespace(add=lambda line: calls.append(line["step"]), close=lambda: calls.append("closed"))
    log = RunLog(tmp_path, quiet=True, events=events)
    for step in (1, 2):
        log.refreshed(step, FIGURES)
    log.close()
    assert calls == [1, 2, "closed"] and len(lines_of(tmp_path)) == 2


def test_a_quiet_log_prints_nothing_and_writes_all(tmp_path, capsys):
    log = RunLog(tmp_path, n_steps=10, quiet=True)
    log._last_line -= 1000
    log.refreshed(1, FIGURES)
    log.evaluated(1, {"test": {"loss": 1.0, "error": 0.5, "n": 4}}, staleness=0)
    log.print("hello")
    log.close()
    assert capsys.readouterr() == ("", "")
    assert [line["kind"] for line in lines_of(tmp_path)] == ["refresh", "eval"]


def test_a_terminal_gets_a_bar(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(log_module, "terminal_columns", lambda: 100)
    log = RunLog(tmp_path, n_steps=10)
    log.refreshed(5, FIGURES)
    log.print("a line")
    log.refreshed(10, FIGURES)
    log.close()
    out = capsys.readouterr().out
    assert "a line\n" in out and "0/10 [" in out


def test_the_bar_is_shown_by_a_terminal_that_does_not_tell_its_height(tmp_path):
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("4H", 0, 110, 0, 0))
    code = "from isgd_mpi.run.record.log import RunLog; RunLog(None, 10).close()"
    subprocess.run([sys.executable, "-c", code], stdout=end, check=True)
    os.set_blocking(terminal, False)
    assert b"0/10 [" in os.read(terminal, 4096)


@pytest.mark.parametrize("in_memory", [True, False])
def test_lines_are_read_back_before_and_after_the_end(tmp_path, in_memory):
    log = RunLog(None if in_memory else tmp_path)
    log.event(1, "start")
    assert [line["message"] for line in log.lines()] == ["start"]
    log.write("refresh", 2, trace=float("nan"))
    log.close()
    assert [(line["kind"], line["step"], line.get("trace")) for line in log.lines()] == [
        ("event", 1, None),
        ("refresh", 2, None),
    ]
    assert any(tmp_path.iterdir()) != in_memory and log.metrics.problem is None


def test_progress_says_in_words_what_is_not_known_yet(log, monkeypatch, capsys):
    monkeypatch.setattr(log_module, "_LINE_EVERY_SECONDS", -1.0)
    monkeypatch.setattr(log_module, "_LINE_EVERY_SHARE", -1.0)
    first = {"importance_sampling": False, "minibatch_loss": np.nan}
    for figures in ({"variance_gain": np.nan}, {}, {"importance_sampling": False, "staleness_mean": np.nan}, first):
        log.refreshed(5, FIGURES | figures)
    unknown, known, uniform, first = capsys.readouterr().out.splitlines()
    assert "gain not known yet" in unknown and known.endswith("gain 2.00 ± 0.03  staleness 3")
    assert uniform.endswith("uniform sampling") and "nan" not in unknown + uniform + first


def test_of_evaluations_in_quick_succession_the_first_and_the_last_are_printed(log, tmp_path, capsys):
    for step in range(10, 60, 10):
        log.evaluated(step, {"test": {"loss": 1.0, "error": 0.125, "n": 4}}, staleness=0)
    log.conclude("the end")
    printed = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    assert printed == ["step 10", "step 50", "the end"] and len(lines_of(tmp_path)) == 5
