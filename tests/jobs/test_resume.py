"""Jobs that are stopped, killed, and taken up again, under mpirun."""

import json
import os
import signal
import time

import numpy as np
from launch import Run, launch, start_and_wait_for_training, train
from processes import rank_pids

SMALL = ("--hidden", 16, "--threads", 1, "--quiet", "--score-batch-size", 512, "--refresh-every", 12)


def events(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line["message"] for line in lines if line["kind"] == "event"]


def resume(folder, ranks, *options):
    """Take a run up again; it must end well."""
    done = launch(ranks, "--resume", folder, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return Run(folder)


def test_exact_goes_on_bitwise_with_other_scorers_and_pipelined_and_relaxed_go_on(tmp_path):
    whole = train(tmp_path / "whole", 2, *SMALL, "--schedule", "exact", "--steps", 60)
    train(tmp_path / "parted", 3, *SMALL, "--schedule", "exact", "--steps", 31)
    parted = resume(tmp_path / "parted", 1, "--steps", 45)
    parted = resume(tmp_path / "parted", 3, "--steps", 60)
    np.testing.assert_array_equal(parted.params, whole.params)
    for schedule in ("pipelined", "relaxed"):
        train(tmp_path / schedule, 3, *SMALL, "--schedule", schedule, "--steps", 31, "--momentum", 0.5)
        run = resume(tmp_path / schedule, 4, "--steps", 60, "--trainers", 2)
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


def test_a_killed_job_goes_on_from_its_last_checkpoint(tmp_path):
    process = start_and_wait_for_training(tmp_path / "run", "--checkpoint-every", 0.2, "--schedule", "pipelined")
    deadline = time.monotonic() + 60
    while not (tmp_path / "run/checkpoint.npz").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    for pid in rank_pids(process).values():
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=30)
    with np.load(tmp_path / "run/checkpoint.npz", allow_pickle=False) as saved:
        step = int(saved["run/trainer/step"])
    run = resume(tmp_path / "run", 3, "--steps", step + 40)
    assert run.summary["steps"] == step + 40
    resumed = next(line for line in run.lines if line.get("message") == "resume: 3 ranks")
    assert resumed["step"] == step and np.isfinite(run.params).all()


def test_a_second_job_is_refused_usr1_is_code_75_and_a_damaged_checkpoint_one_line(tmp_path):
    process = start_and_wait_for_training(tmp_path / "run", "--checkpoint-every", 1)
    while not (tmp_path / "run/checkpoint.npz").exists():
        assert process.poll() is None
        time.sleep(0.05)
    second = launch(1, "--resume", tmp_path / "run")
    assert second.returncode == 2 and second.stderr.count("another job is at work there") == 1
    for pid in rank_pids(process).values():
        os.kill(pid, signal.SIGUSR1)
        os.kill(pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 75 and "--resume" in errors
    assert events(tmp_path / "run")[-1].startswith("stop: SIG")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    checkpoint = tmp_path / "run/checkpoint.npz"
    checkpoint.write_bytes(before["checkpoint.npz"][:-1000])
    done = launch(3, "--resume", tmp_path / "run")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "truncated" in next(line for line in done.stderr.splitlines() if line.startswith("isgd_mpi:"))
    checkpoint.write_bytes(before["checkpoint.npz"])
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
