"""SIGKILL of any rank at any time: the job ends in seconds, what is on disk is whole, and --resume goes on, bitwise.

A few rounds by default, of some ten seconds each; with ``ISGD_MPI_KILLS=50`` in the environment, 50.
"""

import json
import os
import signal
import subprocess
import time

import numpy as np
import pytest
from launch import ENVIRONMENT, command, launch, metrics_of, saved_step, succeeded, train
from processes import Job, wait_for

pytestmark = pytest.mark.any_mpi

N_KILLS = int(os.environ.get("ISGD_MPI_KILLS", "3"))
RANKS = 4
OPTIONS = (
    "--schedule", "pipelined", "--hidden", 16, "--trainers", 2,
    "--refresh-every", 8, "--checkpoint-every", 0.2, "--eval-every", 500,
)  # fmt: skip


def check_files(folder):
    """Assert that every file of a run that was killed is whole but for the last line of its metrics."""
    for path in folder.iterdir() if folder.exists() else ():
        if path.suffix == ".json":
            json.loads(path.read_text())
        if path.name == "metrics.jsonl":
            assert all("kind" in line for line in metrics_of(folder))
    saved_step(folder)


def begin(folder):
    """Return the options that start a run, or resume it where there is something to resume."""
    return ("--run-dir" if saved_step(folder) is None else "--resume", folder, *OPTIONS)


def live_and_be_killed(folder, rng):
    """Start or resume a run, and kill a random rank at a random moment; return it and the seconds that its end took."""
    before = saved_step(folder)
    words = command(RANKS, *begin(folder), "--steps", 10**7)
    with Job(words, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as job:
        wait_for(lambda: len(job.rank_pids()) == RANKS)
        if rng.random() < 0.75:  # else while it starts
            wait_for(lambda: saved_step(folder) != before)
        time.sleep(rng.uniform(0, 1.5))
        rank = int(rng.integers(RANKS))
        os.kill(job.rank_pids()[rank], signal.SIGKILL)
        killed = time.monotonic()
        output, _ = job.wait_for_end()
        assert job.returncode not in (0, 2, 75), output
    return rank, time.monotonic() - killed


def test_killed_at_random_moments_it_always_ends_and_always_goes_on(tmp_path):
    rng = np.random.default_rng(N_KILLS)
    folder = tmp_path / "run"
    told = []
    for n in range(N_KILLS):
        rank, seconds = live_and_be_killed(folder, rng)
        check_files(folder)
        if saved_step(folder) is None and folder.exists():
            folder = tmp_path / f"run{n}"  # it was killed before there was anything to go on from
        told.append(seconds)
        print(f"kill {n}: rank {rank}, ended in {seconds:.2f} s, checkpoint of step {saved_step(folder)}", flush=True)
    steps = (saved_step(folder) or 0) + 200
    killed = succeeded(launch(RANKS, *begin(folder), "--steps", steps), folder)
    whole = train(tmp_path / "whole", RANKS, *OPTIONS, "--steps", steps, seconds=200)
    np.testing.assert_array_equal(killed.params, whole.params)
    assert [line["step"] for line in killed.of_kind("refresh")] == [line["step"] for line in whole.of_kind("refresh")]
    print(f"{N_KILLS} kills, ended in {max(told):.2f} s at most, {steps} steps in all")
