"""The command as a user types it, under mpirun."""

import json
import subprocess
import sys

import numpy as np
import pytest
from launch import ENVIRONMENT, Run, command, complaint, launch, metrics_of, train, training
from processes import run_to_end, wait_for

FIELDS_OF_A_REFRESH = {
    "kind", "step", "seconds", "trace_ideal", "trace_in_use", "trace_uniform", "squared_mean_gradient",
    "variance_gain", "effective_sample_size", "entropy", "mixture", "usable_fraction", "staleness_mean",
    "staleness_max", "importance_sampling", "examples_scored", "steps_per_second", "scored_per_second",
    "wait_fraction", "minibatch_loss", "speed_gain", "predictor_correlation", "trace_ideal_error",
    "learning_rate", "trace_in_use_error", "trace_uniform_error", "squared_mean_gradient_error", "variance_gain_error",
    "noise_scale", "noise_scale_error", "effective_minibatch", "distinct_examples", "curvature",
    "schedule_progress",
}  # fmt: skip
FIELDS_OF_THE_SUMMARY = {
    "steps", "examples", "seconds", "train", "valid", "test", "variance_gain", "steps_per_second",
    "scored_per_second", "wait_fraction", "ranks", "trainers", "predictor_correlation",
    "variance_gain_error", "possible_gain", "noise_scale", "noise_scale_error", "effective_minibatch",
    "distinct_examples",
}  # fmt: skip


@pytest.mark.each_kind
def test_a_default_run_leaves_everything_behind(tmp_path):
    run = train(tmp_path / "run", 3)
    assert {path.name for path in run.folder.iterdir()} == {
        "best.npz", "checkpoint.npz", "config.toml", "data.json", "environment.json", "metrics.jsonl", "model.npz",
        "summary.json", "timeline.npz",
    }  # fmt: skip
    assert set(run.summary) >= FIELDS_OF_THE_SUMMARY
    assert run.summary["ranks"] == 3 and run.summary["trainers"] == 1
    assert run.summary["steps"] == 313  # 5 epochs of 8000 examples, 128 a step
    assert run.summary["examples"] == 313 * 128
    assert run.summary["train"]["loss"] < 0.2 and run.summary["test"]["error"] < 0.09
    assert all(set(line) == FIELDS_OF_A_REFRESH for line in run.of_kind("refresh"))
    assert {line["split"]: line["n"] for line in run.of_kind("eval")} == {"train": 8000, "valid": 1000, "test": 1000}
    seconds = [line["seconds"] for line in run.lines]
    assert seconds == sorted(seconds)
    environment = json.loads((run.folder / "environment.json").read_text())
    assert environment["ranks"] == 3 and len(environment["hosts"]) == 3 and environment["packages"]["numpy"]
    assert (environment["trainers"], environment["trainers_chosen"]) == (1, "fewer than 4 ranks")
    assert 'trainers = "auto"' in (run.folder / "config.toml").read_text()
    assert run.params.dtype == np.float32 and np.isfinite(run.params).all()


@pytest.mark.each_kind
def test_a_table_is_learnt_and_predicted(tmp_path):
    pytest.importorskip("pyarrow")
    rows = [f"{'red' if k % 3 else 'blue'},{k % 7},{'yes' if k % 3 else 'no'}" for k in range(2000)]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["colour,size,answer", *rows]))
    run = train(tmp_path / "run", 2, "--data", table, "--steps", 60, "--hidden", 8, "--lr", 0.3)
    assert run.summary["test"]["error"] == run.summary["valid"]["error"] == 0
    described = json.loads((run.folder / "data.json").read_text())
    assert described["splits"] == {"train": 1440, "valid": 160, "test": 400}
    assert described["target"]["names"] == ["no", "yes"]
    command = [sys.executable, "-m", "isgd_mpi.predict", run.folder, "--data", table]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    predicted = [line.partition(",")[0] for line in done.stdout.splitlines()[1:]]
    assert predicted == [row.rpartition(",")[2] for row in rows]


