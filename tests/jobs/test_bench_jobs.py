"""The benches that start jobs: each does a small one, and what it prints is what it writes."""

import json

import pytest

from isgd_mpi.bench.__main__ import main
from isgd_mpi.bench.exchange.main import PATTERNS
from isgd_mpi.bench.jobs import run_command
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


def test_time_to_loss_finds_the_first_snapshot_below_the_target(tmp_path, capsys):
    command = "time-to-loss --methods scored trainers threads --rates 0.1 --seeds 0 --steps 80 --every 20"
    table, out = run_bench(tmp_path, capsys, command + " --target 1.2 --data mnist10k --hidden 16")
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
