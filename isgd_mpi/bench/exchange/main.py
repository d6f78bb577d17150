"""``python -m isgd_mpi.bench exchange``: move parameters and scores while the trainer computes.

The trainer computes for a time T, polls, computes again; the scorers wait, or poll now and then. The table shows
when the last scorer has the parameters, when the trainer has all reports, and what that took of the trainer's time:
in its calls, and where it could have run but had no core. Beside it stand Bcast and Gatherv, during which the
trainer does nothing else, and the time of the copies alone.
"""

from itertools import product

from jsonargparse.typing import NonNegativeFloat, PositiveFloat, PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.jobs import measure_on_ranks

PATTERNS = {
    "blocking": "Bcast, Gatherv",
    "collectives": "Ibcast, Igatherv",
    "messages": "Isend, Irecv",
    "memory": "shared memory",
}
"""Names in the table."""

OPTIONS = {
    "--ranks": ([2, 4, 16], output.AtLeastTwo, "ranks of each job"),
    "--bytes": (
        [10_000, 2_700_000, 75_600_000],
        PositiveInt,
        "size of the parameters [bytes]: some, the small net's, the paper's",
    ),
    "--poll-ms": ([1.0, 20.0, 50.0], PositiveFloat, "time that the trainer computes between two polls [ms]"),
    "--scorer-poll-ms": (0.0, NonNegativeFloat, "time between two polls of a scorer that scores; 0: it waits [ms]"),
    "--patterns": ([*PATTERNS], [*PATTERNS], "ways to move them"),
    "--repeat": (5, PositiveInt, "refreshes behind each median"),
}

COLUMNS = (
    "parameters, pattern", "T/ms", "last scorer/ms", "x Bcast", "x copies", "complete/ms", "calls/ms", "calls/%",
    "no core/ms", "polls",
)  # fmt: skip
"""`x copies` is the arrival by the time in which one core makes a copy for each scorer."""

# bytes of all reports by those of the parameters: the paper's, 574 168 examples for 18.9 million
_REPORTED_SHARE = 0.061


def run(settings):
    """Measure, print the tables, and return what ``--json`` writes."""
    plan = {"scorers_give_way": True, "cases": cases(settings)}
    results = [measure_on_ranks("isgd_mpi.bench.exchange.ranks", ranks, plan) for ranks in settings.ranks]
    for result in results:
        output.print_environment(result["environment"])
        output.print_table(COLUMNS, [line(row, result) for row in result["rows"]])
    return {"results": results}


def cases(settings):
    """Return the cases to measure, one for each size, time between polls and pattern; a blocking one once a size."""
    return [
        {
            "pattern": pattern,
            "params_bytes": n_bytes,
            "reports_bytes": max(1, round(_REPORTED_SHARE * n_bytes)),
            "compute_seconds": poll_ms / 1e3,
            "scorer_poll_seconds": settings.scorer_poll_ms / 1e3,
            "repeat": settings.repeat,
        }
        for n_bytes, poll_ms, pattern in product(settings.bytes, settings.poll_ms, settings.patterns)
        if pattern != "blocking" or poll_ms == settings.poll_ms[0]
    ]


def line(row, result):
    """Return a row of the table."""
    blocking = [
        other["arrival_seconds"]
        for other in result["rows"]
        if other["pattern"] == "blocking" and other["params_bytes"] == row["params_bytes"]
    ]
    copies = dict(result["copies_seconds"])[row["params_bytes"]] * (result["environment"]["ranks"] - 1)
    ms = {name: 1e3 * row[f"{name}_seconds"] for name in ("compute", "arrival", "complete", "calls", "stolen")}
    figures = (
        *(ms["compute"], ms["arrival"], row["arrival_seconds"] / blocking[0] if blocking else None),
        *(row["arrival_seconds"] / copies, ms["complete"], ms["calls"]),
        *(100 if row["pattern"] == "blocking" else 100 * ms["calls"] / ms["complete"], ms["stolen"], row["polls"]),
    )
    return [f"{row['params_bytes'] / 1e6:g} MB  {PATTERNS[row['pattern']]}", *map(output.short, figures)]