def test_config_toml_repeats_the_run(tmp_path):
    options = ("--schedule", "pipelined", "--steps", 50, "--hidden", 20, "--mixture", 0.25, "--threads", 1)
    first = train(tmp_path / "first", 2, *options)
    second = train(tmp_path / "second", 2, "--config", first.folder / "config.toml")
    np.testing.assert_array_equal(first.params, second.params)
    assert (first.folder / "config.toml").read_text() == (second.folder / "config.toml").read_text()


def test_default_run_directories_are_numbered(tmp_path):
    for n in range(2):
        done = launch(1, "--steps", 2, "--quiet", "--hidden", 8, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / f"runs/mnist10k-grad-norm-0-{n}/summary.json").exists()


def test_quiet_prints_nothing_and_a_pipe_gets_plain_lines(tmp_path):
    options = ("--steps", 4, "--hidden", 8)
    assert launch(2, *options, "--quiet", "--run-dir", tmp_path / "a").stdout == ""
    output = launch(2, *options, "--run-dir", tmp_path / "b").stdout
    assert "\r" not in output and "loss / error:  train" in output


def test_sixteen_ranks_end_with_the_trainer_fed(tmp_path):
    options = ("--hidden", 32, "--score-batch-size", 2000, "--eval-every", 50)
    with training(tmp_path / "run", *options, ranks=16) as job:  # most scorers have nothing to score or evaluate
        wait_for(lambda: enough_is_known(metrics_of(tmp_path / "run")), 200)
        job.terminate()
        _, errors = job.wait_for_end()
    assert job.returncode == 75, errors
    run = Run(tmp_path / "run")
    assert run.of_kind("refresh")[-1]["importance_sampling"]
    assert run.summary["wait_fraction"] < 0.5


def enough_is_known(lines):
    """Return whether several versions of the parameters have been evaluated, and the last has a small loss."""
    found = [line for line in lines if line["kind"] == "eval" and line["split"] == "train"]
    return len({line["step"] - line["staleness"] for line in found}) > 2 and found[-1]["loss"] < 0.35


def test_scores_of_the_untrained_net_do_not_make_a_large_rate_diverge(tmp_path):
    options = ("--minibatch-size", 64, "--lr", 1.0, "--steps", 250, "--refresh-every", 8)
    run = train(tmp_path / "run", 3, *options)
    assert run.summary["stopped"] is None and run.summary["train"]["loss"] < 0.1
    assert run.of_kind("refresh")[-1]["importance_sampling"]


def test_more_ranks_than_score_batches(tmp_path):
    run = train(tmp_path / "run", 5, "--steps", 60, "--score-batch-size", 10_000, "--schedule", "pipelined")
    assert {line["n"] for line in run.of_kind("eval")} == {8000, 1000}
    assert run.of_kind("refresh")[-1]["examples_scored"] > 0


def test_seconds_stop_a_run(tmp_path):
    run = train(tmp_path / "run", 2, "--seconds", 1, "--hidden", 8)
    assert 1 <= run.summary["seconds"] < 10  # nothing else stops it
    assert run.summary["steps"] > 10


def test_sizes_that_nothing_divides(tmp_path):
    rng = np.random.default_rng(0)
    sizes = {"train": 997, "test": 101}
    arrays = {f"x_{split}": rng.integers(0, 256, (n, 7, 3), dtype=np.uint8) for split, n in sizes.items()}
    arrays |= {f"y_{split}": np.arange(n) % 3 for split, n in sizes.items()}
    np.savez(tmp_path / "odd.npz", **arrays)
    options = ("--data", tmp_path / "odd.npz", "--minibatch-size", 13, "--score-batch-size", 89, "--steps", 101)
    run = train(tmp_path / "run", 4, *options, "--refresh-every", 7, "--hidden", 11)
    assert {line["split"]: line["n"] for line in run.of_kind("eval")} == sizes
    assert run.summary["valid"] is None


