"""``python -m isgd_mpi.bench scaling``: predict what more scorers bring one trainer, up to 4 096 ranks.

The parts of a refresh are timed on this machine, and the protocol is played with these costs
(:mod:`isgd_mpi.sampling.forecast`). How the variance gain falls as scores grow old is measured by runs that
score all examples every so often and not in between. Real runs on a few ranks stand beside their prediction.
"""

import math
import os
from dataclasses import asdict, replace

from jsonargparse.typing import PositiveFloat, PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.scaling.costs import measure_costs, real_run
from isgd_mpi.sampling.forecast import gain_at, predict, saturation
from isgd_mpi.settings.errors import InputError

RUN_OPTIONS = {
    "--data": ("mnist10k", str, "data set of the runs"),
    "--data-dir": (None, str, "folder of data sets, as in a run"),
    "--hidden": ([512, 512], PositiveInt, "hidden widths"),
    "--minibatch-size": (16, PositiveInt, "examples"),
    "--lr": (0.1, PositiveFloat, "learning rate"),
    "--refresh-every": (32, PositiveInt, "steps from one refresh to the next"),
    "--score-batch-size": (None, PositiveInt, "examples (default: as in a run)"),
    "--steps": (2000, PositiveInt, "length of each real run [steps]"),
}
OPTIONS = RUN_OPTIONS | {
    "--real-ranks": ([2, 4, 8, 16], output.AtLeastTwo, "ranks of the real runs"),
    "--ages": ([16, 64, 256, 1000], PositiveInt, "ages of the scores at which the gain is measured [steps]"),
    "--ranks-per-node": (16, PositiveInt, "ranks on each node of the cluster"),
    "--network-gbits": (10.0, PositiveFloat, "bandwidth between nodes [Gbit/s]"),
    "--network-us": (50.0, PositiveFloat, "latency between nodes [us]"),
}

CHECK_COLUMNS = ("ranks", "ms a refresh", "pred.", "steps a refresh", "pred.", "staleness", "pred.", "gain", "pred.",
                 "scored/s", "pred.")  # fmt: skip

COLUMNS = ("ranks", "ms a refresh", "steps a refresh", "exchange/ms", "staleness", "gain", "scored/s", "idle/%",
           "refreshing/%", "steps/s x gain", "by uniform")  # fmt: skip
"""`by uniform` is the progress in a second of training, by that of uniform SGD on one rank."""

_RANKS = [2**k for k in range(1, 13)]


def run(settings):
    """Measure, predict, print the tables, and return what ``--json`` writes."""
    check(settings)
    options = run_options(settings)
    network = settings.network_us * 1e-6, settings.network_gbits / 8 * 1e9
    exact = {age: real_run(1, options | {"schedule": "exact", "refresh_every": age}) for age in settings.ages}
    gains = [(age, gain_of(exact[age])) for age in settings.ages]
    merge_seconds = exact[settings.ages[0]]["merge_seconds"]
    costs, environment = measure_costs(options, merge_seconds, network, len(os.sched_getaffinity(0)))
    real = {ranks: real_run(ranks, options) for ranks in settings.real_ranks}
    checked = [predict(costs, ranks, ranks) for ranks in settings.real_ranks]
    cluster = replace(costs, cores=settings.ranks_per_node)
    predictions = [predict(cluster, ranks, settings.ranks_per_node) for ranks in _RANKS]
    ranks, reason = saturation(predictions, gains, -(-costs.n_examples // costs.batch_size))

    output.print_environment(environment)
    print(", ".join(f"{name} {output.short(value)}" for name, value in asdict(costs).items()))
    print("variance gain by the scores' age in steps: " + ", ".join(f"{age:g}: {gain:.2f}" for age, gain in gains))
    print("\nmeasured, and predicted for this machine")
    output.print_table(CHECK_COLUMNS, [check_line(each, real[each.ranks], gains) for each in checked])
    print(
        f"\npredicted, {settings.ranks_per_node} ranks on a node, each on a core of its own; between nodes "
        f"{settings.network_gbits:g} Gbit/s, {settings.network_us:g} us"
    )
    output.print_table(COLUMNS, [line(each, costs, gains) for each in predictions])
    print(f"one trainer saturates at {ranks} ranks: {reason}" if ranks else f"one trainer saturates {reason}")
    return {
        "environment": environment,
        "costs": asdict(costs),
        "gains": gains,
        "real": real,
        "checked": [asdict(each) for each in checked],
        "predictions": [asdict(each) for each in predictions],
        "saturation": [ranks, reason],
    }


def check(settings):
    """Raise InputError where options do not fit together."""
    if sorted(set(settings.ages)) != settings.ages:
        raise InputError(f"--ages must ascend, not {' '.join(map(str, settings.ages))}")
    if settings.steps < 2 * settings.ages[-1]:
        raise InputError(f"--steps {settings.steps} is less than twice the last of --ages, {settings.ages[-1]}")


def run_options(settings):
    """Return the options of the real runs: fields of :class:`config.Config`."""
    names = [name.removeprefix("--").replace("-", "_") for name in RUN_OPTIONS]
    given = {name: settings[name] for name in names if settings[name] is not None}
    return given | {"eval_every": settings.steps + 1, "threads": 1, "trainers": 1}


def gain_of(run):
    """Return the variance gain in a run, 1 where importance sampling was switched off."""
    return 1.0 if math.isnan(run["variance_gain"]) else run["variance_gain"]


def check_line(predicted, real, gains):
    """Return the row of a real run and its prediction."""
    figures = (
        *(1e3 * real["refresh_seconds"], 1e3 * predicted.refresh_seconds),
        *(real["refresh_steps"], predicted.refresh_steps),
        *(real["staleness"], predicted.staleness),
        *(real["variance_gain"], gain_at(predicted.age_in_use, gains)),
        *(real["scored_per_second"], predicted.scored_per_second),
    )
    return [predicted.ranks, *map(output.short, figures)]


def line(predicted, costs, gains):
    """Return the row of a prediction."""
    gain = gain_at(predicted.age_in_use, gains)
    speed = gain * predicted.refresh_steps / predicted.refresh_seconds
    figures = (
        *(1e3 * predicted.refresh_seconds, predicted.refresh_steps, 1e3 * predicted.exchange_seconds),
        *(predicted.staleness, gain, predicted.scored_per_second, 100 * predicted.idle, 100 * predicted.refreshing),
        *(speed, speed * costs.step_seconds),
    )
    return [predicted.ranks, *map(output.short, figures)]
