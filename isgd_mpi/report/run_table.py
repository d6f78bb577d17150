"""Print the numbers of runs, medians and quartiles over the seeds: ``python -m isgd_mpi.bench runs RUN ...``."""

from pathlib import Path

from isgd_mpi.report import series
from isgd_mpi.report.statistics import quartiles
from isgd_mpi.report.study import read_study
from isgd_mpi.settings.commands import make_parser, parse

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


def main(arguments):
    """Print the table, as Markdown.

    Parameters
    ----------
    arguments : list of str
        The arguments after ``python -m isgd_mpi.bench runs``.

    Raises
    ------
    InputError
        There is no run, or one cannot be read.
    """
    description = "Print a table of complete runs: median (quartiles) over runs that differ in their seed only."
    parser = make_parser("isgd_mpi.bench runs", description)
    parser.add_argument("runs", nargs="+", metavar="RUN", type=Path, help="folder of a run, or of such folders")
    groups = read_study(parse(parser, arguments).runs).groups
    rows = [("runs", "complete", *COLUMNS), ["---"] * (2 + len(COLUMNS))]
    rows += [(group.label, group.count, *spreads(group.complete)) for group in groups]
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    print(text.encode(errors="replace").decode())  # labels come from files, and may hold lone surrogates


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
