import errno
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
from data_files import random_examples
from processes import Job

from isgd_mpi.data import converted, sources
from isgd_mpi.data.coding import Coding
from isgd_mpi.data.converted import entry_name, open_converted
from isgd_mpi.data.sources import recipe
from isgd_mpi.data.target import Target
from isgd_mpi.settings.errors import InputError


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    x_train, y_train = random_examples(rng, 50, (7,), n_classes=4)
    x_test, y_test = random_examples(rng, 9, (7,), n_classes=4)
    return dict(x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


@pytest.fixture
def npz(tmp_path, arrays):
    np.savez(tmp_path / "set.npz", **arrays)
    return tmp_path / "set.npz"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def entry_of(cache):
    (entry,) = [path for path in cache.iterdir() if path.is_dir()]
    return entry


@pytest.mark.parametrize("chunk_bytes", [1, 100, 2**24])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_arrays_come_back_as_read_only_maps(npz, cache, arrays, chunk_bytes, dtype, monkeypatch):
    monkeypatch.setattr(converted, "_CHUNK_BYTES", chunk_bytes)
    arrays |= {key: arrays[key].astype(dtype) for key in ("x_train", "x_test")}
    np.savez(npz, **arrays)
    for _ in range(2):
        target, got, *_ = open_converted(recipe(npz), cache)
        assert target == Target("classes", 4) and list(got)[:6] == [
            "x_train",
            "y_train",
            "x_test",
            "y_test",
            "mean",
            "std",
        ]
        for key, array in arrays.items():
            kept = Coding(got["offset"], got["unit"]).encode(array) if key.startswith("x_") else array
            np.testing.assert_array_equal(got[key], kept)
        assert all(not array.flags.writeable and array.flags.c_contiguous for array in got.values())
        assert got["x_train"].dtype == (np.uint8 if dtype is np.uint8 else np.float32)
        assert got["y_train"].dtype == np.int32
        np.testing.assert_allclose(got["mean"], arrays["x_train"].mean(axis=0, dtype=float), rtol=1e-13)
        np.testing.assert_allclose(got["std"], arrays["x_train"].std(axis=0, dtype=float), rtol=1e-12)


def test_deviation_survives_a_large_mean(npz, cache, arrays):
    x_train = np.linspace(0, 1, 50, dtype=np.float32)[:, None] + np.float32([0, 1e5])
    np.savez(npz, **{**arrays, "x_train": x_train, "x_test": x_train[:9]})
    _, got, *_ = open_converted(recipe(npz), cache)
    np.testing.assert_allclose(got["std"], x_train.astype(float).std(axis=0), rtol=1e-10)


def test_a_constant_feature_has_a_deviation_of_exactly_zero(npz, cache, arrays):
    x_train = np.full((50, 2), 0.1, dtype=np.float32)
    np.savez(npz, **{**arrays, "x_train": x_train, "x_test": x_train[:9]})
    _, got, *_ = open_converted(recipe(npz), cache)
    assert got["std"].tolist() == [0, 0] and got["mean"].tolist() == [np.float32(0.1)] * 2


def test_a_second_call_reads_no_source(npz, cache, monkeypatch):
    open_converted(recipe(npz), cache)
    monkeypatch.setattr(sources, "_read_arrays", lambda path, division: pytest.fail("read again"))
    assert open_converted(recipe(npz), cache)[0] == Target("classes", 4)


def test_a_changed_source_is_never_served_stale(npz, cache, arrays):
    open_converted(recipe(npz), cache)
    np.savez(npz, **{**arrays, "x_test": arrays["x_test"] ^ 255})
    os.utime(npz, ns=(0, time.time_ns() + 10**9))
    _, got, *_ = open_converted(recipe(npz), cache)
    np.testing.assert_array_equal(got["x_test"], arrays["x_test"] ^ 255)


def test_a_file_replaced_with_the_same_size_and_time_is_read_again(npz, cache, arrays):
    open_converted(recipe(npz), cache)
    before = npz.stat()
    np.savez(npz, **{**arrays, "x_test": arrays["x_test"] ^ 255})
    os.utime(npz, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (npz.stat().st_size, npz.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    _, got, *_ = open_converted(recipe(npz), cache)
    np.testing.assert_array_equal(got["x_test"], arrays["x_test"] ^ 255)


def test_an_empty_file_is_told_of(npz, cache):
    npz.write_bytes(b"")
    with pytest.raises(InputError, match="set.npz: is not an npz file"):
        open_converted(recipe(npz), cache)


def test_the_name_of_an_entry_depends_on_all_that_matters(npz, monkeypatch):
    seen = {entry_name(recipe(npz))}
    os.utime(npz, ns=(0, 1))
    seen.add(entry_name(recipe(npz)))
    seen |= {entry_name(recipe("synthetic", synthetic_size=size)) for size in (10, 11)}
    monkeypatch.setattr(converted, "_VERSION", converted._VERSION + 1)
    seen.add(entry_name(recipe(npz)))
    assert len(seen) == 5


def test_a_source_that_vanishes(npz):
    late = recipe(npz)
    npz.unlink()
    with pytest.raises(InputError, match="set.npz: No such file or directory"):
        entry_name(late)


def test_names_of_entries_are_safe_file_names(tmp_path, cache, arrays):
    path = tmp_path / f"a b:{'c' * 100}.npz"
    np.savez(path, **arrays)
    open_converted(recipe(path), cache)
    assert entry_of(cache).name.startswith("a_b_cccc") and len(entry_of(cache).name) < 100


def test_nan_leaves_nothing_behind(npz, cache, arrays):
    x_train = arrays["x_train"].astype(float)
    x_train[30, 2] = np.nan
    np.savez(npz, **{**arrays, "x_train": x_train, "x_test": x_train[:9]})
    with pytest.raises(InputError, match=r"set.npz \(train\): example 30 has a NaN or infinite feature"):
        open_converted(recipe(npz), cache)
    assert not [path for path in cache.iterdir() if path.is_dir()]


@pytest.mark.parametrize("in_the_way", ["cache", "parent"])
def test_a_cache_that_cannot_be_written(npz, tmp_path, in_the_way):
    (tmp_path / "file").write_text("x")
    folder = tmp_path / "file" if in_the_way == "cache" else tmp_path / "file" / "cache"
    with pytest.raises(InputError) as caught:
        open_converted(recipe(npz), folder)
    assert str(caught.value).startswith(f"cannot write converted data to {folder} (")
    assert str(caught.value).endswith("name another folder in ISGD_MPI_CACHE")


def test_a_full_disk(npz, cache, monkeypatch):
    def write_header(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(converted, "_write_header", write_header)
    with pytest.raises(InputError, match=r"cache \(No space left on device\); name another folder in ISGD_MPI_CACHE"):
        open_converted(recipe(npz), cache)
    assert not [path for path in cache.iterdir() if path.is_dir()]


@pytest.mark.parametrize("file_name", ["x_train.npy", "y_test.npy", "mean.npy", "meta.json"])
@pytest.mark.parametrize("damage", ["truncated", "empty", "missing"])
def test_a_damaged_entry_names_the_folder_to_delete(npz, cache, file_name, damage):
    open_converted(recipe(npz), cache)
    path = entry_of(cache) / file_name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(content[:-5] if damage == "truncated" else b"")
    with pytest.raises(InputError) as caught:
        open_converted(recipe(npz), cache)
    message = str(caught.value)
    assert message.startswith(f"{entry_of(cache)} is damaged (") and "delete this folder" in message
    assert "\n" not in message


@pytest.mark.parametrize("meta", ["[]", "{}", '{"target": 4}', '{"target": 4, "splits": 3, "bytes": {}}', "null"])
def test_a_strange_description_is_damage(npz, cache, meta):
    open_converted(recipe(npz), cache)
    (entry_of(cache) / "meta.json").write_text(meta)
    with pytest.raises(InputError, match="is damaged"):
        open_converted(recipe(npz), cache)


def test_an_entry_describes_itself(npz, cache):
    open_converted(recipe(npz), cache)
    meta = json.loads((entry_of(cache) / "meta.json").read_text())
    assert Target.from_dict(meta["target"]) == Target("classes", 4) and meta["splits"] == ["train", "test"]
    assert set(meta["bytes"]) == {path.name for path in entry_of(cache).iterdir()} - {"meta.json"}


def test_the_checksum_is_that_of_the_content_alone(npz, cache, arrays, tmp_path):
    def checksum_of(name, arrays):
        np.savez(tmp_path / name, **arrays)
        return open_converted(recipe(tmp_path / name), cache)[2]

    first = checksum_of("first.npz", arrays)
    assert checksum_of("second.npz", arrays) == first
    for key in arrays:
        changed = arrays[key].copy()
        changed.flat[-1] ^= 1
        assert checksum_of("changed.npz", {**arrays, key: changed}) != first


def test_who_loses_the_race_uses_the_winners_entry(npz, cache, monkeypatch):
    def no_locks(*arguments):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(converted.fcntl, "flock", no_locks)
    winner = recipe(npz)

    def read_while_another_process_wins():
        open_converted(winner, cache)
        return winner.read()

    loser = replace(winner, read=read_while_another_process_wins)
    target, got, *_ = open_converted(loser, cache)
    assert target.n_outputs == 4 and len(got["y_train"]) == 50
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 1


def test_processes_at_once_agree_on_one_entry(npz, cache):
    program = (
        "import sys; from pathlib import Path; from isgd_mpi.data.sources import recipe\n"
        "from isgd_mpi.data.converted import open_converted\n"
        "print(open_converted(recipe(sys.argv[1]), Path(sys.argv[2]))[1]['x_train'].sum())"
    )
    command = [sys.executable, "-c", program, npz, cache]
    with ExitStack() as stack:
        jobs = [stack.enter_context(Job(command, stdout=subprocess.PIPE)) for _ in range(3)]
        sums = {job.wait_for_end()[0] for job in jobs}
    assert [job.returncode for job in jobs] == [0, 0, 0] and len(sums) == 1
    assert not list(cache.glob("*.unfinished")) and entry_of(cache)
