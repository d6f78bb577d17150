from pathlib import Path

import pytest

from isgd_mpi.data import folders
from isgd_mpi.settings.errors import InputError


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    monkeypatch.delenv(folders.DATA_VARIABLE, raising=False)
    monkeypatch.delenv(folders.CACHE_VARIABLE, raising=False)


def write(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def test_an_argument_wins_over_the_variable_and_this_over_the_default(monkeypatch):
    assert folders.data_folder() == Path.home() / ".cache/isgd_mpi"
    assert folders.cache_folder() == Path.home() / ".cache/isgd_mpi/converted"
    monkeypatch.setenv(folders.DATA_VARIABLE, "/data")
    monkeypatch.setenv(folders.CACHE_VARIABLE, "/cache")
    assert (folders.data_folder(), folders.cache_folder()) == (Path("/data"), Path("/cache"))
    assert (folders.data_folder("/d"), folders.cache_folder("~/c")) == (Path("/d"), Path.home() / "c")


def test_an_empty_variable_counts_as_none(monkeypatch):
    monkeypatch.setenv(folders.DATA_VARIABLE, "")
    assert folders.data_folder() == Path.home() / ".cache/isgd_mpi"


@pytest.mark.parametrize("name", folders.SUBFOLDERS)
def test_each_subfolder_and_then_the_folder_itself(tmp_path, name):
    places = [tmp_path / subfolder for subfolder in folders.SUBFOLDERS[name]] + [tmp_path]
    for place in reversed(places):
        write(place / "a")
        assert folders.find_files(name, ["a"], tmp_path) == [place / "a"]


def test_files_may_lie_in_several_folders(tmp_path):
    write(tmp_path / "b", tmp_path / "svhn/a")
    assert folders.find_files("svhn-small", ["a", "b"], tmp_path) == [tmp_path / "svhn/a", tmp_path / "b"]


def test_the_first_suffix_wins_within_a_folder(tmp_path):
    write(tmp_path / "mnist/a", tmp_path / "mnist/a.gz", tmp_path / "b.gz")
    found = folders.find_files("mnist", ["a", "b"], tmp_path, suffixes=("", ".gz"))
    assert found == [tmp_path / "mnist/a", tmp_path / "b.gz"]


def test_a_missing_file_is_told_with_the_way_out(tmp_path):
    write(tmp_path / "a")
    with pytest.raises(InputError) as caught:
        folders.find_files("svhn", ["a", "b"], tmp_path)
    assert str(caught.value) == (
        f"svhn: b is missing (looked in {tmp_path}/svhn, {tmp_path}); "
        f"get it with: python -m isgd_mpi.fetch svhn --data-dir {tmp_path}"
    )


def test_the_command_names_only_a_folder_that_is_not_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv(folders.DATA_VARIABLE, str(tmp_path))
    with pytest.raises(InputError, match="isgd_mpi.fetch mnist$"):
        folders.find_files("mnist", ["a"])
