import math
from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.bench.time_to_loss import main as time_to_loss
from isgd_mpi.bench.time_to_loss.arrival import Arrival
from isgd_mpi.bench.time_to_loss.conduct import Ledger, final_limits
from isgd_mpi.bench.time_to_loss.descent import Descent, Evaluation, Limits
from isgd_mpi.bench.time_to_loss.methods import METHODS, options_of, precision_text, space_of, workers_of
from isgd_mpi.data.datasets import load
from isgd_mpi.experiment.search import Budget, Search, Space, Trial
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.params import initial_params

SPACE = Space([16, 64], [0.1, 0.2], [1, 2, 4], ["f32", "bf16"], [""], [])
BUDGET = Budget(trials=100, first_seconds=0.3, longest_seconds=100.0, search_seconds=60.0)


def smooth(trial, allowed):
    """Return an arrival that is the sooner the nearer a trial is to the best: 512, 1.6, 2, bf16."""
    distance = abs(math.log2(trial.minibatch_size / 512)) + 2 * abs(math.log2(trial.rate / 1.6))
    seconds = 1 + distance + (trial.workers != 2) + (trial.precision == "f32")
    return Arrival(allowed, seconds, 10) if seconds <= allowed else Arrival(allowed, loss=seconds)


def test_search_leaves_its_space_where_the_best_lies_beyond_it():
    search = Search(SPACE, BUDGET)
    best = search.run(smooth)
    assert search.complete
    assert (best.minibatch_size, best.workers, best.precision) == (512, 2, "bf16") and 1.5 < best.rate < 1.7


def test_no_run_may_take_longer_than_the_best_arrival():
    log = []

    def measure(trial, allowed):
        log.append((allowed, smooth(trial, allowed)))
        return log[-1][1]

    Search(SPACE, BUDGET).run(measure)
    best = math.inf
    for allowed, arrival in log:
        assert allowed <= best
        best = min(best, arrival.seconds or math.inf)
    assert log[0][0] == 0.3 and [round(allowed, 1) for allowed, _ in log].count(0.9) == 8  # a third of 24


def test_search_ends_where_nothing_arrives_or_all_fails():
    search = Search(SPACE, BUDGET)
    assert (
        search.run(lambda trial, allowed: Arrival(allowed, loss=1.0)) in search.arrivals
        and max(each.allowed_seconds for each in search.arrivals.values()) == 100
    )
    search = Search(SPACE, BUDGET)
    assert search.run(lambda trial, allowed: Arrival(allowed, problem="out of memory")) in search.arrivals


def test_importance_sampling_is_tried_with_each_bias_and_others_without():
    settings = SimpleNamespace(
        minibatch_size=[16], rates=[0.1], workers=[], precision=["f32"], variants=["fused"], bias_exponent=[1.0, 0.5]
    )
    spaces = {method: space_of(method, 2, settings) for method in METHODS}
    trials = spaces["importance"].draw(100)
    assert [options_of(trial) for trial in trials] == 2 * [{}, {"bias_exponent": 0.5}]  # of one trainer and of two
    assert {precision_text(trial) for trial in trials} == {"f32", "f32, k = 0.5"}
    assert not any(options_of(trial) for trial in spaces["uniform"].draw(100))
    assert spaces["torch"].variants == ["fused"]


def test_a_search_whose_time_is_over_has_tried_something():
    search = Search(SPACE, Budget(100, 0.3, 100.0, 0.0))
    assert search.run(smooth) and len(search.arrivals) == 1 and not search.complete


def test_a_space_that_is_too_large_is_drawn_from_and_late_variants_come_last():
    space = Space([16, 64], [0.1, 0.2], [1, 2, 4], ["f32"], ["plain", "fused"], ["compiled"])
    assert len(set(space.draw(7))) == 7 and space.draw(7) == space.draw(7) and len(space.draw(1000)) == 24
    search = Search(space, BUDGET)
    search.run(smooth)
    assert [trial.variant for trial in search.arrivals].index("compiled") == len(search.arrivals) - 1


@pytest.mark.parametrize(
    ("cores", "wanted", "found"),
    [
        (16, [], [1, 2, 4, 8, 12, 15, 16]),
        (2, [], [1, 2]),
        (1, [], [1]),
        (16, [32, 16, 4], [4, 16]),
        (2, [4, 12], [1, 2]),
    ],
)
def test_trainers_may_take_all_cores_and_leave_one(cores, wanted, found):
    assert workers_of(cores, wanted) == found


def test_snapshots_are_copies_that_lie_apart_by_a_factor():
    descent, params = Descent(Limits(60.0, 0.06, 10, 1.5), 16), np.zeros(3, np.float32)
    for step in range(1, 61):
        params[0] = step
        assert not descent.is_over(step, 2.0, lambda: params)
    assert [(step, int(params[0])) for step, _, params in descent.taken] == [(n, n) for n in (10, 15, 23, 35, 53)]
    seconds = [seconds for _, seconds, _ in descent.taken]
    assert seconds == sorted(seconds) and seconds[0] > 0


