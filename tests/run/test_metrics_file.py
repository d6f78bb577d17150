"""The metrics file on disks that are full, gone or slow to come back."""

import errno
import json
import os
import resource
import shutil
import subprocess
from contextlib import contextmanager
from unittest import mock

import pytest

from isgd_mpi.data import safe_files
from isgd_mpi.run.record import metrics_file
from isgd_mpi.run.record.metrics_file import MetricsFile, whole_lines_bytes
from isgd_mpi.settings.errors import InputError


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


@contextmanager
def room_for(n_bytes):
    """Limit the size of files that this process writes, as a full disk does; for a moment, since pytest writes too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_line_is_in_the_file_at_once(path):
    file = MetricsFile(path)
    file.append("one")
    assert path.read_text() == "one\n"
    file.close()


@pytest.mark.parametrize("room", range(4, 13))
def test_on_a_full_disk_lines_wait_and_come_without_gap_or_double(path, clock, capsys, room):
    file = MetricsFile(path, clock)
    file.append("one")
    with room_for(room):
        file.append("two")
        file.append("three")
    whole = path.read_text()
    assert "one\ntwo\nthree\n".startswith(whole) and len(whole) <= room
    assert file.text() == "one\ntwo\nthree\n"
    assert file.problem == "File too large"
    file.append("four")  # too early to try again
    assert path.read_text() == whole
    clock.now += 1
    file.append("five")
    assert path.read_text() == "one\ntwo\nthree\nfour\nfive\n" == file.text()
    assert file.problem is None
    file.close()
    (said,) = capsys.readouterr().err.splitlines()
    assert f"{path} cannot be written (File too large)" in said


def test_what_still_waits_at_the_end_is_a_problem(path, capsys):
    file = MetricsFile(path)
    with room_for(0):
        file.append("one")
        file.close()
    assert file.problem == "File too large" and path.read_text() == "" and file.text() == "one\n"


def test_the_end_tries_once_more(path, clock):
    file = MetricsFile(path, clock)
    with room_for(2):
        file.append("one")
    file.close()
    assert file.problem is None and path.read_text() == "one\n"


def test_a_folder_that_is_removed_is_noticed_and_may_come_back(tmp_path, clock):
    path = tmp_path / "run/metrics.jsonl"
    path.parent.mkdir()
    file = MetricsFile(path, clock)
    file.append("one")
    shutil.rmtree(path.parent)
    file.append("two")
    assert file.problem == "No such file or directory" and file.text() == "two\n"
    path.parent.mkdir()
    clock.now += 1
    file.append("three")
    assert path.read_text() == "two\nthree\n"
    file.close()


@pytest.mark.parametrize("content, whole", [("", ""), ("begun", ""), ("one\n", "one\n"), ("one\ntw", "one\n")])
def test_a_last_line_that_is_only_begun_is_cut_off(path, content, whole):
    path.write_text(content)
    assert whole_lines_bytes(path) == len(whole)
    file = MetricsFile(path)
    file.append("new")
    file.close()
    assert path.read_text() == whole + "new\n"


@pytest.mark.parametrize("n_begun", [0, 1, 65536, 200_000])
def test_a_long_line_that_is_only_begun_is_cut_off(path, n_begun):
    path.write_text("one\n" + "x" * n_begun)
    assert whole_lines_bytes(path) == 4


@pytest.mark.parametrize("room, n_written", [(0, 0), (3, 0), (6, 1), (8, 1)])
def test_memory_is_bounded_and_the_lines_given_up_are_counted(path, clock, monkeypatch, room, n_written):
    monkeypatch.setattr(metrics_file, "_MOST_WAITING_BYTES", 20)
    file = MetricsFile(path, clock)
    with room_for(room):
        for n in range(10):
            file.append(f"line{n}")
    kept = [f"line{n}" for n in (*range(n_written), 7, 8, 9)]
    assert file.text().split() == kept and file.n_lines == len(kept)
    clock.now += 1
    file.append("on")
    assert path.read_text().split() == [*kept, "on"]
    assert file.problem == f"{7 - n_written} lines were given up: they could not be written in time"
    file.close()


def test_without_a_path_all_lines_stay_in_memory(monkeypatch):
    monkeypatch.setattr(metrics_file, "_MOST_WAITING_BYTES", 5)
    file = MetricsFile(None)
    file.lock()
    for word in ("one", "two", "three"):
        file.append(word)
    file.close()
    assert file.text() == "one\ntwo\nthree\n" and (file.n_lines, file.problem) == (3, None)


def test_on_a_file_system_that_is_really_full(small_disk, clock):
    disk = small_disk("64k")
    file = MetricsFile(disk / "metrics.jsonl", clock)
    lines = [json.dumps({"step": n, "fill": "x" * 1000}) for n in range(100)]
    for line in lines[:99]:
        file.append(line)
    assert file.problem == "No space left on device"
    written = (disk / "metrics.jsonl").read_text()
    assert os.statvfs(disk).f_bavail == 0 and 0 < len(written) < 65537
    subprocess.run(["mount", "-o", "remount,size=1m", disk], check=True)
    clock.now += 1
    file.append(lines[99])
    file.close()
    assert (disk / "metrics.jsonl").read_text().splitlines() == lines


def test_a_second_writer_is_refused_until_the_first_is_gone_also_after_the_disk_was_full(path, clock, monkeypatch):
    monkeypatch.setattr(metrics_file, "_LOCK_SECONDS", -1)
    first, second = MetricsFile(path, clock), MetricsFile(path, clock)
    first.lock()
    with room_for(0):
        first.append("one")
    clock.now = 10
    first.append("two")
    with pytest.raises(InputError, match="another job is at work"):
        second.lock()
    first.close()
    second.lock()
    second.close()
    assert path.read_text() == "one\ntwo\n"


def test_without_locks_in_the_file_system_a_job_goes_on(path, monkeypatch):
    monkeypatch.setattr(safe_files.fcntl, "flock", mock.Mock(side_effect=OSError(errno.ENOLCK, "No locks available")))
    file = MetricsFile(path)
    file.lock()
    file.close()
    assert safe_files.fcntl.flock.called


def test_a_second_writer_is_refused_while_the_disk_is_full_and_changes_nothing(small_disk, clock, monkeypatch):
    monkeypatch.setattr(metrics_file, "_LOCK_SECONDS", -1)
    path = small_disk("64k") / "metrics.jsonl"
    first = MetricsFile(path, clock)
    first.lock()
    for _ in range(100):
        first.append("x" * 1000)
    assert first.problem == "No space left on device"
    before = path.read_bytes()
    with pytest.raises(InputError, match="another job is at work"):
        MetricsFile(path, clock).lock(resumed=True)
    assert path.read_bytes() == before
    first.close()


def test_a_folder_that_came_back_and_has_another_job_is_left_to_it(tmp_path, clock, capsys):
    path = tmp_path / "run/metrics.jsonl"
    path.parent.mkdir()
    first, second = MetricsFile(path, clock), MetricsFile(path, clock)
    first.lock()
    shutil.rmtree(path.parent)
    path.parent.mkdir()
    second.lock()
    second.append("second")
    first.append("first")
    assert first.problem == "another job is at work there" and path.read_text() == "second\n"
    second.close()
    clock.now += 1
    first.append("again")
    assert path.read_text() == "second\nfirst\nagain\n" and first.problem is None
    first.close()


def test_a_file_that_must_be_there_is_not_made(path):
    file = MetricsFile(path)
    with pytest.raises(InputError, match="metrics.jsonl is missing, which belongs to the checkpoint"):
        file.lock(resumed=True)
    file.close()
    assert not path.exists()


def test_links_and_pipes_are_refused_and_not_written_through(tmp_path, path):
    (tmp_path / "precious").write_text("precious")
    path.symlink_to(tmp_path / "precious")
    with pytest.raises(InputError, match="is a link or a pipe"):
        MetricsFile(path).lock()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match="not a regular file"):
        MetricsFile(path).lock()
    assert (tmp_path / "precious").read_text() == "precious"
