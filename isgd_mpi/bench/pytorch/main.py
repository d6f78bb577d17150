"""``python -m isgd_mpi.bench torch``: our training steps and our scoring beside PyTorch's.

Steps are those of the real program, by as many trainers as PyTorch has threads, all on as many cores; they draw and
gather their minibatches, and so does PyTorch. Ours also take importance weights, give the minibatch's scores and check
that the gradient is finite. Scoring is that of one rank, and also gives losses and predictions. That both sides compute
the same steps is asserted before the clock starts, for scores once it has stopped.
"""

from itertools import chain, product

import threadpoolctl
from jsonargparse.typing import NonNegativeFloat, PositiveFloat, PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.jobs import check_cores, measure_on_ranks, on_cores
from isgd_mpi.bench.pytorch.race import race
from isgd_mpi.bench.pytorch.step_ranks import HEADINGS
from isgd_mpi.kernels.threads import set_threads
from isgd_mpi.model.bfloat16.arithmetic import fastest_arithmetic
from isgd_mpi.settings.errors import InputError

NETS = {
    "small": {"widths": (784, 512, 512, 10), "minibatch_size": 16, "score_batch_size": 2048, "data": "mnist10k"},
    "paper": {"widths": (3072, 2048, 2048, 2048, 2048, 10), "minibatch_size": 128, "score_batch_size": 2048},
}
"""Fields of each :class:`isgd_mpi.bench.pytorch.contests.Net`; `paper` is that of arXiv:1511.06481."""

MINIBATCH_SIZES = {"small": [16, 64, 128, 256, 512], "paper": [128]}
"""Minibatches of the steps that are timed, unless others are asked for."""

OPTIONS = {
    "--parts": (["steps", "scores"], ["steps", "scores"], "what to time"),
    "--net": ("small", [*NETS, "all"], "784-512-512-10, or 3072-2048x4-10, which takes minutes"),
    "--threads": ([1], PositiveInt, "for steps: trainers of ours, and threads of PyTorch"),
    "--minibatch-size": ([], PositiveInt, "for steps (16 to 512 of the small net, 128 of the paper's if not given)"),
    "--precision": (["f32", "bf16"], ["f32", "bf16"], "for steps: float32, bfloat16 (PyTorch: autocast)"),
    "--momentum": (0.0, NonNegativeFloat, "for steps: Nesterov momentum"),
    "--repeat": (7, PositiveInt, "blocks of each side"),
    "--block-seconds": (0.3, PositiveFloat, "length of a block [s]"),
}

_LINE = "{:<6} {:<27} {:>24} {:>24} {:<11} {}"
_LONGEST_JOB_SECONDS = 7200.0


def run(settings):
    """Measure, print the tables, and return what ``--json`` writes; raises InputError without PyTorch."""
    contests, rounded, torch = _import_torch()
    nets = [contests.Net(name, **NETS[name]) for name in (NETS if settings.net == "all" else [settings.net])]
    header = output.machine(1, "torch") | {
        "scores": f"scorers compute in {fastest_arithmetic()} here, unless float32 is asked for",
        "figures": f"float32 if not said; median [quartiles] of {settings.repeat} alternating blocks of "
        f"{settings.block_seconds:g} s",
    }
    check_cores(settings.threads)
    output.print_lines(header)
    result = header
    if "steps" in settings.parts:
        for net in nets:
            contests.check_steps(net, settings.momentum, fused=False)
        result = result | {"steps": time_steps(settings, nets)}
    if "scores" in settings.parts:
        torch.set_num_threads(1)
        set_threads(1)
        with threadpoolctl.threadpool_limits(1):
            result = result | time_scores(settings, nets, contests, rounded)
    return result


def _import_torch():
    """Import PyTorch, which isgd_mpi does not depend on, and what builds on it."""
    try:
        import torch
    except ImportError:
        raise InputError("this benchmark needs PyTorch, which is not installed: pip install torch") from None
    from isgd_mpi.bench.pytorch import contests, rounded

    return contests, rounded, torch


def time_steps(settings, nets):
    """Print the table of steps a second, and return its rows; a job for each number of threads."""
    plan = {name: settings[name] for name in ("momentum", "repeat", "block_seconds")} | {"cases": cases(settings, nets)}
    rows = []
    print(f"\n{HEADINGS}", flush=True)
    for threads in settings.threads:
        with on_cores(threads):
            try:
                module = "isgd_mpi.bench.pytorch.step_ranks"
                rows += measure_on_ranks(module, threads, plan, None, _LONGEST_JOB_SECONDS, prints=True)["rows"]
            except InputError as error:  # the other numbers of threads may do
                print(f"{threads} threads: {error}", flush=True)
        output.write(settings.json, {"settings": settings.as_dict(), "steps": rows})
    return rows


def cases(settings, nets):
    """Return the cases for :func:`isgd_mpi.bench.pytorch.step_ranks.measure`."""
    return [
        {"net": net.name, "widths": net.widths, "data": net.data, "minibatch_size": size, "precision": precision}
        for net in nets
        for size, precision in product(settings.minibatch_size or MINIBATCH_SIZES[net.name], settings.precision)
    ]


def time_scores(settings, nets, contests, rounded):
    """Print the table of scoring, and return its rows and the errors of rounded scores."""
    print("\n" + _LINE.format("net", "", "ours", "PyTorch", "unit", "ours / PyTorch (above 1: ours is faster)"))
    pairs = chain.from_iterable(chain(contests.contests(net), rounded.contests(net)) for net in nets)
    rows = [show(race(contest, settings.repeat, settings.block_seconds)) for contest in pairs]
    return {"rows": rows, "accuracy": [show_accuracy(found) for found in map(rounded.accuracy, nets) if found]}


def show(row):
    """Print a row of the table of scoring, and return it."""
    ours, theirs, ratio = (output.spread(*row[name]) for name in ("ours", "theirs", "ratio"))
    print(_LINE.format(row["net"], row["name"], ours, theirs, row["unit"], ratio), flush=True)
    return row


def show_accuracy(found):
    """Print a line on the error of scoring in bfloat16, and return it."""
    print(
        f"{found['net']:<6} bf16 scores: error of the norms {found['median_error']:.2%} (median), "
        f"{found['percentile_99_error']:.2%} (99th percentile); Tr Sigma {found['trace_ratio']:.5f} times that with "
        f"float32 scores ({found['examples']})"
    )
    return found
