import json

import numba
import numpy as np
import pytest
import reference

from isgd_mpi.bench.__main__ import main
from isgd_mpi.bench.pytorch.race import Contest, alternate, race


def sleepless(log, name):
    return lambda: log.append(name)


def test_sides_take_turns_and_every_other_round_runs_backwards():
    log = []
    seconds = alternate((sleepless(log, "ours"), sleepless(log, "theirs")), 3, 1e-12)
    assert log == 2 * ["ours"] + 2 * ["theirs"] + ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert seconds.shape == (3, 2) and (seconds > 0).all()


def test_ratio_is_that_of_the_rates():
    row = race(Contest("net", "name", "calls/s", 7, lambda: sum(range(100_000)), lambda: None, lambda: None), 3)
    assert row["theirs"][1] > row["ours"][1] and 0 < row["ratio"][1] < 0.1


def test_race_reports_sides_that_differ():
    def differ():
        raise AssertionError("they differ")

    with pytest.raises(AssertionError, match="they differ"):
        race(Contest("net", "name", "calls/s", 1, lambda: None, lambda: None, differ), 1)


def test_both_sides_compute_the_same_and_the_table_is_written(tmp_path, capsys):
    pytest.importorskip("torch")
    path = tmp_path / "table.json"
    assert main(["torch", "--repeat", "1", "--json", str(path)]) == 0
    table, out = json.loads(path.read_text()), capsys.readouterr().out
    assert {"host", "processor", "versions", "threads", "rows"} <= set(table)
    assert all(row["name"] in out and row["ratio"][1] > 0 for row in table["rows"])
    assert {row["unit"] for row in table["rows"]} == {"steps/s", "examples/s"}
    assert len(table["accuracy"]) == sum("autocast" in row["name"] for row in table["rows"])


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
    contests.step_contest(net, momentum, fused).check()


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
