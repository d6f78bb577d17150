"""Do an experiment's runs one after the other; what is there already is kept."""

import fcntl
import os
import sys
import time
from contextlib import contextmanager

from tqdm import tqdm

from isgd_mpi.errors import InputError
from isgd_mpi.experiments.plan import read_record
from isgd_mpi.experiments.state import ABSENT, DIVERGED, INCOMPLETE, read_summary, set_aside, state_of
from isgd_mpi.options import to_toml
from isgd_mpi.runlog import write_atomically, write_json

LAUNCHES = "launch"
"""Folder in an experiment's folder for each run's options and what it printed."""

_BAD_INPUT = 2


def conduct(plan, launcher, command):
    """Do the runs of a plan that are not there yet, and write experiment.json.

    Parameters
    ----------
    plan : plan.Plan
    launcher : object
        With ``run(config_file, folder, ranks)``, as of :class:`launcher.Mpirun`.
    command : str
        The command line, for the record.

    Returns
    -------
    dict of str to str
        Names of runs that diverged or failed, and why.

    Raises
    ------
    InputError
        The folder belongs to something else, or the program refuses a run's options.
    """
    problems = {}
    with _sole_user(plan.folder):
        states = survey(plan)
        due = [run for run in plan.runs if states[run.name] in (ABSENT, INCOMPLETE)]
        try:
            for run in _progress(due, n_there=len(states) - len(due)):
                if problem := perform(plan, run, launcher):
                    problems[run.name] = problem
        finally:
            problems |= divergences(plan)
            write_json(plan.folder / "experiment.json", plan.record(command, problems))
    return problems


def survey(plan):
    """Return the state of each run by its name, before anything is done.

    Raises
    ------
    InputError
        The folder holds another experiment, or a run of other settings.
    """
    record = read_record(plan.folder)
    if record and record.get("name") != plan.name:
        raise InputError(f"{plan.folder} holds the experiment {record.get('name')}: name another folder with --out")
    return {run.name: state_of(plan.folder_of(run), run) for run in plan.runs}


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
    folder, config_file = plan.folder_of(run), plan.folder / LAUNCHES / f"{run.name}.toml"
    if state_of(folder, run) == INCOMPLETE:
        _say(f"{run.name}: incomplete, now in {set_aside(folder)}; it is started anew")
    write_atomically(config_file, lambda file: file.write(to_toml(run.config).encode()))
    begin = time.monotonic()
    try:
        code = launcher.run(config_file, folder, run.ranks)
    except TimeoutError as error:
        code, problem = None, f"{error}; see --timeout"
    else:
        log = config_file.with_suffix(".log")
        problem = None if code == 0 else _problem_of(folder, log, code)
    if code == _BAD_INPUT:
        raise InputError(f"{run.name}: {problem}")
    _say(f"{run.name}: {problem or f'{time.monotonic() - begin:.1f} s'}")
    return problem


def _problem_of(folder, log, code):
    """Say why a run failed: in its own words, or by its exit code and the last line that it printed."""
    summary = read_summary(folder)
    if summary and summary["stopped"]:
        return summary["stopped"]
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    ours = [line.partition("isgd_mpi: ")[2] for line in lines if line.startswith("isgd_mpi: ")]
    return ours[0] if ours else f"exit code {code}; see {log}"


def divergences(plan):
    """Return why each run that diverged was stopped, by its name."""
    diverged = [run for run in plan.runs if state_of(plan.folder_of(run), run) == DIVERGED]
    return {run.name: read_summary(plan.folder_of(run))["stopped"] for run in diverged}


@contextmanager
def _sole_user(folder):
    """Make the folder, and keep others from working in it at the same time."""
    try:
        (folder / LAUNCHES).mkdir(parents=True, exist_ok=True)
        lock = open(folder / LAUNCHES / "lock", "w")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise InputError(f"--out {folder} cannot be written ({error.strerror}): name another") from None
    os.set_inheritable(lock.fileno(), True)
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"{folder}: another experiment command is at work there; wait for it") from None
        yield


def _progress(runs, n_there):
    """Return an iterator over the runs that shows how far it is, where there is a terminal."""
    if n_there:
        _say(f"{n_there} runs are there already")
    return tqdm(runs, unit="run", file=sys.stderr, disable=None, leave=False)


def _say(line):
    tqdm.write(line, file=sys.stderr)
