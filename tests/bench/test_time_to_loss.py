import numpy as np
import pytest

from isgd_mpi.bench.time_to_loss import main as time_to_loss
from isgd_mpi.bench.time_to_loss.descent import Snapshots, first_below
from isgd_mpi.data.datasets import load
from isgd_mpi.model.params import initial_params


def test_snapshots_are_copies_in_order_of_time():
    snapshots, params = Snapshots(50), np.zeros(3, np.float32)
    for step in range(1, 201):
        params[0] = step
        snapshots.take_if_due(step, lambda: params)
    assert [(step, int(params[0])) for step, _, params in snapshots.taken] == [(n, n) for n in (50, 100, 150, 200)]
    seconds = [seconds for _, seconds, _ in snapshots.taken]
    assert seconds == sorted(seconds) and seconds[0] > 0


def test_first_below_measures_the_loss_over_the_whole_training_set(rng):
    dataset = load("mnist10k")
    widths = (dataset.n_features, 8, dataset.n_classes)
    params = initial_params(widths, "he", rng)
    nothing = np.zeros_like(params)  # all classes are as likely: the loss is log 10
    found = first_below([(10, 1.0, params), (20, 2.5, nothing), (30, 4.0, nothing)], np.log(10) + 1e-5, dataset, widths)
    assert (found["steps"], found["seconds"]) == (20, 2.5) and found["steps_per_second"] == 29 / 4
    assert found["losses"][10] > found["losses"][20] == pytest.approx(np.log(10), rel=1e-6)


def test_a_method_that_did_not_arrive_counts_as_infinite():
    results = [
        {"method": "scored", "rate": 0.1, "seed": seed, "steps": steps, "seconds": steps, "steps_per_second": 1.0}
        for seed, steps in enumerate([5, None, 3, None])
    ]
    assert time_to_loss.median_seconds(results, "scored", 0.1) == np.inf
    assert time_to_loss.line(results, "scored", 0.1)[2] == "2 of 4"
