"""``python -m isgd_mpi.bench predictor``: losses that the LSTM learns from and predicts in a second.

Beside each rate stands the share of the time that the matrix products take when they are made alone.
"""

import numpy as np
import threadpoolctl
from jsonargparse.typing import PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.kernels.bench.timing import alternating_medians
from isgd_mpi.training.predictor.lstm import N_UNITS
from isgd_mpi.training.predictor.predictors import HISTORY_SIZE, LSTMPredictor

OPTIONS = {
    "--threads": (1, PositiveInt, "BLAS threads"),
    "--repeat": (15, PositiveInt, "calls behind each median"),
}

_N_EXAMPLES, _N_CLASSES = 8192, 10
_LEARNT, _PREDICTED = 128, 2048  # rows of a training batch, and of a score batch


def run(settings):
    """Measure, print the table, and return what ``--json`` writes."""
    rows = []
    with threadpoolctl.threadpool_limits(settings.threads):
        header = output.machine(settings.threads)
        header["figures"] = f"float32, full histories; medians of {settings.repeat} blocks of calls"
        output.print_lines(header)
        for name, n_rows, call, products in contests():
            seconds, product_seconds = alternating_medians([(call, [()]), (products, [()])], settings.repeat)
            rows.append({"name": name, "losses_per_second": n_rows / seconds, "share": product_seconds / seconds})
            print(f"{name:<10} {n_rows / seconds:>12,.0f} losses/s   products {product_seconds / seconds:.0%}")
    return header | {"rows": rows}


def contests():
    """Yield the calls to time: a name, the number of rows, the call, and its matrix products alone."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, _N_CLASSES, _N_EXAMPLES, dtype=np.int32)
    predictor = LSTMPredictor(labels, _N_CLASSES, rng)
    losses = rng.exponential(size=_N_EXAMPLES).astype(np.float32)
    for _ in range(HISTORY_SIZE):
        predictor.observe(np.arange(_N_EXAMPLES), losses)
    rows = rng.permutation(_N_EXAMPLES)[:_LEARNT]
    yield "learnt", _LEARNT, lambda: predictor.observe(rows, losses[rows]), _products(_LEARNT, backward=True)
    yield "predicted", _PREDICTED, lambda: predictor.predict(slice(0, _PREDICTED)), _products(_PREDICTED, False)


def _products(n_rows, backward):
    """Return a call that makes the matrix products of both LSTM layers, and nothing else."""
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
