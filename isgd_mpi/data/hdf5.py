"""Read arrays of HDF5 files, in a process of its own with little memory: the HDF5 library trusts what it reads.

A file that was made to harm ends that process, at worst, and not the job. It also keeps the library out of MPI's
processes. What it reads goes into a file without a name, of which rows are then read.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile

from isgd_mpi.data.examples import FormatError
from isgd_mpi.data.rows import rows_of_file
from isgd_mpi.settings.errors import InputError

ENDINGS = (".h5", ".hdf5")
"""Endings of the names of HDF5 files."""

_ALONE = {"MPI4PY_RC_INITIALIZE": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def names_in(path):
    """Return the names in an HDF5 file, list of str: of arrays, and of whatever else it holds.

    Raises
    ------
    InputError
        The library h5py is missing, or the file cannot be opened.
    FormatError
        The file is damaged.
    """
    return _ask(path, [])


def read_hdf5(path, names):
    """Return arrays of an HDF5 file, row by row.

    Parameters
    ----------
    path : Path
    names : sequence of str
        At least one.

    Returns
    -------
    dict of str to rows.Rows

    Raises
    ------
    FormatError
        An array lies elsewhere, in what a link names or in another file, or is no array of numbers or text, or the
        file is damaged. See also :func:`names_in`.
    """
    with tempfile.TemporaryFile() as scratch:
        found = _ask(path, names, scratch)
        return {
            name: rows_of_file(scratch, f"{path} ({name})", shape, dtype, offset)
            for name, (shape, dtype, offset) in found.items()
        }


def _ask(path, names, scratch=None):
    """Let a process of its own read the file; return its answer."""
    command = [sys.executable, "-m", "isgd_mpi.data.hdf5_process", os.path.abspath(path), *names]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | _ALONE | ({"ISGD_MPI_SCRATCH": str(scratch.fileno())} if scratch else {}),
            pass_fds=[scratch.fileno()] if scratch else [],
        )
    except OSError as error:
        raise InputError(f"{path}: no process can be started to read it ({error.strerror})") from None
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise FormatError(path, f"cannot be read, truncated or damaged? (the HDF5 library ended by {name})")
    answer = json.loads(done.stdout or "{}")
    if "missing" in answer:
        raise InputError(f'{path}: HDF5 files need h5py ({answer["missing"]}): pip install "isgd_mpi[tables]"')
    if "refused" in answer:
        raise InputError(f"{path}: {answer['refused']}")
    if "found" not in answer:
        raise FormatError(path, answer.get("problem", "cannot be read: the process that reads it has failed"))
    return answer["found"]
