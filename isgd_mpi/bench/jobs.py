"""Run a bench's programs under mpirun, and read what they measured."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from isgd_mpi.experiment.launcher import end, environment, find_mpirun
from isgd_mpi.settings.errors import InputError


def run_alone(module, plan, timeout_seconds=600):
    """Run ``python -m MODULE PLAN RESULT`` in one process; parameters and errors as of :func:`run_module`."""
    return run_module(module, None, plan, timeout_seconds=timeout_seconds)


def run_module(module, ranks, plan, variables=None, timeout_seconds=600):
    """Run ``python -m MODULE PLAN RESULT`` on ranks of this machine.

    Parameters
    ----------
    module : str
    ranks : int or None
        None: without mpirun.
    plan : dict
        Given to the program as a file in JSON.
    variables : dict of str, optional
        Of its environment.
    timeout_seconds : float
        After which it is ended.

    Returns
    -------
    dict
        What it wrote into its second argument.

    Raises
    ------
    InputError
        It failed, or took too long: one line.
    """
    with tempfile.TemporaryDirectory(prefix="isgd_mpi-bench-") as folder:
        plan_path, result_path = Path(folder, "plan.json"), Path(folder, "result.json")
        plan_path.write_text(json.dumps(plan))
        run_command(ranks, ["-m", module, plan_path, result_path], variables, timeout_seconds)
        return json.loads(result_path.read_text())


def run_command(ranks, arguments, variables=None, timeout_seconds=600):
    """Run Python with these arguments on ranks of this machine; parameters and errors as of :func:`run_module`."""
    launcher = [] if ranks is None else [find_mpirun(), "-n", ranks]
    command = [*launcher, sys.executable, *arguments]
    name = "the process" if ranks is None else f"the job of {ranks} ranks"
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
            env=environment() | (variables or {}),
            start_new_session=True,
        )
        try:
            code = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise InputError(f"{name} took more than {timeout_seconds:g} s") from None
        finally:
            end(process)
        if code:
            output.seek(0)
            lines = output.read().decode(errors="replace").strip().splitlines() or ["no message"]
            lines = [line for line in lines if "Error: " in line] or lines  # launchers have the last word
            raise InputError(f"{name} ended with exit code {code}: {lines[-1]}")
