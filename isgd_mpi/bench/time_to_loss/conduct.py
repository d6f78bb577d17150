"""Conduct the runs of one method: search, then the best trial with every seed; each run is printed, and kept in a file.

A job that fails is started anew, with the runs so far, which are not done again: the search then goes the same way.
"""

import faulthandler
from dataclasses import asdict, astuple
from pathlib import Path

from isgd_mpi.bench.time_to_loss.arrival import Arrival
from isgd_mpi.bench.time_to_loss.descent import Limits
from isgd_mpi.bench.time_to_loss.methods import describe, describe_arrival
from isgd_mpi.data.files import write_json
from isgd_mpi.experiment.search import Budget, Search, Space, Trial

_SEARCH_STEP, _SEARCH_GROWTH = 20, 1.06  # of snapshots
_FINAL_GROWTH = 1.02
_BEFORE = 0.6  # of the steps that the search found: the first snapshot with every seed
_MOST_TIMES = 3.0  # the time that the search found: the longest run with every seed
_HANGING_SECONDS = 120.0  # beyond its time, for the start of a run and its evaluation


class Ledger:
    """The runs so far, in a file.

    Parameters
    ----------
    path : str
    known : list of dict
        Runs of an earlier job.
    text : callable
        Takes a trial, returns it in words.

    Attributes
    ----------
    runs : list of dict
        Each with ``trial``, ``seed`` and ``arrival``.
    """

    def __init__(self, path, known, text):
        self._path = Path(path)
        self._known = {_key_of(run): run for run in known}
        self._text = text
        self.runs = []

    def arrival(self, trial, seed, seconds, train):
        """Return the arrival of a run: a known one, or else that which `train()` returns."""
        run = self._known.get(_key(trial, seed, seconds)) or self._run(trial, seed, seconds, train)
        self.runs.append(run)
        return Arrival(**run["arrival"])

    def _run(self, trial, seed, seconds, train):
        run = {"trial": asdict(trial), "seed": seed}
        write_json(self._path, {"runs": self.runs, "running": run | {"arrival": asdict(Arrival(seconds))}})
        faulthandler.dump_traceback_later(seconds + _HANGING_SECONDS, exit=True)
        run["arrival"] = asdict(train())
        faulthandler.cancel_dump_traceback_later()
        print(f"  {self._text(trial)}, seed {seed}: {describe_arrival(Arrival(**run['arrival']))}", flush=True)
        return run


def _key_of(run):
    return _key(Trial(**run["trial"]), run["seed"], run["arrival"]["allowed_seconds"])


def _key(trial, seed, seconds):
    return (*astuple(trial), seed, round(seconds, 6))


def conduct(plan, train):
    """Search, and run the best trial with every seed.

    Parameters
    ----------
    plan : dict
        ``method``, ``cores``, ``space``, ``budget``, ``target``, ``seeds``; ``progress`` (a file) and ``known`` (the
        runs of an earlier job).
    train : callable
        Takes a trial, a seed and Limits; trains, and returns an Arrival.

    Returns
    -------
    dict
        ``best`` (trial), ``finals`` (its arrivals, by seed), ``complete`` (see :class:`search.Search`), ``runs`` (all).
    """
    ledger = Ledger(plan["progress"], plan["known"], lambda trial: describe(plan["method"], plan["cores"], trial))
    first_seed = plan["seeds"][0]

    def run(trial, seed, limits):
        return ledger.arrival(trial, seed, limits.seconds, lambda: train(trial, seed, limits))

    def measure(trial, seconds):
        return run(trial, first_seed, Limits(seconds, plan["target"], _SEARCH_STEP, _SEARCH_GROWTH))

    search = Search(Space(**plan["space"]), Budget(**plan["budget"]))
    best = search.run(measure)
    limits = final_limits(search.arrivals[best], plan["target"])
    finals = [asdict(run(best, seed, limits)) for seed in plan["seeds"]]
    return {"best": asdict(best), "finals": finals, "complete": search.complete, "runs": ledger.runs}


def final_limits(arrival, target):
    """Return the limits of the runs with every seed, given the arrival of the best trial in the search."""
    if arrival.seconds is None:
        return Limits(_MOST_TIMES * arrival.allowed_seconds, target, _SEARCH_STEP, _SEARCH_GROWTH)
    first_step = max(1, round(_BEFORE * arrival.steps))
    return Limits(_MOST_TIMES * arrival.seconds, target, first_step, _FINAL_GROWTH)
