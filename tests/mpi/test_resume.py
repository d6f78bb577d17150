"""A run that is stopped and resumed ends bitwise as if it had not been stopped; on all ranks of this process."""

import json

import numpy as np
import pytest
from run_files import messages, read

from isgd_mpi.settings.exit_codes import BAD_INPUT, DONE, FAILED, TRY_AGAIN

OPTIONS = ["--minibatch-size", 64, "--refresh-every", 12, "--eval-every", 20]
TIMINGS = {"seconds", "steps_per_second", "scored_per_second", "wait_fraction"}
STEPS, STOPPED_AT = 90, 53  # amidst an epoch of 125, a refresh and an evaluation

WEIGHTED = ("--class-weight", "balanced")
OF_EVERY_KIND = {
    "pipelined": ("--schedule", "pipelined", "--momentum", 0.5, "--save-scores"),
    "exact": ("--schedule", "exact", "--sampling", "multinomial", "--adaptive-smoothing", 0.2),
    "often uniform": ("--schedule", "pipelined", "--uniform-probability", 0.3, "--bias-exponent", 0.5),
    "compat": ("--schedule", "pipelined", "--compat", "alain2015"),
    "ranks": ("--schedule", "exact", "--sampling", "rank", "--lr-schedule", "linear", "--max-staleness", 20, *WEIGHTED),
    "uniform": ("--schedule", "pipelined", "--score", "uniform", "--optimizer", "adam", "--lr-schedule", "cosine"),
    "scaled": ("--schedule", "pipelined", "--lr-scaling", "gain", "--lr", 0.003, "--lr-schedule", "cosine"),
    "lstm": ("--schedule", "pipelined", "--score", "predicted-loss"),
    "class": ("--schedule", "exact", "--score", "predicted-loss", "--predictor", "class"),
    "last": ("--schedule", "pipelined", "--score", "predicted-loss", "--predictor", "last"),
}


def comparable(lines):
    """Return the metrics without events and times: the part that must be equal in both runs."""
    return [{name: line[name] for name in line.keys() - TIMINGS} for line in lines if line["kind"] != "event"]


@pytest.fixture
def same(comm, shared_tmp_path):
    """Assert that two runs have the same parameters and metrics; return both."""

    def check(name="whole", other="parted"):
        runs = [read(shared_tmp_path / folder, comm) for folder in (name, other)]
        np.testing.assert_array_equal(runs[0][2], runs[1][2])
        assert comparable(runs[0][0]) == comparable(runs[1][0])
        return runs

    return check


@pytest.mark.parametrize("kind", OF_EVERY_KIND)
def test_a_run_resumed_is_bitwise_the_run_that_was_never_stopped(
    run, command, same, comm, shared_tmp_path, stop_at, kind
):
    options, parted = [*OPTIONS, *OF_EVERY_KIND[kind], "--steps", STEPS], shared_tmp_path / "parted"
    assert run("whole", *options) == DONE
    stop_at(STOPPED_AT)
    assert run("parted", *options) == TRY_AGAIN
    lines, summary, _ = read(parted, comm)
    assert (summary["steps"], summary["stopped"]) == (STOPPED_AT, "SIGTERM")
    assert messages(lines)[-3:] == ["signal: SIGTERM", "checkpoint", "stop: SIGTERM"]
    assert not (parted / "scores.npz").exists()  # written by a run that has come to its end
    assert command("--resume", parted) == DONE
    (_, summary, _), (again, summary_again, _) = same()
    assert [line["step"] for line in again] == sorted(line["step"] for line in again)
    for name in ("train", "test", "steps", "examples", "variance_gain", "predictor_correlation"):
        assert summary[name] == summary_again[name], name
    assert summary_again["seconds"] == pytest.approx(again[-1]["seconds"], abs=2)
    assert f"resume: {comm.size} ranks" in messages(again)
    if "--save-scores" in options:
        files = [np.load(shared_tmp_path / name / "scores.npz") for name in ("whole", "parted")]
        with files[0] as whole, files[1] as parted:
            assert "train/draws" in whole.files
            for name in whole.files:
                np.testing.assert_array_equal(whole[name], parted[name], name)


def test_a_run_compared_with_a_reference_model_is_resumed_bitwise_without_that_model(
    run, command, same, comm, shared_tmp_path, stop_at, capfd
):
    assert run("reference", "--hidden", 8, "--score", "uniform", "--steps", 30) == DONE
    model, parted = shared_tmp_path / "reference" / "model.npz", shared_tmp_path / "parted"
    options = [*OPTIONS, "--schedule", "pipelined", "--sampling", "rho", "--reference-model", model, "--steps", STEPS]
    assert run("whole", *options) == DONE
    stop_at(STOPPED_AT)
    assert run("parted", *options) == TRY_AGAIN
    comm.barrier()
    if comm.rank == 0:
        model.unlink()
    comm.barrier()
    assert command("--resume", parted) == DONE
    (_, summary, _), _ = same()
    assert summary["train"]["error"] < 0.5
    assert run("other", *options) == BAD_INPUT
    assert comm.rank > 0 or f"--reference-model {model}" in capfd.readouterr().err


