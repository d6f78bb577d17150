import numpy as np
import pytest
from launch import train
from samplers import make_sampler

from isgd_mpi.ranks.shards import Grid
from isgd_mpi.sampling.alain2015 import STALE_SECONDS, Alain2015, TimedScoreTable
from isgd_mpi.settings.config import Config

N = 40


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_scores_go_stale_by_the_clock():
    clock = Clock()
    table = TimedScoreTable(np.zeros(3, np.int32), clock)
    table.write(slice(0, 1), np.ones(1), step=5)
    clock.now = 3.0
    table.write(slice(1, 2), np.ones(1), step=5)
    np.testing.assert_array_equal(table.usable(5), [True, True, False])
    clock.now = STALE_SECONDS + 1
    np.testing.assert_array_equal(table.usable(5), [False, True, False])


def test_stale_examples_leave_the_proposal_and_the_estimate_is_that_of_the_rest(rng):
    clock, scores = Clock(), rng.exponential(size=N)
    config = Config(compat="alain2015", smoothing=0.3, minibatch_size=8)
    sampler = make_sampler(config, np.zeros(N, np.int32), clock=clock)
    sampler.write_scores(slice(0, 10), scores[:10], 0)
    clock.now = STALE_SECONDS / 2
    sampler.write_scores(slice(10, N), scores[10:], 0)
    clock.now = STALE_SECONDS + 1
    sampler.renew(0, 0.0)
    fresh = np.arange(10, N)
    drawn = np.concatenate([sampler.draw()[0] for _ in range(200)])
    assert drawn.min() >= 10 and sampler.figures(0)["mixture"] == 0
    weights = sampler.proposal.prob_weights[fresh]
    np.testing.assert_allclose(weights / weights.sum(), (scores[fresh] + 0.3) / (scores[fresh] + 0.3).sum(), rtol=1e-6)
    q = weights / weights.sum()
    values = rng.standard_normal(N)
    expectation = q @ (sampler.proposal.importance_weights(fresh) * values[fresh])
    np.testing.assert_allclose(expectation, values[fresh].mean(), rtol=1e-10)


def test_columns_are_the_papers_formulas(rng):
    norms, omega = rng.exponential(size=(2, N))
    gradients = rng.standard_normal((5, 7))
    compat = Alain2015()
    compat.observe(norms[:15], omega[:15])
    compat.observe(norms[15:], omega[15:])
    for gradient in gradients:
        compat.observe_gradient(gradient)
    columns = compat.columns()
    squared_mean = np.linalg.norm(gradients, axis=1).mean() ** 2
    root = np.sqrt(omega)
    expected = {
        "compat_squared_mean_gradient": squared_mean,
        "compat_trace_ideal": norms.mean() ** 2 - squared_mean,
        "compat_trace_in_use": root.mean() * (norms**2 / root).mean() - squared_mean,
        "compat_trace_uniform": (norms**2).mean() - squared_mean,
    }
    assert columns == pytest.approx(expected)
    assert all(np.isnan(value) for value in compat.columns().values())


def test_its_estimate_of_the_squared_mean_is_too_large(rng):
    # the negative control: the mean gradient of these is zero
    compat = Alain2015()
    for gradient in rng.standard_normal((200, 7)):
        compat.observe_gradient(gradient)
    assert compat.columns()["compat_squared_mean_gradient"] > 5


@pytest.mark.parametrize("n_parts", [1, 2, 3, 7])
def test_whole_batches_leave_the_tail_out(n_parts):
    parts = Grid(2048, n_parts, whole_batches=True).shards(26_032)
    assert sum(map(len, parts)) == 24_576 and parts[0].start == 0 and max(part.stop for part in parts) == 24_576


def test_a_run_in_its_conventions_has_both_kinds_of_columns(tmp_path):
    options = "--compat", "alain2015", "--smoothing", 1, "--steps", 150, "--hidden", 16, "--score-batch-size", 300
    run = train(tmp_path / "run", 2, *options, "--refresh-every", 10, "--quiet")
    assert {line["split"]: line["n"] for line in run.of_kind("eval")} == {"train": 7800, "valid": 900, "test": 900}
    last = run.of_kind("refresh")[-1]
    assert last["importance_sampling"] and last["mixture"] == 0
    assert all(np.isfinite(last[f"compat_trace_{name}"]) for name in ("ideal", "in_use", "uniform"))
