"""``python -m isgd_mpi.bench runs DIR ...``: runs that differ in their seed only, as medians and quartiles."""

import json
from pathlib import Path

import numpy as np

from isgd_mpi.settings import commands
from isgd_mpi.settings.errors import InputError

COLUMNS = {
    "train loss": lambda run: run["summary"]["train"]["loss"],
    "test error / %": lambda run: 100 * run["summary"]["test"]["error"],
    "in use / uniform": lambda run: run["refresh"]["trace_in_use"] / run["refresh"]["trace_uniform"],
    "variance gain": lambda run: run["summary"]["variance_gain"],
    "staleness": lambda run: run["refresh"]["staleness_mean"],
    "wait / %": lambda run: 100 * run["summary"]["wait_fraction"],
    "steps/s": lambda run: run["summary"]["steps_per_second"],
    "scored/s": lambda run: run["summary"]["scored_per_second"],
    "seconds": lambda run: run["summary"]["seconds"],
}
"""What is shown of each run: at its end, from its last refresh, or over all of it."""


def main(arguments):
    """Print the table, as Markdown.

    Parameters
    ----------
    arguments : list of str
        Behind ``python -m isgd_mpi.bench runs``.

    Raises
    ------
    InputError
        A folder holds no complete run.
    """
    runs = [read_run(folder) for place in parse(arguments).folders for folder in run_folders(place)]
    groups = {}
    for run in runs:
        groups.setdefault(differences(run, runs), []).append(run)
    print("| runs | n | " + " | ".join(COLUMNS) + " |")
    print("|---|---|" + "---|" * len(COLUMNS))
    for name, group in sorted(groups.items()):
        print(f"| {name} | {len(group)} | " + " | ".join(spread(group, value) for value in COLUMNS.values()) + " |")


def parse(arguments):
    """Parse the options.

    Parameters
    ----------
    arguments : list of str

    Raises
    ------
    InputError
        They are wrong.
    """
    description = "Print a table of finished runs: median (quartiles) over runs that differ in their seed only."
    parser = commands.make_parser("isgd_mpi.bench runs", description)
    parser.add_argument("folders", nargs="+", metavar="DIR", type=Path, help="folder of a run, or of such folders")
    return commands.parse(parser, arguments)


def run_folders(place):
    """Return the folder itself if it is a run's, else those of the runs in it.

    Parameters
    ----------
    place : pathlib.Path

    Returns
    -------
    list of pathlib.Path
    """
    folders = [place] if (place / "summary.json").exists() else sorted(p.parent for p in place.glob("*/summary.json"))
    if not folders:
        raise InputError(f"{place} is neither the folder of a complete run nor a folder of such folders")
    return folders


def read_run(folder):
    """Read a run's summary, options and last refresh.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    dict
        ``summary``, ``refresh``, and ``options`` as lines of its config.toml.
    """
    try:
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        summary = json.loads((folder / "summary.json").read_text())
        options = (folder / "config.toml").read_text().splitlines()
        refresh = [line for line in lines if line["kind"] == "refresh"][-1]
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise InputError(f"{folder} is no complete run ({error})") from None
    options = {line for line in options if line.partition(" ")[0] not in ("seed", "run_dir")}
    return {"summary": summary, "refresh": refresh, "options": options | {f"ranks = {summary['ranks']}"}}


def differences(run, runs):
    """Return the options of a run that not all runs have."""
    common = set.intersection(*(other["options"] for other in runs))
    return ", ".join(sorted(option.replace('"', "") for option in run["options"] - common)) or "all"


def spread(group, value):
    """Return median and quartiles of a figure over a group of runs; a dash where one has none."""
    try:
        values = np.array([value(run) for run in group], float)
    except TypeError:  # a run that was stopped early has no evaluation, one of a few steps no traces
        return "–"
    if np.isnan(values).any():
        return "–"
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{median:.3g} ({low:.3g} – {high:.3g})"
