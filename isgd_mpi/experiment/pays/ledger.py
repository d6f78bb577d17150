"""The runs so far, in a file: a job that goes on with it repeats what was decided, and does what is not there yet."""

import faulthandler
import os
import time
from contextlib import suppress

from isgd_mpi.data.files import read_json, write_json
from isgd_mpi.settings.errors import InputError

_MOST_DEATHS = 2  # of a job in the same run
_HANGING_SECONDS = 180.0  # beyond its training time


class Ledger:
    """The runs so far.

    Parameters
    ----------
    path : pathlib.Path
    begun : float
        Unix time at which the present command or job began: the time since then counts as used.

    Attributes
    ----------
    runs : dict of str to dict
        By name, in their order: ``result`` and ``cost_seconds``.
    """

    def __init__(self, path, begun):
        self._path = path
        note_death(path, "the job ended in this run")  # as where SLURM starts it anew: nobody has noted why
        self._content = read_json(path) or {}
        self._known = self._content.get("runs", {})
        self.runs = {}
        self._used = time.time() - begun
        self._last = time.perf_counter()

    @property
    def seconds(self):
        """Seconds that were used so far."""
        return self._used

    def note(self, name, make):
        """Return what is noted under a name; `make()` is noted if nothing is."""
        if name not in self._content:
            self._content[name] = make()
            self._write()
        return self._content[name]

    def run(self, name, train, seconds):
        """Return the result of a run, and its cost in seconds: those that are known, or of `train()`.

        Parameters
        ----------
        name : str
            Says all that the run depends on.
        train : callable
        seconds : float
            Training time.
        """
        run = self._known.get(name) or self._died(name) or self._train(name, train, seconds)
        self.runs[name] = run
        self._used += run["cost_seconds"]
        return run["result"], run["cost_seconds"]

    def _died(self, name):
        deaths = self._content.get("deaths", {}).get(name, [])
        return {"result": {"problem": deaths[-1]}, "cost_seconds": 0.0} if len(deaths) >= _MOST_DEATHS else None

    def _train(self, name, train, seconds):
        self._content["running"] = name
        self._write()
        faulthandler.dump_traceback_later(seconds + _HANGING_SECONDS, exit=True)
        begin = time.perf_counter()
        result = train()
        faulthandler.cancel_dump_traceback_later()
        run = {"result": result, "cost_seconds": round(time.perf_counter() - begin, 4)}
        self._known[name] = run
        self._content |= {"runs": self._known, "running": None}
        self._write()
        return run

    def _write(self):
        write_json(self._path, self._content)


def begin_ledger(path, identity):
    """Write a new ledger for a command, or go on with the one that is there.

    Parameters
    ----------
    path : pathlib.Path
    identity : dict
        The facts that all runs depend on.

    Raises
    ------
    InputError
        The ledger there is that of another command: names the first difference.
    """
    folder, content = path.parent.parent, read_json(path)
    if content is None:
        _check_is_no_other(folder)
        write_json(path, {"identity": identity})
        return
    there = content.get("identity", {})
    if not all(isinstance(each, dict) for each in (there, content.get("runs", {}), content.get("deaths", {}))):
        raise InputError(f"{path} is damaged: remove it to begin anew, or name another folder with --out")
    for name in [*identity, *there]:
        if there.get(name) != identity.get(name):
            raise InputError(
                f"{folder} holds other runs ({name} is {there.get(name)} there, {identity.get(name)} here)"
                ": name another folder with --out"
            )
    write_json(path, content | {"running": None})


def _check_is_no_other(folder):
    """Refuse the folder of a run, or of another experiment."""
    for name, what in (("config.toml", "a run"), ("experiment.json", "an experiment")):
        if (folder / name).exists():
            raise InputError(f"{folder} is the folder of {what}: name another with --out")


def agreed(path, own):
    """Return what the first of several jobs has noted in a file: the own content if this one is the first.

    Parameters
    ----------
    path : pathlib.Path or None
        None where there is one job.
    own : dict
    """
    if path is None:
        return own
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    write_json(beside, own)
    with suppress(FileExistsError):
        os.link(beside, path)
    beside.unlink()
    return read_json(path)


def note_death(path, reason):
    """Note that a job died, in the run that it was at; return whether there was one."""
    content = read_json(path) or {}
    name = content.get("running")
    if name:
        content.setdefault("deaths", {}).setdefault(name, []).append(reason)
        write_json(path, content | {"running": None})
    return bool(name)
