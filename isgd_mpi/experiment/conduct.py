"""Do the runs of an experiment that are due, keep those that are complete, and write experiment.json."""

import fcntl
import os
import sys
from contextlib import contextmanager

from tqdm import tqdm

from isgd_mpi.data.files import read_intact_json, write_json
from isgd_mpi.data.safe_files import open_own
from isgd_mpi.experiment.perform import LAUNCHES, one_by_one, say
from isgd_mpi.experiment.status import ABSENT, DIVERGED, INCOMPLETE
from isgd_mpi.report.runs import read_summary
from isgd_mpi.settings.errors import InputError


def conduct(plan, launcher, command, perform_all=one_by_one):
    """Do the runs of a plan that are absent or incomplete, and write experiment.json.

    Parameters
    ----------
    plan : plan.Plan
    launcher : object
        Starts the runs for `perform_all`.
    command : str
        The command line, for experiment.json.
    perform_all : callable
        Takes the plan, the runs that are due and the launcher. Yields each run as it ends, with its problem or None:
        :func:`perform.one_by_one` or :func:`queue.in_queue`.

    Returns
    -------
    dict of str to str
        Names of the runs that diverged or failed, and the reasons.

    Raises
    ------
    InputError
        The folder holds something else, or the program refuses the options of a run.
    """
    problems = {}
    with sole_user(plan.folder):
        due = runs_due(plan)
        try:
            outcomes = perform_all(plan, due, launcher)
            for run, problem in _progress(outcomes, len(due), n_there=len(plan.runs) - len(due)):
                if problem:
                    problems[run.name] = problem
        finally:
            problems |= divergences(plan)
            write_json(plan.folder / "experiment.json", plan.record(command, problems))
    return problems


def runs_due(plan):
    """Return the runs of a plan that are absent or incomplete.

    Raises
    ------
    InputError
        The folder holds another experiment, or a run of other options.
    """
    record = read_intact_json(plan.folder / "experiment.json")
    if record and record.get("name") != plan.name:
        raise InputError(f"{plan.folder} holds the experiment {record.get('name')}: name another folder with --out")
    return [run for run in plan.runs if plan.state_of(run) in (ABSENT, INCOMPLETE)]


def divergences(plan):
    """Return the reason why each diverged run was stopped, by the run's name."""
    diverged = [run for run in plan.runs if plan.state_of(run) == DIVERGED]
    return {run.name: read_summary(plan.folder_of(run))["stopped"] for run in diverged}


@contextmanager
def sole_user(folder):
    """Make a folder and lock it, so that no other experiment command works in it at the same time."""
    try:
        (folder / LAUNCHES).mkdir(parents=True, exist_ok=True)
        lock = open_own(folder / LAUNCHES / "lock", os.O_RDWR | os.O_CREAT)
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
    """Return an iterator over the outcomes that shows a progress bar, if there is a terminal."""
    if n_there:
        say(f"{n_there} runs are there already")
    return tqdm(outcomes, total=n_due, unit="run", file=sys.stderr, disable=None, leave=False)
