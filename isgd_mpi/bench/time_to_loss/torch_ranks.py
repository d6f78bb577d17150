"""PyTorch's run in the benchmark ``time-to-loss``: train, and evaluate snapshots.

Data, the law of the initial parameters, learning rate and evaluation are those of our runs; each epoch draws every
example once, in random order.
"""

import math

import numpy as np
import torch

from isgd_mpi.bench.pytorch import torch_side
from isgd_mpi.bench.time_to_loss.descent import Snapshots, first_below
from isgd_mpi.data import datasets
from isgd_mpi.model.params import initial_params


class EpochStep(torch_side.DrawingStep):
    """A training step on the next minibatch of a random order, which is renewed each epoch."""

    _left = ()

    def draw(self):
        """Return the indices of a minibatch."""
        if not self._left:
            self._left = list(torch.randperm(len(self._labels)).split(self._minibatch_size))
        return self._left.pop()


def measure(comm, plan):
    """Train, then evaluate, in one process; see :func:`isgd_mpi.bench.time_to_loss.ranks.measure`."""
    options = plan["options"]
    torch.set_num_threads(options["threads"])
    torch.manual_seed(options["seed"])
    dataset = datasets.load(options["data"], options["data_dir"])
    widths = (dataset.n_features, *options["hidden"], dataset.n_classes)
    params = initial_params(widths, "he", np.random.default_rng(options["seed"]))
    step = EpochStep(dataset, options["minibatch_size"], params, widths, options["lr"], 0.0)
    snapshots = Snapshots(plan["every"])
    for n_done in range(1, options["steps"] + 1):
        step()
        snapshots.take_if_due(n_done, step.params)
    finite = [taken for taken in snapshots.taken if math.isfinite(taken[2].sum())]
    result = first_below(finite, plan["target"], dataset, widths)
    return result | {"versions": f"torch {torch.__version__}", "stopped": None}
