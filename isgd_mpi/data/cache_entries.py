"""Check, map and clean up the entries of the cache of converted data: folders of .npy files with a description.

What is mapped is used without further checks, by compiled loops: so each entry is looked at before. It must be the work
of this user or of root, and its sizes, labels and checksum must be right. A lock on a mapped file tells other
processes that the entry is in use.
"""

import contextlib
import json
import math
import os
import re
import shutil
import stat
import time
import uuid

import numpy as np
from numpy.lib import format as npy

from isgd_mpi.data.checksums import checksum_of_files
from isgd_mpi.data.coding import Coding
from isgd_mpi.data.folders import CACHE_VARIABLE
from isgd_mpi.data.safe_files import in_use, is_no_damage, lock, open_trusted
from isgd_mpi.data.standardization import Statistics
from isgd_mpi.data.tables.encoding import Encoding
from isgd_mpi.data.target import Target
from isgd_mpi.kernels.own_folders import why_distrust, why_distrust_place
from isgd_mpi.settings.errors import InputError

META = "meta.json"
"""Description of an entry; locked while the entry is being written."""

UNFINISHED = ".unfinished"
"""Ends the name of an entry that is being written, or was when its process was killed."""

_MAPPED = "x_train.npy"  # is locked for as long as it is mapped
_ENTRY_NAME = re.compile(r"([\w.-]+)-[0-9a-f]{8}-[0-9a-f]{16}")  # see converted.entry_name
_SPLITS = (["train", "test"], ["train", "valid", "test"])
_HEADER_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_YOUNG_SECONDS = 60.0  # in which a new folder gets its description, and the lock on it


def check_place(folder):
    """Refuse a cache into which other users could put entries of their own.

    Raises
    ------
    InputError
    """
    if reason := why_distrust_place(folder):
        raise InputError(f"converted data: {reason}, so others could replace them; name another in {CACHE_VARIABLE}")


def map_entry(entry, verify=True):
    """Map the arrays of a complete entry.

    Parameters
    ----------
    entry : pathlib.Path
    verify : bool
        Whether to compute the checksum of all files.

    Returns
    -------
    target, arrays, checksum, encoding
        See :func:`isgd_mpi.data.converted.open_converted`.

    Raises
    ------
    InputError
        The entry may be another user's work, cannot be read, or is damaged.
    """
    with contextlib.ExitStack() as until_mapped:
        with contextlib.suppress(OSError, InputError):  # which _mapped tells of
            # so that nobody removes the entry before its arrays are locked
            lock(until_mapped.enter_context(open_trusted(entry / META)), shared=True)
        return _mapped(entry, verify)


def _mapped(entry, verify):
    try:
        _check_owner(entry)
        meta = _read_meta(entry)
        names = [f"{letter}_{split}" for split in meta["splits"] for letter in "xy"]
        names += [f"w_{split}" for split in meta["weights"]]
        names += Statistics._fields + Coding._fields
        _check_files(entry, meta["bytes"], {f"{name}.npy" for name in names})
        arrays = {name: _map_array(entry / f"{name}.npy") for name in names}
        _check_arrays(arrays, meta)
        if verify and checksum_of_files(sorted(entry / name for name in meta["bytes"])) != meta["crc32"]:
            raise ValueError("its checksum is wrong")
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError) as error:
        if is_no_damage(error) and not isinstance(error, FileNotFoundError):
            raise InputError(f"{error.filename or entry} cannot be read ({error.strerror})") from None
        raise InputError(f"{entry} is damaged ({error}); delete this folder and run again") from None
    return meta["target"], arrays, meta["crc32"], meta["encoding"]


def _check_owner(entry):
    status = entry.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise InputError(f"{entry} is not a folder: remove it, or name another cache in {CACHE_VARIABLE}")
    if reason := why_distrust(status):
        raise InputError(f"{entry} {reason}, and is not trusted; name a cache of your own in {CACHE_VARIABLE}")


def _read_meta(entry):
    """Return the description of an entry; raise ValueError unless each of its fields is of the right kind."""
    with open_trusted(entry / META) as file:
        try:
            meta = json.loads(file.read())
        except RecursionError:
            raise ValueError(f"{META} is nested too deeply") from None
    target = Target.from_dict(meta["target"])
    if meta["splits"] not in _SPLITS:
        raise ValueError(f"{META}: splits must be train, perhaps valid, and test")
    if not (isinstance(meta["weights"], list) and all(split in meta["splits"] for split in meta["weights"])):
        raise ValueError(f"{META}: weights must name splits")
    if not re.fullmatch("[0-9a-f]{8}", meta["crc32"]):
        raise ValueError(f"{META}: crc32 is no checksum")
    encoding = None if meta["encoding"] is None else Encoding.from_dict(meta["encoding"])
    return meta | {"target": target, "encoding": encoding}


