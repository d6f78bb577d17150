"""Judge what the folder of a run holds: nothing, a part, a result, or the result of other options."""

import signal
from dataclasses import fields, replace

from isgd_mpi.report.runs import read_summary
from isgd_mpi.settings.config import option
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.options import parse

ABSENT, INCOMPLETE, COMPLETE, DIVERGED = "absent", "incomplete", "complete", "diverged"
"""States of a run. `DIVERGED` is a result too: repeating the run would not help."""

ASIDE = "set-aside"
"""Name of the folder, in an experiment's folder, for the files of incomplete runs."""


def state_of(folder, run):
    """Return the state of a planned run by what is in its folder.

    `INCOMPLETE` is a run that was stopped by a signal, or never came to an end.

    Raises
    ------
    InputError
        The folder holds the result of other options.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return ABSENT
    summary = read_summary(folder)
    if summary is None or summary["stopped"] in signal.Signals.__members__:
        return INCOMPLETE
    if difference := difference_from(folder, summary, run):
        raise InputError(f"{folder} holds another run ({difference}): name another folder with --out, or move it away")
    return DIVERGED if summary["stopped"] else COMPLETE


def difference_from(folder, summary, run):
    """Return the first difference between a finished run and a planned one in words, or None.

    The folder of the data, the amount of printing and the threads, which a job script chooses, do not count.
    """
    if summary.get("ranks") != run.ranks:
        return f"{summary.get('ranks')} ranks there, {run.ranks} here"
    try:
        there = _comparable(parse([f"--config={folder / 'config.toml'}"]))
    except InputError as error:
        return str(error)
    here = _comparable(run.config)
    for name in (item.name for item in fields(here)):
        if getattr(there, name) != getattr(here, name):
            return f"{option(name)} is {getattr(there, name)} there, {getattr(here, name)} here"
    return None


def _comparable(config):
    return replace(config.with_limit(), run_dir=None, data_dir=None, threads=None, quiet=False)


def set_aside(folder):
    """Move the folder of a run into the folder `ASIDE` beside it, under a new name; return the new path."""
    parent = folder.parent / ASIDE
    parent.mkdir(exist_ok=True)
    n = 0
    while (place := parent / f"{folder.name}-{n}").exists():
        n += 1
    return folder.rename(place)
