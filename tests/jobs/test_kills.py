"""SIGKILL of any rank at any time: the job ends in seconds, what is on disk is whole, and --resume goes on, bitwise.

A few rounds by default; ``ISGD_MPI_KILLS=50 python -m pytest tests/test_kills.py`` does so many, some ten seconds each.
"""

import json
import os
import signal
import subprocess
import time

import numpy as np
from launch import ENVIRONMENT, Run, command, launch
from processes import alive, rank_pids, wait_for

from isgd_mpi.run.record.checkpoint_file import read_checkpoint

N_KILLS = int(os.environ.get("ISGD_MPI_KILLS", "3"))
RANKS = 4
OPTIONS = (
    "--schedule",
    "pipelined",
    "--hidden",
    16,
    "--refresh-every",
    8,
    "--checkpoint-every",
    0.2,
    "--eval-every",
    500,
)
# the launcher waits for ranks to be buried on a busy machine
MOST_SECONDS_TO_END = 10


def step_of(folder):
    """The step of a run's checkpoint, which must be whole; None if there is none."""
    path = folder / "checkpoint.npz"
    return int(read_checkpoint(path)["run/trainer/step"]) if path.exists() else None


def check_files(folder):
    """Assert that every file of a run that was killed is whole but for the last line of its metrics."""
    for path in folder.iterdir() if folder.exists() else ():
        if path.suffix == ".json":
            json.loads(path.read_text())
        if path.name == "metrics.jsonl":
            *lines, _ = path.read_text().split("\n")
            assert all("kind" in json.loads(line) for line in lines)
    step_of(folder)


def live_and_be_killed(folder, rng):
    """Start or resume a run, and kill a random rank at a random moment; return the seconds that its end took."""
    begin = ("--resume", folder) if step_of(folder) is not None else ("--run-dir", folder)
    process = subprocess.Popen(
        command(RANKS, *begin, *OPTIONS, "--steps", 10**7),
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    wait_for(lambda: len(rank_pids(process)) == RANKS, 30)
    before = step_of(folder)
    if rng.random() < 0.75:  # else while it starts
        wait_for(lambda: step_of(folder) != before, 60)
    time.sleep(rng.uniform(0, 1.5))
    pids = rank_pids(process)
    rank = int(rng.integers(RANKS))
    os.kill(pids[rank], signal.SIGKILL)
    killed = time.monotonic()
    output, _ = process.communicate(timeout=60)
    seconds = time.monotonic() - killed
    assert process.returncode not in (0, 2, 75), output
    wait_for(lambda: not any(map(alive, pids.values())), 5)
    return rank, seconds


def test_killed_at_random_moments_it_always_ends_and_always_goes_on(tmp_path):
    rng = np.random.default_rng(N_KILLS)
    folder = tmp_path / "run"
    told = []
    for n in range(N_KILLS):
        rank, seconds = live_and_be_killed(folder, rng)
        check_files(folder)
        if step_of(folder) is None and folder.exists():
            folder = tmp_path / f"run{n}"  # it was killed before there was anything to go on from
        told.append((rank, seconds))
        print(f"kill {n}: rank {rank}, ended in {seconds:.2f} s, checkpoint of step {step_of(folder)}", flush=True)
        assert seconds < MOST_SECONDS_TO_END
    steps = (step_of(folder) or 0) + 200
    begin = ("--resume", folder) if step_of(folder) is not None else ("--run-dir", folder)
    done = launch(RANKS, *begin, *OPTIONS, "--steps", steps)
    assert done.returncode == 0, done.stderr
    whole = launch(RANKS, "--run-dir", tmp_path / "whole", *OPTIONS, "--steps", steps, timeout=280)
    assert whole.returncode == 0, whole.stderr
    killed, whole = Run(folder), Run(tmp_path / "whole")
    np.testing.assert_array_equal(killed.params, whole.params)
    assert [line["step"] for line in killed.of_kind("refresh")] == [line["step"] for line in whole.of_kind("refresh")]
    print(f"{N_KILLS} kills, ended in {max(seconds for _, seconds in told):.2f} s at most, {steps} steps in all")
