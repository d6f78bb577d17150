"""Convert data sets once into .npy files, which all ranks of a node then map.

A folder of the cache is named after its sources' paths, sizes, times and sampled content, so that a changed file is
never served stale. The folder is written under another name and renamed when complete: readers see
all of it or nothing, and where several processes convert at once the first one wins. A lock spares
the others the work on file systems that have locks; nothing depends on it.
"""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
import uuid

import numpy as np

from isgd_mpi.data.checksums import checksum_of_files, sampled_checksum
from isgd_mpi.data.examples import FormatError
from isgd_mpi.data.folders import CACHE_VARIABLE
from isgd_mpi.data.standardization import Moments
from isgd_mpi.settings.errors import InputError

_logger = logging.getLogger(__name__)

_VERSION = 2  # to be raised when conversion, splits or synthetic examples change
_META = "meta.json"
_CHUNK_BYTES = 2**24


def open_converted(recipe, cache_folder):
    """Map a data set's arrays, after converting it if no one has yet.

    Parameters
    ----------
    recipe : sources.Recipe
        Read if the set must be converted.
    cache_folder : Path
        Folder of converted data; made if missing.

    Returns
    -------
    n_classes : int
        Labels are below it.
    arrays : dict of str to ndarray
        x_NAME (n, n_features) and y_NAME (n,) int32 of each split, in the
        order train, valid, test; mean and std (n_features,) float64 over the
        training set. All are read-only maps of files.
    checksum : str
        Of all of these files as they were written.

    Raises
    ------
    InputError
        The source is damaged, the cache cannot be written or is damaged.
    """
    entry = cache_folder / entry_name(recipe)
    if not entry.is_dir():
        try:
            _convert(recipe, entry)
        except OSError as error:
            raise InputError(
                f"cannot write converted data to {cache_folder} ({error.strerror or error}); "
                f"name another folder in {CACHE_VARIABLE}"
            ) from None
    return _map(entry)


def entry_name(recipe):
    """Return the name of a data set's folder, which changes with the state of the set's files.

    Parameters
    ----------
    recipe : sources.Recipe
        Up to 4 MiB of each of its files are read.

    Raises
    ------
    FormatError
        A file is missing, or cannot be read.
    """
    files = [_state(path) for path in recipe.files]
    identity = (_VERSION, recipe.name, recipe.synthetic_size, files)
    safe_name = re.sub(r"[^\w.-]", "_", recipe.name)[:64]
    return f"{safe_name}-{hashlib.sha256(repr(identity).encode()).hexdigest()[:16]}"


def _state(path):
    try:
        status = path.stat()
        # both ends are read: an npz file keeps the checksums of its arrays at its end
        content = sampled_checksum(np.memmap(path, mode="r")) if status.st_size else None
    except OSError as error:
        raise FormatError(path, error.strerror) from None
    return str(path.resolve()), status.st_size, status.st_mtime_ns, content


def _convert(recipe, entry):
    entry.parent.mkdir(parents=True, exist_ok=True)
    with _locked(entry.with_name(entry.name + ".lock")):
        if entry.is_dir():
            return
        unfinished = entry.with_name(f"{entry.name}.{uuid.uuid4().hex[:8]}.unfinished")
        try:
            unfinished.mkdir()
            source = recipe.read()
            _logger.info("converting %s into %s, once", recipe.name, entry)
            _write(source, unfinished)
            _rename(unfinished, entry)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


@contextlib.contextmanager
def _locked(path):
    with open(path, "w") as file:
        with contextlib.suppress(OSError):  # no locks here: then several convert, one wins
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _rename(unfinished, entry):
    try:
        os.rename(unfinished, entry)
    except OSError:
        if not entry.is_dir():  # else another process was first
            raise


def _write(source, folder):
    moments = Moments()
    for name, rows in source.splits.items():
        _write_split(source, name, rows, folder, moments if name == "train" else None)
    for name, array in zip(("mean", "std"), moments.mean_and_std()):
        np.save(folder / f"{name}.npy", array)
    paths = sorted(folder.iterdir())
    sizes = {path.name: path.stat().st_size for path in paths}
    splits, checksum = list(source.splits), checksum_of_files(paths)
    meta = {"n_classes": source.n_classes, "splits": splits, "bytes": sizes, "crc32": checksum}
    (folder / _META).write_text(json.dumps(meta, indent=1))


def _write_split(source, name, rows, folder, moments):
    first, _ = source.take(rows[:1])
    chunk_rows = max(1, _CHUNK_BYTES // first.nbytes)
    # written in sequence, not through a map: a full disk is then an error, not a signal
    with open(folder / f"x_{name}.npy", "wb") as x_file, open(folder / f"y_{name}.npy", "wb") as y_file:
        _write_header(x_file, first.dtype, (len(rows), first.shape[1]))
        _write_header(y_file, np.dtype(np.int32), (len(rows),))
        for start in range(0, len(rows), chunk_rows):
            images, labels = source.take(rows[start : start + chunk_rows])
            x_file.write(images)
            y_file.write(labels)
            if moments is not None:
                moments.add(images)


def _write_header(file, dtype, shape):
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, description)


def _map(entry):
    """Return the number of classes, the arrays and the checksum of a complete entry."""
    try:
        meta = json.loads((entry / _META).read_text())
        for file_name, n_bytes in meta["bytes"].items():
            found = (entry / file_name).stat().st_size
            if found != n_bytes:
                raise ValueError(f"{file_name} has {found} bytes instead of {n_bytes}")
        names = [f"{letter}_{split}" for split in meta["splits"] for letter in "xy"] + ["mean", "std"]
        arrays = {name: _map_array(entry / f"{name}.npy") for name in names}
        return meta["n_classes"], arrays, str(meta["crc32"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{entry} is damaged ({error}); delete this folder and run again") from None


def _map_array(path):
    # asarray: kernels take plain arrays faster than numpy.memmap
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
