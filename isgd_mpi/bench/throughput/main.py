"""``python -m isgd_mpi.bench throughput``: scored examples a second, of each scorer and of all.

`strong`: the same score batches, shared by more ranks. `weak`: as many on each rank. The clock is the slowest
rank's. Beside it stand the matrix products of scoring alone in float32, on the same ranks in the same run: the limit of
scoring in float32.
"""

from jsonargparse.typing import PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.jobs import measure_on_ranks

NETS = {
    "small": {"data": "mnist10k", "n_examples": 1, "hidden": [512, 512], "batches": 16},
    "paper": {"data": "synthetic", "n_examples": 4096, "hidden": [2048] * 4, "batches": 2},
}
"""Data, hidden widths, and score batches: on each rank where the size is weak, in all where it is strong."""

OPTIONS = {
    "--net": ("small", [*NETS, "all"], "net to score with"),
    "--ranks": ([1, 2, 4], PositiveInt, "ranks of each job"),
    "--precisions": (["f32", "bf16"], ["f32", "bf16"], "arithmetic of scoring; bf16 where the ranks have it"),
    "--rows": (2048, PositiveInt, "examples of a score batch"),
    "--batches": (None, PositiveInt, "score batches (default: 16 of the small net, 2 of the paper's)"),
    "--repeat": (5, PositiveInt, "repetitions behind each median"),
}

COLUMNS = ("net", "ranks", "precision", "size", "examples/s", "a scorer", "efficiency", "products alone", "share/%")
"""Rates of scoring and of the products are in examples a second; the efficiency is by one rank's."""


def run(settings):
    """Measure, print the table, and return what ``--json`` writes."""
    rows = []
    for net in NETS if settings.net == "all" else [settings.net]:
        for ranks in settings.ranks:
            plan = NETS[net] | {name: settings[name] for name in ("rows", "precisions", "repeat")}
            plan["batches"] = settings.batches or plan["batches"]
            result = measure_on_ranks("isgd_mpi.bench.throughput.ranks", ranks, plan)
            rows += [{"net": net, "ranks": ranks} | row | rates(row, ranks) for row in result["rows"]]
    output.print_environment(result["environment"])
    output.print_table(COLUMNS, [line(row, rows) for row in rows])
    return {"environment": result["environment"], "rows": rows}


def rates(row, ranks):
    """Return the rates in a row, from its times."""
    n_examples = row["batches"] * row["rows"]
    per_second, limit = n_examples / row["score_seconds"], n_examples / row["product_seconds"]
    return {
        "examples_per_second": per_second,
        "examples_per_second_a_scorer": per_second / ranks,
        "limit_per_second": limit,
        "share": per_second / limit,
    }


def line(row, rows):
    """Return a row of the table."""
    key = ("net", "precision", "mode")
    alone = [each for each in rows if each["ranks"] == 1 and all(each[name] == row[name] for name in key)]
    each_scores = row["examples_per_second_a_scorer"]
    figures = (
        *(row["examples_per_second"], each_scores),
        each_scores / alone[0]["examples_per_second"] if alone else None,
        *(row["limit_per_second"], 100 * row["share"]),
    )
    return [row["net"], row["ranks"], row["precision"], row["mode"], *map(output.short, figures)]
