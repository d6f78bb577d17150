"""Do the runs of an experiment one after the other, and find out why a run failed."""

import sys
import time

from tqdm import tqdm

from isgd_mpi.data.files import write_text
from isgd_mpi.experiment.status import INCOMPLETE, set_aside
from isgd_mpi.report.runs import read_summary
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import BAD_INPUT, DONE
from isgd_mpi.settings.options import to_toml

LAUNCHES = "launch"
"""Name of the folder, in an experiment's folder, for the options and the output of each run."""


def one_by_one(plan, runs, launcher):
    """Do runs one after the other.

    Parameters
    ----------
    plan : plan.Plan
    runs : list of plan.Run
    launcher : object
        Has a method ``run(config_file, folder, ranks)``; see :meth:`launcher.Mpirun.run`.

    Yields
    ------
    run : plan.Run
        After its end.
    problem : str or None
        Why it failed.

    Raises
    ------
    InputError
        The program refuses the options of a run.
    """
    for run in runs:
        begin = time.monotonic()
        problem = _perform(plan, run, launcher)
        say(f"{run.name}: {problem or f'{time.monotonic() - begin:.1f} s'}")
        yield run, problem


def _perform(plan, run, launcher):
    """Do one run, after moving aside the files of an incomplete one; return why it failed, or None."""
    if plan.state_of(run) == INCOMPLETE:
        start_anew(plan, run)
    config_file = write_options(plan, run)
    try:
        code = launcher.run(config_file, plan.folder_of(run), run.ranks)
    except TimeoutError as error:
        return f"{error}; see --timeout"
    problem = None if code == DONE else problem_of(plan.folder_of(run), config_file.with_suffix(".log"), code)
    if code == BAD_INPUT:
        raise InputError(f"{run.name}: {problem}")
    return problem


def start_anew(plan, run):
    """Move the files of an incomplete run aside, and print where they are."""
    say(f"{run.name}: incomplete, now in {set_aside(plan.folder_of(run))}; it is started anew")


def write_options(plan, run):
    """Write the options of a run into a TOML file in the experiment's folder; return its path."""
    path = plan.folder / LAUNCHES / f"{run.name}.toml"
    write_text(path, to_toml(run.config))
    return path


def problem_of(folder, log, code):
    """Return why a run failed: in the words of its summary or of its log, otherwise by its exit code."""
    summary = read_summary(folder)
    if summary and summary["stopped"]:
        return summary["stopped"]
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    ours = [line.partition("isgd_mpi: ")[2] for line in lines if line.startswith("isgd_mpi: ")]
    return ours[0] if ours else f"exit code {code}; see {log}"


def say(line):
    """Print a line on stderr, beside the progress bar."""
    tqdm.write(line, file=sys.stderr)
