"""``python -m isgd_mpi.bench memory``: memory of each rank, and the trainer's time, with a large training set.

Real runs, watched from outside. Shown is the moment at which all ranks together had most. The trainer's calls are
timed inside it; what is left of its time are gradients and updates.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
from jsonargparse.typing import NonNegativeInt, PositiveFloat, PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.jobs import run_module
from isgd_mpi.bench.time_to_loss.resident import Watch
from isgd_mpi.data.folders import CACHE_VARIABLE
from isgd_mpi.settings.errors import InputError

SHAPES = {
    "paper": {"n_examples": 574_168, "n_features": 3072, "hidden": [2048] * 4, "minibatch_size": 128},
    "many": {"n_examples": 10_000_000, "n_features": 64, "hidden": [512, 512], "minibatch_size": 128},
}
"""Training examples, features of one byte each, and the net."""

BUDGET_BYTES = 250e6  # a rank, besides the training set

_N_CLASSES = 10
_CHUNK_ROWS = 2**18
_MEMORY_COLUMNS = ("rank", "share/MB", "own", "files", "shared", "resident")
_TIME_COLUMNS = ("trainer", "calls", "median/ms", "mean/ms", "largest/ms", "of its time/%")


def main(arguments):
    """Run the bench.

    Parameters
    ----------
    arguments : list of str
        Behind ``python -m isgd_mpi.bench memory``.

    Raises
    ------
    InputError
        The arguments are wrong, or a job failed.
    """
    settings = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="isgd_mpi-bench-") as folder:
        results = [measure(shape_of(name, settings), settings, settings.folder or folder) for name in settings.shapes]
    output.write(settings.json, {"settings": settings.as_dict(), "results": results})


def parse(arguments):
    """Parse the options; arguments and errors as of :func:`main`."""
    options = output.parser("memory", "Measure the memory of a job's ranks, and what the trainer's time goes to.")
    options.add_argument("--shapes", choices=list(SHAPES), nargs="+", default=["paper"], help="(default: paper)")
    options.add_argument("--ranks", type=PositiveInt, default=16, help="(default: 16)")
    options.add_argument("--seconds", type=PositiveFloat, default=60, help="of training (default: 60)")
    options.add_argument("--checkpoint-every", type=PositiveFloat, default=20, help="seconds (default: 20)")
    options.add_argument("--refresh-every", type=PositiveInt, default=32, help="steps (default: 32)")
    options.add_argument("--examples", type=NonNegativeInt, default=0, help="training examples [the shape's]")
    options.add_argument("--hidden", type=PositiveInt, nargs="+", help="hidden widths [the shape's]")
    options.add_argument("--folder", help="where data stay for another time [a temporary one]")
    return output.parse(options, arguments)


def shape_of(name, settings):
    """Return a shape as the options change it."""
    changed = {"n_examples": settings.examples, "hidden": settings.hidden}
    return {"name": name} | SHAPES[name] | {key: value for key, value in changed.items() if value}


def measure(shape, settings, folder):
    """Run a job of a shape, print its tables, and return what was measured.

    Parameters
    ----------
    shape : dict
        Of SHAPES, with its ``name``.
    settings : jsonargparse.Namespace
    folder : str
        For data.

    Returns
    -------
    dict
        ``shape``, ``memory`` of each rank, ``seconds`` of the trainer's calls, ``budget_bytes``.
    """
    arguments = [*data_options(shape, Path(folder)), "--hidden", *shape["hidden"], "--quiet"]
    for name in ("seconds", "checkpoint_every", "refresh_every"):
        arguments += [f"--{name.replace('_', '-')}", settings[name]]
    arguments += ["--minibatch-size", shape["minibatch_size"]]
    with tempfile.TemporaryDirectory(prefix="isgd_mpi-run-") as place:
        run_dir = os.path.join(place, "run")
        plan = {"arguments": [*map(str, arguments), "--run-dir", run_dir]}
        with Watch("isgd_mpi.bench.memory.ranks") as watch:
            done = run_module(
                "isgd_mpi.bench.memory.ranks", settings.ranks, plan, {CACHE_VARIABLE: folder}, settings.seconds + 300
            )
    try:
        memory = watch.largest(done["pids"])
    except ValueError as error:
        raise InputError(f"{error}: give more --seconds") from None
    budget = shape["n_examples"] * shape["n_features"] + settings.ranks * BUDGET_BYTES
    result = {"shape": shape, "memory": memory, "seconds": done["seconds"], "budget_bytes": budget}
    print_result(result)
    return result


def data_options(shape, folder):
    """Return the options that name a shape's data, which are made where they are not in the program."""
    if shape["name"] == "paper":
        return ["--data", "synthetic", "--synthetic-size", shape["n_examples"]]
    path = folder / f"random-{shape['n_examples']}x{shape['n_features']}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_examples(path, shape["n_examples"], shape["n_features"])
    return ["--data", path]


def write_examples(path, n_examples, n_features):
    """Write random examples whose class shows in one of their features.

    Parameters
    ----------
    path : pathlib.Path
        The npz file.
    n_examples, n_features : int
    """
    rng = np.random.default_rng(0)
    x = np.empty((n_examples, n_features), np.uint8)
    y = rng.integers(_N_CLASSES, size=n_examples, dtype=np.int32)
    for start in range(0, n_examples, _CHUNK_ROWS):
        rows = x[start : start + _CHUNK_ROWS]
        rows[:] = rng.integers(192, size=rows.shape, dtype=np.uint8)
        rows[np.arange(len(rows)), y[start : start + len(rows)] % n_features] += 63
    n_test = min(n_examples, 1000)
    np.savez(path, x_train=x, y_train=y, x_test=x[:n_test], y_test=y[:n_test])


def print_result(result):
    """Print a shape's tables."""
    shape, memory = result["shape"], result["memory"]
    widths = [shape["n_features"], *shape["hidden"], _N_CLASSES]
    n_bytes = shape["n_examples"] * shape["n_features"]
    print(f"\n{shape['n_examples']:,} examples, {n_bytes / 1e6:,.0f} MB; net {'-'.join(map(str, widths))}")
    total = {name: sum(each[name] for each in memory) for name in memory[0]}
    rows = [*enumerate(memory), ("all", total)]
    output.print_table(_MEMORY_COLUMNS, [memory_line(name, sizes) for name, sizes in rows])
    print(f"budget, the training set and {BUDGET_BYTES / 1e6:.0f} MB a rank: {result['budget_bytes'] / 1e6:,.0f} MB\n")
    output.print_table(_TIME_COLUMNS, time_lines(result["seconds"]))


def memory_line(name, sizes):
    """Return a row: a rank's share of the memory, what it is made of, and all it has mapped, in MB."""
    return [name, *(f"{sizes[key] / 1e6:,.0f}" for key in ("Pss", "Pss_Anon", "Pss_File", "Pss_Shmem", "Rss"))]


def time_lines(seconds):
    """Return the rows of the trainer's time."""
    (training,) = seconds["training"]
    rows = []
    for name, times in seconds.items():
        if times:
            figures = [1e3 * value for value in (np.median(times), np.mean(times), max(times))]
            share = 100 * sum(times) / training
            rows.append([name, len(times), *map(output.short, figures), output.short(share)])
    return rows
