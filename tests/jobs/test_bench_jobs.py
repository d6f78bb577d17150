"""The benches that start jobs: each does a small one, and what it prints is what it writes."""

import json

import numpy as np
import pytest

from isgd_mpi.bench.__main__ import main
from isgd_mpi.bench.jobs import run_command
from isgd_mpi.bench.scaling.costs import merge_seconds
from isgd_mpi.bench.time_to_loss import main as time_to_loss
from isgd_mpi.bench.time_to_loss.descent import Snapshots, WatchedMLP, first_below
from isgd_mpi.data.datasets import load
from isgd_mpi.experiment import launcher
from isgd_mpi.model.optim import SGD
from isgd_mpi.model.params import initial_params
from isgd_mpi.sampling.variance import PAIR_EVERY
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.errors import InputError


def run_bench(tmp_path, capsys, *arguments):
    """Run a bench; return what it wrote and what it printed."""
    path = tmp_path / "table.json"
    assert main([*arguments, "--json", str(path)]) == 0
    return json.loads(path.read_text()), capsys.readouterr().out


def test_exchange_shows_each_pattern_beside_bcast(tmp_path, capsys):
    table, out = run_bench(
        tmp_path, capsys, "exchange", "--ranks", "2", "--bytes", "4000", "--look-ms", "1", "--repeat", "1",
        "--patterns", "Bcast, Gatherv", "Ibcast, Igatherv, 16 Tests", "Isend, Irecv, 16 Tests", "window, Get and Put",
    )  # fmt: skip
    (result,) = table["results"]
    assert result["environment"]["ranks"] == 2 and result["environment"]["mpi_library"] in out
    assert [row["pattern"] for row in result["rows"]] == ["blocking", "collectives", "messages", "window"]
    for row in result["rows"]:
        assert f"MB  {row['name']} " in out and row["arrival_seconds"] > 0 and row["calls_seconds"] > 0
        assert row["arrival_seconds"] <= row["complete_seconds"] + 1e-3


def test_memory_shows_each_rank_and_what_the_trainers_time_goes_to(tmp_path, capsys):
    table, out = run_bench(
        tmp_path, capsys, "memory", "--shapes", "many", "--ranks", "2", "--examples", "4096", "--hidden", "8",
        "--seconds", "3", "--checkpoint-every", "1",
    )  # fmt: skip
    (result,) = table["results"]
    assert len(result["memory"]) == 2 and result["budget_bytes"] == 4096 * 64 + 2 * 250e6
    for sizes in result["memory"]:
        assert 20e6 < sizes["Pss"] <= sizes["Rss"]
        parts = sizes["Pss_Anon"] + sizes["Pss_File"] + sizes["Pss_Shmem"]
        assert abs(sizes["Pss"] - parts) <= 4096  # rounded to 1 kB each
    (training,) = result["seconds"].pop("training")
    assert training > 0 and sum(map(sum, result["seconds"].values())) < training
    assert result["seconds"]["checkpoint"] and len(result["seconds"]["drawing"]) > len(result["seconds"]["merging"]) > 0
    assert "4,096 examples, 0 MB; net 64-8-10" in out and "\nall " in out


def test_throughput_counts_strong_and_weak_sizes(tmp_path, capsys):
    table, out = run_bench(
        tmp_path,
        capsys,
        "throughput",
        "--ranks",
        "1",
        "2",
        "--batches",
        "2",
        "--rows",
        "64",
        "--repeat",
        "1",
        "--precisions",
        "f32",
    )
    assert [(row["ranks"], row["mode"]) for row in table["rows"]] == [
        (1, "strong"), (1, "weak"), (2, "strong"), (2, "weak")
    ]  # fmt: skip
    assert [row["batches"] for result in table["results"] for row in result["rows"]] == [2, 2, 2, 4]
    assert all(row["examples_per_second"] > 0 and row["share"] > 0 for row in table["rows"])
    assert "products alone" in out and table["results"][0]["environment"]["processor"] in out


def test_time_to_loss_finds_the_first_snapshot_below_the_target(tmp_path, capsys):
    table, out = run_bench(
        tmp_path, capsys, "time-to-loss", "--methods", "scored", "trainers", "threads", "--rates", "0.1",
        "--seeds", "0", "--steps", "80", "--every", "20", "--target", "1.2", "--data", "mnist10k", "--hidden", "16",
    )  # fmt: skip
    assert [result["method"] for result in table["results"]] == ["scored", "trainers", "threads"]
    for result in table["results"]:
        *above, (step, last) = [(int(step), loss) for step, loss in result["losses"].items()]
        assert last <= 1.2 and step == result["steps"] and result["seconds"] > 0
        assert all(loss > 1.2 for _, loss in above)
    assert "first / this" in out and table["best_rates"]["scored"] == 0.1


def test_a_failing_job_is_one_line():
    with pytest.raises(InputError, match="exit code 3: that is why$"):
        run_command(1, ["-c", "import sys; print('that is why', file=sys.stderr); sys.exit(3)"])


def test_a_job_that_hangs_is_ended():
    with pytest.raises(InputError, match="more than 0.5 s"):
        run_command(1, ["-c", "import time; time.sleep(60)"], timeout_seconds=0.5)


def test_a_process_that_does_not_heed_sigterm_is_killed(monkeypatch):
    monkeypatch.setattr(launcher, "_GRACE_SECONDS", 0.5)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    with pytest.raises(InputError, match="more than 2 s"):
        run_command(None, ["-c", deaf], timeout_seconds=2)


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
    assert time_to_loss.median(time_to_loss.figures_of(results, "scored", 0.1)[:, 1]) == np.inf
    assert time_to_loss.line(results, "scored", 0.1)[2] == "2 of 4"


def test_merging_is_timed_with_scores_of_all_examples():
    assert 0 < merge_seconds(Config(hidden=[8], minibatch_size=8), load("mnist10k")) < 1
