"""Call the commands of SLURM that an experiment needs: sbatch and squeue."""

import math
import os
import shlex
import subprocess
import sys
from pathlib import Path

from isgd_mpi.settings.errors import InputError

_RUNS = "array.sbatch"
_COMMAND_SECONDS = 120.0  # a busy controller is slow to answer


class Slurm:
    """A queue of SLURM: submits array jobs, and tells which of their tasks have not ended.

    Parameters
    ----------
    options : list of str
        Options of sbatch, such as ``--account=ABC``.
    timeout_seconds : float
        Time limit of a task, after which it is requeued and goes on.
    script : str
        The job script, in the folder jobs.

    Raises
    ------
    InputError
        The job script is missing.
    """

    def __init__(self, options, timeout_seconds, script=_RUNS):
        self._options = [f"--time={math.ceil(timeout_seconds / 60)}", *options]
        self._script = find_script(script)

    def submit(self, configurations, folder, n_tasks, ranks):
        """Submit an array job.

        Parameters
        ----------
        configurations : pathlib.Path
            File for the job script with a task in each line. The output of the tasks goes beside it.
        folder : pathlib.Path
            Folder of the runs.
        n_tasks, ranks : int
            Number of tasks, and of the ranks of each.

        Returns
        -------
        str
            The id of the job.

        Raises
        ------
        InputError
            SLURM refuses the job.
        """
        size = [f"--array=0-{n_tasks - 1}", f"--ntasks={ranks}"]
        output = f"--output={configurations.parent / '%A_%a.log'}"
        command = ["sbatch", "--parsable", output, *self._options, *size, self._script, configurations, folder]
        done = _run(command)
        if done.returncode:
            raise InputError(f"sbatch: {_last_line(done.stderr)}; see --sbatch-options")
        return done.stdout.strip().partition(";")[0]

    def unfinished(self, job):
        """Return the set of the tasks of an array job that wait or run, or None if SLURM does not answer."""
        done = _run(["squeue", "--noheader", "--array", f"--jobs={job}", "--format=%K"])
        if done.returncode:  # SLURM forgets jobs minutes after their end
            return set() if "Invalid job id" in done.stderr else None
        return {int(index) for index in done.stdout.split() if index.isdigit()}


def options_of(text):
    """Return the options of sbatch in a text, or none if that is None."""
    try:
        return shlex.split(text or "")
    except ValueError as error:
        raise InputError(f"--sbatch-options {text}: {error}") from None


def find_script(name=_RUNS):
    """Return the path of a job script, in the checkout or in the folder where pip installed it."""
    places = [Path(__file__).parents[2], Path(sys.prefix) / "share" / "isgd_mpi"]
    scripts = [place / "jobs" / name for place in places if (place / "jobs" / name).is_file()]
    if not scripts:
        raise InputError(
            f"--launcher slurm: there is no jobs/{name} in {places[0]} or {places[1]}: install isgd_mpi anew"
        )
    return scripts[0]


def _run(command):
    """Run a command of SLURM, with a PATH on which jobs find this Python first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    words, variables = list(map(str, command)), os.environ | {"PATH": path}
    try:
        return subprocess.run(
            words, capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False, env=variables
        )
    except OSError as error:
        raise InputError(f"--launcher slurm: {words[0]} cannot be run ({error.strerror}): is this a cluster?") from None
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 1, "", f"{words[0]} does not answer")


def _last_line(text):
    return (text.strip().splitlines() or ["it failed"])[-1]
