"""Do one run of an experiment, or one after the other, and say what went wrong."""

import sys
import time

from tqdm import tqdm

from isgd_mpi.data.files import write_atomically
from isgd_mpi.experiment.status import INCOMPLETE, read_summary, set_aside, state_of
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import BAD_INPUT, DONE
from isgd_mpi.settings.options import to_toml

LAUNCHES = "launch"
"""Folder in an experiment's folder for each run's options and what it printed."""


def one_by_one(plan, runs, launcher):
    """Do runs one after the other.

    Parameters
    ----------
    plan : plan.Plan
    runs : list of plan.Run
    launcher : object
        With ``run(config_file, folder, ranks)``, as of :class:`launcher.Mpirun`.

    Yields
    ------
    run : plan.Run
    problem : str or None
    """
    for run in runs:
        yield run, perform(plan, run, launcher)


def perform(plan, run, launcher):
    """Do one run. What an incomplete one left behind is moved aside.

    Returns
    -------
    str or None
        What went wrong.

    Raises
    ------
    InputError
        The program refuses its options.
    """
    folder = plan.folder_of(run)
    if state_of(folder, run) == INCOMPLETE:
        start_anew(run, folder)
    config_file = write_options(plan, run)
    begin = time.monotonic()
    try:
        code = launcher.run(config_file, folder, run.ranks)
    except TimeoutError as error:
        code, problem = None, f"{error}; see --timeout"
    else:
        log = config_file.with_suffix(".log")
        problem = None if code == DONE else problem_of(folder, log, code)
    if code == BAD_INPUT:
        raise InputError(f"{run.name}: {problem}")
    say(f"{run.name}: {problem or f'{time.monotonic() - begin:.1f} s'}")
    return problem


def start_anew(run, folder):
    """Move what an incomplete run left behind out of its way."""
    say(f"{run.name}: incomplete, now in {set_aside(folder)}; it is started anew")


def write_options(plan, run):
    """Write a run's options into a file of the experiment's folder; return its path."""
    path = plan.folder / LAUNCHES / f"{run.name}.toml"
    write_atomically(path, lambda file: file.write(to_toml(run.config).encode()))
    return path


def problem_of(folder, log, code):
    """Say why a run failed: in its own words, or by its exit code and the last line that it printed."""
    summary = read_summary(folder)
    if summary and summary["stopped"]:
        return summary["stopped"]
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    ours = [line.partition("isgd_mpi: ")[2] for line in lines if line.startswith("isgd_mpi: ")]
    return ours[0] if ours else f"exit code {code}; see {log}"


def say(line):
    """Print a line beside the progress bar."""
    tqdm.write(line, file=sys.stderr)
