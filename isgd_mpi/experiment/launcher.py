"""Start a training job under mpirun, and end it if it takes too long."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from isgd_mpi.data.safe_files import create
from isgd_mpi.settings.config import option
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.given import given_options

_GRACE_SECONDS = 30.0  # from asking a job to end, which saves its model, to killing it

_WHERE_OPEN_MPI_REFUSES = {
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",  # until version 4
    "OMPI_MCA_hwloc_base_binding_policy": "none",
}
_AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


class Mpirun:
    """A launcher of jobs on this machine; see :func:`find_mpirun`.

    Parameters
    ----------
    timeout_seconds : float
        A job that takes longer is ended.

    Raises
    ------
    InputError
        There is no mpirun.
    """

    def __init__(self, timeout_seconds):
        self._timeout_seconds = timeout_seconds
        self._mpirun = find_mpirun()

    def run(self, config_file, folder, ranks):
        """Run a job to its end.

        Parameters
        ----------
        config_file : pathlib.Path
            Options of the job. Its output goes into the file of the same name that ends in ``.log``.
        folder : pathlib.Path
            Folder that the job writes; must not exist.
        ranks : int

        Returns
        -------
        int
            The exit code of the job.

        Raises
        ------
        TimeoutError
            The job took too long and was ended.
        """
        options = ["--config", config_file, "--run-dir", folder, "--quiet"]
        command = [self._mpirun, "-n", ranks, sys.executable, "-m", "isgd_mpi", *options]
        with create(config_file.with_suffix(".log")) as output:
            # close_fds: the job holds the folder's lock with this process, and after it if it is killed
            return run_to_end(command, self._timeout_seconds, stdout=output, stderr=subprocess.STDOUT, close_fds=False)


def run_to_end(command, timeout_seconds, variables=None, **kwargs):
    """Run a command to its end, in a session of its own; return its exit code.

    Parameters
    ----------
    command : sequence
        Its words, which are made texts.
    timeout_seconds : float
    variables : dict of str to str, optional
        Environment variables besides those of :func:`environment`.
    **kwargs
        Arguments of :class:`subprocess.Popen`.

    Raises
    ------
    TimeoutError
        The command took too long and was ended.
    """
    words, variables = list(map(str, command)), environment() | (variables or {})
    # a session of its own: Ctrl-C reaches the command through this process, once
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, env=variables, start_new_session=True, **kwargs)
    try:
        return process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"it took more than {timeout_seconds:g} s") from None
    finally:
        end(process)


def find_mpirun():
    """Return the path of the mpirun in Python's own folder, otherwise of the one on PATH.

    Raises
    ------
    InputError
        There is no mpirun.
    """
    beside = str(Path(sys.executable).parent)
    mpirun = shutil.which("mpirun", path=beside) or shutil.which("mpirun")
    if mpirun is None:
        raise InputError(
            f"there is no mpirun in {beside} or on PATH: pip install mpich, or load your site's MPI module"
        )
    return mpirun


def environment():
    """Return the environment of a job: the user's, with defaults that allow more ranks than cores."""
    defaults = _WHERE_OPEN_MPI_REFUSES | (_AS_ROOT if os.geteuid() == 0 else {})
    return defaults | os.environ


def end(process):
    """Ask a job to end if it still runs, and kill it if it does not end in time.

    Parameters
    ----------
    process : subprocess.Popen
        Started in a session of its own.
    """
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_GRACE_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):  # a second Ctrl-C
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def command_line(run, folder):
    """Return the command line that does a planned run by hand, into a folder."""
    return words_of(replace(run.config, run_dir=str(folder), quiet=False), run.ranks)


def words_of(config, ranks):
    """Return the command line that trains with some settings on some ranks."""
    words = ["mpirun", "-n", ranks, "python", "-m", "isgd_mpi"]
    for name, value in given_options(config).items():
        words += [option(name), *(value if isinstance(value, list) else [value])]
    return shlex.join(map(str, words))
