"""Print the numbers of runs, medians and quartiles over the seeds: ``python -m isgd_mpi.bench runs RUN ...``."""

from pathlib import Path

from isgd_mpi.data.files import finite_or_none
from isgd_mpi.report import series
from isgd_mpi.report.statistics import quartiles
from isgd_mpi.report.study import read_study

OPTIONS = {"runs": ([], str, "folder of a run, or of such folders")}

COLUMNS = {
    "train loss": series.final_loss,
    "test error / %": lambda run: 100 * series.final(run, "test", "error"),
    "in use / uniform": series.last_ratio,
    "variance gain": lambda run: run.totals["variance_gain"],
    "staleness": series.last_staleness,
    "wait / %": lambda run: 100 * run.totals["wait_fraction"],
    "steps/s": lambda run: run.totals["steps_per_second"],
    "scored/s": lambda run: run.totals["scored_per_second"],
    "seconds": lambda run: run.totals["seconds"],
}
"""The numbers of a run: of its last evaluation, of its last refresh, or over all of it."""


def run(settings):
    """Print the table, as Markdown, and return what ``--json`` writes: the quartiles of each column over complete runs.

    Raises
    ------
    InputError
        There is no run, or one cannot be read.
    """
    groups = read_study([Path(folder) for folder in settings.runs]).groups
    rows = [("runs", "complete", *COLUMNS), ["---"] * (2 + len(COLUMNS))]
    rows += [(group.label, group.count, *spreads(group.complete)) for group in groups]
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    print(text.encode(errors="replace").decode())  # labels come from files, and may hold lone surrogates
    return {"rows": [{"runs": group.label, "complete": group.count} | _figures(group.complete) for group in groups]}


def _figures(runs):
    """Return the quartiles of each column, and the number of runs that have it; None where no run has it."""
    return finite_or_none({name: quartiles(map(column, runs))._asdict() for name, column in COLUMNS.items()})


def spreads(runs, names=COLUMNS):
    """Return median and quartiles of some columns over runs, as texts; a dash if a run lacks the number.

    Parameters
    ----------
    runs : list of runs.Run
    names : sequence of str
        Keys of `COLUMNS`.
    """
    found = [quartiles(map(COLUMNS[name], runs)) for name in names]
    return [f"{median:.3g} ({low:.3g} – {high:.3g})" if n and n == len(runs) else "–" for low, median, high, n in found]
