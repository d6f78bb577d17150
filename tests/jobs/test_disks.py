"""Disks that are full, gone or read-only: training goes on, one line names the missing files, whole files stay."""

import shutil
import subprocess
import time
from contextlib import suppress

import numpy as np
import pytest
from launch import complaint, launch, metrics_of, resume, saved_step, training
from processes import wait_for

OPTIONS = ("--schedule", "pipelined", "--refresh-every", 8, "--checkpoint-every", 0.5, "--eval-every", 50)


def fill(disk):
    """Leave no room on a disk; return the file that takes it."""
    for _ in range(3):  # a checkpoint that was being written when the disk became full gives its room back
        with open(disk / "fill", "ab", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass
        time.sleep(0.7)
    return disk / "fill"


def test_while_the_disk_is_full_training_goes_on_and_then_all_is_written(small_disk):
    disk = small_disk("4m")
    folder = disk / "run"
    with training(folder, *OPTIONS, until="checkpoint.npz") as job:
        filler = fill(disk)
        step = saved_step(folder)
        full_size = (folder / "metrics.jsonl").stat().st_size
        with pytest.raises(AssertionError):
            wait_for(lambda: (folder / "metrics.jsonl").stat().st_size > full_size, 2)
        assert job.poll() is None
        assert saved_step(folder) >= step  # whole, as it was
        filler.unlink()
        wait_for(lambda: (folder / "metrics.jsonl").stat().st_size > full_size)
        job.terminate()
        _, errors = job.wait_for_end()
    lines = metrics_of(folder)
    steps = [line["step"] for line in lines if line["kind"] == "refresh"]
    assert set(np.diff(steps[:-1])) == {8}  # no gap, no double
    assert any("could not be written (No space left on device)" in line.get("message", "") for line in lines)
    said = [line for line in errors.splitlines() if "metrics.jsonl" in line]
    assert len(said) == 1 and "No space left on device" in said[0] and "Traceback" not in errors


def test_what_cannot_be_written_at_the_end_is_named_and_the_checkpoint_stays(small_disk):
    disk = small_disk("4m")
    folder = disk / "run"
    with training(folder, *OPTIONS, "--seconds", 6, until="checkpoint.npz") as job:
        fill(disk)
        _, errors = job.wait_for_end(70)
    assert job.returncode == 1 and "Traceback" not in errors
    for name in ("summary.json", "model.npz", "timeline.npz", "metrics.jsonl", "checkpoint.npz"):
        assert f"isgd_mpi: {folder / name} could not be written (No space left on device)" in errors
    (disk / "fill").unlink()
    assert not [path for path in folder.iterdir() if path.name.endswith(".part")]
    resume(folder, 3, *OPTIONS, "--hidden", 16, "--seconds", 7)
    steps = [line["step"] for line in metrics_of(folder) if line["kind"] == "refresh"]
    assert steps == sorted(set(steps))


def test_a_folder_that_is_removed_does_not_stop_training(tmp_path):
    folder = tmp_path / "run"
    with training(folder, *OPTIONS, "--seconds", 4) as job:
        while folder.exists():  # a file may come into it meanwhile
            shutil.rmtree(folder, ignore_errors=True)
        output, errors = job.wait_for_end(70)
    assert job.returncode == 1 and "Traceback" not in errors and "variance gain" in output
    assert f"{folder / 'summary.json'} could not be written (No such file or directory)" in errors


@pytest.mark.parametrize("damage", ["read-only", "full"])
def test_a_disk_that_takes_nothing_is_bad_input(small_disk, damage):
    disk = small_disk("64k")
    if damage == "full":
        (disk / "run").mkdir()
        fill(disk)
    else:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    done = launch(2, "--run-dir", disk / "run", "--hidden", 4, "--steps", 5)
    reason = "No space left on device" if damage == "full" else "Read-only file system"
    line = complaint(done.stderr)
    assert done.returncode == 2 and reason in line and str(disk / "run") in line
