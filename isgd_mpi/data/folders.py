"""Find the folders of original and of converted data, and the original files of a data set."""

import os
from pathlib import Path

from isgd_mpi.kernels.own_folders import user_cache
from isgd_mpi.settings.errors import InputError

DATA_VARIABLE = "ISGD_MPI_DATA"
CACHE_VARIABLE = "ISGD_MPI_CACHE"

SUBFOLDERS = {
    "mnist": ("mnist",),
    "cifar10": ("cifar10", "cifar10/cifar-10-batches-bin", "cifar10/cifar-10-batches-py")
    + ("cifar-10-batches-bin", "cifar-10-batches-py"),
    "svhn": ("svhn",),
    "svhn-small": ("svhn", "svhn-small"),
}
"""Folders below the data folder that are searched for a data set's files, before the data folder itself."""


def data_folder(data_dir=None):
    """Return the folder of original data files: `data_dir`, ``$ISGD_MPI_DATA`` or ``isgd_mpi`` in the user's cache.

    The folder need not exist. The user's cache is ``$XDG_CACHE_HOME`` or ``~/.cache``.

    Raises
    ------
    InputError
        No folder is named, and there is no home.
    """
    return _named(data_dir, DATA_VARIABLE) or _default(DATA_VARIABLE)


def cache_folder(cache_dir=None):
    """Return the folder of converted data: `cache_dir`, ``$ISGD_MPI_CACHE`` or ``isgd_mpi/converted`` in the cache.

    The folder need not exist. See :func:`data_folder`.
    """
    return _named(cache_dir, CACHE_VARIABLE) or _default(CACHE_VARIABLE) / "converted"


def _named(folder, variable):
    """Return the folder that the caller or the environment names, or None."""
    named = folder or os.environ.get(variable)
    try:
        return Path(named).expanduser() if named else None
    except RuntimeError:
        raise InputError(f"{named}: there is no home folder of this name; name another in {variable}") from None


def _default(variable):
    if (cache := user_cache()) is None:
        raise InputError(f"there is no home folder (HOME is not set, no entry in passwd): name a folder in {variable}")
    return cache / "isgd_mpi"


def fetch_command(name, data_dir=None):
    """Return the command line that downloads a data set into its folder."""
    option = f" --data-dir {data_dir}" if data_dir else ""
    return f"python -m isgd_mpi.fetch {name}{option}"


def find_files(name, file_names, data_dir=None, suffixes=("",)):
    """Find the original files of a data set.

    Parameters
    ----------
    name : str
        A key of `SUBFOLDERS`.
    file_names : sequence of str
        Each is searched for in every folder.
    data_dir : str or Path, optional
        See :func:`data_folder`.
    suffixes : sequence of str
        Endings that a file name may have in addition, best first.

    Returns
    -------
    list of Path
        One per file name.

    Raises
    ------
    InputError
        A file is missing.
    """
    folder = data_folder(data_dir)
    folders = [folder / subfolder for subfolder in SUBFOLDERS[name]] + [folder]
    found = [_find(file_name, folders, suffixes) for file_name in file_names]
    if None in found:
        looked_in = ", ".join(str(folder) for folder in folders)
        raise InputError(
            f"{name}: {file_names[found.index(None)]} is missing (looked in {looked_in}); "
            f"get it with: {fetch_command(name, data_dir)}"
        )
    return found


def _find(file_name, folders, suffixes):
    candidates = (folder / (file_name + suffix) for folder in folders for suffix in suffixes)
    return next((path for path in candidates if path.is_file()), None)
