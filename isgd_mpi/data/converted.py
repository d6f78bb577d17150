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

from isgd_mpi.data.cache_entries import META, UNFINISHED, check_place, map_entry, remove_leftovers, remove_replaced
from isgd_mpi.data.checksums import checksum_of_files, sampled_checksum
from isgd_mpi.data.coding import coding_of
from isgd_mpi.data.folders import CACHE_VARIABLE
from isgd_mpi.data.safe_files import create, open_own
from isgd_mpi.data.standardization import Moments
from isgd_mpi.kernels.own_folders import make_folder, why_distrust
from isgd_mpi.settings.errors import InputError

_logger = logging.getLogger(__name__)

_VERSION = 8  # to be raised when conversion, splits or synthetic examples change
_CHUNK_BYTES = 2**24


def open_converted(recipe, cache_folder, verify=True):
    """Map a data set's arrays, after converting it if no one has yet.

    Parameters
    ----------
    recipe : sources.Recipe
        Read if the set must be converted.
    cache_folder : Path
        Folder of converted data; made if missing.
    verify : bool
        Whether to read all files for their checksum.

    Returns
    -------
    target : target.Target
    arrays : dict of str to ndarray
        x_NAME (n, n_features) and y_NAME (n, ...) of each split, in the order train, valid, test; w_NAME
        (n,) float64 of those with weights; the fields of `standardization.Statistics` and
        `coding.Coding`. All are read-only maps of files.
    checksum : str
        Of all of these files as they were written.
    encoding : encoding.Encoding or None
        Of a table.

    Raises
    ------
    InputError
        The source is damaged, the cache cannot be written, is damaged or may be another user's work.
    """
    with contextlib.ExitStack() as until_mapped:
        try:
            make_folder(cache_folder)
            check_place(cache_folder)
            entry = cache_folder / entry_name(recipe)
            if not _exists(entry):
                until_mapped.enter_context(_converted(recipe, entry))
        except OSError as error:
            raise InputError(
                f"cannot write converted data to {cache_folder} ({error.strerror or error}); "
                f"name another folder in {CACHE_VARIABLE}"
            ) from None
        return map_entry(entry, verify)


def _exists(entry):
    """Return whether there is an entry, or anything else in its place."""
    try:
        entry.lstat()
    except FileNotFoundError:
        return False
    return True


def entry_name(recipe):
    """Return the name of a data set's folder, which changes with the state of the set's files.

    Parameters
    ----------
    recipe : sources.Recipe
        Up to 4 MiB of each of its files are read.

    Raises
    ------
    InputError
        A file is missing, or cannot be read.
    """
    states = [_state(path) for path in recipe.files]
    return f"{_origin(recipe)}-{_digest((_VERSION, states))[:16]}"


def _origin(recipe):
    """Return the part of an entry's name that stays when its files change."""
    paths = [str(path.resolve()) for path in recipe.files]
    safe_name = re.sub(r"[^\w.-]", "_", recipe.name)[:64]
    return f"{safe_name}-{_digest((recipe.name, recipe.options, paths))[:8]}"


def _digest(identity):
    return hashlib.sha256(repr(identity).encode()).hexdigest()


def _state(path):
    try:
        status = path.stat()
        # both ends are read: an npz file keeps the checksums of its arrays at its end
        content = sampled_checksum(np.memmap(path, mode="r")) if status.st_size else None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    return status.st_size, status.st_mtime_ns, content


@contextlib.contextmanager
def _converted(recipe, entry):
    """Convert a data set into an entry, unless another process does; it counts as in use to the end of the block."""
    remove_leftovers(entry.parent)
    with contextlib.ExitStack() as locks:
        with _locked(entry.with_name(entry.name + ".lock")):
            if not _exists(entry):
                _convert(recipe, entry, locks)
        yield


def _convert(recipe, entry, locks):
    unfinished = entry.with_name(f"{entry.name}.{uuid.uuid4().hex[:8]}{UNFINISHED}")
    try:
        unfinished.mkdir(mode=0o755)
        meta_file = locks.enter_context(create(unfinished / META))
        with contextlib.suppress(OSError):  # no locks here
            fcntl.flock(meta_file, fcntl.LOCK_EX)
        source = recipe.read()
        _logger.info("converting %s into %s, once", recipe.name, entry)
        meta_file.write(json.dumps(_write(source, unfinished), indent=1).encode())
        meta_file.flush()
        _rename(unfinished, entry)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    remove_replaced(entry, f"{re.escape(_origin(recipe))}-[0-9a-f]{{16}}")


@contextlib.contextmanager
def _locked(path):
    """Keep other processes of this user out of the block, where the file system has locks."""
    with open_own(path, os.O_RDWR | os.O_CREAT) as file:
        own = why_distrust(os.fstat(file.fileno())) is None
        with contextlib.suppress(OSError):  # no locks here: then several convert, one wins
            if own:  # another user might never unlock it
                fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if own:
                path.unlink(missing_ok=True)


def _rename(unfinished, entry):
    try:
        os.rename(unfinished, entry)
    except OSError:
        if not entry.is_dir():  # else another process was first
            raise


def _write(source, folder):
    """Write the arrays of a data set into a folder, and return their description."""
    statistics, coding = _measure(source)
    for name in source.splits:
        _write_split(source, name, folder, coding)
    weights = {f"w_{name}": array for name, array in source.weights.items()}
    for name, array in (statistics._asdict() | coding._asdict() | weights).items():
        np.save(folder / f"{name}.npy", array)
    paths = sorted(folder.glob("*.npy"))
    sizes = {path.name: path.stat().st_size for path in paths}
    splits, checksum = list(source.splits), checksum_of_files(paths)
    meta = {"target": source.target._asdict(), "splits": splits, "bytes": sizes, "crc32": checksum}
    meta["weights"] = list(source.weights)
    return meta | {"encoding": source.encoding and source.encoding.to_dict()}


def _measure(source):
    """Return the statistics of the training set, and the form in which to keep features."""
    moments = Moments()
    for images, _ in _pieces(source, "train"):
        moments.add(images)
    statistics = moments.statistics(source.shape)
    return statistics, coding_of(statistics, images.dtype)


def _pieces(source, name):
    """Yield the examples of a split, some at a time."""
    rows = source.splits[name]
    first, _ = source.take(rows[:1])
    chunk_rows = max(1, _CHUNK_BYTES // first.nbytes)
    for start in range(0, len(rows), chunk_rows):
        yield source.take(rows[start : start + chunk_rows])


def _write_split(source, name, folder, coding):
    rows, target = source.splits[name], source.target
    first = coding.encode(source.take(rows[:1])[0])
    # written in sequence, not through a map: a full disk is then an error, not a signal
    with create(folder / f"x_{name}.npy") as x_file, create(folder / f"y_{name}.npy") as y_file:
        _write_header(x_file, first.dtype, (len(rows), first.shape[1]))
        _write_header(y_file, target.dtype, (len(rows), *target.row_shape))
        for images, labels in _pieces(source, name):
            x_file.write(coding.encode(images))
            y_file.write(np.ascontiguousarray(labels))


def _write_header(file, dtype, shape):
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, description)
