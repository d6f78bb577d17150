"""What is left of a run: nothing, a part, a result, or the result of other settings."""

import json
import signal
from dataclasses import fields, replace
from pathlib import Path

from isgd_mpi.settings.config import option
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.options import parse

ABSENT, INCOMPLETE, COMPLETE, DIVERGED = "absent", "incomplete", "complete", "diverged"
"""`DIVERGED` is a result too: repeating the run would not help."""

ASIDE = "set-aside"
"""Folder in an experiment's folder for what incomplete runs left behind."""


def state_of(folder, run):
    """Say what a folder holds of a run.

    Parameters
    ----------
    folder : pathlib.Path
    run : plan.Run

    Returns
    -------
    str
        `ABSENT`, `INCOMPLETE` (stopped by a signal, or it never came to an end), `COMPLETE` or `DIVERGED`.

    Raises
    ------
    InputError
        It holds the result of other settings.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return ABSENT
    summary = read_summary(folder)
    if summary is None or summary["stopped"] in signal.Signals.__members__:
        return INCOMPLETE
    if difference := difference_from(folder, summary, run):
        raise InputError(f"{folder} holds another run ({difference}): name another folder with --out, or move it away")
    return DIVERGED if summary["stopped"] else COMPLETE


def read_summary(folder):
    """Return the summary of a run that came to an end, or None."""
    try:
        summary = json.loads((folder / "summary.json").read_text())
    except (OSError, ValueError):
        return None
    is_whole = isinstance(summary, dict) and isinstance(summary.get("stopped", 0), str | None)
    return summary if is_whole else None


def difference_from(folder, summary, run):
    """Say in what a finished run differs from a planned one, or return None.

    Where the data lie, what is printed, and the threads, which a job script chooses, make no difference.
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
    """Move a folder out of the way, beside what was moved before.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    pathlib.Path
        Where it is now.
    """
    parent = Path(folder).parent / ASIDE
    parent.mkdir(exist_ok=True)
    n = 0
    while (place := parent / f"{folder.name}-{n}").exists():
        n += 1
    return folder.rename(place)
