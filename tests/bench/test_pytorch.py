import json
import time

import numba
import numpy as np
import pytest
import reference

from isgd_mpi.bench.__main__ import main
from isgd_mpi.bench.pytorch import step_ranks
from isgd_mpi.bench.pytorch.race import Contest, alternate, race
from isgd_mpi.data.datasets import load


def sleepless(log, name):
    return lambda: log.append(name)


def test_sides_take_turns_and_every_other_round_runs_backwards():
    log = []
    seconds = alternate((sleepless(log, "ours"), sleepless(log, "theirs")), 3, 1e-12)
    assert log == 2 * ["ours"] + 2 * ["theirs"] + ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert seconds.shape == (3, 2) and (seconds > 0).all()


def test_ratio_is_that_of_the_rates():
    row = race(Contest("net", "name", "calls/s", 7, lambda: sum(range(100_000)), lambda: None, lambda: None), 3, 0.1)
    assert row["theirs"][1] > row["ours"][1] and 0 < row["ratio"][1] < 0.1


def test_race_reports_sides_that_differ():
    def differ():
        raise AssertionError("they differ")

    with pytest.raises(AssertionError, match="they differ"):
        race(Contest("net", "name", "calls/s", 1, lambda: None, lambda: None, differ), 1, 0.1)


def test_steps_are_counted_once_the_first_ones_are_done():
    clock, n_calls = step_ranks.StepClock(0.01), 0
    while not clock.is_over():
        time.sleep(0.001)
        n_calls += 1
    assert n_calls < 100 and 0 < clock.steps_per_second <= 1000


def test_ratio_is_to_the_better_of_pytorchs_updates():
    row = step_ranks.row_of({"ours": [4.0, 8.0], "default": [2.0, 1.0], "fused": [1.0, 2.0]})
    assert row["ratio"] == [4.0, 4.0, 4.0] or row["ratio"] == [2.0, 4.0, 4.0]
    case = {"net": "small", "minibatch_size": 16, "threads": 2, "precision": "f32"}
    assert "4 [" in step_ranks.line(case | row) and step_ranks.line(case | {"problem": "why"}).endswith("why")


def test_both_sides_are_timed_and_the_table_is_written(tmp_path, capsys):
    pytest.importorskip("torch")
    path = tmp_path / "table.json"
    options = ["--repeat", "1", "--block-seconds", "0.05", "--threads", "1", "2", "--precision", "f32"]
    options += ["--minibatch-size", "16"]
    assert main(["torch", *options, "--json", str(path)]) == 0
    table, out = json.loads(path.read_text()), capsys.readouterr().out
    assert {"host", "processor", "versions", "threads", "rows"} <= set(table)
    assert all(row["name"] in out and row["ratio"][1] > 0 for row in table["rows"])
    assert len(table["accuracy"]) == sum("autocast" in row["name"] for row in table["rows"])
    assert [(row["threads"], row["minibatch_size"]) for row in table["steps"]] == [(1, 16), (2, 16)]
    assert all(min(row[side][1] for side in step_ranks.SIDES) > 0 for row in table["steps"])


@pytest.fixture
def contests():
    pytest.importorskip("torch")
    from isgd_mpi.bench.pytorch import contests

    return contests


@pytest.fixture
def net(contests):
    return contests.Net("tiny", (5, 7, 6, 3), 4, 8)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_steps_equal_those_of_torch(contests, net, momentum, fused):
    contests.check_steps(net, momentum, fused)


def test_torch_sees_the_examples_that_we_gather(contests):
    dataset, indices = load("mnist10k"), np.array([0, 0, 7, 7999])
    images, labels = np.empty((4, dataset.n_features), np.float32), np.empty(4, np.int32)
    dataset.gather(indices, images, labels)
    for rounded, tolerance in ((False, 1e-6), (True, 2**-8)):
        theirs = contests.torch_side.Examples(dataset, rounded)
        np.testing.assert_allclose(images, theirs.images[indices].float().numpy(), rtol=tolerance, atol=1e-6)
        assert (labels == theirs.labels[indices].numpy()).all()


def test_torch_begins_anew_from_loaded_parameters(contests, net):
    step = contests.torch_side.Step(net.initial_params(), net.widths, contests.torch_side.Way(0.1, 0.9))
    minibatches = [theirs for _, theirs in zip(*net.minibatches())]
    losses = []
    for _ in range(2):
        step.load(net.initial_params())
        losses.append([step(*minibatch) for minibatch in minibatches])
    assert losses[0] == losses[1] and len(set(losses[0])) > 1


@pytest.fixture
def scoring(contests, net):
    return list(contests.contests(net))[-1]


def test_scores_equal_those_of_torch(scoring):
    scoring.check()
    np.testing.assert_allclose(scoring.ours()[0], scoring.theirs().numpy(), rtol=1e-4)


@pytest.fixture
def rounded(contests, monkeypatch):
    from isgd_mpi.bench.pytorch import rounded

    if numba.config.DISABLE_JIT:
        pytest.skip("the products are compiled only")
    monkeypatch.setattr(rounded, "fastest_arithmetic", lambda: "bfloat16 (AVX-512)")
    return rounded


def test_rounded_scores_are_close_to_those_of_torch(rounded, contests):
    pair = list(rounded.contests(contests.Net("tiny", (50, 70, 60, 3), 4, 80)))
    for contest in pair:
        contest.check()
    assert [contest.n_items for contest in pair] == [80, 80]


def test_rounding_raises_the_variance_by_the_square_of_its_error(rounded, contests):
    found = rounded.accuracy(contests.Net("tiny", (50, 70, 60, 3), 4, 800))
    assert 0 < found["median_error"] < 2**-8 and found["percentile_99_error"] < 2**-4
    assert abs(found["trace_ratio"] - 1) < 10 * found["percentile_99_error"] ** 2


def test_trace_of_covariance_is_that_of_enumerated_estimates(rounded, rng):
    gradients, scores = rng.standard_normal((9, 4)), rng.exponential(size=9)
    got = rounded.trace_of_covariance(np.linalg.norm(gradients, axis=1), scores, gradients.mean(axis=0))
    np.testing.assert_allclose(got, reference.trace_of_covariance(gradients, scores / scores.sum()), rtol=1e-12)


def test_check_of_steps_notices_another_momentum(contests, net, monkeypatch):
    sides = contests._step_sides
    monkeypatch.setattr(contests, "_step_sides", lambda *args: (sides(*args)[0], sides(net, 0.1, 0.5, False)[1]))
    with pytest.raises(AssertionError, match="differ"):
        contests.check_steps(net, 0.9, False)


def test_check_of_scores_notices_scores_of_the_mean_loss(contests, net, scoring, monkeypatch):
    norms = contests.torch_side._norms
    monkeypatch.setattr(contests.torch_side, "_norms", lambda rows: norms(rows) / net.score_batch_size)
    with pytest.raises(AssertionError):
        scoring.check()
