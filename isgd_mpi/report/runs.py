"""Read the folder of a run: its options, its figures over time, how it ended."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isgd_mpi.data.files import read_intact_json, read_json, read_json_lines
from isgd_mpi.data.measure import ERROR, Measure, measure_of
from isgd_mpi.report.files import number, read_spans, read_toml
from isgd_mpi.settings.errors import InputError

SPLITS = ("train", "valid", "test")

_OF_A_REFRESH = (
    "trace_ideal", "trace_in_use", "trace_uniform", "variance_gain", "staleness_mean", "predictor_correlation",
)  # fmt: skip
_COMPAT = "compat_"  # begins the names of the figures that only `--compat alain2015` writes
_OF_A_SUMMARY = (
    "steps", "seconds", "variance_gain", "steps_per_second", "scored_per_second", "wait_fraction", "ranks", "trainers",
    "noise_scale", "effective_minibatch", "distinct_examples",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Run:
    """A run, as its folder tells it."""

    folder: Path
    options: dict  # the content of config.toml, and the number of `ranks` if a file tells it
    totals: dict[str, float]  # the numbers in summary.json; NaN if unknown
    status: str  # "complete", or why the run is not complete
    refreshes: dict[str, np.ndarray]  # step, seconds, traces, gain, staleness, ..., (n_refreshes,) each; NaN if unknown
    evaluations: dict[str, dict]  # by split: step and seconds of the parameters, loss, measured; (n,) each
    events: list[tuple]  # seconds and message
    spans: dict | None  # the timeline, see files.read_spans
    environment: dict  # the content of environment.json
    notes: list[str]  # oddities of the files
    measure: Measure = ERROR  # what the evaluations hold as `measured`

    @property
    def complete(self):
        """Return whether the run reached its end."""
        return self.status == "complete"

    @property
    def name(self):
        """Return the name of the run's folder."""
        return self.folder.name or str(self.folder)

    @property
    def ranks(self):
        """Return the number of the job's ranks, or None if no file tells it."""
        return self.options.get("ranks")


def read_run(folder):
    """Read the folder of a run, which may still be in progress.

    Raises
    ------
    InputError
        A file is damaged, or there is no metrics.jsonl.
    """
    place = folder / "metrics.jsonl"
    lines, truncated = read_json_lines(place)
    summary = read_json(folder / "summary.json")
    environment = read_json(folder / "environment.json") or {}
    totals = {name: number((summary or {}).get(name), f"{folder / 'summary.json'}: {name}") for name in _OF_A_SUMMARY}
    measure = measure_of({name for line in lines if line.get("kind") == "eval" for name in line})
    refresh_lines = [line for line in lines if line.get("kind") == "refresh"]
    compat = sorted({name for line in refresh_lines for name in line if name.startswith(_COMPAT)})
    refreshes = _columns(refresh_lines, (*_OF_A_REFRESH, *compat), place)
    return Run(
        folder=folder,
        options=read_toml(folder / "config.toml") | _ranks(totals, environment, folder),
        totals=totals,
        status=_status(summary),
        refreshes=refreshes,
        evaluations=_evaluations(lines, measure, refreshes, totals if summary else None, place),
        events=[
            (number(line.get("seconds"), f"{place}: seconds"), str(line.get("message")))
            for line in lines
            if line.get("kind") == "event"
        ],
        spans=read_spans(folder / "timeline.npz"),
        environment=environment,
        notes=[f"{place}: the last line is cut off and was left out"] if truncated else [],
        measure=measure,
    )


def read_summary(folder):
    """Return the content of summary.json in a run's folder, or None if it is missing or damaged."""
    summary = read_intact_json(folder / "summary.json")
    return summary if summary and isinstance(summary.get("stopped", 0), str | None) else None


def _ranks(totals, environment, folder):
    """Return the number of ranks as an option, if a file tells it."""
    ranks = totals["ranks"]
    if np.isnan(ranks):
        ranks = number(environment.get("ranks"), f"{folder / 'environment.json'}: ranks")
    return {} if np.isnan(ranks) else {"ranks": int(ranks)}


def _status(summary):
    """Return ``complete``, or why a run with this summary is not complete."""
    if summary is None:
        return "incomplete: no summary.json, so it is running or was killed"
    stopped = summary.get("stopped")
    if stopped is None:
        return "complete"
    return f"diverged: {stopped}" if "not finite" in str(stopped) else f"stopped: {stopped}"


def _columns(lines, names, place):
    """Return numbers of some lines as columns, NaN if unknown; every line must have step and seconds."""
    columns = {
        name: np.array([number(line.get(name), f"{place}: {name}") for line in lines])
        for name in ("step", "seconds", *names)
    }
    if not all(np.isfinite(columns[name]).all() for name in ("step", "seconds")):
        raise InputError(f"{place}: a line has no step or no seconds; mend it or leave this run out")
    return columns


def _evaluations(lines, measure, refreshes, totals, place):
    """Return the evaluations of each split, at the step and time of the parameters that were evaluated."""
    found = {}
    for split in SPLITS:
        chosen = [line for line in lines if line.get("kind") == "eval" and line.get("split") == split]
        if not chosen:
            continue
        columns = _columns(chosen, ("loss", measure.name, "staleness"), place)
        step = columns["step"] - np.nan_to_num(columns["staleness"])
        measured = {"loss": columns["loss"], "measured": columns[measure.name]}
        measured |= {"step": step, "seconds": _seconds_at(step, refreshes, totals, columns)}
        order = np.argsort(step, kind="stable")
        found[split] = {name: values[order] for name, values in measured.items()}
    return found


def _seconds_at(steps, refreshes, totals, evaluations):
    """Return the training time at which some steps had been taken.

    The refreshes and the totals give known points. The lines of evaluations do not: the last one is
    written after the clock of training has stopped. They are used only if there are no totals yet.
    """
    known = {0.0: 0.0}
    ends = evaluations if totals is None else {"step": [totals["steps"]], "seconds": [totals["seconds"]]}
    for source in (refreshes, ends):
        for step, seconds in zip(source["step"], source["seconds"]):
            if np.isfinite(step + seconds):
                known[step] = min(seconds, known.get(step, np.inf))
    at = sorted(known)
    return np.interp(steps, at, np.maximum.accumulate([known[step] for step in at]))
