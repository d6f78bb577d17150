"""Measure the costs of a refresh's parts, and do real runs, for the benchmark ``scaling``."""

import math
import tempfile
from pathlib import Path

import numpy as np

from isgd_mpi.bench.jobs import measure_on_ranks, run_command
from isgd_mpi.data import datasets
from isgd_mpi.model.params import n_parameters
from isgd_mpi.ranks.records import report_dtype
from isgd_mpi.ranks.shards import Grid, score_batch_size
from isgd_mpi.report.runs import read_run
from isgd_mpi.sampling.forecast import Costs
from isgd_mpi.settings.config import Config, option
from isgd_mpi.training.measures import n_sums

_COPY_RANKS = 2, 4  # on which the exchange is measured: its costs are lines through these


def measure_costs(options, merge_seconds, network, cores):
    """Measure the costs of a run's parts on this machine.

    Parameters
    ----------
    options : dict
        Of the run: fields of :class:`config.Config`.
    merge_seconds : float
        For merging scores of all examples.
    network : tuple of float
        Seconds for a message between nodes, bytes a second.
    cores : int
        Of a node.

    Returns
    -------
    costs : forecast.Costs
    environment : dict
    """
    config = Config(**options)
    dataset = datasets.load(config.data, config.data_dir, config.synthetic_size)
    batch_size = min(score_batch_size(config.score_batch_size, dataset.n_train), dataset.n_train)
    params_bytes = 4 * n_parameters((dataset.n_features, *config.hidden, dataset.n_classes))
    (shard,) = Grid(batch_size, 1).shards(dataset.n_train)
    report_bytes = report_dtype(shard, dataset.n_strata, n_sums(dataset.target)).itemsize
    scored = measure_on_ranks("isgd_mpi.bench.throughput.ranks", 1, {
        "data": config.data, "data_dir": config.data_dir, "n_examples": config.synthetic_size, "hidden": config.hidden,
        "rows": batch_size, "batches": 4, "precisions": [config.score_precision], "repeat": 3,
    })  # fmt: skip
    costs = Costs(
        n_examples=dataset.n_train,
        batch_size=batch_size,
        refresh_every=config.refresh_every,
        params_bytes=params_bytes,
        report_bytes=report_bytes,
        step_seconds=1 / real_run(1, options | {"score": "uniform", "refresh_every": 512})["steps_per_second"],
        score_seconds=scored["rows"][0]["score_seconds"] / (scored["rows"][0]["batches"] * batch_size),
        merge_seconds=merge_seconds / dataset.n_train,
        cores=cores,
        network_seconds=network[0],
        network_bytes_per_second=network[1],
        **exchange_costs(params_bytes, report_bytes),
    )
    return costs, scored["environment"]


def exchange_costs(params_bytes, report_bytes):
    """Return the exchange's costs, fields of Costs: lines through measurements on two numbers of ranks."""
    case = {
        "params_bytes": params_bytes,
        "reports_bytes": report_bytes,
        "compute_seconds": 1e-3,
        "scorer_poll_seconds": 0,
        "repeat": 7,
    }
    plan = {"scorers_give_way": False, "cases": [case | {"pattern": pattern} for pattern in ("messages", "memory")]}
    results = [measure_on_ranks("isgd_mpi.bench.exchange.ranks", ranks, plan)["rows"] for ranks in _COPY_RANKS]
    copied, shared = zip(*results)
    n_scorers = [ranks - 1 for ranks in _COPY_RANKS]
    copies, _ = _line([scorers * params_bytes for scorers in n_scorers], [row["arrival_seconds"] for row in copied])
    _, wake = _line(n_scorers, [row["arrival_seconds"] for row in shared])
    message, publish = _line(n_scorers, [row["calls_seconds"] for row in shared])
    return {"wake_seconds": wake, "copy_seconds": copies, "message_seconds": message, "publish_seconds": publish}


def _line(x, y):
    """Return slope and intercept of the line through two points; neither is negative."""
    slope = max(0.0, (y[1] - y[0]) / (x[1] - x[0]))
    return slope, max(0.0, y[0] - slope * x[0])


def real_run(ranks, options):
    """Do a run and return its figures: means over the second half of its refreshes.

    Parameters
    ----------
    ranks : int
    options : dict
        Fields of :class:`config.Config`.

    Returns
    -------
    dict
        ``refresh_seconds``, ``refresh_steps``, ``staleness``, ``variance_gain`` (NaN where importance sampling was
        off), ``merge_seconds`` (NaN without a refresh), ``scored_per_second``, ``steps_per_second``, ``wait_fraction``.
    """
    words = []
    for name, value in options.items():
        words += [option(name), *(value if isinstance(value, list) else [value])]
    with tempfile.TemporaryDirectory(prefix="isgd_mpi-bench-") as place:
        folder = Path(place, "run")
        run_command(ranks, ["-m", "isgd_mpi", "--run-dir", folder, "--quiet", *words])
        run = read_run(folder)
    totals = {name: run.totals[name] for name in ("scored_per_second", "steps_per_second", "wait_fraction")}
    return (
        means({name: values[len(values) // 2 :] for name, values in run.refreshes.items()})
        | totals
        | {"merge_seconds": median_span(run.spans, "proposing")}
    )


def median_span(spans, activity):
    """Return the trainer's median seconds of an activity in a timeline; NaN where there are none."""
    chosen = (spans["rank"] == 0) & (spans["activities"][spans["activity"]] == activity)
    return float(np.median((spans["end"] - spans["begin"])[chosen])) if chosen.any() else math.nan


def means(refreshes):
    """Return the means over some refreshes, given as columns; NaN where a figure is unknown in all of them."""
    known = np.isfinite(refreshes["trace_uniform"]) & np.isfinite(refreshes["trace_in_use"])
    uniform, in_use = (refreshes[name][known].sum() for name in ("trace_uniform", "trace_in_use"))
    staleness = refreshes["staleness_mean"][np.isfinite(refreshes["staleness_mean"])]
    n_intervals = max(1, len(refreshes["step"]) - 1)
    return {
        "refresh_seconds": float(np.ptp(refreshes["seconds"])) / n_intervals,
        "refresh_steps": float(np.ptp(refreshes["step"])) / n_intervals,
        "staleness": float(staleness.mean()) if len(staleness) else math.nan,
        "variance_gain": float(uniform / in_use) if in_use else math.nan,
    }
