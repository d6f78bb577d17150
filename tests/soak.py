"""Run a job for a long time, with signals and resumes in between; fail if memory, files or processes leak.

``python tests/soak.py --minutes 20`` starts a job of four ranks, stops it with a signal now and then, resumes it, and
looks at its processes all the while. Prints one line for each life, then the figures; exit code 1 if anything leaks.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "support"))  # as pytest does

from launch import ENVIRONMENT, command, saved_step  # noqa: E402
from processes import Job, shared_segments  # noqa: E402

SETTLED_SECONDS = 8  # after the start, memory still grows to what is needed
MOST_GROWTH = 0.03  # of resident memory, from the second quarter of a life to the last
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


def main():
    """Do the lives, then say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--life", type=float, default=100, help="seconds until the next signal, on average")
    parser.add_argument("--ranks", type=int, default=4)
    parser.add_argument("options", nargs="*", help="of isgd_mpi, after --")
    arguments = parser.parse_args()
    lives, end = [], time.monotonic() + 60 * arguments.minutes
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "run"
        while time.monotonic() < end:
            seconds = max(SETTLED_SECONDS + 5, random.uniform(0.6, 1.4) * arguments.life)
            lives.append(live(folder, arguments, min(seconds, end - time.monotonic() + SETTLED_SECONDS + 5)))
            print(describe(len(lives), lives[-1]), flush=True)
    problems = [text for life in lives for text in problems_of(life)]
    print(f"{len(lives)} lives in {arguments.minutes:g} minutes, {sum(life['steps'] for life in lives)} steps")
    print("\n".join(problems) or "nothing leaks: memory flat, no descriptor, segment or process left")
    return 1 if problems else 0


def live(folder, arguments, seconds):
    """Start or resume the run, watch it, stop it with a signal; return what was seen."""
    begin = ("--resume", folder) if saved_step(folder) is not None else ("--run-dir", folder)
    first_step = saved_step(folder) or 0
    words = command(arguments.ranks, *begin, "--steps", 10**9, "--checkpoint-every", 5, *arguments.options)
    samples, segments, deadline = [], set(), time.monotonic() + seconds
    with Job(words, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as job:
        while time.monotonic() < deadline and job.poll() is None:
            time.sleep(0.5)
            pids = job.rank_pids()
            segments = segments.union(*map(shared_segments, pids.values()))
            samples.append((time.monotonic() - deadline + seconds, {rank: look_at(pid) for rank, pid in pids.items()}))
        pids, chosen = job.rank_pids(), random.choice(SIGNALS)
        if pids:  # it has not ended by itself
            os.kill(random.choice(list(pids.values())), chosen)
        _, errors = job.wait_for_end()
    return {
        "signal": chosen.name,
        "code": job.returncode,
        "errors": errors,
        "samples": [sample for sample in samples if sample[0] > SETTLED_SECONDS and len(sample[1]) == arguments.ranks],
        "steps": (saved_step(folder) or 0) - first_step,
        "segments": len(segments),
        "left_segments": [path for path in segments if os.path.exists(path)],
    }


def look_at(pid):
    """Return a process's resident memory in MB, and its open files."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return np.nan, 0


def ends(life):
    """Return memory (MB) and open files of each rank in a life's second and last quarter, as (2, ranks, 2)."""
    seen = np.array([[rank[r] for r in sorted(rank)] for _, rank in life["samples"]])
    quarter = max(1, len(seen) // 4)
    return np.array([np.nanmedian(part, axis=0) for part in (seen[quarter : 2 * quarter + 1], seen[-quarter:])])


def describe(n, life):
    """Return a life in one line."""
    if not life["samples"]:
        return f"life {n}: too short to be measured; {life['signal']}, exit code {life['code']}"
    (first, last), seconds = ends(life), life["samples"][-1][0]
    memory = ", ".join(f"{a:.1f} -> {b:.1f}" for a, b in zip(first[:, 0], last[:, 0]))
    files = ", ".join(f"{a:.0f} -> {b:.0f}" for a, b in zip(first[:, 1], last[:, 1]))
    return (
        f"life {n}: {seconds:.0f} s, {life['steps']} steps, MB resident per rank {memory}; open files {files}; "
        f"{life['segments']} shared segments; {life['signal']}, exit code {life['code']}"
    )


def problems_of(life):
    """Return what a life did wrong, as lines."""
    found = [f"exit code {life['code']} after {life['signal']}: {life['errors']}"] * (life["code"] != 75)
    found += [f"shared-memory segments left: {life['left_segments']}"] * bool(life["left_segments"])
    if life["samples"]:
        first, last = ends(life)
        found += [f"memory grew: {first[:, 0]} to {last[:, 0]} MB"] * bool(
            (last[:, 0] > (1 + MOST_GROWTH) * first[:, 0]).any()
        )
        found += [f"open files grew: {first[:, 1]} to {last[:, 1]}"] * bool((last[:, 1] > first[:, 1]).any())
    return found


if __name__ == "__main__":
    sys.exit(main())
