"""Keep compiled kernels in a folder that only this user can write, so that they are compiled once and not in each run.

Numba's own choice is a folder beside the source. Others may be able to write that, and what lies there is unpickled,
which runs whatever it says; and it outlives the source. Where no folder can be written, kernels are compiled anew.
"""

import os
import tempfile
from pathlib import Path

import numba
from numba.core.caching import FunctionCache

from isgd_mpi.kernels.own_folders import make_folder, user_cache, why_distrust, why_distrust_place

_NAME = "isgd_mpi/numba"
_PROBE = bytes(2**16)  # is written to find a full disk

problems = []
"""A sentence for each place that could not be used, for the user."""


def find_folder(environment):
    """Return the first folder in which compiled code may be kept, or None if there is none.

    Parameters
    ----------
    environment : mapping of str to str
        ``NUMBA_CACHE_DIR`` names the first choice; ``isgd_mpi/numba`` in the user's cache is it otherwise. A folder in
        ``TMPDIR`` is the second.

    Returns
    -------
    pathlib.Path or None
    """
    named, cache = environment.get("NUMBA_CACHE_DIR"), user_cache()
    temporary = Path(environment.get("TMPDIR") or "/tmp", f"isgd_mpi-{os.geteuid()}", "numba")
    reasons = [] if named or cache else ["there is no home folder"]
    for folder in filter(None, (Path(named) if named else cache and cache / _NAME, temporary)):
        if not (reason := _why_not_in(folder)):
            if reasons:
                problems.append(f"{'; '.join(reasons)}: compiled kernels are kept in {folder}")
            return folder
        reasons.append(f"{folder}: {reason}")
    problems.append(f"{'; '.join(reasons)}: kernels are compiled anew in each process, name a NUMBA_CACHE_DIR")
    return None


def _why_not_in(folder):
    """Return why compiled code may not be kept in a folder, which is made if it is missing; None if it may."""
    try:
        if reason := why_distrust_place(next(place for place in (folder, *folder.parents) if place.exists())):
            return reason
        make_folder(folder, 0o700)
        if reason := why_distrust(folder.lstat()):
            return reason
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(_PROBE)
    except OSError as error:
        return error.strerror or str(error)
    return None


class CodeCache(FunctionCache):
    """Numba's cache of a compiled function: what is damaged is removed, and a disk that is full is no error."""

    def load_overload(self, sig, target_context):
        """See Numba."""
        try:
            return super().load_overload(sig, target_context)
        except OSError as error:
            _note(f"{self.cache_path}: {error.strerror}: a kernel is compiled anew")
        except Exception:  # anything may come of a damaged pickle
            _note(f"{self.cache_path}: a damaged kernel was removed, and is compiled anew")
            for path in Path(self.cache_path).iterdir():
                if path.name.startswith(f"{self._impl.filename_base}."):
                    path.unlink(missing_ok=True)
        return None

    def save_overload(self, sig, data):
        """See Numba."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _note(f"{self.cache_path}: {error.strerror}: kernels are compiled anew in each process")


def _note(problem):
    if problem not in problems:
        problems.append(problem)


def keep(kernel, function, folder):
    """Let a compiled kernel be kept in a folder.

    Parameters
    ----------
    kernel : numba dispatcher or callable
        Plain functions, which it is without compilation, are left alone.
    function : callable
        Its source.
    folder : pathlib.Path or None

    Returns
    -------
    numba dispatcher or callable
        `kernel`.
    """
    if folder is not None and hasattr(kernel, "_cache"):
        before = numba.config.CACHE_DIR  # is for the user's own functions
        numba.config.CACHE_DIR = str(folder)
        try:
            kernel._cache = CodeCache(function)
        except (OSError, RuntimeError):  # what numba raises without a folder
            _note(f"{folder} cannot be written: kernels are compiled anew in each process")
        finally:
            numba.config.CACHE_DIR = before
    return kernel
