"""A run as it is found in its folder: options, figures over time, how it ended."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isgd_mpi.data.files import read_json, read_json_lines
from isgd_mpi.report.files import number, read_spans, read_toml
from isgd_mpi.settings.errors import InputError

SPLITS = ("train", "valid", "test")

_OF_A_REFRESH = ("trace_ideal", "trace_in_use", "trace_uniform", "variance_gain", "predictor_correlation")
_COMPAT = "compat_"  # columns of `--compat alain2015`, whatever they are
_NUMBERS_OF_A_SUMMARY = ("steps", "seconds", "variance_gain", "steps_per_second", "wait_fraction", "ranks", "trainers")


@dataclass(frozen=True)
class Run:
    """A run's folder, read.

    Attributes
    ----------
    folder : pathlib.Path
    options : dict
        Of its config.toml, and its ``ranks``.
    totals : dict of str to float
        The numbers of its summary; NaN where they are not known.
    status : str
        ``complete``, or why it is not.
    refreshes : dict of str to (n,) ndarray
        ``step`` and ``seconds`` of its refresh lines, traces, gain, and what they have beside; NaN where one has none.
    evaluations : dict of str to dict of str to (n,) ndarray
        ``step`` and ``seconds`` of the parameters evaluated, ``loss`` (nats), ``error`` (fraction), by split.
    events : list of (float, str)
        Seconds and message.
    spans : dict of str to ndarray, or None
        Its timeline.
    environment : dict
    notes : list of str
        What is odd about its files.
    """

    folder: Path
    options: dict
    totals: dict
    status: str
    refreshes: dict
    evaluations: dict
    events: list
    spans: dict | None
    environment: dict
    notes: list

    @property
    def complete(self):
        """Whether it went on to its end."""
        return self.status == "complete"

    @property
    def name(self):
        """Its folder's name."""
        return self.folder.name or str(self.folder)

    @property
    def ranks(self):
        """Ranks of the job, or None if no file tells."""
        return self.options.get("ranks")


def read_run(folder):
    """Read the folder of a run, which may be going on still.

    Parameters
    ----------
    folder : pathlib.Path

    Raises
    ------
    InputError
        If a file in it is not what it should be.
    """
    lines, truncated = read_json_lines(folder / "metrics.jsonl")
    summary = read_json(folder / "summary.json")
    environment = read_json(folder / "environment.json") or {}
    totals = {name: number((summary or {}).get(name), f"{folder / 'summary.json'}: {name}") for name in
              _NUMBERS_OF_A_SUMMARY}  # fmt: skip
    place = folder / "metrics.jsonl"
    refresh_lines = [line for line in lines if line.get("kind") == "refresh"]
    compat = sorted({name for line in refresh_lines for name in line if name.startswith(_COMPAT)})
    refreshes = _columns(refresh_lines, (*_OF_A_REFRESH, *compat), place)
    return Run(
        folder=folder,
        options=read_toml(folder / "config.toml") | _ranks(totals, environment, folder),
        totals=totals,
        status=_status(summary),
        refreshes=refreshes,
        evaluations=_evaluations(lines, refreshes, totals if summary else None, place),
        events=[
            (number(line.get("seconds"), f"{place}: seconds"), str(line.get("message")))
            for line in lines
            if line.get("kind") == "event"
        ],
        spans=read_spans(folder / "timeline.npz"),
        environment=environment,
        notes=[f"{place}: the last line is cut off and was left out"] if truncated else [],
    )


def _ranks(totals, environment, folder):
    """Return the number of ranks as an option, if a file tells it."""
    ranks = totals["ranks"]
    if np.isnan(ranks):
        ranks = number(environment.get("ranks"), f"{folder / 'environment.json'}: ranks")
    return {} if np.isnan(ranks) else {"ranks": int(ranks)}


def _status(summary):
    if summary is None:
        return "incomplete: no summary.json, so it is running or was killed"
    stopped = summary.get("stopped")
    if stopped is None:
        return "complete"
    return f"diverged: {stopped}" if "not finite" in str(stopped) else f"stopped: {stopped}"


def _columns(lines, names, place):
    """Return some numbers of some lines as columns, NaN where they are not; step and seconds must be in each."""
    columns = {
        name: np.array([number(line.get(name), f"{place}: {name}") for line in lines])
        for name in ("step", "seconds", *names)
    }
    if not all(np.isfinite(columns[name]).all() for name in ("step", "seconds")):
        raise InputError(f"{place}: a line has no step or no seconds; mend it or leave this run out")
    return columns


def _evaluations(lines, refreshes, totals, place):
    """Return the evaluations of each split, each at the step and time of the parameters that it measured."""
    found = {}
    for split in SPLITS:
        chosen = [line for line in lines if line.get("kind") == "eval" and line.get("split") == split]
        if not chosen:
            continue
        columns = _columns(chosen, ("loss", "error", "staleness"), place)
        step = columns["step"] - np.nan_to_num(columns["staleness"])
        seconds = _seconds_at(step, refreshes, totals, columns)
        order = np.argsort(step, kind="stable")
        measured = {"step": step, "seconds": seconds, "loss": columns["loss"], "error": columns["error"]}
        found[split] = {name: values[order] for name, values in measured.items()}
    return found


def _seconds_at(steps, refreshes, totals, evaluations):
    """Return the training time at which some steps had been done.

    Refreshes, and the totals at the end, say when. The lines of evaluations do not: the last one is
    written after the clock of training has stopped. Only a run without totals is timed by them too.
    """
    known = {0.0: 0.0}
    ends = evaluations if totals is None else {"step": [totals["steps"]], "seconds": [totals["seconds"]]}
    for source in (refreshes, ends):
        for step, seconds in zip(source["step"], source["seconds"]):
            if np.isfinite(step + seconds):
                known[step] = min(seconds, known.get(step, np.inf))
    at = sorted(known)
    return np.interp(steps, at, np.maximum.accumulate([known[step] for step in at]))
