"""List what the folders of data hold, downloads and converted copies, and remove the copies that nobody uses."""

import os
import stat
import time
from pathlib import Path
from typing import NamedTuple

from isgd_mpi.data.cache_entries import check_place, complete_entries, is_in_use, remove_leftovers, remove_unused
from isgd_mpi.data.folders import CACHE_VARIABLE, SUBFOLDERS, cache_folder, data_folder
from isgd_mpi.settings.errors import InputError

_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_AGES = ((86_400, "days"), (3600, "hours"), (60, "minutes"))


class Held(NamedTuple):
    """A folder of data.

    Attributes
    ----------
    name : str
        Of the data set.
    state : str
        ``downloaded``, ``converted``, or ``converted, in use``.
    n_bytes : int
        Of all regular files in it.
    age_seconds : float
        Since the folder was written.
    path : pathlib.Path
    """

    name: str
    state: str
    n_bytes: int
    age_seconds: float
    path: Path

    @property
    def columns(self):
        """The fields as text, for a table: list of str."""
        return [self.name, self.state, in_words(self.n_bytes), _age_in_words(self.age_seconds), str(self.path)]


def held(data_dir=None, cache_dir=None):
    """Return all folders of data: list of Held, downloads first.

    Parameters
    ----------
    data_dir, cache_dir : str or Path, optional
        See :func:`isgd_mpi.data.folders.data_folder`, :func:`isgd_mpi.data.folders.cache_folder`.

    Raises
    ------
    InputError
        A folder cannot be read.
    """
    cache = cache_folder(cache_dir)
    try:
        return _downloads(data_folder(data_dir)) + [
            _held(name, "converted, in use" if is_in_use(path) else "converted", path)
            for path, name in _entries(cache).items()
        ]
    except OSError as error:
        raise InputError(f"{error.filename or cache} cannot be read ({error.strerror})") from None


def clean(name=None, cache_dir=None):
    """Remove converted copies that no process uses; links are not followed, and downloads stay.

    Parameters
    ----------
    name : str, optional
        Of the data set whose copies are meant; all if not given.
    cache_dir : str or Path, optional
        See :func:`isgd_mpi.data.folders.cache_folder`.

    Returns
    -------
    removed, kept : list of Held

    Raises
    ------
    InputError
        There is no copy of this name, or the cache cannot be read or written, or others could replace what is in it.
    """
    cache = cache_folder(cache_dir)
    removed, kept = [], []
    try:
        if cache.is_dir():
            check_place(cache)
            if not os.access(cache, os.W_OK):
                raise InputError(f"{cache} cannot be written: name another folder in {CACHE_VARIABLE}")
            remove_leftovers(cache)
        found = {path: own for path, own in _entries(cache).items() if name in (None, own)}
        for path, own in found.items():
            copy = _held(own, "converted", path)
            (removed if remove_unused(path) else kept).append(copy)
    except OSError as error:
        raise InputError(f"{error.filename or cache} cannot be read ({error.strerror})") from None
    if name is not None and not found:
        raise InputError(f"nothing converted of {name!r} is in {cache}: python -m isgd_mpi.fetch --list tells what is")
    return removed, kept


def in_words(n_bytes):
    """Return a number of bytes with a unit."""
    return next((f"{n_bytes / unit:.3g} {word}" for unit, word in _UNITS if n_bytes >= unit), f"{n_bytes} bytes")


def _age_in_words(seconds):
    return next((f"{int(seconds // unit)} {word}" for unit, word in _AGES if seconds >= 2 * unit), "just now")


def _entries(cache):
    return complete_entries(cache) if cache.is_dir() else {}


def _downloads(folder):
    """Return the folders of data sets that are downloaded, each once."""
    places = {subfolders[0]: name for name, subfolders in reversed(SUBFOLDERS.items())}
    return [_held(name, "downloaded", folder / place) for place, name in places.items() if (folder / place).is_dir()]


def _held(name, state, folder):
    inside = (os.lstat(Path(place, file)) for place, _, files in os.walk(folder) for file in files)
    n_bytes = sum(status.st_size for status in inside if stat.S_ISREG(status.st_mode))
    return Held(name, state, n_bytes, max(0.0, time.time() - folder.stat().st_mtime), folder)
