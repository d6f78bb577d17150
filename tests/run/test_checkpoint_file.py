"""Checkpoint files: a reader gets what was written, or one line that refuses the file."""

import io
import os
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isgd_mpi.ranks.states import flatten, nest
from isgd_mpi.run.record import checkpoints as checkpoints_module
from isgd_mpi.run.record.checkpoint_file import VERSION, read_checkpoint, write_checkpoint
from isgd_mpi.sampling.random_state import SavedGenerator
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.errors import InputError

ARRAYS = {
    "run/params": np.arange(40, dtype=np.float32),
    "run/step": np.array(7),
    "run/on": np.array(True),
    "run/none": np.zeros((0, 3)),
    "run/why": np.array(b"because", "S16"),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "checkpoint.npz"
    write_checkpoint(path, ARRAYS)
    return path


@pytest.fixture(scope="module")
def other(path):
    """Return a second path in the same folder."""
    return path.with_name("other.npz")


def refusal(path):
    """Return the one line that refuses a file."""
    with pytest.raises(InputError) as caught:
        read_checkpoint(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and len(message) < 400
    return message


def test_what_is_written_is_read(path):
    found = read_checkpoint(path)
    assert found.keys() == ARRAYS.keys()
    for name, array in found.items():
        assert array.dtype == ARRAYS[name].dtype and array.shape == ARRAYS[name].shape
        np.testing.assert_array_equal(array, ARRAYS[name])
    assert os.listdir(path.parent) == ["checkpoint.npz"]


def test_what_was_there_stays_where_the_new_one_fails(path, other):
    write_checkpoint(other, ARRAYS)
    before = other.read_bytes()

    with pytest.raises((OSError, ValueError)):
        write_checkpoint(other / "below", {"a": np.zeros(1)})
    with pytest.raises(TypeError):
        write_checkpoint(other, {"a": np.array([object()])})
    assert other.read_bytes() == before and not list(path.parent.glob("*.part"))
    other.unlink()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_changed_or_truncated_file_is_refused_or_the_same(path, other, data):
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    other.write_bytes(content)
    try:
        arrays = read_checkpoint(other)
    except InputError as error:
        assert "\n" not in str(error)
    else:  # a byte that says nothing, such as a date in the zip file
        assert all((arrays[name] == ARRAYS[name]).all() for name in ARRAYS)


@given(content=st.binary(max_size=300))
@settings(max_examples=30, deadline=None)
def test_a_foreign_file_is_refused(other, content):
    other.write_bytes(content)
    refusal(other)


def rewritten(path, other, compression=zipfile.ZIP_STORED, **members):
    """Copy a file, with other members beside or instead of its own; return the copy's path."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w", compression) as target:
        for name in source.namelist():
            if name not in members:
                target.writestr(name, source.read(name))
        for name, content in members.items():
            target.writestr(name, content)
    return other


def npy(array, header=None):
    """Return the content of an array's file, perhaps with a header that lies."""
    file = io.BytesIO()
    if header is None:
        np.lib.format.write_array(file, array, allow_pickle=True)
    else:
        np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


HUGE = {"descr": "<f4", "fortran_order": False, "shape": (10**15,)}


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"version.npy": npy(np.array(VERSION + 1))}, f"format {VERSION + 1}"),
        ({"format.npy": npy(np.array(b"something else"))}, "not a checkpoint"),
        ({"run/params.npy": npy(np.arange(40, dtype=np.float32)[::-1].copy())}, "checksum"),
        ({"run/params.npy": npy(None, HUGE)}, "announces more than the file can hold"),
        ({"run/params.npy": npy(np.array([{}], object))}, "holds Python objects"),
        ({"run/extra.npy": npy(np.array(1))}, "checksum"),
        ({"run/params.npy": b"no array"}, "no array"),
    ],
)
def test_a_file_that_lies_is_refused(path, other, members, named):
    assert named in refusal(rewritten(path, other, **members))


def test_a_compressed_file_is_refused_before_it_is_inflated(path, other):
    assert "it is compressed" in refusal(rewritten(path, other, zipfile.ZIP_DEFLATED))


def test_a_file_whose_parts_overlap_is_refused(path, other):
    content = path.read_bytes()
    end = bytearray(content[content.rindex(b"PK\x05\x06") :])
    entry = b"PK\x01\x02" + content.split(b"PK\x01\x02")[1]
    # a directory that names the first part 400 times more
    for place, size, more in ((8, 2, 400), (10, 2, 400), (12, 4, 400 * len(entry))):
        number = int.from_bytes(end[place : place + size], "little") + more
        end[place : place + size] = number.to_bytes(size, "little")
    other.write_bytes(content[: -len(end)] + 400 * entry + end)
    assert "overlap" in refusal(other)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "nothing.npz")


def test_states_are_flattened_without_loss():
    state = {"a": {"b": np.arange(3.0), "c": 2}, "d": True}
    flat = flatten(state, "run/")
    assert list(flat) == ["run/a/b", "run/a/c", "run/d"]
    assert flatten(nest(flat)) == flat


def test_paths_through_arrays_are_refused():
    with pytest.raises(ValueError, match="through an array"):
        nest({"a": np.zeros(1), "a/b": np.zeros(1)})


def test_a_generator_goes_on_where_it_was():
    one, other = SavedGenerator(7), SavedGenerator(8)
    one.rng.integers(0, 5, 3, dtype=np.int32)
    other.restore(one.state())
    np.testing.assert_array_equal(other.rng.random(4), one.rng.random(4))
    expected = one.rng.integers(0, 9, 5, dtype=np.int32)
    np.testing.assert_array_equal(other.rng.integers(0, 9, 5, dtype=np.int32), expected)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [MemoryError(), OSError("no reason given")])
def test_whatever_keeps_a_checkpoint_from_being_written_it_does_not_count(tmp_path, monkeypatch, error):
    def fail(path, arrays):
        raise error

    monkeypatch.setattr(checkpoints_module, "write_checkpoint", fail)
    said = []
    metrics = SimpleNamespace(n_lines=0, sync=lambda: None)
    log = SimpleNamespace(seconds=0.0, metrics=metrics, event=lambda step, text: None, print=said.append)
    checkpoints = checkpoints_module.Checkpoints(tmp_path, Config(), log, dict)
    checkpoints.save(7)
    assert checkpoints.finish() and checkpoints.step is None
    assert len(said) == 1 and "step 7 could not be written" in said[0]
