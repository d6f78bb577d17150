"""Make the table of an experiment that is printed on the terminal."""

from isgd_mpi.data.measure import ERROR
from isgd_mpi.experiment.status import COMPLETE
from isgd_mpi.report.run_table import columns_of, spreads
from isgd_mpi.report.runs import read_run

_SHOWN = ("train loss", "test error / %", "in use / uniform", "steps/s", "seconds")


def table(plan):
    """Return medians and quartiles over the complete runs of each group of a plan, as lines of text.

    Losses and errors are those of the last parameters.
    """
    columns = {name: column for name, column in columns_of(ERROR).items() if name in _SHOWN}
    rows = [("median (quartiles)", "runs", *_SHOWN)]
    for group in plan.groups:
        folders = [plan.folder_of(run) for run in group.runs if plan.state_of(run) == COMPLETE]
        spread = spreads(list(map(read_run, folders)), columns)
        rows.append((group.label, f"{len(folders)} of {len(group.runs)}", *spread))
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
