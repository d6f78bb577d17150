"""Files that are written whole or not at all."""

import json

import pytest

from isgd_mpi.data.files import write_atomically, write_json


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, lambda file: file.write(b"old"))
    return path


def test_an_atomic_write_leaves_the_file_alone(path):
    write_atomically(path, lambda file: file.write(b"new"))
    assert path.read_bytes() == b"new" and list(path.parent.iterdir()) == [path]


def test_an_atomic_write_that_fails_leaves_the_old_file(path):
    def write_half(file):
        file.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, write_half)
    assert path.read_bytes() == b"old" and list(path.parent.iterdir()) == [path]


def test_while_it_is_written_the_old_file_is_whole(path):
    seen = []

    def write(file):
        file.write(b"new")
        file.flush()
        seen.append(path.read_bytes())

    write_atomically(path, write)
    assert seen == [b"old"]


def test_json_is_read_back_and_not_a_number_is_null(tmp_path):
    content = {"steps": 3, "seconds": 0.5, "train": None, "name": "é"}
    write_json(tmp_path / "summary.json", content | {"gain": float("nan")})
    assert json.loads((tmp_path / "summary.json").read_text()) == content | {"gain": None}
