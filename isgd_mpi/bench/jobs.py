"""Run a benchmark's function on ranks of this machine, and return its result."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from isgd_mpi.experiment.launcher import find_mpirun, run_to_end
from isgd_mpi.settings.errors import InputError


def measure_on_ranks(module, ranks, plan, variables=None, timeout_seconds=600):
    """Call a module's ``measure(comm, plan)`` on ranks of this machine.

    Parameters
    ----------
    module : str
    ranks : int or None
        None: one process, without mpirun.
    plan : dict
        Sent as JSON.
    variables : dict of str, optional
        Environment variables of the job, besides ours.
    timeout_seconds : float
        The job is ended after this time.

    Returns
    -------
    dict
        Result of rank 0, sent as JSON.

    Raises
    ------
    InputError
        The job failed, or took too long: one line.
    """
    with tempfile.TemporaryDirectory(prefix="isgd_mpi-bench-") as folder:
        plan_path, result_path = Path(folder, "plan.json"), Path(folder, "result.json")
        plan_path.write_text(json.dumps(plan))
        arguments = ["-m", "isgd_mpi.bench.ranks", module, plan_path, result_path]
        run_command(ranks, arguments, variables, timeout_seconds)
        return json.loads(result_path.read_text())


def run_command(ranks, arguments, variables=None, timeout_seconds=600):
    """Run Python with some arguments on ranks of this machine; see :func:`measure_on_ranks`."""
    launcher = [] if ranks is None else [find_mpirun(), "-n", ranks]
    name = "the process" if ranks is None else f"the job of {ranks} ranks"
    with tempfile.TemporaryFile() as output:
        command = [*launcher, sys.executable, *arguments]
        try:
            code = run_to_end(command, timeout_seconds, variables, stdout=subprocess.DEVNULL, stderr=output)
        except TimeoutError:
            raise InputError(f"{name} took more than {timeout_seconds:g} s") from None
        if code:
            output.seek(0)
            lines = output.read().decode(errors="replace").strip().splitlines() or ["no message"]
            lines = [line for line in lines if "Error: " in line] or lines  # launchers have the last word
            raise InputError(f"{name} ended with exit code {code}: {lines[-1]}")
