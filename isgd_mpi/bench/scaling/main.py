"""``python -m isgd_mpi.bench scaling``: what more scorers bring one trainer, predicted up to 4 096 ranks.

The parts of a refresh are timed on this machine, and the protocol is played with these costs
(:mod:`isgd_mpi.sampling.forecast`). How the variance gain falls as scores grow old is measured by runs that
score all examples every so many steps and not in between. Real runs on a few ranks stand beside their prediction.
"""

import os
from dataclasses import asdict

from jsonargparse.typing import PositiveFloat, PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.scaling.costs import measure_costs, real_run
from isgd_mpi.sampling.forecast import gain_at, predict, saturation
from isgd_mpi.settings.errors import InputError

_MOST_RANKS = 4096


def main(arguments):
    """Run the bench.

    Parameters
    ----------
    arguments : list of str
        Behind ``python -m isgd_mpi.bench scaling``.

    Raises
    ------
    InputError
        The arguments are wrong, or a run failed.
    """
    settings = parse(arguments)
    options = {
        "data": settings.data,
        "data_dir": settings.data_dir,
        "hidden": settings.hidden,
        "minibatch_size": settings.minibatch_size,
        "lr": settings.lr,
        "refresh_every": settings.refresh_every,
        "score_batch_size": settings.score_batch_size,
        "steps": settings.steps,
        "eval_every": settings.steps + 1,
        "threads": 1,
    }
    options = {name: value for name, value in options.items() if value is not None}
    cores = len(os.sched_getaffinity(0))
    costs, environment = measure_costs(options, (settings.network_us * 1e-6, settings.network_gbits / 8 * 1e9), cores)
    table = [(age, measured_gain(options, age)) for age in settings.ages]
    real = {ranks: real_run(ranks, options) for ranks in settings.real_ranks}
    checked = [predict(costs, ranks, ranks) for ranks in settings.real_ranks]
    cluster = {"cores": settings.ranks_per_node}
    all_ranks = [2**k for k in range(1, _MOST_RANKS.bit_length()) if 2**k <= _MOST_RANKS]
    predictions = [
        predict(type(costs)(**asdict(costs) | cluster), ranks, settings.ranks_per_node) for ranks in all_ranks
    ]

    output.print_environment(environment)
    print(", ".join(f"{name} {output.short(value)}" for name, value in asdict(costs).items()))
    print("variance gain by the scores' age in steps: " + ", ".join(f"{age:g}: {gain:.2f}" for age, gain in table))
    print("\nmeasured, and predicted for this machine")
    output.print_table(CHECK_COLUMNS, [check_line(each, real[each.ranks], table) for each in checked])
    print(
        f"\npredicted, {settings.ranks_per_node} ranks on a node, each on a core of its own; between nodes "
        f"{settings.network_gbits:g} Gbit/s, {settings.network_us:g} us"
    )
    output.print_table(COLUMNS, [line(each, costs, table) for each in predictions])
    ranks, reason = saturation(predictions, table, -(-costs.n_examples // costs.batch_size))
    print(f"one trainer saturates at {ranks} ranks: {reason}" if ranks else f"one trainer saturates {reason}")
    output.write(
        settings.json,
        {
            "settings": settings.as_dict(),
            "environment": environment,
            "costs": asdict(costs),
            "gains": table,
            "real": real,
            "checked": list(map(asdict, checked)),
            "predictions": list(map(asdict, predictions)),
            "saturation": [ranks, reason],
        },
    )


def parse(arguments):
    """Parse the options; arguments and errors as of :func:`main`."""
    options = output.parser("scaling", "Predict refreshes, staleness and variance gain on up to 4 096 ranks.")
    options.add_argument("--data", default="mnist10k", help="as of a run (default: mnist10k)")
    options.add_argument("--data-dir", metavar="DIR", help="as of a run")
    options.add_argument("--hidden", type=PositiveInt, nargs="+", default=[512, 512], help="(default: 512 512)")
    options.add_argument("--minibatch-size", type=PositiveInt, default=16, help="(default: 16)")
    options.add_argument("--lr", type=PositiveFloat, default=0.1, help="(default: 0.1)")
    options.add_argument("--refresh-every", type=PositiveInt, default=32, help="steps (default: 32)")
    options.add_argument("--score-batch-size", type=PositiveInt, default=2048, help="examples (default: 2048)")
    options.add_argument("--steps", type=PositiveInt, default=2000, help="of each real run (default: 2000)")
    options.add_argument(
        "--real-ranks", type=PositiveInt, nargs="+", default=[2, 4, 8, 16], help="to check on (default: 2 4 8 16)"
    )
    options.add_argument(
        "--ages", type=PositiveInt, nargs="+", default=[16, 64, 256, 1000],
        help="of the scores, for which the gain is measured [steps] (default: 16 64 256 1000)",
    )  # fmt: skip
    options.add_argument("--ranks-per-node", type=PositiveInt, default=16, help="of the cluster (default: 16)")
    options.add_argument("--network-gbits", type=PositiveFloat, default=10.0, help="[Gbit/s] (default: 10)")
    options.add_argument("--network-us", type=PositiveFloat, default=50.0, help="latency [us] (default: 50)")
    settings = output.parse(options, arguments)
    if min(settings.real_ranks) < 2:
        raise InputError(f"--real-ranks must be at least 2, not {min(settings.real_ranks)}")
    if sorted(set(settings.ages)) != settings.ages:
        raise InputError(f"--ages must ascend, not {' '.join(map(str, settings.ages))}")
    if settings.steps < 2 * settings.ages[-1]:
        raise InputError(f"--steps {settings.steps} is less than twice the last of --ages, {settings.ages[-1]}")
    return settings


def measured_gain(options, age):
    """Return the variance gain of scores that are so many steps old, over the second half of a run."""
    gain = real_run(1, options | {"schedule": "exact", "refresh_every": age})["variance_gain"]
    return 1.0 if gain is None else gain  # it was switched off


CHECK_COLUMNS = ("ranks", "ms a refresh", "pred.", "steps a refresh", "pred.", "staleness", "pred.", "gain", "pred.",
                 "scored/s", "pred.")  # fmt: skip
"""Of the check."""


def check_line(predicted, real, table):
    """Return the row of a real run and its prediction."""
    pairs = (
        (1e3 * real["refresh_seconds"], 1e3 * predicted.refresh_seconds),
        (real["refresh_steps"], predicted.refresh_steps),
        (real["staleness"], predicted.staleness),
        (real["variance_gain"], gain_at(predicted.age_in_use, table)),
        (real["scored_per_second"], predicted.scored_per_second),
    )
    return [predicted.ranks, *("-" if value is None else output.short(value) for pair in pairs for value in pair)]


COLUMNS = ("ranks", "ms a refresh", "steps a refresh", "exchange/ms", "staleness", "gain", "scored/s", "idle/%",
           "refreshing/%", "steps/s x gain", "by uniform")  # fmt: skip
"""Of the prediction; `by uniform` is what comes of a second of training, by that of uniform SGD on one rank."""


def line(predicted, costs, table):
    """Return the row of a prediction."""
    gain = gain_at(predicted.age_in_use, table)
    speed = gain * predicted.refresh_steps / predicted.refresh_seconds
    return [
        predicted.ranks,
        output.short(1e3 * predicted.refresh_seconds),
        output.short(predicted.refresh_steps),
        output.short(1e3 * predicted.exchange_seconds),
        output.short(predicted.staleness),
        output.short(gain),
        output.short(predicted.scored_per_second),
        output.short(100 * predicted.idle),
        output.short(100 * predicted.refreshing),
        output.short(speed),
        output.short(speed * costs.step_seconds),
    ]
