"""Read files that were damaged, or made to harm: a result or one clear line, in little memory."""

import gzip
import io
import json
import pickle
import struct
import tracemalloc
import warnings
import zipfile
import zlib

import numpy as np
import pytest
from data_files import (
    random_examples,
    write_cifar10_binary,
    write_cifar10_pickle,
    write_idx,
    write_svhn,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isgd_mpi.data import formats
from isgd_mpi.data.array_files import read_array_files
from isgd_mpi.data.files import read_json, read_json_lines
from isgd_mpi.data.tables.read import read_table, survey_table
from isgd_mpi.model.params import n_parameters
from isgd_mpi.model.trained import Learned, TrainedMLP, load
from isgd_mpi.report.files import read_spans, read_toml
from isgd_mpi.report.runs import read_run, read_summary
from isgd_mpi.run.record.checkpoint_file import read_checkpoint, write_checkpoint
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.options import parse, to_toml

MOST_BYTES = 50_000_000
N_TRIES = 100
SLOW = {"options": 30, "HDF5": 8}  # the parser takes its time; processes of their own read HDF5

fuzzed = settings(
    max_examples=N_TRIES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

positions = st.floats(0, 1, exclude_max=True)
# damage to the front of a file, where headers are, is the most interesting
places = st.one_of(positions, st.integers(0, 200))
mutations = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), places, st.integers(0, 7)),
        st.tuples(st.just("set"), places, st.sampled_from([0, 1, 0x7F, 0x80, 0xFF])),
        st.tuples(st.just("cut"), places, st.none()),
        st.tuples(st.just("insert"), places, st.binary(min_size=1, max_size=8)),
        st.tuples(st.just("remove"), places, st.integers(1, 16)),
        st.tuples(st.just("large"), places, st.sampled_from([4, 8])),
        st.tuples(st.just("tail"), positions, st.integers(1, 100)),
    ),
    min_size=1,
    max_size=4,
)


def mutated(content, steps):
    """Return the bytes of a file after some accidents."""
    content = bytearray(content)
    for kind, place, how in steps:
        at = int(place * len(content)) if isinstance(place, float) else min(place, len(content))
        if kind == "cut":
            del content[at:]
        elif kind == "insert":
            content[at:at] = how
        elif kind == "remove":
            del content[at : at + how]
        elif kind == "large":
            content[at : at + how] = b"\xff" * (how - 1) + b"\x7f"
        elif kind == "tail" and content:
            content[-min(how, len(content))] ^= 0xFF
        elif content and at < len(content):
            content[at] = content[at] ^ (1 << how) if kind == "flip" else how
    return bytes(content)


def reads_or_refuses(read, path):
    """Read a file: a result, or one line that names the file, without much memory; anything else fails the test."""
    tracemalloc.start()
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")
            read(path)
    except InputError as error:
        text = str(error)
        assert "\n" not in text and len(text) < 1000
        assert path.name in text
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MOST_BYTES


def npz_data(folder, rng):
    (x, y), (xt, yt) = random_examples(rng, 30, (5,), 3), random_examples(rng, 10, (5,), 3)
    np.savez(folder / "data.npz", x_train=x, y_train=y, x_test=xt.astype(np.float32), y_test=yt)
    return folder / "data.npz"


