"""Other users of the machine: what they can write is not trusted, and what they left is not followed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from data_files import random_examples

from isgd_mpi.data import cache_entries
from isgd_mpi.data.checksums import checksum_of_files
from isgd_mpi.data.converted import entry_name, open_converted
from isgd_mpi.data.files import read_json, write_json
from isgd_mpi.data.folders import cache_folder, data_folder
from isgd_mpi.data.npz import read_arrays
from isgd_mpi.data.sources import recipe
from isgd_mpi.kernels import own_folders
from isgd_mpi.kernels.own_folders import make_folder, why_distrust, why_distrust_place
from isgd_mpi.settings.errors import InputError

MALLORY = 65533

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to play two users")


@pytest.fixture
def npz(tmp_path):
    rng = np.random.default_rng(0)
    x, y = random_examples(rng, 50, (7,), n_classes=4)
    np.savez(tmp_path / "set.npz", x_train=x, y_train=y, x_test=x[:9], y_test=y[:9])
    return tmp_path / "set.npz"


@pytest.fixture
def cache(tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o755)
    return folder


@pytest.fixture
def entry(npz, cache):
    open_converted(recipe(npz), cache)
    return cache / entry_name(recipe(npz))


def refusal(npz, cache, verify=True):
    with pytest.raises(InputError) as caught:
        open_converted(recipe(npz), cache, verify)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def give_away(path, uid=MALLORY):
    os.chown(path, uid, uid, follow_symlinks=False)


def rewritten(entry, labels):
    """Replace the test labels of an entry, and its checksum with them."""
    np.save(entry / "y_test.npy", np.asarray(labels, np.int32))
    meta = json.loads((entry / "meta.json").read_text())
    meta["bytes"]["y_test.npy"] = (entry / "y_test.npy").stat().st_size
    meta["crc32"] = checksum_of_files(sorted(entry.glob("*.npy")))
    (entry / "meta.json").write_text(json.dumps(meta))


@as_root
def test_an_entry_of_another_user_in_a_shared_cache_is_refused(npz, cache, entry):
    cache.chmod(0o1777)
    open_converted(recipe(npz), cache)
    give_away(entry)
    assert refusal(npz, cache).startswith(f"{entry} belongs to user {MALLORY}, and is not trusted; name a cache of")


@as_root
@pytest.mark.parametrize("name", ["meta.json", "x_train.npy", "y_test.npy", "std.npy"])
def test_a_file_of_another_user_in_an_entry_is_refused(npz, cache, entry, name):
    give_away(entry / name)
    assert refusal(npz, cache) == f"{entry / name} belongs to user {MALLORY}, and is not trusted: remove it"


@as_root
def test_a_cache_below_a_folder_of_another_user_is_refused(npz, cache, entry):
    give_away(cache)
    assert f"{cache} belongs to user {MALLORY}, so others could replace them" in refusal(npz, cache)


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_a_cache_that_others_can_write_is_refused(npz, cache, entry, mode, monkeypatch):
    monkeypatch.setattr(own_folders, "_is_private_group", lambda gid, uid: False)
    cache.chmod(mode)
    assert f"{cache} can be written by other users (mode {mode:o})" in refusal(npz, cache)


def test_an_entry_that_others_can_write_is_refused(npz, cache, entry):
    entry.chmod(0o1777)
    assert "can be written by other users" in refusal(npz, cache)


def test_root_is_trusted_and_so_is_a_group_of_ones_own(tmp_path, monkeypatch):
    assert why_distrust(os.stat("/usr")) is None and why_distrust_place(Path("/usr/bin")) is None
    tmp_path.chmod(0o770)
    assert (why_distrust(tmp_path.stat()) is None) == own_folders._is_private_group(os.getegid(), os.geteuid())
    monkeypatch.setattr(own_folders, "_is_private_group", lambda gid, uid: False)
    assert why_distrust(tmp_path.stat()) == "can be written by other users (mode 770)"


def test_in_a_container_without_root_the_owners_outside_are_trusted_above(tmp_path, monkeypatch):
    status = os.stat_result((0o040755, 0, 0, 1, 65534, 65534, 0, 0, 0, 0))
    assert why_distrust(status, above=True) == "belongs to user nobody"
    monkeypatch.setattr(own_folders, "_unmapped_user", lambda: 65534)
    assert why_distrust(status, above=True) is None and why_distrust(status) == "belongs to user nobody"


def test_folders_that_are_made_are_closed_to_others(tmp_path):
    umask = os.umask(0)
    try:
        make_folder(tmp_path / "a" / "b", 0o700)
    finally:
        os.umask(umask)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b")] == [0o700, 0o700]


@pytest.mark.parametrize("label", [99, -5, 2**31 - 1])
def test_labels_out_of_range_are_never_used(npz, cache, entry, label):
    rewritten(entry, [0] * 8 + [label])
    assert "y_test has a label out of range 0..3" in refusal(npz, cache)


def test_a_changed_bit_is_found_where_checksums_are_computed(npz, cache, entry):
    content = bytearray((entry / "x_test.npy").read_bytes())
    content[-1] ^= 1
    (entry / "x_test.npy").write_bytes(content)
    open_converted(recipe(npz), cache, verify=False)
    assert "its checksum is wrong" in refusal(npz, cache)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("target", {"kind": "classes", "n_outputs": n}) for n in (0, 3, True, 4.0, 1e400, 2**40)),
        ("target", 4), ("target", {"kind": "classes"}), ("target", {"kind": "sounds", "n_outputs": 4}),
        ("target", {"kind": "classes", "n_outputs": 4, "names": ["a", "b"]}),
        ("target", {"kind": "numbers", "n_outputs": 1, "mean": [0.0], "scale": [0.0]}),
        ("target", {"kind": "numbers", "n_outputs": 1, "mean": [0.0], "scale": [1.0]}),
        ("splits", ["train"]), ("splits", ["train", "../test"]), ("splits", "train"),
        ("bytes", {}), ("bytes", {"x_train.npy": None}), ("bytes", ["x_train.npy"]), ("crc32", None), ("crc32", 1),
        ("crc32", "zzzzzzzz"),
    ],
)  # fmt: skip
def test_every_field_of_the_description_is_checked(npz, cache, entry, field, value):
    meta = json.loads((entry / "meta.json").read_text())
    (entry / "meta.json").write_text(json.dumps(meta | {field: value}))
    assert f"{entry} is damaged (" in refusal(npz, cache)


@pytest.mark.parametrize("text", ["[" * 10**5, '{"target": ' + "9" * 5000 + "}", "\x00", '{"a":' * 10**5])
def test_deep_and_lying_descriptions_are_damage(npz, cache, entry, text):
    (entry / "meta.json").write_text(text)
    assert f"{entry} is damaged (" in refusal(npz, cache)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("x_test", np.zeros((9, 6), np.uint8)), ("x_test", np.zeros((9, 7), np.float32)),
        ("x_test", np.zeros((9, 7), np.uint16)), ("y_test", np.zeros(8, np.int32)), ("y_test", np.zeros(9, np.int64)),
        ("mean", np.zeros(8)), ("std", np.full(7, np.nan)), ("std", -np.ones(7)),
        ("x_train", np.zeros((50, 7), np.uint8, order="F")), ("y_train", np.zeros((50, 1), np.int32)),
    ],
)  # fmt: skip
def test_shapes_and_types_are_checked(npz, cache, entry, name, array):
    np.save(entry / f"{name}.npy", array)
    meta = json.loads((entry / "meta.json").read_text())
    meta["bytes"][f"{name}.npy"] = (entry / f"{name}.npy").stat().st_size
    (entry / "meta.json").write_text(json.dumps(meta))
    assert f"{entry} is damaged (" in refusal(npz, cache, verify=False)


def test_links_in_the_place_of_files_are_not_followed(npz, cache, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (cache / f"{entry_name(recipe(npz))}.lock").symlink_to(precious)
    assert "is a link or a pipe, not a regular file: remove it" in refusal(npz, cache)
    (tmp_path / "a.json.part").symlink_to(precious)
    write_json(tmp_path / "a.json", {"a": 1})
    assert precious.read_text() == "precious" and read_json(tmp_path / "a.json") == {"a": 1}
    assert not (tmp_path / "a.json").is_symlink()


def test_an_entry_or_a_file_that_is_a_link_is_refused(npz, cache, entry):
    shutil.move(entry / "y_test.npy", cache / "elsewhere.npy")
    (entry / "y_test.npy").symlink_to(cache / "elsewhere.npy")
    assert "y_test.npy" in refusal(npz, cache, verify=False)
    shutil.move(entry, cache / "elsewhere")
    entry.symlink_to(cache / "elsewhere")
    assert refusal(npz, cache).startswith(f"{entry} is not a folder")


@pytest.mark.parametrize("read", [lambda path: read_arrays(path, ["a"]), read_json])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(InputError, match=f"{path} is not a regular file"):
            read(path)


def test_a_pipe_in_the_place_of_a_lock_is_refused(npz, cache):
    os.mkfifo(cache / f"{entry_name(recipe(npz))}.lock")
    assert "not a regular file" in refusal(npz, cache)


def test_too_many_open_files_are_no_damage(npz, cache, entry):
    code = (
        "import mmap, resource, sys; from pathlib import Path\n"
        "from isgd_mpi.data.cache_entries import map_entry; from isgd_mpi.settings.errors import InputError\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))\n"
        "try:\n    map_entry(Path(sys.argv[1]))\nexcept InputError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, entry], capture_output=True, text=True, check=True)
    assert "cannot be read (Too many open files)" in done.stdout and "damaged" not in done.stdout


BECOME_MALLORY = f"""
import os
from pathlib import Path
from isgd_mpi.data import converted, folders, sources
from isgd_mpi.settings.errors import InputError
def as_mallory(act):
    os.chdir("/")
    os.setgroups([]), os.setgid({MALLORY}), os.setuid({MALLORY})
    try:
        act()
    except InputError as error:
        print(error)
