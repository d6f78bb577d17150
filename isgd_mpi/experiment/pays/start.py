"""Start the job that does all runs with mpirun, and start it anew if it dies."""

import os
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from isgd_mpi.data.files import write_json
from isgd_mpi.experiment.launcher import find_mpirun, run_to_end
from isgd_mpi.experiment.pays.ledger import begin_ledger, note_death
from isgd_mpi.experiment.perform import LAUNCHES
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import BAD_INPUT, DONE

LEDGER = "runs.json"
_MOST_JOBS = 8
_LONGEST = 3.0  # of the minutes: a job that takes longer is ended
_TICK_SECONDS = 0.5


def run_here(plan, begun):
    """Do all runs of a plan on this machine.

    Parameters
    ----------
    plan : plan.Plan
    begun : float
        Unix time at which the command began.

    Raises
    ------
    InputError
        The input is bad, or jobs died again and again.
    """
    mpirun, folder = find_mpirun(), Path(plan.folder) / LAUNCHES
    ledger, plan_path = folder / LEDGER, folder / "plan.json"
    begin_ledger(ledger, plan.identity)
    timeout = 60 * _LONGEST * plan.minutes + 120
    for _ in range(_MOST_JOBS):
        write_json(plan_path, {"plan": asdict(plan), "ledger": str(ledger), "begun": begun, "agreed": None})
        command = [mpirun, "-n", plan.ranks, sys.executable, "-m", "isgd_mpi.experiment.pays.ranks", plan_path]
        try:
            with _shown(60 * plan.minutes, folder / "job.log") as (stdout, stderr):
                code = run_to_end(command, timeout, stdout=stdout, stderr=stderr, close_fds=False)
        except TimeoutError as error:
            raise InputError(f"the job was ended: {error}; the same command goes on where it was") from None
        if code == DONE:
            return
        reason = _last_words(folder / "job.log", code)
        if code == BAD_INPUT:
            raise InputError(reason)
        died_in_a_run = note_death(ledger, reason)
        tqdm.write(f"a job died{' in a run' * died_in_a_run}: {reason}", file=sys.stderr)
        begun = time.time()
        if not died_in_a_run:
            break
    raise InputError(f"the job died: see {folder / 'job.log'}")


def _last_words(log, code):
    """Return why a job ended, in its own words."""
    lines = log.read_text(errors="replace").strip().splitlines()
    ours = [line.partition("isgd_mpi: ")[2] for line in lines if line.startswith("isgd_mpi: ")]
    errors = [line for line in lines if "Error: " in line]
    return (ours or errors[-1:] or [f"exit code {code}"])[0]


@contextmanager
def _shown(seconds, log):
    """Show what a job prints above a progress bar of time; yield the files for its stdout and stderr."""
    reading, writing = os.pipe()
    with (
        open(log, "w") as stderr,
        tqdm(
            total=round(seconds), unit="s", file=sys.stderr, disable=None, leave=False,
            bar_format="{percentage:3.0f}% |{bar}| {elapsed} of about {desc}",
            desc=f"{seconds / 60:g} min",
        ) as bar,
    ):  # fmt: skip
        ended = threading.Event()
        threads = [
            threading.Thread(target=_print_lines, args=(reading,)),
            threading.Thread(target=_tick, args=(bar, ended)),
        ]
        for thread in threads:
            thread.start()
        try:
            yield writing, stderr
        finally:
            os.close(writing)
            ended.set()
            for thread in threads:
                thread.join()


def _print_lines(reading):
    with open(reading, errors="replace") as lines:
        for line in lines:
            tqdm.write(line.rstrip("\n"))


def _tick(bar, ended):
    begin = time.monotonic()
    while not ended.wait(_TICK_SECONDS):
        bar.n = min(bar.total, round(time.monotonic() - begin))
        bar.refresh()
