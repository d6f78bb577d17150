"""``python -m isgd_mpi.bench torch``: our training step and our scoring beside PyTorch's.

Both compute in float32, scorers also in bfloat16, in one process, on the same number of threads. Our step also
gives the minibatch's scores, takes importance weights and checks that the gradient is finite, our scoring
also gives losses and predictions; PyTorch does none of this. That both compute the same is
asserted once the clock has stopped.
"""

from itertools import chain

import threadpoolctl
from jsonargparse.typing import PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.pytorch.race import BLOCK_SECONDS, race
from isgd_mpi.kernels.threads import set_threads
from isgd_mpi.model.bfloat16.arithmetic import fastest_arithmetic
from isgd_mpi.settings.errors import InputError

NETS = {
    "small": {"widths": (784, 512, 512, 10), "minibatch_size": 16, "score_batch_size": 2048, "data": "mnist10k"},
    "paper": {"widths": (3072, 2048, 2048, 2048, 2048, 10), "minibatch_size": 128, "score_batch_size": 2048},
}
"""Fields of each :class:`isgd_mpi.bench.pytorch.contests.Net`; `paper` is that of arXiv:1511.06481."""

OPTIONS = {
    "--net": ("small", [*NETS, "all"], "784-512-512-10, or 3072-2048x4-10, which takes minutes"),
    "--threads": (1, PositiveInt, "threads of each side"),
    "--repeat": (15, PositiveInt, "blocks of each side"),
}

_LINE = "{:<6} {:<27} {:>24} {:>24} {:<11} {}"


def run(settings):
    """Measure, print the tables, and return what ``--json`` writes; raises InputError without PyTorch."""
    contests, rounded, torch = _import_torch()
    nets = [contests.Net(name, **NETS[name]) for name in (NETS if settings.net == "all" else [settings.net])]
    torch.set_num_threads(settings.threads)
    set_threads(settings.threads)
    with threadpoolctl.threadpool_limits(settings.threads):
        header = output.machine(settings.threads, "torch") | {
            "scores": f"scorers compute in {fastest_arithmetic()} here, unless float32 is asked for",
            "figures": f"float32 if not said; median [quartiles] of {settings.repeat} alternating blocks of "
            f"{BLOCK_SECONDS:g} s",
        }
        output.print_lines(header)
        print("\n" + _LINE.format("net", "", "ours", "PyTorch", "unit", "ours / PyTorch (above 1: ours is faster)"))
        pairs = chain.from_iterable(chain(contests.contests(net), rounded.contests(net)) for net in nets)
        rows = [show(race(contest, settings.repeat)) for contest in pairs]
        accuracies = [show_accuracy(found) for found in map(rounded.accuracy, nets) if found]
    return header | {"rows": rows, "accuracy": accuracies}


def _import_torch():
    """Import PyTorch, which isgd_mpi does not depend on, and what builds on it."""
    try:
        import torch
    except ImportError:
        raise InputError("this benchmark needs PyTorch, which is not installed: pip install torch") from None
    from isgd_mpi.bench.pytorch import contests, rounded

    return contests, rounded, torch


def show(row):
    """Print a row of the table, and return it."""
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
