"""``python -m isgd_mpi.bench throughput``: scored examples a second, of each scorer and of all.

`strong`: the same score batches, shared by more ranks. `weak`: as many on each rank. The clock is the slowest
rank's. Beside it stand the matrix products of scoring alone in float32, on the same ranks in the same run: the limit of
scoring in float32.
"""

from jsonargparse.typing import PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.jobs import run_module

NETS = {
    "small": {"data": "mnist10k", "n_examples": 1, "hidden": [512, 512], "batches": 16},
    "paper": {"data": "synthetic", "n_examples": 4096, "hidden": [2048] * 4, "batches": 2},
}
"""Data, hidden widths, and score batches: on each rank where the size is weak, in all where it is strong."""

COLUMNS = ("net", "ranks", "precision", "size", "examples/s", "a scorer", "efficiency", "products alone", "share/%")
"""Of the table: rates of scoring and of the products are in examples a second; the efficiency is by one rank's."""


def main(arguments):
    """Run the bench.

    Parameters
    ----------
    arguments : list of str
        Behind ``python -m isgd_mpi.bench throughput``.

    Raises
    ------
    InputError
        The arguments are wrong, or a job failed.
    """
    settings = parse(arguments)
    results = []
    for net in NETS if settings.net == "all" else [settings.net]:
        for ranks in settings.ranks:
            plan = NETS[net] | {"rows": settings.rows, "precisions": settings.precisions, "repeat": settings.repeat}
            plan["batches"] = settings.batches or plan["batches"]
            results.append({"net": net} | run_module("isgd_mpi.bench.throughput.ranks", ranks, plan))
    output.print_environment(results[-1]["environment"])
    rows = [row_of(result, row) for result in results for row in result["rows"]]
    output.print_table(COLUMNS, [line(row, rows) for row in rows])
    output.write(settings.json, {"settings": settings.as_dict(), "results": results, "rows": rows})


def parse(arguments):
    """Parse the options; arguments and errors as of :func:`main`."""
    options = output.parser("throughput", "Count the examples that scorers score, beside their matrix products alone.")
    options.add_argument("--net", choices=[*NETS, "all"], default="small", help="(default: small)")
    options.add_argument("--ranks", type=PositiveInt, nargs="+", default=[1, 2, 4], help="(default: 1 2 4)")
    options.add_argument(
        "--precisions", choices=["f32", "bf16"], nargs="+", default=["f32", "bf16"],
        help="of the scores (default: f32 bf16, the latter where the ranks have it)",
    )  # fmt: skip
    options.add_argument("--rows", type=PositiveInt, default=2048, help="of a score batch (default: 2048)")
    options.add_argument("--batches", type=PositiveInt, help="score batches [16 of the small net, 2 of the paper's]")
    options.add_argument("--repeat", type=PositiveInt, default=5, help="times behind each median (default: 5)")
    return output.parse(options, arguments)


def row_of(result, row):
    """Return what was measured as rates."""
    n_examples, ranks = row["batches"] * row["rows"], result["environment"]["ranks"]
    per_second, limit = n_examples / row["score_seconds"], n_examples / row["product_seconds"]
    return {
        "net": result["net"],
        "ranks": ranks,
        "precision": row["precision"],
        "mode": row["mode"],
        "examples_per_second": per_second,
        "examples_per_second_a_scorer": per_second / ranks,
        "limit_per_second": limit,
        "share": per_second / limit,
    }


def line(row, rows):
    """Return a row of the table."""
    key = ("net", "precision", "mode")
    alone = [each for each in rows if each["ranks"] == 1 and all(each[name] == row[name] for name in key)]
    single = alone[0]["examples_per_second"] if alone else None
    return [
        row["net"],
        row["ranks"],
        row["precision"],
        row["mode"],
        output.short(row["examples_per_second"]),
        output.short(row["examples_per_second_a_scorer"]),
        f"{row['examples_per_second_a_scorer'] / single:.2f}" if single else "-",
        output.short(row["limit_per_second"]),
        output.short(100 * row["share"]),
    ]