def _check_files(entry, sizes, names):
    """Raise ValueError unless the files that are announced are the ones needed, and have their sizes."""
    if set(sizes) != names:
        raise ValueError(f"{META}: bytes must name {', '.join(sorted(names))}")
    for name, n_bytes in sizes.items():
        found = (entry / name).lstat().st_size
        if found != n_bytes:
            raise ValueError(f"{name} has {found} bytes instead of {n_bytes}")


def _map_array(path):
    """Map the array in a file, read-only; the lock on the file stays for as long as the map does."""
    with open_trusted(path) as file:
        lock(file, shared=True)
        shape, fortran_order, dtype = _HEADER_READERS[npy.read_magic(file)](file)
        n_bytes = file.tell() + dtype.itemsize * math.prod(shape)
        if dtype.hasobject or fortran_order or n_bytes != os.fstat(file.fileno()).st_size:
            raise ValueError(f"{path.name} is not the array that was written")
        # asarray: kernels take plain arrays faster than numpy.memmap
        return np.asarray(np.memmap(file, dtype, "r", file.tell(), shape))


def _check_arrays(arrays, meta):
    """Raise ValueError unless the arrays fit each other: what uses them checks nothing."""
    n_features = arrays["x_train"].shape[1:]
    for split in meta["splits"]:
        x, y = arrays[f"x_{split}"], arrays[f"y_{split}"]
        if x.dtype not in (np.uint8, np.float32) or x.dtype != arrays["x_train"].dtype:
            raise ValueError(f"x_{split} has features of type {x.dtype}")
        if x.ndim != 2 or x.shape[1:] != n_features or x.size == 0 or len(y) != len(x):
            raise ValueError(f"x_{split} and y_{split} do not fit each other")
        if problem := meta["target"].problem_of(y):
            raise ValueError(f"y_{split} {problem}")
        w = arrays.get(f"w_{split}", np.ones(len(y)))
        if w.shape != (len(y),) or w.dtype != np.float64 or not (w >= 0).all() or not np.isfinite(w.sum()):
            raise ValueError(f"w_{split} holds no weights")
    for name in {*Statistics._fields, *Coding._fields} - {"shape"}:
        if arrays[name].shape != n_features or arrays[name].dtype != np.float64 or not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name} does not fit the features")
    if arrays["std"].min() < 0 or arrays["unit"].min() <= 0:
        raise ValueError("std or unit has a negative number")
    if arrays["shape"].dtype != np.int64 or arrays["shape"].prod() != (1 if meta["encoding"] else n_features[0]):
        raise ValueError("shape does not fit the features")
    if meta["encoding"] and len(meta["encoding"].feature_names) != n_features[0]:
        raise ValueError("encoding does not fit the features")


def remove_leftovers(cache):
    """Remove what killed processes of this user left in a cache, which nobody else is writing."""
    for path in cache.glob(f"*{UNFINISHED}"):
        if _is_own_folder(path) and not _being_written(path):
            shutil.rmtree(path, ignore_errors=True)


def _being_written(folder):
    try:
        return in_use(folder / META) or time.time() - folder.stat().st_mtime < _YOUNG_SECONDS
    except FileNotFoundError:  # it has just got its name
        return True


def remove_replaced(entry, pattern):
    """Remove the copies of an entry's files as they were before, unless they are in use.

    Parameters
    ----------
    entry : pathlib.Path
        The new copy, which stays.
    pattern : str
        What the names of all copies match, and nothing else.
    """
    for path in entry.parent.iterdir():
        if path != entry and re.fullmatch(pattern, path.name):
            remove_unused(path)


def complete_entries(cache):
    """Return the complete entries of a cache by path, with the name of the data set of each: dict, sorted.

    Links and other users' folders are left out.
    """
    matches = {path: _ENTRY_NAME.fullmatch(path.name) for path in sorted(cache.iterdir())}
    return {path: match[1] for path, match in matches.items() if match and _is_own_folder(path)}


def is_in_use(entry):
    """Return whether a process writes or maps an entry, or may do so: not all file systems tell."""
    return in_use(entry / META) or in_use(entry / _MAPPED)


def remove_unused(entry):
    """Remove an entry of this user, at once for all who look for it, unless it is in use; return whether it is gone."""
    if not _is_own_folder(entry) or is_in_use(entry):
        return False
    unfinished = entry.with_name(f"{entry.name}.{uuid.uuid4().hex[:8]}{UNFINISHED}")
    try:
        entry.rename(unfinished)
    except OSError:  # another process was first, or the cache cannot be written
        return False
    shutil.rmtree(unfinished, ignore_errors=True)
    return True


def _is_own_folder(path):
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
