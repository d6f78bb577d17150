"""A rank that stops responding: it is named, waited for, and given up on. The processes are real, and stopped."""

import os
import re
import signal
import time

import numpy as np
import pytest
from launch import complaint, metrics_of, resume, training
from processes import wait_for

any_mpi = pytest.mark.any_mpi
TIMEOUT = 8  # on a busy machine, healthy scorers are silent for seconds too


def metrics(folder):
    return (folder / "metrics.jsonl").read_text()


@pytest.mark.parametrize(("schedule", "trainers"), [pytest.param("exact", 1, marks=any_mpi), ("relaxed", 3)])
def test_a_rank_that_stays_stopped_ends_the_run_with_a_checkpoint(tmp_path, schedule, trainers):
    folder = tmp_path / "run"
    options = ("--schedule", schedule, "--scorer-timeout", TIMEOUT, "--eval-every", 1)  # one is always under way
    options += ("--trainers", trainers, "--checkpoint-every", 0.1)
    with training(folder, *options, until="checkpoint.npz") as job:
        os.kill(job.rank_pids()[2], signal.SIGSTOP)
        begin = time.monotonic()
        output, errors = job.wait_for_end(60 + TIMEOUT)
        assert time.monotonic() - begin > TIMEOUT - 1
    assert job.returncode == 75, errors
    assert "rank 2 (" in output and "has not answered for" in output
    line = complaint(errors)
    assert re.search(
        rf"stopped at step \d+: no answer from rank 2 \(.*\) for {TIMEOUT} s \(--scorer-timeout\); "
        r"the checkpoint of step \d+ stays: go on with --resume ",
        line,
    )
    assert "has not answered" in metrics(folder) and '"stop: no answer from rank 2' in metrics(folder)
    step = int(re.search(r"checkpoint of step (\d+)", line)[1])
    resume(folder, 3, "--schedule", schedule, "--trainers", trainers, "--hidden", 16, "--steps", step + 50)


def test_a_scorer_that_goes_on_in_time_is_heard_again(tmp_path):
    folder = tmp_path / "run"
    with training(folder, "--scorer-timeout", 3 * TIMEOUT, "--no-feedback") as job:
        pid = job.rank_pids()[2]
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: "has not answered for" in metrics(folder))
        os.kill(pid, signal.SIGCONT)
        wait_for(lambda: "answers again after" in metrics(folder))
        n_refreshes = metrics(folder).count('"refresh"')
        wait_for(lambda: metrics(folder).count('"refresh"') > n_refreshes + 1)
        os.kill(job.rank_pids()[0], signal.SIGTERM)
        output, _ = job.wait_for_end()
    assert job.returncode == 75 and "rank 2 (" in output
    refreshes = [line for line in metrics_of(folder) if line["kind"] == "refresh"]
    steps = np.array([line["step"] for line in refreshes])
    at = np.diff(steps).argmax() + 1  # the refresh that was under way
    assert steps[at] - steps[at - 1] > 100  # the trainer went on
    assert refreshes[at]["staleness_max"] >= steps[at] - steps[at - 1]


@any_mpi
@pytest.mark.parametrize("options", [("--trainers", 3)])
def test_ranks_whose_trainer_stays_stopped_end_the_job(tmp_path, options):
    with training(tmp_path / "run", *options, "--scorer-timeout", TIMEOUT) as job:
        os.kill(job.rank_pids()[0], signal.SIGSTOP)
        begin = time.monotonic()
        _, errors = job.wait_for_end(60 + TIMEOUT)
        assert time.monotonic() - begin > TIMEOUT - 1
    assert job.returncode != 0 and "Traceback" not in errors
    assert re.search(rf"isgd_mpi: rank [12] \(.*\) ends: no answer from rank 0 \(.*\) for {TIMEOUT} s", errors)
