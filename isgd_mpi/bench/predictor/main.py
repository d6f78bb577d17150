"""``python -m isgd_mpi.bench predictor``: how many losses the LSTM learns from and predicts in a second.

The products' share is the time that the same matrix products take alone, by the time of the whole.
"""

import time

import numpy as np
import threadpoolctl
from jsonargparse.typing import PositiveInt

from isgd_mpi.settings import commands
from isgd_mpi.training.predictor.lstm import N_UNITS
from isgd_mpi.training.predictor.predictors import HISTORY_SIZE, LSTMPredictor

_N_EXAMPLES, _N_CLASSES = 8192, 10
_LEARNT, _PREDICTED = 128, 2048  # rows of a training batch, and of a score batch


def main(arguments):
    """Run the bench.

    Parameters
    ----------
    arguments : list of str
        Behind ``python -m isgd_mpi.bench predictor``.

    Raises
    ------
    InputError
        The arguments are wrong.
    """
    settings = parse(arguments)
    with threadpoolctl.threadpool_limits(settings.threads):
        print(f"float32, {settings.threads} thread(s), full histories; medians of {settings.repeat} calls")
        for name, (call, n_rows, products) in contests().items():
            seconds, product_seconds = (_median_seconds(each, settings.repeat) for each in (call, products))
            print(f"{name:<10} {n_rows / seconds:>12,.0f} losses/s   products {product_seconds / seconds:.0%}")


def parse(arguments):
    """Parse the options; arguments and errors as of :func:`main`."""
    parser = commands.make_parser("isgd_mpi.bench predictor", "Time the loss predictor's LSTM.")
    parser.add_argument("--threads", type=PositiveInt, default=1, help="BLAS threads (default: 1)")
    parser.add_argument("--repeat", type=PositiveInt, default=15, help="calls behind each median (default: 15)")
    return commands.parse(parser, arguments)


def contests():
    """Return what is timed by name: the call, its rows, and its matrix products alone."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, _N_CLASSES, _N_EXAMPLES, dtype=np.int32)
    predictor = LSTMPredictor(labels, _N_CLASSES, rng)
    losses = rng.exponential(size=_N_EXAMPLES).astype(np.float32)
    for _ in range(HISTORY_SIZE):
        predictor.observe(np.arange(_N_EXAMPLES), losses)
    rows = rng.permutation(_N_EXAMPLES)[:_LEARNT]
    return {
        "learnt": (lambda: predictor.observe(rows, losses[rows]), _LEARNT, _products(_LEARNT, backward=True)),
        "predicted": (lambda: predictor.predict(slice(0, _PREDICTED)), _PREDICTED, _products(_PREDICTED, False)),
    }


def _products(n_rows, backward):
    """Return a call that makes the products of both LSTM layers, and nothing else."""
    gates = 4 * N_UNITS
    state, delta = np.ones((n_rows, N_UNITS), np.float32), np.ones((n_rows, gates), np.float32)
    recurrent = np.ones((N_UNITS, gates), np.float32)
    all_states, all_deltas = (np.tile(array, (HISTORY_SIZE, 1)) for array in (state, delta))
    inputs = [(all_states[:, :fan_in].copy(), recurrent[:fan_in]) for fan_in in (1, N_UNITS)]

    def multiply():
        for x, kernel in inputs:
            x @ kernel
            for _ in range(HISTORY_SIZE - 1):
                state @ recurrent
            if backward:
                for _ in range(HISTORY_SIZE - 1):
                    delta @ recurrent.T
                x.T @ all_deltas, all_states.T @ all_deltas, all_deltas @ kernel.T

    return multiply


def _median_seconds(call, repeat):
    """Return the median time of a call, after one that warms up."""
    call()
    seconds = []
    for _ in range(repeat):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds))
