"""``python -m isgd_mpi.bench.time_to_loss.torch_descent PLAN RESULT``: train in PyTorch, evaluate snapshots.

The bench `time-to-loss` starts it. Initial parameters, data, learning rate and evaluation are those of our runs;
each epoch draws every example once, in random order.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch

from isgd_mpi.bench.pytorch import torch_side
from isgd_mpi.bench.time_to_loss.descent import Snapshots, first_below
from isgd_mpi.data import datasets
from isgd_mpi.data.files import write_json
from isgd_mpi.model.params import initial_params


class EpochStep(torch_side.DrawingStep):
    """A training step on the next minibatch of a random order, which is renewed each epoch."""

    def __call__(self):
        """Take a step."""
        if not getattr(self, "_left", ()):
            self._left = list(torch.randperm(len(self._labels)).split(self._minibatch_size))
        torch_side.Step.__call__(self, *self.gather(self._left.pop()))


def main(plan_path, result_path):
    """Train, then evaluate; the files are those of :func:`descent_ranks.main`, the plan with ``threads`` too."""
    plan = json.loads(Path(plan_path).read_text())
    options = plan["options"]
    torch.set_num_threads(plan["threads"])
    torch.manual_seed(options["seed"])
    dataset = datasets.load(options["data"], options["data_dir"])
    widths = (dataset.n_features, *options["hidden"], dataset.n_classes)
    params = initial_params(widths, "he", np.random.default_rng(options["seed"]))
    step = EpochStep(dataset, options["minibatch_size"], params, widths, options["lr"], 0.0)
    snapshots = Snapshots(plan["every"])
    for n_done in range(options["steps"]):
        snapshots.look(n_done, step.params)
        step()
    snapshots.look(options["steps"], step.params)
    finite = [kept for kept in snapshots.kept if math.isfinite(kept[2].sum())]
    result = first_below(finite, plan["target"], dataset, widths)
    write_json(Path(result_path), result | {"versions": f"torch {torch.__version__}", "stopped": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
