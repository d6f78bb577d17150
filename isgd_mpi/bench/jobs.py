"""Run a benchmark's function on ranks of this machine, and return its result."""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from isgd_mpi.experiment.launcher import find_mpirun, run_to_end
from isgd_mpi.settings.errors import InputError


@contextmanager
def on_cores(n_cores):
    """Bind the processes that the block starts to some of the cores of this process.

    Raises
    ------
    InputError
        There are fewer cores.
    """
    check_cores([n_cores])
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(own, key=lambda core: (_place_among_siblings(core), core))[:n_cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def check_cores(numbers):
    """Raise InputError if one of some numbers of cores is more than this process has."""
    n_own = len(os.sched_getaffinity(0))
    if max(numbers) > n_own:
        raise InputError(f"{max(numbers)} cores are wanted, and there are {n_own}")


def _place_among_siblings(core):
    """Return 0 for the first hardware thread of a processor's core: those are taken before any second one."""
    try:
        text = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list").read_text()
    except OSError:
        return 0
    first = int(text.replace("-", ",").split(",")[0])
    return int(core != first)


def measure_on_ranks(module, ranks, plan, variables=None, timeout_seconds=600, prints=False):
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
    prints : bool
        Whether what the ranks print on stdout is shown.

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
        run_command(ranks, arguments, variables, timeout_seconds, prints)
        return json.loads(result_path.read_text())


def run_command(ranks, arguments, variables=None, timeout_seconds=600, prints=False):
    """Run Python with some arguments on ranks of this machine; see :func:`measure_on_ranks`."""
    launcher = [] if ranks is None else [find_mpirun(), "-n", ranks]
    name = "the process" if ranks is None else f"the job of {ranks} ranks"
    with tempfile.TemporaryFile() as output:
        command = [*launcher, sys.executable, *arguments]
        try:
            stdout = None if prints else subprocess.DEVNULL
            code = run_to_end(command, timeout_seconds, variables, stdout=stdout, stderr=output)
        except TimeoutError:
            raise InputError(f"{name} took more than {timeout_seconds:g} s") from None
        if code:
            output.seek(0)
            lines = output.read().decode(errors="replace").strip().splitlines() or ["no message"]
            lines = [line for line in lines if "Error: " in line] or lines  # launchers have the last word
            raise InputError(f"{name} ended with exit code {code}: {lines[-1]}")