@pytest.mark.parametrize(
    "others", [("--momentum", 0.9), ("--optimizer", "adamw", "--weight-decay", 0.01), ("--feeder", "on")]
)
def test_several_trainers_resumed_are_bitwise_those_never_stopped(
    run, command, same, comm, shared_tmp_path, stop_at, others
):
    if comm.size == 1 and "--feeder" in others:
        pytest.skip("nobody to feed")
    options = [*OPTIONS, "--minibatch-size", 16, "--trainers", min(2, comm.size), "--schedule", "pipelined", *others]
    options += ["--lr", 0.01, "--steps", STEPS]
    assert run("whole", *options) == DONE
    stop_at(STOPPED_AT)
    assert run("parted", *options) == TRY_AGAIN
    assert command("--resume", shared_tmp_path / "parted", "--quiet") == DONE
    same()


def test_a_run_that_diverged_in_a_step_that_was_ordered_as_it_was_stopped_cannot_go_on(run, comm, stop_at):
    if comm.size == 1:
        pytest.skip("nobody to feed")
    stop_at(2)
    options = ["--minibatch-size", 16, "--trainers", 2, "--feeder", "on", "--lr", 1e30, "--steps", STEPS]
    assert run("diverged", *options) == FAILED


def test_a_fed_run_goes_on_with_trainers_that_are_not_fed(run, command, comm, shared_tmp_path, stop_at):
    if comm.size == 1:
        pytest.skip("nobody to feed")
    options = [*OPTIONS, "--minibatch-size", 16, "--trainers", 2, "--feeder", "on", "--schedule", "pipelined"]
    stop_at(STOPPED_AT)
    assert run("fed", *options, "--steps", STEPS) == TRY_AGAIN
    assert command("--resume", shared_tmp_path / "fed", "--feeder", "off", "--quiet") == DONE
    lines, summary, _ = read(shared_tmp_path / "fed", comm)
    assert summary["steps"] == STEPS
    assert all(-0.01 < line["wait_fraction"] <= 1 for line in lines if line["kind"] == "refresh")


def test_a_trainer_0_that_feeds_changes_no_bit_of_an_exact_run(run, same, comm):
    if comm.size < 3:
        pytest.skip("nobody to score beside it and the one that it feeds")
    options = [*OPTIONS, "--schedule", "exact", "--momentum", 0.5, "--steps", 50]
    assert run("whole", *options, "--trainers", 1) == DONE
    assert run("parted", *options, "--trainers", 2, "--feeder", "on") == DONE
    same()


