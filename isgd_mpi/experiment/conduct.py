"""Do an experiment's runs one after the other; what is there already is kept."""

import fcntl
import os
import sys
from contextlib import contextmanager

from tqdm import tqdm

from isgd_mpi.data.files import write_json
from isgd_mpi.experiment.perform import LAUNCHES, one_by_one, say
from isgd_mpi.experiment.plan import read_record
from isgd_mpi.experiment.status import ABSENT, DIVERGED, INCOMPLETE, read_summary, state_of
from isgd_mpi.settings.errors import InputError


def conduct(plan, launcher, command, perform_all=one_by_one):
    """Do the runs of a plan that are not there yet, and write experiment.json.

    Parameters
    ----------
    plan : plan.Plan
    launcher : object
        What `perform_all` starts them with.
    command : str
        The command line, for the record.
    perform_all : callable
        Takes the plan, those of its runs that are due and the launcher, and yields each run as it ends, with what went
        wrong or None: :func:`perform.one_by_one` or :func:`queue.in_queue`.

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
            outcomes = perform_all(plan, due, launcher)
            for run, problem in _progress(outcomes, len(due), n_there=len(states) - len(due)):
                if problem:
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


def _progress(outcomes, n_due, n_there):
    """Return an iterator that shows how far it is, where there is a terminal."""
    if n_there:
        say(f"{n_there} runs are there already")
    return tqdm(outcomes, total=n_due, unit="run", file=sys.stderr, disable=None, leave=False)