@pytest.mark.parametrize(
    ("ranks", "options", "named"),
    [
        pytest.param(1, ["--lr", "-0.1"], "--lr", marks=pytest.mark.each_kind),
        (3, ["--no-such-option"], "--no-such-option"),
        pytest.param(3, ["--lr", "-0.1"], "--lr", marks=pytest.mark.each_kind),
        (3, ["--lr", "fast"], "--lr"),
        (3, ["--predictor", "oracle"], "oracle"),
        (3, ["--trainers", "9"], "--trainers"),
        (3, ["--steps", "5", "--epochs", "1"], "--epochs"),
        (3, ["--data", "imagenet"], "imagenet"),
        (3, ["--data", "nowhere.npz"], "nowhere.npz"),
        (3, ["--data", "cifar10", "--data-dir", "/nowhere"], "/nowhere"),
        (3, ["--config", "nowhere.toml"], "nowhere.toml"),
        (3, ["--hidden", "99999999999"], "--hidden"),
        (3, ["--minibatch-size", "9999999999"], "--minibatch-size"),
        (3, ["--run-dir", "/proc/run"], "/proc/run"),
        (1, ["--run-dir", "/proc/run"], "/proc/run"),
        (3, ["--threads", "100000"], "--threads 100000: the ranks of "),
    ],
)
def test_bad_usage_is_one_line_and_code_2(ranks, options, named, tmp_path):
    done = launch(ranks, "--run-dir", "run", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert named in complaint(done.stdout + done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_run_is_never_overwritten(tmp_path):
    run = train(tmp_path / "run", 1, "--steps", 2, "--hidden", 8, "--quiet")
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    done = launch(2, "--run-dir", run.folder, "--steps", 3)
    assert done.returncode == 2 and str(run.folder) in complaint(done.stderr)
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


def test_an_unwritable_cache_is_named(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    environment = {**ENVIRONMENT, "ISGD_MPI_CACHE": str(blocked / "cache")}
    done = launch(2, "--run-dir", tmp_path / "run", env=environment)
    assert done.returncode == 2 and "ISGD_MPI_CACHE" in complaint(done.stderr)


def test_a_stdout_that_fails_costs_the_printout_and_not_the_run(tmp_path):
    with open("/dev/full", "w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "isgd_mpi", "--steps", "5", "--hidden", "8", "--run-dir", tmp_path / "run"],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert process.returncode == 0 and "Traceback" not in process.stderr
    assert Run(tmp_path / "run").summary["steps"] == 5


def test_help_is_printed_once(tmp_path):
    done = launch(3, "--help-all")
    assert done.returncode == 0
    assert done.stdout.count("usage: mpirun") == 1 and "--refresh-every" in done.stdout


def test_without_a_place_for_compiled_kernels_there_is_one_line(tmp_path):
    nowhere = {"NUMBA_CACHE_DIR": "/proc/nowhere", "TMPDIR": "/proc/nowhere"}
    environment = {name: value for name, value in ENVIRONMENT.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    done = launch(2, "--help", env=environment | nowhere | {"ISGD_MPI_CACHE": str(tmp_path / "c")})
    assert done.returncode == 0 and "usage:" in done.stdout and "Traceback" not in done.stderr
    options = ("--run-dir", tmp_path / "run", "--steps", 3, "--hidden", 8)
    done = launch(1, *options, env=environment | nowhere | {"ISGD_MPI_CACHE": str(tmp_path / "c")}, seconds=300)
    assert done.returncode == 0 and "kernels are compiled anew in each process" in complaint(done.stderr)


def test_a_model_that_ulimit_does_not_hold_is_refused(tmp_path):
    words = command(2, "--run-dir", tmp_path / "run", "--hidden", 9000, 9000)
    limited = ["bash", "-c", 'ulimit -v 2000000; exec "$@"', "bash", *map(str, words[3:])]
    done = run_to_end([*words[:3], *limited], env=ENVIRONMENT)
    assert done.returncode == 2 and "ulimit -v leaves" in complaint(done.stderr)
    assert not (tmp_path / "run").exists()
