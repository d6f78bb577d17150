"""``python -m isgd_mpi.bench torch``: our training step and our scoring beside PyTorch's.

Both compute in float32, scorers also in bfloat16, in one process, on the same number of threads. Our step also
gives the minibatch's scores, takes importance weights and checks that the gradient is finite, our scoring
also gives losses and predictions; PyTorch does none of this. That both compute the same is
asserted once the clock has stopped.
"""

import platform
from dataclasses import asdict
from importlib.metadata import version
from itertools import chain

import threadpoolctl
from jsonargparse.typing import PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.time_to_loss.race import BLOCK_SECONDS, race
from isgd_mpi.kernels.processor import this_processor
from isgd_mpi.kernels.revision import git_revision
from isgd_mpi.kernels.threads import set_threads
from isgd_mpi.model.bfloat16.arithmetic import fastest_arithmetic
from isgd_mpi.settings.errors import InputError

NETS = {
    "small": {"widths": (784, 512, 512, 10), "minibatch_size": 16, "score_batch_size": 2048, "data": "mnist10k"},
    "paper": {"widths": (3072, 2048, 2048, 2048, 2048, 10), "minibatch_size": 128, "score_batch_size": 2048},
}
"""Fields of each :class:`isgd_mpi.bench.time_to_loss.contests.Net`; `paper` is that of arXiv:1511.06481."""


def main(arguments):
    """Run the bench.

    Parameters
    ----------
    arguments : list of str
        Behind ``python -m isgd_mpi.bench torch``.

    Raises
    ------
    InputError
        The arguments are wrong, or PyTorch is not installed.
    """
    settings = parse(arguments)
    contests, rounded, torch = _import_torch()
    nets = [contests.Net(name, **NETS[name]) for name in (NETS if settings.net == "all" else [settings.net])]
    torch.set_num_threads(settings.threads)
    set_threads(settings.threads)
    with threadpoolctl.threadpool_limits(settings.threads):
        header = describe(torch, settings.threads, settings.repeat)
        print_header(header)
        entries = (chain(contests.contests(net), rounded.contests(net)) for net in nets)
        rows = [show(race(contest, settings.repeat)) for contest in chain.from_iterable(entries)]
        accuracies = [show_accuracy(found) for found in map(rounded.accuracy, nets) if found]
    table = {"rows": [asdict(row) for row in rows], "accuracy": [asdict(each) for each in accuracies]}
    output.write(settings.json, header | table)


def parse(arguments):
    """Parse the options.

    Parameters
    ----------
    arguments : list of str

    Returns
    -------
    jsonargparse.Namespace

    Raises
    ------
    InputError
        They are wrong.
    """
    parser = output.parser("torch", "Time the trainer's step and the scorers' work beside PyTorch's.")
    parser.add_argument(
        "--net",
        choices=[*NETS, "all"],
        default="small",
        help="small (784-512-512-10, default), paper (3072-2048x4-10; takes minutes) or all",
    )
    parser.add_argument("--threads", type=PositiveInt, default=1, help="threads of each side (default: 1)")
    parser.add_argument("--repeat", type=PositiveInt, default=15, help="blocks of each side (default: 15)")
    return output.parse(parser, arguments)


def _import_torch():
    """Import PyTorch, which isgd_mpi does not depend on, and what builds on it."""
    try:
        import torch
    except ImportError:
        raise InputError("this bench needs PyTorch, which is not installed: pip install torch") from None
    from isgd_mpi.bench.pytorch import rounded
    from isgd_mpi.bench.time_to_loss.main import contests

    return contests, rounded, torch


def describe(torch, n_threads, n_blocks):
    """Return what is measured where, line by line.

    Parameters
    ----------
    torch : module
    n_threads, n_blocks : int

    Returns
    -------
    dict of str
    """
    blas = {f"{pool['internal_api']} {pool['version']}" for pool in threadpoolctl.threadpool_info() if pool["version"]}
    packages = [f"{name} {version(name)}" for name in ("isgd_mpi", "numpy", "numba")]
    return {
        "host": platform.node(),
        "processor": this_processor().name,
        "versions": ", ".join([*packages, *sorted(blas), f"torch {torch.__version__}"]),
        "revision": git_revision() or "unknown",
        "threads": f"{n_threads} on each side",
        "scores": f"scorers compute in {fastest_arithmetic()} here, unless float32 is asked for",
        "figures": f"float32 if not said; median [quartiles] of {n_blocks} alternating blocks of {BLOCK_SECONDS:g} s",
    }


def print_header(header):
    """Print what is measured where, and the head of the table."""
    for name, text in header.items():
        print(f"{name:<10} {text}")
    print(f"\n{'net':<6} {'':<27} {'ours':>24} {'PyTorch':>24} {'unit':<11} ours / PyTorch (above 1: ours is faster)")


def show(row):
    """Print a row of the table and return it."""
    ours, theirs, ratio = ("{} [{}, {}]".format(*map(_short, column)) for column in (row.ours, row.theirs, row.ratio))
    print(f"{row.net:<6} {row.name:<27} {ours:>24} {theirs:>24} {row.unit:<11} {ratio}", flush=True)
    return row


def show_accuracy(found):
    """Print a line on the error of scoring in bfloat16 and return it."""
    print(
        f"{found.net:<6} bf16 scores: error of the norms {found.median_error:.2%} (median), "
        f"{found.percentile_99_error:.2%} (99th percentile); Tr Sigma {found.trace_ratio:.5f} times that with "
        f"float32 scores ({found.examples})"
    )
    return found


def _short(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
