"""Jobs that are stopped, killed, and resumed, under mpirun."""

import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
from launch import complaint, launch, metrics_of, resume, saved_step, train, training
from processes import wait_for

from isgd_mpi.run.resume import SavedRun
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.errors import InputError

SMALL = ("--hidden", 16, "--threads", 1, "--quiet", "--score-batch-size", 512, "--refresh-every", 12)


def events(folder):
    return [line["message"] for line in metrics_of(folder) if line["kind"] == "event"]


@pytest.mark.each_kind
def test_exact_goes_on_bitwise_with_other_scorers(tmp_path):
    whole = train(tmp_path / "whole", 2, *SMALL, "--schedule", "exact", "--steps", 60)
    train(tmp_path / "parted", 3, *SMALL, "--schedule", "exact", "--steps", 31)
    resume(tmp_path / "parted", 1, "--steps", 45)
    parted = resume(tmp_path / "parted", 3, "--steps", 60)
    np.testing.assert_array_equal(parted.params, whole.params)


@pytest.mark.parametrize("schedule", ["pipelined", "relaxed"])
def test_a_run_goes_on_with_other_numbers_of_ranks_and_trainers(tmp_path, schedule):
    train(tmp_path / "run", 3, *SMALL, "--schedule", schedule, "--steps", 31, "--momentum", 0.5)
    run = resume(tmp_path / "run", 4, "--steps", 60, "--trainers", 2)
    assert (run.summary["steps"], run.summary["ranks"], run.summary["trainers"]) == (60, 4, 2)
    assert [line["step"] for line in run.lines] == sorted(line["step"] for line in run.lines)


def test_other_arithmetic_of_the_scores_is_an_event(tmp_path):
    train(tmp_path / "run", 2, *SMALL, "--steps", 20)
    environment = json.loads((tmp_path / "run/environment.json").read_text())
    resume(tmp_path / "run", 2, "--steps", 30)
    assert not any("computed" in message for message in events(tmp_path / "run"))
    changed = environment | {"score_arithmetic": "float8"}
    (tmp_path / "run/environment.json").write_text(json.dumps(changed))
    resume(tmp_path / "run", 2, "--steps", 40)
    now = environment["score_arithmetic"]
    assert f"scores are computed in {now} now, and were in float8" in events(tmp_path / "run")


def test_other_threads_are_an_event(tmp_path):
    options = ("--schedule", "pipelined", "--threads", 1)
    train(tmp_path / "run", 2, *SMALL, *options, "--steps", 31)
    resume(tmp_path / "run", 2, "--steps", 40)
    assert not any("threads" in event for event in events(tmp_path / "run"))
    resume(tmp_path / "run", 2, "--steps", 50, "--threads", 2)
    assert "ranks have [2, 2] threads now, and had [1, 1]: bits may differ (--threads)" in events(tmp_path / "run")


def test_a_killed_job_goes_on_from_its_last_checkpoint(tmp_path):
    options = ("--checkpoint-every", 0.2, "--schedule", "pipelined")
    with training(tmp_path / "run", *options, until="checkpoint.npz") as job:
        for pid in job.rank_pids().values():
            os.kill(pid, signal.SIGKILL)
        job.wait_for_end()
    step = saved_step(tmp_path / "run")
    run = resume(tmp_path / "run", 3, "--steps", step + 40)
    assert run.summary["steps"] == step + 40
    resumed = next(line for line in run.lines if line.get("message") == "resume: 3 ranks")
    assert resumed["step"] == step and np.isfinite(run.params).all()


def test_a_second_job_is_refused_usr1_is_code_75_and_a_damaged_checkpoint_one_line(tmp_path):
    with training(tmp_path / "run", "--checkpoint-every", 1, until="checkpoint.npz") as job:
        second = launch(1, "--resume", tmp_path / "run")
        assert second.returncode == 2 and "another job is at work there" in complaint(second.stderr)
        for pid in job.rank_pids().values():
            os.kill(pid, signal.SIGUSR1)
            os.kill(pid, signal.SIGTERM)
        _, errors = job.wait_for_end()
    assert job.returncode == 75 and "--resume" in errors
    assert events(tmp_path / "run")[-1].startswith("stop: SIG")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    checkpoint = tmp_path / "run/checkpoint.npz"
    checkpoint.write_bytes(before["checkpoint.npz"][:-1000])
    done = launch(3, "--resume", tmp_path / "run")
    assert done.returncode == 2 and "truncated" in complaint(done.stderr)
    checkpoint.write_bytes(before["checkpoint.npz"])
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


@pytest.mark.parametrize("problem", ["is missing", "no line of metrics", "not a regular file", "a link or a pipe"])
def test_a_refused_resume_changes_and_creates_nothing(tmp_path, problem):
    run = tmp_path / "run"
    train(run, 1, *SMALL, "--steps", 20)
    metrics = run / "metrics.jsonl"
    if problem == "no line of metrics":
        metrics.write_text("one\n" * 100)
    elif problem == "not a regular file":
        (run / "checkpoint.npz").unlink()
        os.mkfifo(run / "checkpoint.npz")
    else:
        metrics.unlink()
    if problem == "a link or a pipe":
        metrics.symlink_to(tmp_path / "elsewhere")
    before = {path.name: path.lstat() for path in run.iterdir()}
    done = launch(1, "--resume", run, "--steps", 30)
    assert done.returncode == 2 and problem in complaint(done.stderr)
    assert {path.name: path.lstat()[:-3] for path in run.iterdir()} == {name: s[:-3] for name, s in before.items()}
    assert not (tmp_path / "elsewhere").exists()


def test_a_checkpoint_that_another_job_replaces_meanwhile_is_not_used(tmp_path):
    with training(tmp_path / "run", "--checkpoint-every", 0.2, until="checkpoint.npz") as job:
        saved = SavedRun(replace(Config(), resume=str(tmp_path / "run"), hidden=[16], seconds=1000.0))
        step = saved_step(tmp_path / "run")
        wait_for(lambda: saved_step(tmp_path / "run") > step)
        with pytest.raises(InputError, match="was replaced while this job started: run the same command again"):
            saved.check_unchanged()
        os.kill(job.rank_pids()[0], signal.SIGTERM)
        job.wait_for_end()
