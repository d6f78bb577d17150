"""Print the numbers of runs, medians and quartiles over the seeds: ``python -m isgd_mpi.bench runs RUN ...``."""

from pathlib import Path

from isgd_mpi.data.files import finite_or_none
from isgd_mpi.report import series
from isgd_mpi.report.statistics import quartiles
from isgd_mpi.report.study import read_study

OPTIONS = {"runs": ([], str, "folder of a run, or of such folders")}

_BEFORE = {"train loss": series.final_loss}
_AFTER = {
    "in use / uniform": series.last_ratio,
    "variance gain": lambda run: run.totals["variance_gain"],
    "staleness": series.last_staleness,
    "wait / %": lambda run: 100 * run.totals["wait_fraction"],
    "steps/s": lambda run: run.totals["steps_per_second"],
    "scored/s": lambda run: run.totals["scored_per_second"],
    "seconds": lambda run: run.totals["seconds"],
}


def columns_of(measure):
    """Return the numbers of a run by name: of its last evaluation, of its last refresh, or over all of it."""
    judged = {f"test {measure.label}": lambda run: measure.factor * series.final(run, "test", "measured")}
    return _BEFORE | judged | _AFTER


def run(settings):
    """Print the table, as Markdown, and return what ``--json`` writes: the quartiles of each column over complete runs.

    Raises
    ------
    InputError
        There is no run, or one cannot be read.
    """
    study = read_study([Path(folder) for folder in settings.runs])
    columns, groups = columns_of(study.measure), study.groups
    rows = [("runs", "complete", *columns), ["---"] * (2 + len(columns))]
    rows += [(group.label, group.count, *spreads(group.complete, columns)) for group in groups]
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    print(text.encode(errors="replace").decode())  # labels come from files, and may hold lone surrogates
    figures = [_figures(group.complete, columns) for group in groups]
    return {"rows": [{"runs": group.label, "complete": group.count} | own for group, own in zip(groups, figures)]}


def _figures(runs, columns):
    """Return the quartiles of each column, and the number of runs that have it; None where no run has it."""
    return finite_or_none({name: quartiles(map(column, runs))._asdict() for name, column in columns.items()})


def spreads(runs, columns):
    """Return median and quartiles of some columns over runs, as texts; a dash if a run lacks the number.

    Parameters
    ----------
    runs : list of runs.Run
    columns : dict of str to callable
        Each takes a run and returns a number; see :func:`columns_of`.
    """
    found = [quartiles(map(column, runs)) for column in columns.values()]
    return [f"{median:.3g} ({low:.3g} – {high:.3g})" if n and n == len(runs) else "–" for low, median, high, n in found]
