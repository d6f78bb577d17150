"""``python -m isgd_mpi.bench time-to-loss``: wall-clock time until the training loss is small.

MNIST, 784-512-512-10, minibatch 16, no momentum: one rank that trains and one that scores, beside
uniform SGD on the same two cores, ours and PyTorch's. Parameters are kept every so many steps and evaluated
when the run has ended; neither that nor the start counts. Each method is shown at each learning rate, and
compared at its best one.
"""

import importlib.util
from itertools import product

import numpy as np
from jsonargparse.typing import NonNegativeInt, PositiveFloat, PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.jobs import run_alone, run_module
from isgd_mpi.settings.errors import InputError

UNIFORM = {"score": "uniform", "refresh_every": 512}
METHODS = {
    # name: what it is, ranks (None: PyTorch), options
    "scored": ("1 rank trains, 1 scores", 2, {"threads": 1}),
    "trainers": ("uniform, 2 trainers", 2, {"trainers": 2, "threads": 1, **UNIFORM}),
    "threads": ("uniform, 2 threads", 1, {"threads": 2, **UNIFORM}),
    "torch-2": ("PyTorch, 2 threads", None, {"threads": 2}),
    "torch-1": ("PyTorch, 1 thread", None, {"threads": 1}),
}
"""What is compared: the first with each of the others."""

_SCORED_STEPS, _UNIFORM_STEPS = 6000, 12_000  # by default: what uniform SGD needs at its best rate, almost doubled
_EXPECTED_SECONDS = {"scored": 20, "trainers": 50, "threads": 40, "torch-2": 35, "torch-1": 40}  # a run, 2 idle cores


def main(arguments):
    """Run the bench.

    Parameters
    ----------
    arguments : list of str
        Behind ``python -m isgd_mpi.bench time-to-loss``.

    Raises
    ------
    InputError
        The arguments are wrong, a job failed, or PyTorch is not installed.
    """
    settings = parse(arguments)
    runs = list(product(settings.seeds, settings.rates, settings.methods))
    expected = sum(_EXPECTED_SECONDS[method] for _, _, method in runs)
    print(f"{len(runs)} runs, about {expected / 60:.0f} minutes on two idle cores", flush=True)
    results = [run(settings, *each) for each in runs]
    environments = [result["environment"] for result in results if "environment" in result]
    if environments:
        output.print_environment(environments[0])
    print(", ".join(sorted({result["versions"] for result in results if "versions" in result})))
    print(f"until the training loss is {settings.target:g}; medians [quartiles] over seeds {settings.seeds}")
    output.print_table(COLUMNS, [line(results, *group) for group in product(settings.methods, settings.rates)])
    print()
    best = {method: best_rate(results, method, settings.rates) for method in settings.methods}
    output.print_table(
        BEST_COLUMNS, [best_line(results, best, settings.methods, method) for method in settings.methods]
    )
    output.write(settings.json, {"settings": settings.as_dict(), "best_rates": best, "results": results})


def parse(arguments):
    """Parse the options; arguments and errors as of :func:`main`."""
    options = output.parser("time-to-loss", "Time training to a loss, beside uniform SGD on the same cores.")
    options.add_argument("--methods", choices=[*METHODS], nargs="+", default=[*METHODS], help="(default: all)")
    options.add_argument(
        "--rates", type=PositiveFloat, nargs="+", default=[0.05, 0.1, 0.2, 0.3],
        help="learning rates (default: 0.05 0.1 0.2 0.3)",
    )  # fmt: skip
    options.add_argument(
        "--seeds", type=NonNegativeInt, nargs="+", default=[0, 1, 2, 3, 4], help="(default: 0 1 2 3 4)"
    )
    options.add_argument("--target", type=PositiveFloat, default=0.06, help="training loss [nats] (default: 0.06)")
    options.add_argument("--every", type=PositiveInt, default=300, help="steps between snapshots (default: 300)")
    options.add_argument(
        "--steps", type=PositiveInt,
        help=f"of each run, at most [{_SCORED_STEPS} with scores, {_UNIFORM_STEPS} without if not given]",
    )  # fmt: skip
    options.add_argument("--data", default="mnist", help="as of a run (default: mnist)")
    options.add_argument("--data-dir", metavar="DIR", help="as of a run")
    options.add_argument("--hidden", type=PositiveInt, nargs="+", default=[512, 512], help="(default: 512 512)")
    settings = output.parse(options, arguments)
    if settings.steps is not None and settings.steps < settings.every:
        raise InputError(f"--steps {settings.steps} is less than --every {settings.every}: there would be no snapshot")
    if any(name.startswith("torch") for name in settings.methods) and not importlib.util.find_spec("torch"):
        raise InputError("PyTorch is not installed: pip install torch, or leave torch-1 and torch-2 out of --methods")
    return settings


