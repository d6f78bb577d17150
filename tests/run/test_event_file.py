"""Events for TensorBoard: read back record by record, with their checksums."""

import resource
import struct
import sys

import numpy as np
import pytest

pytest.importorskip("tensorboardX")

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import masked_crc32c

from isgd_mpi import InputError, fit
from isgd_mpi.run.record.event_file import EventFile
from isgd_mpi.settings.keywords import config_of

REFRESH = {"kind": "refresh", "step": 32, "seconds": 1.0, "variance_gain": 2.5, "speed_gain": None, "mixture": 1}
EVAL = {"kind": "eval", "step": 70, "seconds": 1.0, "split": "valid", "loss": 0.5, "error": 0.25, "staleness": 6}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def events(tmp_path, clock):
    events = EventFile(tmp_path / "tensorboard", clock)
    yield events
    events.close()


def read(path):
    """Yield the events of a file."""
    content = path.read_bytes()
    while content:
        (size,) = struct.unpack("<Q", content[:8])
        event = content[12 : 12 + size]
        sums = struct.unpack("<I", content[8:12]), struct.unpack("<I", content[12 + size : 16 + size])
        assert sums == ((masked_crc32c(content[:8]),), (masked_crc32c(event),))
        yield Event.FromString(event)
        content = content[16 + size :]


def scalars(folder):
    """Return the numbers in all files of a folder, by tag and step."""
    found = [event for path in sorted(folder.iterdir()) for event in list(read(path))[1:]]
    return {(value.tag, event.step): value.simple_value for event in found for value in event.summary.value}


def test_numbers_are_read_back_at_the_step_that_they_are_of(tmp_path, events):
    events.add({"kind": "event", "step": 0, "seconds": 0.0, "message": "start"})
    events.add(REFRESH)
    events.add(EVAL)
    (path,) = (tmp_path / "tensorboard").iterdir()
    assert path.name.startswith("events.out.tfevents.") and next(read(path)).file_version == "brain.Event:2"
    assert scalars(path.parent) == {
        ("refresh/variance_gain", 32): 2.5,
        ("refresh/mixture", 32): 1.0,
        ("valid/loss", 64): 0.5,
        ("valid/error", 64): 0.25,
    }


def test_refreshes_are_thinned_out_and_evaluations_are_not(tmp_path, events, clock):
    for step in range(100):
        clock.now = step / 10
        events.add(REFRESH | {"step": step})
        events.add(EVAL | {"step": step, "staleness": 0})
    found = scalars(tmp_path / "tensorboard")
    assert [step for tag, step in found if tag == "refresh/mixture"] == list(range(0, 100, 5))
    assert sum(tag == "valid/loss" for tag, _ in found) == 100


def test_a_resumed_run_lets_tensorboard_forget_what_is_behind_its_checkpoint(tmp_path, events):
    events.cut(640)
    events.add(EVAL)
    (path,) = (tmp_path / "tensorboard").iterdir()
    _, start, evaluation = read(path)
    assert (start.session_log.status, start.step) == (SessionLog.START, 640)
    assert evaluation.step == 64


@pytest.mark.parametrize("room", [0, 1, 100])
def test_on_a_full_disk_records_are_left_out_whole_and_this_is_told_once(tmp_path, events, capsys, room):
    events.add(EVAL)
    (path,) = (tmp_path / "tensorboard").iterdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + room, hard))
    try:
        for step in (1000, 2000):
            events.add(EVAL | {"step": step} | {f"figure {k}": 0.5 for k in range(9)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    events.add(EVAL | {"step": 3006})
    assert {step for _, step in scalars(path.parent)} == {64, 3000}
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "tensorboard cannot be written (File too large)" in told


def test_a_folder_that_cannot_be_made_ends_nothing(tmp_path, capsys):
    (tmp_path / "tensorboard").write_text("in the way")
    events = EventFile(tmp_path / "tensorboard")
    events.add(EVAL)
    events.close()
    assert "tensorboard cannot be written" in capsys.readouterr().err


def test_a_run_writes_what_its_metrics_have(tmp_path):
    x = np.random.default_rng(0).standard_normal((300, 4))
    y = (x[:, 0] > 0).astype(int)
    result = fit(x, y, (x, y), hidden=[4], steps=96, run_dir=tmp_path / "run", tensorboard=True)
    found, lines = scalars(tmp_path / "run" / "tensorboard"), result.history["eval"]
    of_valid = lines["split"] == "valid"
    steps = (lines["step"] - lines["staleness"])[of_valid]
    assert [step for tag, step in found if tag == "valid/loss"] == sorted(set(steps))
    assert found["valid/loss", steps[-1]] == pytest.approx(lines["loss"][of_valid][-1])
    assert any(tag == "refresh/examples_scored" for tag, _ in found)


def test_a_missing_library_or_folder_is_told_in_one_line_before_anything_is_written(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="tensorboard writes to the folder of the run"):
        config_of({"tensorboard": True}, own_model=False)
    monkeypatch.setitem(sys.modules, "tensorboardX.proto.event_pb2", None)
    with pytest.raises(InputError, match=r'needs tensorboardX: pip install "isgd_mpi\[tensorboard\]"'):
        fit([[0.0], [1.0]] * 50, [0, 1] * 50, run_dir=tmp_path / "run", tensorboard=True)
    assert not (tmp_path / "run").exists()