def compressed_npz(folder, rng):
    x, y = random_examples(rng, 30, (5,), 3)
    np.savez_compressed(folder / "data.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    return folder / "data.npz"


def npy_data(folder, rng):
    x, y = random_examples(rng, 30, (5,), 3)
    np.save(folder / "y.npy", y)
    np.save(folder / "x.npy", x.astype(np.float32))
    return folder / "x.npy"


def hdf5_data(folder, rng):
    h5py = pytest.importorskip("h5py")
    x, y = random_examples(rng, 30, (5,), 3)
    with h5py.File(folder / "data.h5", "w") as file:
        file["y_train"], file["x_test"], file["y_test"] = y, x, y
        file.create_dataset("x_train", data=x, compression="gzip", chunks=(10, 5))
    return folder / "data.h5"


def read_all(path):
    """Read the examples of a file of arrays, which are read when they are asked for."""
    for part in read_array_files(path)[1].values():
        part.take(np.arange(len(part)))


TABLE = "size,colour,always,kind\n" + "".join(f"{k / 7},{'red' if k % 3 else ''},1,{k % 4}\n" for k in range(40))


def csv_table(folder, rng):
    (folder / "table.csv").write_text(TABLE)
    return folder / "table.csv"


def csv_gz_table(folder, rng):
    (folder / "table.csv.gz").write_bytes(gzip.compress(TABLE.encode()))
    return folder / "table.csv.gz"


def parquet_table(folder, rng):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {"size": rng.random(40), "colour": ["red", None] * 20, "kind": list(range(4)) * 10}
    parquet.write_table(pyarrow.table(columns), folder / "table.parquet")
    return folder / "table.parquet"


def read_a_table(path):
    read_table(path, *survey_table(path))


def idx_images(folder, rng):
    write_idx(folder / "labels", np.arange(5, dtype=np.uint8))
    return write_idx(folder / "images", random_examples(rng, 5, (4, 4))[0])


def idx_images_gz(folder, rng):
    write_idx(folder / "labels", np.arange(5, dtype=np.uint8))
    return write_idx(folder / "images.gz", random_examples(rng, 5, (4, 4))[0])


def read_idx(path):
    formats.read_idx(path, path.with_name("labels"))


def cifar10_binary(folder, rng):
    return write_cifar10_binary(folder / "batch.bin", *random_examples(rng, 3))


def cifar10_pickle(folder, rng):
    return write_cifar10_pickle(folder / "batch", *random_examples(rng, 3))


def cifar10_pickle_of_protocol_4(folder, rng):
    return write_cifar10_pickle(folder / "batch", *random_examples(rng, 3), protocol=4)


def svhn(folder, rng):
    return write_svhn(folder / "train_32x32.mat", *random_examples(rng, 2))


def model(folder, rng):
    widths = (4, 3, 2)
    params = rng.standard_normal(n_parameters(widths)).astype(np.float32)
    TrainedMLP(Learned(params, np.zeros(4, np.float32), np.ones(4, np.float32), 7), widths).save(folder / "model.npz")
    return folder / "model.npz"


def timeline(folder, rng):
    spans = {"rank": np.zeros(2, np.int32), "activity": np.zeros(2, np.int8), "begin": np.array([0.0, 1]),
             "end": np.array([1.0, 2]), "stretch": np.array([0.0, 2]), "activities": np.array(["any"])}  # fmt: skip
    np.savez(folder / "timeline.npz", **spans)
    return folder / "timeline.npz"


def config(folder, rng):
    (folder / "config.toml").write_text(to_toml(Config(hidden=[3, 4], lr=0.5, max_staleness=7)))
    return folder / "config.toml"


def read_config(path):
    parse([f"--config={path}"])


METRICS = [
    {"kind": "event", "step": 0, "seconds": 0.0, "message": "start"},
    {"kind": "refresh", "step": 8, "seconds": 0.5, "trace_ideal": 1.0, "trace_in_use": 2.0, "trace_uniform": None},
    {"kind": "eval", "step": 8, "seconds": 0.75, "split": "test", "loss": 0.5, "error": 0.25, "n": 4, "staleness": 0},
]


def metrics(folder, rng):
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in METRICS))
    return folder / "metrics.jsonl"


def summary(folder, rng):
    metrics(folder, rng)
    content = {"steps": 8, "seconds": 1.0, "stopped": None, "ranks": 2, "trainers": 1, "variance_gain": None}
    (folder / "summary.json").write_text(json.dumps(content))
    return folder / "summary.json"


def checkpoint(folder, rng):
    write_checkpoint(folder / "checkpoint.npz", {"step": np.array(7), "params": rng.standard_normal(20)})
    return folder / "checkpoint.npz"


