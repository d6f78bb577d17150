"""What :mod:`isgd_mpi.bench.scaling.main` measures: the costs of a refresh's parts, and real runs."""

import json
import tempfile
import time
from pathlib import Path

import numpy as np

from isgd_mpi.bench.jobs import run_command, run_module
from isgd_mpi.data import datasets
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.params import initial_params
from isgd_mpi.ranks.records import published_dtype, report_dtype
from isgd_mpi.ranks.shards import shards
from isgd_mpi.run.record.log import RunLog
from isgd_mpi.sampling.forecast import Costs
from isgd_mpi.settings.config import Config
from isgd_mpi.training.minibatch import LocalGradient
from isgd_mpi.training.trainer import Trainer

_MERGES = 9
_COPY_RANKS = 2, 4  # on which the exchange is measured: what it takes is a line through these


def measure_costs(options, network, cores):
    """Measure what a run's parts cost on this machine.

    Parameters
    ----------
    options : dict
        Of the run: fields of :class:`config.Config`.
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
    params_bytes = 4 * initial_params((dataset.n_features, *config.hidden, dataset.n_classes), "he", _rng()).size
    batch_size = min(config.score_batch_size, dataset.n_train)
    scoring = {"data": config.data, "n_examples": config.synthetic_size, "hidden": config.hidden, "rows": batch_size}
    scored = run_module(
        "isgd_mpi.bench.throughput.ranks",
        1,
        scoring | {"batches": 4, "precisions": [config.score_precision], "repeat": 3},
    )
    report_bytes = report_dtype(shards(dataset.n_train, batch_size, 1)[0], dataset.n_classes).itemsize
    costs = Costs(
        n_examples=dataset.n_train,
        batch_size=batch_size,
        refresh_every=config.refresh_every,
        params_bytes=params_bytes,
        report_bytes=report_bytes,
        step_seconds=1 / real_run(1, options | {"score": "uniform", "refresh_every": 512})["steps_per_second"],
        score_seconds=scored["rows"][0]["score_seconds"] / (scored["rows"][0]["batches"] * batch_size),
        merge_seconds=merge_seconds(config, dataset) / dataset.n_train,
        cores=cores,
        network_seconds=network[0],
        network_bytes_per_second=network[1],
        **exchange_costs(params_bytes, report_bytes),
    )
    return costs, scored["environment"]


def _rng():
    return np.random.default_rng(0)


def exchange_costs(params_bytes, report_bytes):
    """Return the exchange's costs: fields of Costs, from what it takes on two numbers of ranks."""
    case = {
        "n_tests": 16,
        "params_bytes": params_bytes,
        "reports_bytes": report_bytes,
        "compute_seconds": 1e-3,
        "scorer_look_seconds": 0,
        "repeat": 7,
    }
    plan = {"give_way": False, "cases": [case | {"pattern": pattern} for pattern in ("messages", "memory")]}
    results = [run_module("isgd_mpi.bench.exchange.ranks", ranks, plan)["rows"] for ranks in _COPY_RANKS]
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


class _Stub:
    """An exchange in which a scorer has just scored everything."""

    def __init__(self, n_params, report):
        self.published = np.zeros((), published_dtype(n_params))
        self.reports = [report]
        self.seconds = 0.0

    def start(self):
        """Answer."""
        self.reports[0]["batch_steps"] = self.published["step"]


def merge_seconds(config, dataset):
    """Return the median time in which a trainer merges scores of all examples and renews its proposal."""
    model = MLP((dataset.n_features, *config.hidden, dataset.n_classes), config.minibatch_size)
    model.params = initial_params((dataset.n_features, *config.hidden, dataset.n_classes), "he", _rng())
    gradients = LocalGradient(dataset, model, config.minibatch_size)
    log = RunLog(None, quiet=True)
    trainer = Trainer(config, dataset, model, gradients, np.random.SeedSequence(0).spawn(3), log, True)
    batch_size = min(config.score_batch_size, dataset.n_train)
    report = np.zeros((), report_dtype(shards(dataset.n_train, batch_size, 1)[0], dataset.n_classes))
    exchange, seconds = _Stub(model.params.size, report), []
    for _ in range(_MERGES):
        report["scores"] = _rng().lognormal(size=dataset.n_train)
        trainer.publish(exchange)
        trainer.take_step()
        begin = time.perf_counter()
        trainer.merge(exchange)
        seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds[1:]))


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
        ``refresh_seconds``, ``refresh_steps``, ``staleness``, ``variance_gain`` (None where it was not measured),
        ``scored_per_second``, ``steps_per_second``, ``wait_fraction``.
    """
    words = []
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", *(value if isinstance(value, list) else [value])]
    with tempfile.TemporaryDirectory(prefix="isgd_mpi-bench-") as folder:
        run_command(ranks, ["-m", "isgd_mpi", "--run-dir", Path(folder, "run"), "--quiet", *words])
        lines = [json.loads(line) for line in Path(folder, "run", "metrics.jsonl").read_text().splitlines()]
        summary = json.loads(Path(folder, "run", "summary.json").read_text())
    refreshes = [line for line in lines if line["kind"] == "refresh"]
    return figures(refreshes[len(refreshes) // 2 :]) | {
        name: summary[name] for name in ("scored_per_second", "steps_per_second", "wait_fraction")
    }


def figures(refreshes):
    """Return the means over some refreshes, lines of a run's metrics."""
    first, last, n = refreshes[0], refreshes[-1], max(1, len(refreshes) - 1)
    traces = [
        (line["trace_uniform"], line["trace_in_use"])
        for line in refreshes
        if line["importance_sampling"] and line["trace_in_use"] and line["trace_uniform"]
    ]
    uniform, in_use = np.mean(traces, axis=0) if traces else (None, None)
    staleness = [line["staleness_mean"] for line in refreshes if line["staleness_mean"] is not None]
    return {
        "refresh_seconds": (last["seconds"] - first["seconds"]) / n,
        "refresh_steps": (last["step"] - first["step"]) / n,
        "staleness": float(np.mean(staleness)) if staleness else None,
        "variance_gain": float(uniform / in_use) if traces else None,
    }