"""


def told_to_mallory(code, *arguments):
    """Return what another user is told, who calls ``act`` of the code."""
    command = [sys.executable, "-c", f"{BECOME_MALLORY}\n{code}\nas_mallory(act)", *map(str, arguments)]
    (line,) = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return line


@as_root
@pytest.mark.parametrize("closed", ["cache", "entry", "file"])
def test_what_another_user_may_not_read_is_named(npz, cache, entry, closed):
    for folder in (npz.parent.parent, npz.parent):
        folder.chmod(0o755)
    place = {"cache": cache, "entry": entry, "file": entry / "meta.json"}[closed]
    place.chmod(0o700 if place.is_dir() else 0o600)
    code = (
        "import sys\nrecipe = sources.recipe(sys.argv[1])\n"
        "def act():\n    converted.open_converted(recipe, Path(sys.argv[2]))"
    )
    told = told_to_mallory(code, npz, cache)
    assert "Permission denied" in told and "damaged" not in told


def test_a_changed_file_replaces_the_copy_before_unless_that_is_in_use(npz, cache):
    def touch(seconds):
        os.utime(npz, (seconds, seconds))

    touch(1)
    _, arrays, *_ = open_converted(recipe(npz), cache)
    touch(2)
    open_converted(recipe(npz), cache)
    assert len(list(cache.iterdir())) == 2 and arrays["x_train"].sum() > 0
    del arrays
    touch(3)
    open_converted(recipe(npz), cache)
    assert [path.name for path in cache.iterdir()] == [entry_name(recipe(npz))]


def test_copies_of_other_files_of_the_same_name_stay(npz, cache, tmp_path):
    (tmp_path / "other").mkdir()
    shutil.copy(npz, tmp_path / "other" / npz.name)
    for path in (npz, tmp_path / "other" / npz.name):
        open_converted(recipe(path), cache)
    assert len(list(cache.iterdir())) == 2


def test_what_a_killed_conversion_left_is_removed_a_minute_later(npz, cache):
    code = (
        "import os, signal, sys; from pathlib import Path; from isgd_mpi.data import converted, sources\n"
        "real = converted._rename\n"
        "converted._rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "converted.open_converted(sources.recipe(sys.argv[1]), Path(sys.argv[2]))"
    )
    assert subprocess.run([sys.executable, "-c", code, npz, cache], check=False).returncode == -9
    (left,) = cache.glob("*.unfinished")
    cache_entries.remove_leftovers(cache)
    assert left.is_dir()  # its process might be about to lock it
    os.utime(left, (0, 0))
    open_converted(recipe(npz), cache)
    assert [path.name for path in cache.iterdir()] == [entry_name(recipe(npz))]


def test_folders_follow_the_environment(monkeypatch):
    for name in ("ISGD_MPI_DATA", "ISGD_MPI_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert (data_folder(), cache_folder()) == (Path("/x/isgd_mpi"), Path("/x/isgd_mpi/converted"))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, its specification says
    monkeypatch.setenv("HOME", "/h")
    assert (data_folder(), cache_folder()) == (Path("/h/.cache/isgd_mpi"), Path("/h/.cache/isgd_mpi/converted"))


@as_root
def test_without_a_home_a_folder_must_be_named():
    code = (
        "for name in ('HOME', 'XDG_CACHE_HOME', 'ISGD_MPI_CACHE'):\n    os.environ.pop(name, None)\n"
        "act = folders.cache_folder"
    )
    told = told_to_mallory(code)
    assert "there is no home folder" in told and told.endswith("name a folder in ISGD_MPI_CACHE")


def test_the_home_of_a_user_who_is_not_there_is_no_such_file(monkeypatch):
    with pytest.raises(InputError, match="no such file: ~no-such-user/set.npz"):
        recipe("~no-such-user/set.npz")
    monkeypatch.setenv("ISGD_MPI_CACHE", "~no-such-user/cache")
    with pytest.raises(InputError, match="there is no home folder of this name; name another in ISGD_MPI_CACHE"):
        cache_folder()
