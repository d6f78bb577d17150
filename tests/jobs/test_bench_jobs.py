"""The benches that start jobs: each does a small one, and what it prints is what it writes."""

import json
import os

import pytest

from isgd_mpi.bench.__main__ import main
from isgd_mpi.bench.exchange.main import PATTERNS
from isgd_mpi.bench.jobs import on_cores, run_command
from isgd_mpi.bench.time_to_loss.main import note_failure
from isgd_mpi.experiment import launcher
from isgd_mpi.settings.errors import InputError


def run_bench(tmp_path, capsys, command):
    """Run a benchmark; return what it wrote and what it printed."""
    path = tmp_path / "table.json"
    assert main([*command.split(), "--json", str(path)]) == 0
    return json.loads(path.read_text()), capsys.readouterr().out


def test_exchange_shows_each_pattern_beside_bcast(tmp_path, capsys):
    table, out = run_bench(tmp_path, capsys, "exchange --ranks 2 --bytes 4000 --poll-ms 1 --repeat 1")
    (result,) = table["results"]
    assert result["environment"]["ranks"] == 2 and result["environment"]["mpi_library"] in out
    assert [row["pattern"] for row in result["rows"]] == list(PATTERNS)
    for row in result["rows"]:
        assert f"MB  {PATTERNS[row['pattern']]} " in out and row["arrival_seconds"] > 0 and row["calls_seconds"] > 0
        assert row["arrival_seconds"] <= row["complete_seconds"] + 1e-3


def test_memory_shows_each_rank_and_the_trainers_activities(tmp_path, capsys):
    table, out = run_bench(
        tmp_path, capsys, "memory --shapes many --ranks 2 --examples 4096 --hidden 8 --seconds 3 --checkpoint-every 1"
    )
    (result,) = table["results"]
    assert len(result["memory"]) == 2 and result["budget_bytes"] == 4096 * 64 + 2 * 250e6
    for sizes in result["memory"]:
        assert 20e6 < sizes["Pss"] <= sizes["Rss"]
        parts = sizes["Pss_Anon"] + sizes["Pss_File"] + sizes["Pss_Shmem"]
        assert abs(sizes["Pss"] - parts) <= 4096  # rounded to 1 kB each
    seconds = result["activity_seconds"]
    assert 3 <= sum(seconds.values()) < 5 and min(seconds[name] for name in ("training", "proposing", "rest")) > 0
    assert result["n_steps"] > 100 and 0 < result["median_seconds"] < result["longest_seconds"] < 3
    assert "4,096 examples, 0 MB; net 64-8-10" in out and "\nall " in out


def test_scaling_shows_a_real_run_beside_its_prediction(tmp_path, capsys):
    table, out = run_bench(
        tmp_path, capsys, "scaling --real-ranks 2 --ages 8 16 --steps 1000 --hidden 8 --refresh-every 8"
    )
    assert all(table["costs"][name] > 0 for name in ("step_seconds", "score_seconds", "merge_seconds"))
    assert [age for age, _ in table["gains"]] == [8, 16] and all(gain > 0 for _, gain in table["gains"])
    assert table["real"]["2"]["refresh_seconds"] > 0 and table["checked"][0]["refresh_seconds"] > 0
    assert [each["ranks"] for each in table["predictions"]] == [2**k for k in range(1, 13)]
    assert "one trainer saturates" in out and table["environment"]["processor"] in out


def test_throughput_counts_strong_and_weak_sizes(tmp_path, capsys):
    command = "throughput --ranks 1 2 --batches 2 --rows 64 --repeat 1 --precisions f32"
    table, out = run_bench(tmp_path, capsys, command)
    sizes = [(row["ranks"], row["mode"], row["batches"]) for row in table["rows"]]
    assert sizes == [(1, "strong", 2), (1, "weak", 2), (2, "strong", 2), (2, "weak", 4)]
    assert all(row["examples_per_second"] > 0 and row["share"] > 0 for row in table["rows"])
    assert "products alone" in out and table["environment"]["processor"] in out


TIME_TO_LOSS = (
    "time-to-loss --methods importance uniform --cores 1 --rates 0.4 --minibatch-size 32 --precision f32 --hidden 16 "
    "--data mnist10k --target 0.9 --trials 1 --search-seconds 3 --seeds 0 1"
)


def test_time_to_loss_searches_and_runs_the_best_with_every_seed(tmp_path, capfd):
    table, out = run_bench(tmp_path, capfd, TIME_TO_LOSS)
    assert [result["method"] for result in table["results"]] == ["importance", "uniform"]
    for result in table["results"]:
        arrivals = [run["arrival"] for run in result["runs"] if run["arrival"]["seconds"]]
        assert len(arrivals) >= 2 and len(result["finals"]) == 2  # on a busy machine a run may take too long
        assert all(each["loss"] <= 0.9 and each["seconds"] > 0 and each["steps"] > 0 for each in arrivals)
        assert result["best"] in [run["trial"] for run in result["runs"]]
    assert " of 2" in out and "seed 1: " in out and "first / this" in out


def test_time_to_loss_goes_on_without_a_run_whose_job_fails(tmp_path):
    progress = tmp_path / "progress.json"
    failure = InputError("the job of 2 ranks ended with exit code 1")
    with pytest.raises(InputError, match="exit code 1"):
        note_failure(progress, failure)  # before any run
    runs = [{"trial": {}, "seed": 0, "arrival": {"seconds": 1.0}}]
    running = {"trial": {}, "seed": 0, "arrival": {"allowed_seconds": 2.0, "problem": None}}
    progress.write_text(json.dumps({"runs": runs, "running": running}))
    *before, failed = note_failure(progress, failure)
    assert before == runs and failed["arrival"] == {"allowed_seconds": 2.0, "problem": str(failure)}


def test_a_job_runs_on_the_cores_that_it_is_bound_to():
    own = os.sched_getaffinity(0)
    with on_cores(1):
        run_command(None, ["-c", "import os; assert len(os.sched_getaffinity(0)) == 1"])
    assert os.sched_getaffinity(0) == own
    with (
        pytest.raises(InputError, match=f"{len(own) + 1} cores are wanted, and there are {len(own)}"),
        on_cores(len(own) + 1),
    ):
        pass


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
