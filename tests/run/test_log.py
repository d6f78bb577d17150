import json
import threading

import numpy as np
import pytest

from isgd_mpi.data.files import write_atomically, write_json
from isgd_mpi.run.record import log as log_module
from isgd_mpi.run.record.log import RunLog, create_run_dir
from isgd_mpi.settings.errors import InputError

FIGURES = {"minibatch_loss": 0.5, "steps_per_second": 100.0, "variance_gain": 2.0, "staleness_mean": 3.0}


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
    """What n threads return that do the same at the same time."""
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


def test_runs_are_counted_from_zero(tmp_path):
    folders = [create_run_dir(None, "stem") for _ in range(3)]
    assert [folder.name for folder in folders] == ["stem-0", "stem-1", "stem-2"]
    assert all((tmp_path / "runs" / folder.name).is_dir() for folder in folders)


def test_the_first_free_number_is_taken(tmp_path):
    for name in ("stem-0", "stem-2", "other-1"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert create_run_dir(None, "stem").name == "stem-1"


def test_runs_that_begin_at_once_get_folders_of_their_own():
    folders = at_once(8, lambda: create_run_dir(None, "stem"))
    assert sorted(folder.name for folder in folders) == [f"stem-{n}" for n in range(8)]


def test_a_folder_given_is_made_with_its_parents(tmp_path):
    assert create_run_dir("a/b/c", "stem").samefile(tmp_path / "a/b/c")


def test_an_empty_folder_may_be_given(tmp_path):
    (tmp_path / "empty").mkdir()
    assert create_run_dir("empty", "stem").samefile(tmp_path / "empty")


def test_a_run_is_never_overwritten(tmp_path):
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


@pytest.mark.parametrize("path", ["file", "file/below"])
def test_a_folder_that_cannot_be_made_is_told_of(tmp_path, path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"{path} cannot be written .*--run-dir"):
        create_run_dir(path, "stem")


def test_runs_that_is_a_file_is_told_of(tmp_path):
    (tmp_path / "runs").touch()
    with pytest.raises(InputError, match="runs .*cannot be written"):
        create_run_dir(None, "stem")


def test_an_atomic_write_leaves_the_file_alone(tmp_path):
    write_atomically(tmp_path / "file", lambda file: file.write(b"first"))
    write_atomically(tmp_path / "file", lambda file: file.write(b"second"))
    assert (tmp_path / "file").read_bytes() == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_atomic_write_that_fails_leaves_the_old_file(tmp_path):
    def write_half(file):
        file.write(b"half")
        raise OSError("disk full")

    write_atomically(tmp_path / "file", lambda file: file.write(b"old"))
    with pytest.raises(OSError, match="disk full"):
        write_atomically(tmp_path / "file", write_half)
    assert (tmp_path / "file").read_bytes() == b"old"
    write_atomically(tmp_path / "file", lambda file: file.write(b"new"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_while_it_is_written_the_old_file_is_whole(tmp_path):
    seen = []

    def write(file):
        file.write(b"new")
        file.flush()
        seen.append((tmp_path / "file").read_bytes())

    write_atomically(tmp_path / "file", lambda file: file.write(b"old"))
    write_atomically(tmp_path / "file", write)
    assert seen == [b"old"]


def test_json_is_read_back(tmp_path):
    content = {"steps": 3, "seconds": 0.5, "train": None, "name": "é"}
    write_json(tmp_path / "summary.json", content)
    assert json.loads((tmp_path / "summary.json").read_text()) == content


def test_every_line_has_kind_step_and_seconds_and_is_there_at_once(log, tmp_path):
    log.write("refresh", 5, trace_ideal=0.5)
    log.event(6, "stop: complete")
    first, second = lines_of(tmp_path)
    assert (first["kind"], first["step"], first["trace_ideal"]) == ("refresh", 5, 0.5)
    assert (second["kind"], second["step"], second["message"]) == ("event", 6, "stop: complete")
    assert 0 <= first["seconds"] <= second["seconds"]


def test_nan_becomes_null(log, tmp_path):
    log.write("refresh", 1, variance_gain=float("nan"), entropy=np.float64("nan"), message="nan")
    (line,) = lines_of(tmp_path)
    assert line["variance_gain"] is None and line["entropy"] is None and line["message"] == "nan"


def test_infinity_is_json_too(log, tmp_path):
    log.write("refresh", 1, trace_in_use=float("inf"))
    assert len(lines_of(tmp_path)) == 1


def test_lines_are_appended_to_those_there_are(tmp_path):
    for step in (1, 2):
        log = RunLog(tmp_path, quiet=True)
        log.event(step, "start")
        log.close()
    assert [line["step"] for line in lines_of(tmp_path)] == [1, 2]


def test_an_evaluation_is_a_line_for_each_split(log, tmp_path, capsys):
    splits = {"train": {"loss": 0.25, "error": 0.5, "n": 8}, "test": {"loss": 1.0, "error": 0.125, "n": 4}}
    log.evaluated(20, splits, staleness=3)
    lines = lines_of(tmp_path)
    assert [line["split"] for line in lines] == ["train", "test"]
    for line in lines:
        assert line["step"] == 20 and line["staleness"] == 3
        assert splits[line["split"]] == {name: line[name] for name in ("loss", "error", "n")}
    assert "step 17" in capsys.readouterr().out


def test_refreshes_are_recorded_and_told_of_now_and_then(log, tmp_path, capsys):
    log.refreshed(1, FIGURES)
    assert not capsys.readouterr().out
    log._last_line -= 1000
    log.refreshed(2, FIGURES)
    assert "step 2/10  loss 0.5000" in capsys.readouterr().out
    assert [line["minibatch_loss"] for line in lines_of(tmp_path)] == [0.5, 0.5]


def test_a_quiet_log_prints_nothing_and_records_all(tmp_path, capsys):
    log = RunLog(tmp_path, n_steps=10, quiet=True)
    log._last_line -= 1000
    log.refreshed(1, FIGURES)
    log.evaluated(1, {"test": {"loss": 1.0, "error": 0.5, "n": 4}}, staleness=0)
    log.say("hello")
    log.close()
    captured = capsys.readouterr()
    assert not captured.out and not captured.err
    assert [line["kind"] for line in lines_of(tmp_path)] == ["refresh", "eval"]


def test_a_terminal_gets_a_bar(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(log_module, "terminal_columns", lambda: 100)
    log = RunLog(tmp_path, n_steps=10)
    log.refreshed(5, FIGURES)
    log.say("a line")
    log.refreshed(10, FIGURES)
    log.close()
    out = capsys.readouterr().out
    assert "a line\n" in out and "0/10 [" in out


@pytest.mark.parametrize("in_memory", [True, False])
def test_lines_are_read_back_before_and_after_the_end(tmp_path, in_memory):
    log = RunLog(None if in_memory else tmp_path)
    log.event(1, "start")
    assert [line["message"] for line in log.lines()] == ["start"]
    log.write("refresh", 2, trace=float("nan"))
    log.close()
    assert [(line["kind"], line["step"]) for line in log.lines()] == [("event", 1), ("refresh", 2)]
    assert log.lines()[1]["trace"] is None
    assert any(tmp_path.iterdir()) != in_memory
