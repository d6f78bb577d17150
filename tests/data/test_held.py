"""Tests of ``python -m isgd_mpi.fetch --list`` and ``--clean``."""

import os
import subprocess
import sys

import numpy as np
import pytest
from data_files import random_examples
from processes import Job

from isgd_mpi.data.converted import entry_name, open_converted
from isgd_mpi.data.held import clean, held
from isgd_mpi.data.sources import recipe
from isgd_mpi.fetch import main


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Let downloads and converted data have folders of their own; return the latter."""
    monkeypatch.setenv("ISGD_MPI_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ISGD_MPI_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data" / "svhn").mkdir(parents=True)
    (tmp_path / "data" / "svhn" / "train_32x32.mat").write_bytes(bytes(5000))
    return tmp_path / "cache"


@pytest.fixture
def converted(cache, tmp_path):
    """Convert two sets, and return the entry of each by its name."""
    rng = np.random.default_rng(0)
    x, y = random_examples(rng, 50, (7,), n_classes=4)
    entries = {}
    for name in ("one", "two"):
        path = tmp_path / f"{name}.npz"
        np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)
        open_converted(recipe(path), cache)
        entries[name] = cache / entry_name(recipe(path))
    return entries


def bytes_in(folder):
    return sum(path.stat().st_size for path in folder.iterdir())


def test_downloads_and_copies_are_listed_with_their_sizes(converted, cache, tmp_path, capsys):
    os.utime(converted["two"], (0, 0))
    found = {one.name: one for one in held()}
    assert [one.state for one in found.values()] == ["downloaded", "converted", "converted"]
    assert found["svhn"][2] == 5000 and found["one"][2] == bytes_in(converted["one"])
    assert main(["--list"]) == 0
    title, *lines = capsys.readouterr().out.splitlines()
    assert title.split() == ["data", "set", "state", "size", "age", "folder"]
    assert lines[0].split() == ["svhn", "downloaded", "5", "kB", "just", "now", str(tmp_path / "data" / "svhn")]
    assert lines[2].endswith(f" days  {converted['two']}")
    assert main(["two", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_an_empty_cache_is_no_error(cache, capsys):
    assert main(["--clean"]) == 0
    assert capsys.readouterr().out == "0 bytes freed\n" and not cache.exists()


def test_copies_are_removed_and_downloads_stay(converted, cache, tmp_path, capsys):
    n_bytes = bytes_in(converted["one"])
    assert main(["--clean", "one"]) == 0
    assert capsys.readouterr().out == (
        f"removed one, {n_bytes / 1000:.3g} kB, {converted['one']}\n{n_bytes / 1000:.3g} kB freed\n"
    )
    assert list(cache.iterdir()) == [converted["two"]]
    assert main(["--clean"]) == 0
    assert not list(cache.iterdir()) and (tmp_path / "data" / "svhn" / "train_32x32.mat").exists()


def test_a_copy_that_a_process_maps_stays(converted, cache, tmp_path, capsys):
    program = (
        "import sys; from pathlib import Path; from isgd_mpi.data.cache_entries import map_entry\n"
        "arrays = map_entry(Path(sys.argv[1])); print('mapped', flush=True); input()"
    )
    command = [sys.executable, "-c", program, converted["one"]]
    with Job(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as job:
        assert job.stdout.readline().strip() == "mapped"
        assert {one.name: one.state for one in held()}["one"] == "converted, in use"
        assert main(["--clean"]) == 0
        told = capsys.readouterr().out
        assert f"kept, in use: one, {bytes_in(converted['one']) / 1000:.3g} kB, {converted['one']}\n" in told
        assert converted["one"].exists() and not converted["two"].exists()
        job.communicate("\n")
    assert main(["--clean"]) == 0 and not list(cache.iterdir())


def test_a_copy_is_in_use_from_the_first_look_at_its_description(converted, monkeypatch):
    from isgd_mpi.data import cache_entries

    states, original = [], cache_entries._read_meta

    def read_meta(entry):
        states.append(cache_entries.is_in_use(entry))
        return original(entry)

    monkeypatch.setattr(cache_entries, "_read_meta", read_meta)
    cache_entries.map_entry(converted["one"])
    assert states == [True]


def test_links_and_strange_folders_are_left_alone(converted, cache, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    link = cache / f"link-{'0' * 8}-{'0' * 16}"
    link.symlink_to(precious)
    (cache / "notes").mkdir()
    (converted["one"] / "inside").symlink_to(precious)
    removed, kept = clean()
    assert [one.name for one in removed] == ["one", "two"] and not kept
    assert sorted(cache.iterdir()) == [link, cache / "notes"] and (precious / "file").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--clean", "tow"], "nothing converted of 'tow' is in"),
        (["--clean", "--list"], "exclude each other"),
        (["--clean", "--data-dir", "here"], "--data-dir here is for downloads"),
        (["--list", "--mirror", "http://here"], "--mirror http://here is for downloads"),
    ],
)
def test_what_makes_no_sense_is_refused(converted, cache, capsys, arguments, problem):
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert problem in told and told.count("\n") == 1 and len(list(cache.iterdir())) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to play two users")
def test_a_cache_that_others_can_write_is_not_cleaned(converted, cache, capsys):
    cache.chmod(0o777)
    assert main(["--clean"]) == 2
    assert "can be written by other users" in capsys.readouterr().err and len(list(cache.iterdir())) == 2


def test_a_copy_that_gets_its_name_while_leftovers_are_looked_for_is_let_be(cache, monkeypatch):
    from isgd_mpi.data import cache_entries

    unfinished = cache / f"set{cache_entries.UNFINISHED}"
    unfinished.mkdir(parents=True)

    def renamed_at_once(path):
        path.rename(cache / "set")
        return True

    monkeypatch.setattr(cache_entries, "_is_own_folder", renamed_at_once)
    cache_entries.remove_leftovers(cache)
    assert list(cache.iterdir()) == [cache / "set"]