READERS = {
    "npz": (npz_data, read_array_files),
    "compressed npz": (compressed_npz, read_array_files),
    "npy": (npy_data, read_all),
    "HDF5": (hdf5_data, read_all),
    "table": (csv_table, read_a_table),
    "gzipped table": (csv_gz_table, read_a_table),
    "parquet": (parquet_table, read_a_table),
    "idx": (idx_images, read_idx),
    "idx.gz": (idx_images_gz, read_idx),
    "CIFAR-10 binary": (cifar10_binary, formats.read_cifar10_binary),
    "CIFAR-10 pickle": (cifar10_pickle, formats.read_cifar10_pickle),
    "CIFAR-10 pickle 4": (cifar10_pickle_of_protocol_4, formats.read_cifar10_pickle),
    "SVHN": (svhn, formats.read_svhn),
    "model": (model, load),
    "timeline": (timeline, read_spans),
    "checkpoint": (checkpoint, read_checkpoint),
    "options": (config, read_config),
    "options of a report": (config, read_toml),
    "metrics": (metrics, read_json_lines),
    "metrics of a run": (metrics, lambda path: read_run(path.parent)),
    "summary": (summary, read_json),
    "summary of a run": (summary, lambda path: read_run(path.parent)),
    "summary of an experiment": (summary, lambda path: read_summary(path.parent)),
}


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_read_or_refused_in_one_line(name, tmp_path, rng):
    write, read = READERS[name]
    path = write(tmp_path, rng)
    original = path.read_bytes()
    reads_or_refuses(read, path)

    @settings(fuzzed, max_examples=SLOW.get(name, N_TRIES))
    @given(mutations)
    def damage(steps):
        path.write_bytes(mutated(original, steps))
        reads_or_refuses(read, path)

    damage()


def npy_header(shape, descr="|u1"):
    """Return the header of an npy file that announces an array."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("shape, descr", [((10**9,), "|u1"), ((2**40, 2**40), "<f8"), ((5,), "|O")])
@pytest.mark.parametrize("reader", ["npz", "model", "timeline", "checkpoint"])
def test_an_array_that_announces_more_than_there_is_is_refused(tmp_path, rng, method, shape, descr, reader):
    write, read = READERS[reader]
    path = write(tmp_path, rng)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    with zipfile.ZipFile(path, "w", method) as archive:
        for name in names:
            archive.writestr(name, npy_header(shape, descr) + b"abc")
    with pytest.raises(InputError):
        read(path)
    reads_or_refuses(read, path)


def test_pickles_that_hold_themselves_many_times_are_refused(tmp_path):
    nested = [0] * 10
    for _ in range(9):
        nested = [nested] * 10
    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps({b"data": nested, b"labels": nested}))
    with pytest.raises(InputError, match="no list of integers"):
        formats.read_cifar10_pickle(path)


def test_a_pickle_with_a_large_memo_is_refused(tmp_path):
    path = tmp_path / "batch"
    path.write_bytes(b"\x80\x02}r\xff\xff\xff\x3f.")
    with pytest.raises(InputError, match="more objects than it has bytes"):
        formats.read_cifar10_pickle(path)
    reads_or_refuses(formats.read_cifar10_pickle, path)


@pytest.mark.parametrize("size", [2**20, 2**31 - 1])
def test_a_matlab_variable_that_announces_more_than_there_is_is_refused(tmp_path, size):
    element = struct.pack("<II", 14, size) + struct.pack("<4I", 6, 8, 9, 0) + b"\0" * 16
    inflated = zlib.compress(element)
    path = tmp_path / "train_32x32.mat"
    header = b"MATLAB 5.0".ljust(124) + b"\x00\x01IM"
    path.write_bytes(header + struct.pack("<II", 15, len(inflated)) + inflated)
    with pytest.raises(InputError, match="more than the file can hold"):
        formats.read_svhn(path)
    path.write_bytes(header + element)
    with pytest.raises(InputError, match="longer than the file"):
        formats.read_svhn(path)
