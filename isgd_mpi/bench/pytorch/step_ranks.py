"""Training steps a second beside PyTorch's, on ranks: all train, uniformly, by the real program; rank 0 has PyTorch.

Rounds alternate: a short run of ours on all ranks, then blocks of PyTorch's steps with as many threads, while the other
ranks sleep.
"""

import faulthandler
import time

import numpy as np

from isgd_mpi.bench.output import quartiles, spread
from isgd_mpi.data import datasets
from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.model.params import initial_params
from isgd_mpi.ranks.waiting import POLITE
from isgd_mpi.run.until import train_until
from isgd_mpi.settings.errors import InputError

LEARNING_RATE = 1e-3
SIDES = ("ours", "default", "fused")
"""Ours, and PyTorch's with its default update and with the fused one."""

_WARM_UP_STEPS = 3
_RANDOM_EXAMPLES = 4096
_HANGING_SECONDS = 120.0  # for all rounds of a case, beyond its blocks


class StepClock:
    """Counts steps for some time, once the first ones are done.

    Parameters
    ----------
    seconds : float
    """

    def __init__(self, seconds):
        self._seconds = seconds
        self._n_steps = -_WARM_UP_STEPS
        self._begin = self._elapsed = 0.0

    def is_over(self):
        """Count a step; return whether time is up."""
        now = time.perf_counter()
        self._n_steps += 1
        if self._n_steps == 0:
            self._begin = now
        self._elapsed = now - self._begin
        return self._n_steps > 0 and self._elapsed >= self._seconds

    @property
    def steps_per_second(self):
        """Steps a second."""
        return self._n_steps / self._elapsed


def measure(comm, plan):
    """Time all cases. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    plan : dict
        ``cases``: a list of dicts with ``net``, ``widths``, ``data``, ``minibatch_size`` and ``precision``;
        ``momentum``, ``repeat`` and ``block_seconds``.

    Returns
    -------
    dict or None
        On rank 0: ``rows``, see :func:`row_of`.
    """
    rows = []
    for case in plan["cases"]:
        rows.append({"threads": comm.Get_size(), **case, **time_case(comm, case, plan)})
        if comm.Get_rank() == 0:
            print(line(rows[-1]), flush=True)
    return {"rows": rows}


def time_case(comm, case, plan):
    """Return quartiles of the steps a second of each side, or ``problem``. Collective."""
    dataset = load(case)
    options = options_of(case, plan["momentum"], comm.Get_size())
    theirs = their_sides(dataset, case, plan["momentum"], comm.Get_size()) if comm.Get_rank() == 0 else {}
    faulthandler.dump_traceback_later(_HANGING_SECONDS + 10 * plan["repeat"] * plan["block_seconds"], exit=True)
    rates = {name: [] for name in SIDES}
    try:
        for turn in range(plan["repeat"]):
            for name in SIDES[:: 1 if turn % 2 == 0 else -1]:
                if name == "ours":
                    POLITE.meet(comm)  # the others sleep while PyTorch computes
                    rates[name].append(steps_per_second(comm, dataset, options, plan["block_seconds"]))
                elif theirs:
                    rates[name].append(their_steps_per_second(theirs[name], plan["block_seconds"]))
    except InputError as error:  # on all ranks
        return {"problem": str(error)}
    finally:
        faulthandler.cancel_dump_traceback_later()
    return row_of(rates) if theirs else {}


def load(case):
    """Return the data set of a case: that of its name, or random examples."""
    if case["data"]:
        return datasets.load(case["data"])
    rng = np.random.default_rng(0)
    x = rng.integers(256, size=(_RANDOM_EXAMPLES, case["widths"][0]), dtype=np.uint8)
    return from_arrays(x, rng.integers(case["widths"][-1], size=_RANDOM_EXAMPLES))


def options_of(case, momentum, n_trainers):
    """Return the options of our runs."""
    return {
        "train_precision": case["precision"],
        "hidden": case["widths"][1:-1],
        "score": "uniform",
        "refresh_every": 512,
        "lr": LEARNING_RATE,
        "momentum": momentum,
        "minibatch_size": case["minibatch_size"],
        "trainers": n_trainers,
        "threads": 1,
    }


def steps_per_second(comm, dataset, options, seconds):
    """Train for some seconds on all ranks; return the steps a second on rank 0, and None elsewhere. Collective."""
    clock = StepClock(seconds)
    train_until(comm, options, dataset, lambda trainer: clock.is_over())
    return clock.steps_per_second if comm.Get_rank() == 0 else None


def their_sides(dataset, case, momentum, n_threads):
    """Return PyTorch's steps by the names of SIDES."""
    import torch

    from isgd_mpi.bench.pytorch.torch_side import DrawingStep, Examples, Way

    torch.set_num_threads(n_threads)
    rounds = case["precision"] == "bf16"
    params, examples = initial_params(case["widths"], "he", np.random.default_rng(0)), Examples(dataset, rounds)
    ways = {name: Way(LEARNING_RATE, momentum, name == "fused", rounds) for name in SIDES[1:]}
    return {name: DrawingStep(examples, case["minibatch_size"], params, case["widths"], ways[name]) for name in ways}


def their_steps_per_second(step, seconds):
    """Take PyTorch's steps for some seconds; return the steps a second."""
    clock = StepClock(seconds)
    step()
    while not clock.is_over():
        step()
    return clock.steps_per_second


def row_of(rates):
    """Return quartiles over the rounds: of each side, and of the ratio of ours to the better of PyTorch's."""
    ours, *theirs = (np.array(rates[name]) for name in SIDES)
    return {name: quartiles(rates[name]) for name in SIDES} | {"ratio": quartiles(ours / np.maximum(*theirs))}


_LINE = "{:<6} {:>9} {:>7} {:<9} {:>24} {:>24} {:>24}  {}"
HEADINGS = _LINE.format(
    *("net", "minibatch", "threads", "precision", "ours, steps/s", "PyTorch", "PyTorch, fused"), "ours / the better"
)


def line(row):
    """Return a row of the table as text."""
    first = (row["net"], row["minibatch_size"], row["threads"], row["precision"])
    if "problem" in row:
        return _LINE.format(*first, "-", "-", "-", row["problem"])
    return _LINE.format(*first, *(spread(*row[name]) for name in (*SIDES, "ratio")))
