"""``python -m isgd_mpi.bench exchange``: ways to move parameters and scores while the trainer computes.

The trainer computes for a time T, looks, computes again; the scorers wait, or look now and then. Shown are
when the last scorer has the parameters, when the trainer has all reports, and what that took of the
trainer's time: in its calls, and where it could have run but had no core. Beside it stand Bcast and
Gatherv, during which the trainer does nothing else, and what the copies alone would take.
"""

from itertools import product

from jsonargparse.typing import NonNegativeFloat, PositiveFloat, PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.jobs import run_module
from isgd_mpi.settings.errors import InputError

_PROGRAM = "isgd_mpi.bench.exchange.ranks"
_DEFAULT_ALGORITHM = {"MPIR_CVAR_IBCAST_INTRA_ALGORITHM": "auto"}
_REPORTED_SHARE = (
    0.061  # bytes of all reports by those of the parameters: the paper's, 574 168 examples for 18.9 million
)

PATTERNS = {
    # name in the table: pattern, Tests at each look, algorithm of Ibcast
    "Bcast, Gatherv": ("blocking", 0, None),
    "Ibcast, Igatherv, 1 Test": ("collectives", 1, None),
    "Ibcast, Igatherv, 16 Tests": ("collectives", 16, None),
    "Ibcast, Igatherv, 64 Tests": ("collectives", 64, None),
    "Ibcast default, 16 Tests": ("collectives", 16, "default"),
    "Isend, Irecv, 1 Test": ("messages", 1, None),
    "Isend, Irecv, 4 Tests": ("messages", 4, None),
    "Isend, Irecv, 16 Tests": ("messages", 16, None),
    "shared memory, 1 Test": ("memory", 1, None),
    "shared memory, 4 Tests": ("memory", 4, None),
    "shared memory, 16 Tests": ("memory", 16, None),
    "window, Get and Put": ("window", 0, None),
}


def main(arguments):
    """Run the bench.

    Parameters
    ----------
    arguments : list of str
        Behind ``python -m isgd_mpi.bench exchange``.

    Raises
    ------
    InputError
        The arguments are wrong, or a job failed.
    """
    settings = parse(arguments)
    results = [measure(settings, ranks) for ranks in settings.ranks]
    for result in results:
        output.print_environment(result["environment"])
        output.print_table(COLUMNS, [line(row, result) for row in result["rows"]])
    output.write(settings.json, {"settings": settings.as_dict(), "results": results})


def parse(arguments):
    """Parse the options; arguments and errors as of :func:`main`."""
    options = output.parser("exchange", "Time ways to move parameters and scores while the trainer computes.")
    options.add_argument("--ranks", type=PositiveInt, nargs="+", default=[2, 4, 16], help="(default: 2 4 16)")
    options.add_argument(
        "--bytes", type=PositiveInt, nargs="+", default=[10_000, 2_700_000, 75_600_000],
        help="of the parameters (default: 10000, the small net's 2700000, the paper's 75600000)",
    )  # fmt: skip
    options.add_argument(
        "--look-ms", type=PositiveFloat, nargs="+", default=[1.0, 20.0, 50.0],
        help="what the trainer computes between two looks [ms] (default: 1 20 50)",
    )  # fmt: skip
    options.add_argument(
        "--scorer-look-ms", type=NonNegativeFloat, default=0.0,
        help="time between two looks of a scorer that scores meanwhile [ms] (default: 0, it waits)",
    )  # fmt: skip
    options.add_argument("--patterns", choices=[*PATTERNS], nargs="+", default=[*PATTERNS], help="(default: all)")
    options.add_argument("--repeat", type=PositiveInt, default=5, help="refreshes behind each median (default: 5)")
    settings = output.parse(options, arguments)
    if min(settings.ranks) < 2:
        raise InputError(f"--ranks must be at least 2, not {min(settings.ranks)}")
    return settings


def cases(settings, algorithm):
    """Return what to measure with one algorithm of Ibcast: one case for each size, look and pattern."""
    return [
        {
            "name": name,
            "pattern": PATTERNS[name][0],
            "n_tests": PATTERNS[name][1],
            "params_bytes": n_bytes,
            "reports_bytes": max(1, round(_REPORTED_SHARE * n_bytes)),
            "compute_seconds": look / 1e3,
            "scorer_look_seconds": settings.scorer_look_ms / 1e3,
            "repeat": settings.repeat,
        }
        for n_bytes, look, name in product(settings.bytes, settings.look_ms, settings.patterns)
        if PATTERNS[name][2] == algorithm and (name != "Bcast, Gatherv" or look == settings.look_ms[0])
    ]


def measure(settings, ranks):
    """Measure on so many ranks; return the environment, what copies take, and all rows."""
    plan = {"give_way": True}
    result = run_module(_PROGRAM, ranks, plan | {"cases": cases(settings, None)})
    by_default = cases(settings, "default")
    if by_default and "MPICH" in result["environment"]["mpi_library"]:
        result["rows"] += run_module(_PROGRAM, ranks, plan | {"cases": by_default}, _DEFAULT_ALGORITHM)["rows"]
    result["rows"].sort(key=lambda row: (row["params_bytes"], row["compute_seconds"], [*PATTERNS].index(row["name"])))
    return result


COLUMNS = (
    "parameters, pattern", "T/ms", "last scorer/ms", "x Bcast", "x copies", "complete/ms", "calls/ms", "calls/%",
    "no core/ms", "looks",
)  # fmt: skip
"""Of the table; `x copies` is the arrival by the time in which one core makes a copy for each scorer."""


def line(row, result):
    """Return a row of the table."""
    blocking = [
        other["arrival_seconds"]
        for other in result["rows"]
        if other["pattern"] == "blocking" and other["params_bytes"] == row["params_bytes"]
    ]
    copies = dict(result["copies_seconds"])[row["params_bytes"]] * (result["environment"]["ranks"] - 1)
    return [
        f"{row['params_bytes'] / 1e6:g} MB  {row['name']}",
        f"{1e3 * row['compute_seconds']:g}",
        output.short(1e3 * row["arrival_seconds"]),
        output.short(row["arrival_seconds"] / blocking[0]) if blocking else "-",
        output.short(row["arrival_seconds"] / copies),
        output.short(1e3 * row["complete_seconds"]),
        output.short(1e3 * row["calls_seconds"]),
        "100" if row["pattern"] == "blocking" else output.short(100 * row["calls_seconds"] / row["complete_seconds"]),
        output.short(1e3 * row["stolen_seconds"]),
        f"{row['looks']:.0f}",
    ]
