"""A scorer that stops responding: told of, waited for, and given up on; with real processes that are stopped."""

import json
import os
import re
import signal
import time

import numpy as np
import pytest
from launch import launch, start_and_wait_for_training
from processes import rank_pids, wait_for

TIMEOUT = 5


def metrics(folder):
    return (folder / "metrics.jsonl").read_text()


@pytest.mark.parametrize("schedule", ["relaxed", "exact"])
def test_a_scorer_that_stays_stopped_ends_the_run_with_a_checkpoint(tmp_path, schedule):
    folder = tmp_path / "run"
    options = ("--schedule", schedule, "--scorer-timeout", TIMEOUT, "--eval-every", 1)  # one is always under way
    process = start_and_wait_for_training(folder, *options)
    pid = rank_pids(process)[2]
    os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    try:
        output, errors = process.communicate(timeout=40)
    finally:
        if os.path.exists(f"/proc/{pid}"):
            os.kill(pid, signal.SIGKILL)
    assert process.returncode == 75, errors
    assert TIMEOUT - 1 < time.monotonic() - begin < 30
    assert "rank 2 (" in output and "has not answered for" in output
    lines = [line for line in errors.splitlines() if line.startswith("isgd_mpi: ")]
    assert len(lines) == 1, errors
    line = lines[0]
    assert re.search(
        r"stopped at step \d+: no answer from rank 2 \(.*\) for 5 s \(--scorer-timeout\); "
        r"the checkpoint of step \d+ stays: go on with --resume ",
        line,
    )
    assert "has not answered" in metrics(folder) and '"stop: no answer from rank 2' in metrics(folder)
    step = int(re.search(r"checkpoint of step (\d+)", line)[1])
    done = launch(3, "--resume", folder, "--schedule", schedule, "--hidden", 16, "--steps", step + 50)
    assert done.returncode == 0, done.stderr


def test_a_scorer_that_goes_on_in_time_is_heard_again(tmp_path):
    folder = tmp_path / "run"
    process = start_and_wait_for_training(folder, "--scorer-timeout", 3 * TIMEOUT, "--no-feedback")
    pid = rank_pids(process)[2]
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: "has not answered for" in metrics(folder), 30)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: "answers again after" in metrics(folder), 30)
    n_refreshes = metrics(folder).count('"refresh"')
    wait_for(lambda: metrics(folder).count('"refresh"') > n_refreshes + 1, 30)
    os.kill(rank_pids(process)[0], signal.SIGTERM)
    output, _ = process.communicate(timeout=40)
    assert process.returncode == 75 and "rank 2 (" in output
    refreshes = [line for line in map(json.loads, metrics(folder).splitlines()) if line["kind"] == "refresh"]
    steps = np.array([line["step"] for line in refreshes])
    at = np.diff(steps).argmax() + 1  # the refresh that was under way
    assert steps[at] - steps[at - 1] > 300  # the trainer went on
    assert refreshes[at]["staleness_max"] >= steps[at] - steps[at - 1]