@pytest.mark.parametrize(("loss", "n_steps"), [(0.044, 1), (math.nan, 1), (0.046, 100)])
def test_a_run_is_over_once_the_loss_was_surely_reached_or_is_not_finite(loss, n_steps):
    descent = Descent(Limits(60.0, 0.06, 1000, 1.5), 4096)
    over = [descent.is_over(step, loss, lambda: np.zeros(3)) for step in range(1, 101)]
    assert over.index(True) + 1 == n_steps if any(over) else n_steps == 100
    assert len(descent.taken) == sum(over)


def test_a_run_is_over_when_time_is_up_and_leaves_a_snapshot():
    descent = Descent(Limits(0.0, 0.06, 1000, 1.5), 16)
    assert descent.is_over(1, 2.0, lambda: np.zeros(3)) and len(descent.taken) == 1


@pytest.fixture
def dataset():
    return load("mnist10k")


def test_first_below_measures_the_loss_over_the_whole_training_set(rng, dataset):
    widths = (dataset.n_features, 8, dataset.n_classes)
    params = initial_params(widths, "he", rng)
    nothing = np.zeros_like(params)  # all classes are as likely: the loss is log 10
    limits = Limits(5.0, np.log(10) + 1e-5, 10, 1.1)
    snapshots = [(10, 1.0, params), (20, 2.5, nothing), (30, 4.0, params)]
    found = Evaluation(dataset, widths).first_below(snapshots, limits)
    assert (found.steps, found.seconds, found.steps_per_second) == (20, 2.5, 29 / 4)
    assert found.loss == pytest.approx(np.log(10), rel=1e-6)
    nowhere = Evaluation(dataset, widths).first_below(snapshots[:1] + snapshots[2:], limits)
    assert nowhere.seconds is None and nowhere.loss > np.log(10)
    assert Evaluation(dataset, widths).first_below([], limits) == Arrival(5.0)


def test_a_loss_that_is_too_large_shows_after_the_hardest_examples(rng, dataset):
    widths = (dataset.n_features, 8, dataset.n_classes)
    params = initial_params(widths, "he", rng)
    evaluation, model = Evaluation(dataset, widths), MLP(widths, dataset.n_train)
    model.params = params
    images = np.empty((dataset.n_train, dataset.n_features), np.float32)
    expected = model.scores(*dataset.batch("train", 0, dataset.n_train, images))[1].mean(dtype=float)
    for enough in (math.inf, expected * 1.001):
        assert evaluation.mean_loss(params, enough) == pytest.approx(expected, rel=1e-5)
    lower = evaluation.mean_loss(params, expected / 10)
    assert expected / 10 < lower < expected / 2


def test_known_runs_are_not_done_again(tmp_path):
    trial, done = Trial(16, 0.1, 1, "f32"), []

    def train():
        done.append(1)
        return Arrival(1.5, 1.0, 10)

    first = Ledger(tmp_path / "progress.json", [], str)
    assert first.arrival(trial, 0, 1.5, train) == Arrival(1.5, 1.0, 10)
    second = Ledger(tmp_path / "progress.json", first.runs, str)
    assert second.arrival(trial, 0, 1.5, train) == Arrival(1.5, 1.0, 10) and len(done) == 1
    second.arrival(trial, 1, 1.5, train)
    assert len(done) == 2 and second.runs[0] == first.runs[0]


def result(method, seconds):
    finals = [{"allowed_seconds": 9.0, "seconds": each, "steps": each and 10} for each in seconds]
    return {
        "cores": 2,
        "method": method,
        "best": {**vars(Trial(16, 0.1, 1, "f32"))},
        "finals": finals,
        "complete": seconds[0] is not None,
    }


def test_a_run_that_did_not_arrive_counts_as_infinite():
    results = [
        result("importance", [1.0, 2.0, 3.0]),
        result("uniform", [None, 8.0, 4.0]),
        result("torch", [None, 4.0, None]),
    ]
    lines = [time_to_loss.line(results, each, [0, 1, 2]) for each in results]
    assert [line[5] for line in lines] == ["3 of 3", "2 of 3", "1 of 3"]
    assert [line[-1] for line in lines] == ["1.00", "0.25", "-"]
    assert [line[0][-1] for line in lines] == ["g", "*", "*"]
    assert time_to_loss.median_seconds([]) == math.inf


def test_the_runs_with_every_seed_have_three_times_the_time_of_the_best():
    assert final_limits(Arrival(5.0, 0.5, 200), 0.06) == Limits(1.5, 0.06, 120, 1.02)
    assert final_limits(Arrival(5.0, loss=0.1), 0.06).seconds == 15
