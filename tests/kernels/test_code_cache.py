"""The place of compiled kernels: a folder that only this user can write, another one, or none; never a traceback."""

import os
import subprocess
import sys

import pytest

from isgd_mpi.kernels import code_cache
from isgd_mpi.kernels.code_cache import find_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to play two users")

PROGRAM = """
import numpy as np
from isgd_mpi.kernels import code_cache, norms, _jit
x, out = np.ones(2, np.float32), np.zeros(2)
norms.add_squared_grad_norms(x, x, out)
stats = norms.add_squared_grad_norms.stats
print(_jit._FOLDER, sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
print(*code_cache.problems, sep="\\n")
"""


@pytest.fixture
def problems(monkeypatch):
    monkeypatch.setattr(code_cache, "problems", [])
    return lambda: code_cache.problems


def run(environment, **variables):
    """Run a kernel in a process of its own; return the folder, hits, misses and problems."""
    changed = {name: str(value) for name, value in {**environment, **variables}.items() if value is not None}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=changed, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    first, *problems = done.stdout.splitlines()
    folder, hits, misses = first.rsplit(" ", 2)
    return folder, int(hits), int(misses), [problem for problem in problems if problem]


@pytest.fixture
def environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "XDG_", "TMPDIR"))}


@pytest.mark.slow
def test_damaged_kernels_are_removed_and_compiled_anew(tmp_path, environment):
    assert run(environment, XDG_CACHE_HOME=tmp_path)[1:] == (0, 1, [])
    folder = tmp_path / "isgd_mpi" / "numba"
    assert folder.stat().st_mode & 0o777 == 0o700 and run(environment, XDG_CACHE_HOME=tmp_path)[1:] == (1, 0, [])
    for ending in ("nbi", "nbc"):
        (path,) = folder.rglob(f"norms.add_squared_grad_norms*.{ending}")
        path.write_bytes(path.read_bytes()[:-7] if ending == "nbc" else b"garbage")
        *_, misses, problems = run(environment, XDG_CACHE_HOME=tmp_path)
        assert misses == 1 and len(problems) == 1 and "a damaged kernel was removed" in problems[0]
        assert run(environment, XDG_CACHE_HOME=tmp_path)[1:] == (1, 0, [])


def test_a_disk_that_fills_up_is_one_line(small_disk, environment):
    disk = small_disk("1m")
    disk.chmod(0o700)
    (disk / "fill").write_bytes(bytes(2**20 - 100_000))
    _, hits, misses, problems = run(environment, NUMBA_CACHE_DIR=disk)
    assert (hits, misses) == (0, 1)
    assert len(problems) <= 1 and all("No space left on device" in problem for problem in problems)


def test_the_users_choice_comes_first_then_the_cache_then_a_temporary_folder(tmp_path, problems, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    named, temporary = tmp_path / "named", tmp_path / f"isgd_mpi-{os.geteuid()}" / "numba"
    assert find_folder({"NUMBA_CACHE_DIR": str(named), "TMPDIR": str(tmp_path)}) == named
    assert find_folder({"TMPDIR": str(tmp_path)}) == tmp_path / "cache" / "isgd_mpi" / "numba"
    assert problems() == []
    (tmp_path / "file").touch()
    assert find_folder({"NUMBA_CACHE_DIR": str(tmp_path / "file" / "x"), "TMPDIR": str(tmp_path)}) == temporary
    assert problems() == [f"{tmp_path}/file/x: Not a directory: compiled kernels are kept in {temporary}"]
    assert temporary.stat().st_mode & 0o777 == 0o700


def test_without_any_folder_there_is_one_line(tmp_path, problems, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert find_folder({"TMPDIR": str(tmp_path / "file")}) is None
    (line,) = problems()
    assert "Not a directory" in line and line.endswith(
        "kernels are compiled anew in each process, name a NUMBA_CACHE_DIR"
    )


def test_a_full_disk_is_found_before_anything_is_compiled(small_disk, tmp_path, problems):
    disk = small_disk("64k")
    disk.chmod(0o700)
    (disk / "fill").write_bytes(bytes(2**15))
    folder = find_folder({"NUMBA_CACHE_DIR": str(disk / "numba"), "TMPDIR": str(tmp_path)})
    assert folder == tmp_path / f"isgd_mpi-{os.geteuid()}" / "numba" and "No space left" in problems()[0]


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_folder_that_others_can_write_is_not_used(tmp_path, problems, mode):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(mode)
    assert find_folder({"NUMBA_CACHE_DIR": str(tmp_path / "open"), "TMPDIR": str(tmp_path)}) != tmp_path / "open"
    assert "can be written by other users" in problems()[0]


@as_root
@pytest.mark.parametrize("how", ["owner", "link"])
def test_a_folder_that_another_user_made_in_tmp_is_not_used(tmp_path, problems, monkeypatch, how):
    monkeypatch.delenv("HOME"), monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(code_cache, "user_cache", lambda: None)
    tmp_path.chmod(0o1777)
    theirs = tmp_path / f"isgd_mpi-{os.geteuid()}"
    if how == "owner":
        theirs.mkdir()
        os.chown(theirs, 65533, 65533)
    else:
        (tmp_path / "evil").mkdir()
        os.chown(tmp_path / "evil", 65533, 65533)
        theirs.symlink_to(tmp_path / "evil")
    assert find_folder({"TMPDIR": str(tmp_path)}) is None
    (line,) = problems()
    assert line.startswith("there is no home folder; ") and "belongs to user 65533" in line
    assert list(theirs.iterdir()) == []