def run(settings, seed, rate, method):
    """Do a run; return what it was and what it took."""
    _, ranks, own_options = METHODS[method]
    steps = settings.steps or (_SCORED_STEPS if method == "scored" else _UNIFORM_STEPS)
    options = {
        "data": settings.data,
        "data_dir": settings.data_dir,
        "hidden": settings.hidden,
        "lr": rate,
        "minibatch_size": 16,
        "seed": seed,
        "steps": steps,
        "eval_every": steps + 1,
        "quiet": True,
    }
    plan = {"every": settings.every, "target": settings.target}
    if ranks is None:
        result = run_alone("isgd_mpi.bench.time_to_loss.torch_descent", plan | {"options": options, **own_options})
    else:
        result = run_module("isgd_mpi.bench.time_to_loss.ranks", ranks, plan | {"options": options | own_options})
    reached = "not reached" if result["steps"] is None else f"{result['steps']} steps, {result['seconds']:.2f} s"
    print(f"seed {seed}, rate {rate:g}, {METHODS[method][0]}: {reached}", flush=True)
    return {"method": method, "seed": seed, "rate": rate, **result}


def figures_of(results, method, rate):
    """Return steps, seconds and rates of the runs of a method at a learning rate; infinite where not reached."""
    group = [result for result in results if (result["method"], result["rate"]) == (method, rate)]
    columns = ("steps", "seconds", "steps_per_second")
    return np.array([[np.inf if each[name] is None else each[name] for name in columns] for each in group])


def best_rate(results, method, rates):
    """Return the learning rate with the smallest median time."""
    return min(rates, key=lambda rate: median(figures_of(results, method, rate)[:, 1]))


def median(values):
    """Return the median; of an even number the upper of the two, so that infinity is no average."""
    return float(np.sort(values)[len(values) // 2])


COLUMNS = ("method", "learning rate", "reached", "steps", "s", "steps/s")
"""Of the table of all runs."""

BEST_COLUMNS = ("at its best rate", "learning rate", "s", "first / this")
"""Of the comparison; below 1 the first method is faster, and its goal is 0.5 or less."""


def line(results, method, rate):
    """Return the row of a method at a learning rate."""
    steps, seconds, per_second = figures_of(results, method, rate).T
    reached = int(np.isfinite(seconds).sum())
    return [METHODS[method][0], f"{rate:g}", f"{reached} of {len(seconds)}", *map(spread, (steps, seconds, per_second))]


def best_line(results, best, methods, method):
    """Return the row of a method in the comparison."""
    seconds, first = (median(figures_of(results, name, best[name])[:, 1]) for name in (method, methods[0]))
    ratio = f"{first / seconds:.2f}" if np.isfinite(first) else "-"
    return [METHODS[method][0], f"{best[method]:g}", output.short(seconds) if np.isfinite(seconds) else "-", ratio]


def spread(values):
    """Return the median and the quartiles as text; a dash where they are not finite."""
    low, _, high = np.quantile(values, [0.25, 0.5, 0.75], method="nearest")
    return "{} [{} – {}]".format(
        *(output.short(value) if np.isfinite(value) else "–" for value in (median(values), low, high))
    )
