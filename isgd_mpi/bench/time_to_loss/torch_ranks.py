"""PyTorch's runs in the benchmark ``time-to-loss``, in one process.

Data, the law of the initial parameters, learning rate and evaluation are those of our runs; each epoch draws every
example once, in random order.
"""

import os

import numpy as np
import threadpoolctl
import torch

from isgd_mpi.bench.pytorch.torch_side import DrawingStep, Examples, Way
from isgd_mpi.bench.time_to_loss.arrival import Arrival
from isgd_mpi.bench.time_to_loss.conduct import conduct
from isgd_mpi.bench.time_to_loss.descent import Descent, Evaluation
from isgd_mpi.data import datasets
from isgd_mpi.kernels.threads import set_threads
from isgd_mpi.model.params import initial_params

_WARM_UP_STEPS = 3  # for the compiler, and memory that is allocated once; the parameters are then set anew


class EpochStep(DrawingStep):
    """A training step on the next minibatch of a random order, which is renewed each epoch."""

    _left = ()

    def draw(self):
        """Return the indices of a minibatch."""
        if not self._left:
            self._left = list(torch.randperm(len(self.examples.labels)).split(self.minibatch_size))
        return self._left.pop()


def measure(comm, plan):
    """Do all runs of PyTorch; see :func:`isgd_mpi.bench.time_to_loss.ranks.measure`."""
    dataset = datasets.load(plan["data"], plan["data_dir"])
    widths = (dataset.n_features, *plan["hidden"], dataset.n_classes)
    evaluation, n_cores = Evaluation(dataset, widths), len(os.sched_getaffinity(0))
    examples = {precision: Examples(dataset, precision == "bf16") for precision in plan["space"]["precisions"]}
    set_threads(n_cores)

    def train(trial, seed, limits):
        try:
            taken = snapshots(examples[trial.precision], widths, trial, seed, limits)
        except Exception as error:  # of the compiler, which raises whatever it likes
            if trial.variant != "compiled":
                raise
            return Arrival(limits.seconds, problem=f"torch.compile: {' '.join(str(error).split())[:100]}")
        with threadpoolctl.threadpool_limits(n_cores):
            return evaluation.first_below(taken, limits)

    return conduct(plan, train) | {"versions": f"torch {torch.__version__}"}


def snapshots(examples, widths, trial, seed, limits):
    """Train, and return the snapshots."""
    torch.set_num_threads(trial.workers)
    torch.manual_seed(seed)
    params = initial_params(widths, "he", np.random.default_rng(seed))
    rounds, fused, compiled = trial.precision == "bf16", trial.variant == "fused", trial.variant == "compiled"
    step = EpochStep(examples, trial.minibatch_size, params, widths, Way(trial.rate, 0.0, fused, rounds, compiled))
    for _ in range(_WARM_UP_STEPS):
        step()
    step.load(params)
    descent, n_done = Descent(limits, trial.minibatch_size), 0
    while True:
        loss, n_done = step(), n_done + 1
        if descent.is_over(n_done, loss, step.params):
            return descent.taken
