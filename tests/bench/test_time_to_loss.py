import numpy as np
import pytest

from isgd_mpi.bench.time_to_loss import main as time_to_loss
from isgd_mpi.bench.time_to_loss.descent import Snapshots, WatchedMLP, first_below
from isgd_mpi.data.datasets import load
from isgd_mpi.model.optim import SGD
from isgd_mpi.model.params import initial_params
from isgd_mpi.sampling.variance import PAIR_EVERY


@pytest.mark.parametrize("fused", [True, False])
def test_snapshots_are_taken_after_so_many_steps_of_the_trainer(rng, fused):
    """The trainer forms two gradients, one for the monitor, at every PAIR_EVERY-th step, else one or none."""
    snapshots = Snapshots(50)
    widths = (5, 4, 3)
    model = WatchedMLP(snapshots, widths, 2)
    model.params = initial_params(widths, "he", rng)
    x, y, weights = rng.standard_normal((2, 5), dtype=np.float32), np.array([0, 2], np.int32), np.ones(2, np.float32)
    optimiser = SGD(model.params, 0.1)
    for step in range(201):
        model.params[0] = step
        if step % PAIR_EVERY == 0:
            model.gradient(x, y, weights)
            model.gradient(x, y, weights)
        elif fused:
            model.descend(x, y, weights, optimiser)
        else:
            model.gradient(x, y, weights)
    assert [(step, int(params[0])) for step, _, params in snapshots.kept] == [(n, n) for n in (50, 100, 150, 200)]
    seconds = [seconds for _, seconds, _ in snapshots.kept]
    assert seconds == sorted(seconds) and seconds[0] > 0


def test_first_below_measures_the_loss_over_the_whole_training_set(rng):
    dataset = load("mnist10k")
    widths = (dataset.n_features, 8, dataset.n_classes)
    params = initial_params(widths, "he", rng)
    nothing = np.zeros_like(params)  # all classes are as likely: the loss is log 10
    found = first_below([(10, 1.0, params), (20, 2.5, nothing), (30, 4.0, nothing)], np.log(10) + 1e-5, dataset, widths)
    assert (found["steps"], found["seconds"]) == (20, 2.5) and found["steps_per_second"] == 7.5
    assert found["losses"][10] > found["losses"][20] == pytest.approx(np.log(10), rel=1e-6)


def test_a_method_that_did_not_arrive_counts_as_infinite():
    results = [
        {"method": "scored", "rate": 0.1, "seed": seed, "steps": steps, "seconds": steps, "steps_per_second": 1.0}
        for seed, steps in enumerate([5, None, 3, None])
    ]
    assert time_to_loss.median_seconds(results, "scored", 0.1) == np.inf
    assert time_to_loss.line(results, "scored", 0.1)[2] == "2 of 4"