def save_numbers(path):
    """Write a file with two numbers to predict, and weights of the training examples."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((900, 4))
    y = np.column_stack([10 + x[:, 0] + x[:, 1] ** 2, 100 * x[:, 2]])
    parts = {"train": slice(600), "valid": slice(600, 750), "test": slice(750, None)}
    pairs = {f"{name}_{split}": array[rows] for split, rows in parts.items() for name, array in (("x", x), ("y", y))}
    np.savez(path, w_train=rng.random(600), **pairs)


def test_numbers_with_weights_are_resumed_with_the_same_loss_to_the_same_bits(
    run, command, same, comm, shared_tmp_path, stop_at, capfd
):
    path, parted = shared_tmp_path / "numbers.npz", shared_tmp_path / "parted"
    if comm.rank == 0:
        save_numbers(path)
    comm.Barrier()
    options = ["--data", path, *OPTIONS, "--schedule", "pipelined", "--clip-norm", 0.5, "--steps", STEPS]
    assert run("whole", *options) == DONE
    stop_at(STOPPED_AT)
    assert run("parted", *options) == TRY_AGAIN
    assert command("--resume", parted, "--loss", "huber") == BAD_INPUT
    assert comm.rank > 0 or "--loss was auto and is huber now" in capfd.readouterr().err
    assert command("--resume", parted) == DONE
    (_, summary, _), (_, summary_again, _) = same()
    assert all(summary[name] == summary_again[name] for name in ("train", "valid", "test", "best"))
    assert summary["best"] and summary["test"]["targets"]["1"]["rmse"] > 1


def test_more_steps_and_frequent_checkpoints_change_no_bit(run, command, same, comm, shared_tmp_path):
    options = [*OPTIONS, "--schedule", "pipelined", "--steps"]
    assert run("whole", *options, STEPS, "--checkpoint-every", 1e-6) == DONE
    assert run("parted", *options, STOPPED_AT) == DONE
    assert command("--resume", shared_tmp_path / "parted") == DONE  # nothing to do
    before = read(shared_tmp_path / "parted", comm)
    assert command("--resume", shared_tmp_path / "parted", "--steps", STEPS) == DONE
    (lines, _, _), _ = same()
    assert messages(lines).count("checkpoint") >= STEPS // 12 and before[1]["steps"] == STOPPED_AT


def test_a_run_is_resumed_without_its_environment_and_summary(run, command, comm, shared_tmp_path):
    folder = shared_tmp_path / "a"
    assert run("a", "--schedule", "pipelined", "--steps", 20) == DONE
    if comm.rank == 0:
        (folder / "environment.json").unlink()
        (folder / "summary.json").write_text("{")
    assert command("--resume", folder) == DONE
    assert read(folder, comm)[1]["steps"] == 20


def test_relaxed_goes_on_with_all_that_it_knew(run, command, comm, shared_tmp_path, stop_at):
    stop_at(STOPPED_AT, "SIGUSR1")
    assert run("a", *OPTIONS, "--refresh-every", 4, "--steps", STEPS, "--usable-fraction", 0.01) == TRY_AGAIN
    others = ("--eval-every", 10, "--trainers", min(2, comm.size))
    assert command("--resume", shared_tmp_path / "a", *others) == DONE
    lines, summary, _ = read(shared_tmp_path / "a", comm)
    assert summary["steps"] == STEPS and summary["train"]["loss"] < np.log(10)
    scored = [line["examples_scored"] for line in lines if line["kind"] == "refresh"]
    assert scored == sorted(scored) and [line["step"] for line in lines] == sorted(line["step"] for line in lines)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--lr", 0.2], "--lr was auto and is 0.2 now"),
        (["--hidden", 17], "--hidden was [16] and is [17] now"),
        (["--run-dir", "elsewhere"], "--run-dir"),
    ],
)
def test_what_must_not_change_is_refused_with_the_difference(
    run, command, comm, shared_tmp_path, capfd, options, named
):
    assert run("a", "--steps", 3) == DONE
    before = read(shared_tmp_path / "a", comm)[:2]
    comm.Barrier()
    assert command("--resume", shared_tmp_path / "a", *options) == BAD_INPUT
    message = capfd.readouterr().err
    assert message.count("\n") == (comm.rank == 0) and (comm.rank > 0 or named in message)
    assert read(shared_tmp_path / "a", comm)[:2] == before


def test_data_may_have_moved_but_not_changed(run, command, comm, shared_tmp_path, capfd):
    def save(name, seed):
        x = np.random.default_rng(seed).standard_normal((600, 3))
        y = np.arange(600) % 3
        np.savez(shared_tmp_path / name, x_train=x, y_train=y, x_test=x[:50], y_test=y[:50])

    if comm.rank == 0:
        save("before.npz", seed=0)
        save("other.npz", seed=1)
    comm.Barrier()
    assert run("a", "--steps", 3, "--data", shared_tmp_path / "before.npz") == DONE
    if comm.rank == 0:
        (shared_tmp_path / "before.npz").rename(shared_tmp_path / "after.npz")
    comm.Barrier()
    again = ["--resume", shared_tmp_path / "a", "--steps", 6]
    assert command(*again) == BAD_INPUT
    assert command(*again, "--data", shared_tmp_path / "other.npz") == BAD_INPUT
    assert command(*again, "--data", shared_tmp_path / "after.npz") == DONE
    messages = capfd.readouterr().err.splitlines()
    named = ["--data names its new place", "is not the one that it was run on"] if comm.rank == 0 else []
    assert len(messages) == len(named) and all(name in message for name, message in zip(named, messages))
    assert read(shared_tmp_path / "a", comm)[1]["steps"] == 6


def test_a_run_without_a_checkpoint_or_with_a_shortened_metrics_file_is_refused(
    run, command, comm, shared_tmp_path, capfd
):
    assert command("--resume", shared_tmp_path) == BAD_INPUT
    assert run("a", "--steps", 3) == DONE
    if comm.rank == 0:
        (shared_tmp_path / "a/metrics.jsonl").write_text("")
    comm.Barrier()
    assert command("--resume", shared_tmp_path / "a", "--steps", 5) == BAD_INPUT
    comm.Barrier()
    if comm.rank == 0:
        (shared_tmp_path / "a/checkpoint.npz").unlink()
    comm.Barrier()
    assert command("--resume", shared_tmp_path / "a", "--steps", 5) == BAD_INPUT
    messages = capfd.readouterr().err.splitlines()
    named = ["there is no run", "has 0 lines", "no checkpoint.npz"] if comm.rank == 0 else []
    assert len(messages) == len(named) and all(name in message for name, message in zip(named, messages))


def test_a_diverged_state_is_not_saved(run, comm, shared_tmp_path):
    options = ["--lr", 1e6, "--steps", 200, "--checkpoint-every", 1e-6, "--schedule", "exact", "--refresh-every", 1]
    assert run("a", *options) == 1
    if comm.rank == 0:
        stopped = json.loads((shared_tmp_path / "a/summary.json").read_text())["stopped"]
        with np.load(shared_tmp_path / "a/checkpoint.npz") as saved:
            assert np.isfinite(saved["run/trainer/params"]).all()
            assert f"the checkpoint of step {saved['run/trainer/step']} stays" in stopped
