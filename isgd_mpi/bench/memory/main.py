"""``python -m isgd_mpi.bench memory``: memory of each rank, and the trainer's time, with a large training set.

The runs are real ones. The first table shows the moment at which all ranks together had most memory, the second the
activities that the trainer spent its time on.
"""

import tempfile
from pathlib import Path

import numpy as np
from jsonargparse.typing import NonNegativeInt, PositiveFloat, PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.jobs import measure_on_ranks
from isgd_mpi.data.folders import CACHE_VARIABLE

SHAPES = {
    "paper": {"n_examples": 574_168, "n_features": 3072, "hidden": [2048] * 4},
    "many": {"n_examples": 10_000_000, "n_features": 64, "hidden": [512, 512]},
}
"""Training examples, features of one byte each, and the net."""

OPTIONS = {
    "--shapes": (["paper"], [*SHAPES], "data and nets"),
    "--ranks": (16, output.AtLeastTwo, "ranks of the job"),
    "--seconds": (60.0, PositiveFloat, "length of the training [s]"),
    "--checkpoint-every": (20.0, PositiveFloat, "time between checkpoints [s]"),
    "--refresh-every": (32, PositiveInt, "steps from one refresh to the next"),
    "--examples": (0, NonNegativeInt, "training examples; 0: the shape's"),
    "--hidden": ([], PositiveInt, "hidden widths; none: the shape's"),
    "--folder": (None, str, "folder that retains the data for another time (default: a temporary one)"),
}

BUDGET_BYTES = 250e6  # a rank, besides the training set

_MINIBATCH_SIZE = 128
_MANY_STEPS = 10**9  # the clock ends the run
_N_CLASSES = 10
_CHUNK_ROWS = 2**18
_MEMORY_COLUMNS = ("rank", "share/MB", "own", "files", "shared", "resident")
_TIME_COLUMNS = ("trainer", "s", "of its time/%")


def run(settings):
    """Measure, print the tables, and return what ``--json`` writes."""
    with tempfile.TemporaryDirectory(prefix="isgd_mpi-bench-") as folder:
        place = Path(settings.folder or folder)
        results = [measure(shape_of(name, settings), settings, place) for name in settings.shapes]
    return {"results": results}


def shape_of(name, settings):
    """Return a shape with the changes that the options make."""
    changed = {"n_examples": settings.examples, "hidden": settings.hidden}
    return {"name": name} | SHAPES[name] | {key: value for key, value in changed.items() if value}


def measure(shape, settings, folder):
    """Run a job of a shape, print its tables, and return the results.

    Parameters
    ----------
    shape : dict
        Of SHAPES, with its ``name``.
    settings : jsonargparse.Namespace
    folder : pathlib.Path
        For data.

    Returns
    -------
    dict
        ``shape``, ``budget_bytes``, and the measurements: see :func:`ranks.measure`.
    """
    chosen = {name: settings[name] for name in ("checkpoint_every", "refresh_every")}
    net = {"hidden": shape["hidden"], "minibatch_size": _MINIBATCH_SIZE}
    with tempfile.TemporaryDirectory(prefix="isgd_mpi-run-") as place:
        run = {"steps": _MANY_STEPS, "quiet": True, "run_dir": f"{place}/run"}
        plan = {"options": data_options(shape, folder) | net | chosen | run, "seconds": settings.seconds}
        variables = {CACHE_VARIABLE: str(folder)}
        done = measure_on_ranks("isgd_mpi.bench.memory.ranks", settings.ranks, plan, variables, settings.seconds + 300)
    budget = shape["n_examples"] * shape["n_features"] + settings.ranks * BUDGET_BYTES
    result = {"shape": shape, "budget_bytes": budget} | done
    print_result(result)
    return result


def data_options(shape, folder):
    """Return the options that name a shape's data; write these where no program makes them."""
    if shape["name"] == "paper":
        return {"data": "synthetic", "synthetic_size": shape["n_examples"]}
    path = folder / f"random-{shape['n_examples']}x{shape['n_features']}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_examples(path, shape["n_examples"], shape["n_features"])
    return {"data": str(path)}


def write_examples(path, n_examples, n_features):
    """Write random examples, each with its class marked in one of its features, into an npz file."""
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
    output.print_environment(result["environment"])
    print(f"{shape['n_examples']:,} examples, {n_bytes / 1e6:,.0f} MB; net {'-'.join(map(str, widths))}")
    total = {name: sum(each[name] for each in memory) for name in memory[0]}
    rows = [*enumerate(memory), ("all", total)]
    output.print_table(_MEMORY_COLUMNS, [memory_line(name, sizes) for name, sizes in rows])
    print(f"budget, the training set and {BUDGET_BYTES / 1e6:.0f} MB a rank: {result['budget_bytes'] / 1e6:,.0f} MB\n")
    output.print_table(_TIME_COLUMNS, time_lines(result["activity_seconds"]))
    steps = (f"{1e3 * result[name]:.3g}" for name in ("median_seconds", "longest_seconds"))
    print("{} steps, of {} ms in the median, the longest {} ms".format(result["n_steps"], *steps))


def memory_line(name, sizes):
    """Return the row of a rank: its share of the memory, the parts of that, and all that it has mapped, in MB."""
    return [name, *(f"{sizes[key] / 1e6:,.0f}" for key in ("Pss", "Pss_Anon", "Pss_File", "Pss_Shmem", "Rss"))]


def time_lines(seconds):
    """Return the rows of the trainer's time: activities that took any, and the rest."""
    total = sum(seconds.values())
    return [[name, *map(output.short, (own, 100 * own / total))] for name, own in seconds.items() if own]
