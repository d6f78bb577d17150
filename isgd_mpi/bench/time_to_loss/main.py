"""``python -m isgd_mpi.bench time-to-loss``: wall-clock time until the training loss is small.

For each number of cores and each method a search finds minibatch, learning rate, trainers or threads, and precision
with one seed (see :mod:`isgd_mpi.experiment.search`); the best ones then run with every seed. Parameters are
copied now and then, and evaluated when the run has ended; neither that nor the start counts.
"""

import importlib.util
import math
import os
import tempfile
from dataclasses import asdict
from itertools import product
from pathlib import Path

from jsonargparse.typing import ClosedUnitInterval, NonNegativeInt, PositiveFloat, PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.jobs import check_cores, measure_on_ranks, on_cores
from isgd_mpi.bench.time_to_loss.arrival import Arrival
from isgd_mpi.bench.time_to_loss.methods import METHODS, VARIANTS, precision_text, space_of, workers_text
from isgd_mpi.data.files import read_intact_json
from isgd_mpi.experiment.search import Budget, Trial
from isgd_mpi.settings.errors import InputError

OPTIONS = {
    "--methods": ([*METHODS], [*METHODS], "what to compare with the first"),
    "--cores": ([len(os.sched_getaffinity(0))], PositiveInt, "cores, of which each has a rank of ours"),
    "--minibatch-size": ([16, 64, 128, 256, 512, 1024], PositiveInt, "minibatches that the search begins with"),
    "--rates": ([0.15, 0.3, 0.6, 1.2, 2.4], PositiveFloat, "learning rates that it begins with"),
    "--workers": ([], PositiveInt, "trainers, or threads of PyTorch (those that fit; powers of two if not given)"),
    "--precision": (["f32", "bf16"], ["f32", "bf16"], "arithmetics of training"),
    "--variants": ([*VARIANTS], VARIANTS, "of PyTorch's step; compiled is tried with the best of the others only"),
    "--bias-exponent": ([1.0, 0.5], ClosedUnitInterval, "of importance sampling's weights; 1 is unbiased"),
    "--trials": (36, PositiveInt, "runs of the first round"),
    "--first-seconds": (0.4, PositiveFloat, "training time of a run in the first round [s]"),
    "--longest-seconds": (15.0, PositiveFloat, "longest training time of a run [s]"),
    "--search-seconds": (300.0, PositiveFloat, "longest time of a search, with start and evaluation of its runs [s]"),
    "--seeds": ([0, 1, 2, 3, 4], NonNegativeInt, "seeds of the best; the search has the first one"),
    "--target": (0.06, PositiveFloat, "training loss to reach [nats]"),
    "--data": ("mnist", str, "data set of the runs"),
    "--data-dir": (None, str, "folder of data sets, as in a run"),
    "--hidden": ([512, 512], PositiveInt, "hidden widths"),
}

COLUMNS = (
    *("cores, method", "minibatch", "rate", "ranks or threads", "precision"),
    *("reached", "s", "steps", "steps/s", "first / this"),
)
"""Of the table of the best trials; below 1 the first method of these cores is faster."""

_MOST_FAILURES = 8  # of a method's jobs
_LONGEST_JOB_SECONDS = 7200.0


def run(settings):
    """Measure, print the tables, and return what ``--json`` writes."""
    check(settings)
    results = []
    for cores, method in product(settings.cores, settings.methods):
        print(f"{METHODS[method]} on {cores} cores", flush=True)
        results.append({"cores": cores, "method": method, **conduct(settings, cores, method)})
        output.write(settings.json, {"settings": settings.as_dict(), "results": results})
    environments = [result["environment"] for result in results if "environment" in result]
    if environments and environments[0]:
        output.print_environment(environments[0])
    print(", ".join(sorted({result["versions"] for result in results if "versions" in result})))
    print(f"until the training loss is {settings.target:g}; medians [quartiles] over seeds {settings.seeds}")
    output.print_table(COLUMNS, [line(results, result, settings.seeds) for result in results])
    if not all(result["complete"] for result in results):
        print("* the search ran out of time: better settings may be near")
    return {"results": results}


def check(settings):
    """Raise InputError where PyTorch or cores are missing."""
    if "torch" in settings.methods and not importlib.util.find_spec("torch"):
        raise InputError("PyTorch is not installed: pip install torch, or leave torch out of --methods")
    check_cores(settings.cores)


def conduct(settings, cores, method):
    """Do all runs of a method on some cores; return the result of :func:`conduct.conduct`.

    A run whose job fails is noted, and the others go on in another job.
    """
    limits = {name: settings[name] for name in ("trials", "first_seconds", "longest_seconds", "search_seconds")}
    plan = {name: settings[name] for name in ("target", "seeds", "data", "data_dir", "hidden")} | {
        "method": method,
        "cores": cores,
        "space": asdict(space_of(method, cores, settings)),
        "budget": asdict(Budget(**limits)),
        "known": [],
    }
    program, ranks = ("torch_ranks", None) if method == "torch" else ("ranks", cores)
    with tempfile.TemporaryDirectory(prefix="isgd_mpi-bench-") as folder, on_cores(cores):
        plan["progress"] = str(Path(folder, "progress.json"))
        for _ in range(_MOST_FAILURES):
            try:
                module = f"isgd_mpi.bench.time_to_loss.{program}"
                return measure_on_ranks(module, ranks, plan, timeout_seconds=_LONGEST_JOB_SECONDS, prints=True)
            except InputError as error:
                plan["known"] = note_failure(plan["progress"], error)
                print(f"  a job failed: {error}", flush=True)
    raise InputError(f"{METHODS[method]} on {cores} cores: {_MOST_FAILURES} jobs failed")


def note_failure(path, error):
    """Return the runs so far of a job that failed, with the one that it failed in; raise the error if there is none."""
    progress = read_intact_json(Path(path))
    if progress is None:
        raise error
    failed = progress["running"]
    failed["arrival"]["problem"] = str(error)
    return [*progress["runs"], failed]


def line(results, result, seeds):
    """Return the row of a method on some cores."""
    cores, method, trial = result["cores"], result["method"], Trial(**result["best"])
    arrivals = [Arrival(**each) for each in result["finals"]]
    n_reached = sum(arrival.seconds is not None for arrival in arrivals)
    columns = [[getattr(arrival, name) for arrival in arrivals] for name in ("seconds", "steps", "steps_per_second")]
    return [
        f"{cores}, {METHODS[method]}{'' if result['complete'] else ' *'}",
        *(trial.minibatch_size, f"{trial.rate:g}", workers_text(method, cores, trial), precision_text(trial)),
        f"{n_reached} of {len(seeds)}",
        *(output.spread(*output.quartiles(infinite_if_missing(values))) if values else "-" for values in columns),
        ratio_text(next(each for each in results if each["cores"] == cores), result),
    ]


def ratio_text(first, result):
    """Return the median time of the first method by that of this one."""
    medians = [median_seconds(each["finals"]) for each in (first, result)]
    return f"{medians[0] / medians[1]:.2f}" if all(map(math.isfinite, medians)) else "-"


def median_seconds(finals):
    """Return the median time of arrivals; infinite if there are none, or half of them did not arrive."""
    return output.quartiles(infinite_if_missing(each["seconds"] for each in finals))[1] if finals else math.inf


def infinite_if_missing(values):
    """Return a list with infinity in place of each None."""
    return [math.inf if value is None else value for value in values]
