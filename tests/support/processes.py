"""Start jobs that cannot outlive their test: a mark in the environment finds all their processes."""

import itertools
import os
import re
import signal
import subprocess
import time
from pathlib import Path

MARK = "ISGD_MPI_TEST_SESSION"
_ORPHAN_SECONDS = 10  # a launcher that was killed may be gone before its ranks are, on a busy machine
_numbers = itertools.count()


class Job(subprocess.Popen):
    """A command in a session of its own; leaving the block kills all processes that it has started.

    Raises
    ------
    AssertionError
        When the block is left: the command had ended, and some of its processes were still running.
    """

    def __init__(self, command, env=None, **options):
        self._mark = f"{os.environ.get(MARK, os.getpid())}.{next(_numbers)}."
        environment = {**(os.environ if env is None else env), MARK: self._mark}
        super().__init__(list(map(str, command)), env=environment, text=True, start_new_session=True, **options)

    def __exit__(self, kind, value, traceback):
        left = {}
        if kind is None and self.poll() is not None:
            left = still_alive(self._mark, _ORPHAN_SECONDS)
        kill_all(self._mark)
        super().__exit__(kind, value, traceback)
        assert not left, f"the job ended and left behind: {left}"

    def wait_for_end(self, seconds=60):
        """Wait until the command ends, at most `seconds` or longer on a busy machine; return output and errors."""
        return self.communicate(timeout=patience(seconds))

    def rank_pids(self):
        """Return the process ids by rank, of the ranks that have begun to run Python."""
        found = {}
        for pid, words, environment in marked_processes(self._mark):
            rank = environment.get("PMI_RANK", environment.get("OMPI_COMM_WORLD_RANK"))
            if rank is not None and "isgd_mpi" in words and "python" in words[0]:
                found.setdefault(int(rank), pid)
        return dict(sorted(found.items()))


def run_to_end(command, seconds=100, **options):
    """Run a job to its end; return it with its output as text. See :meth:`Job.wait_for_end`."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    with Job(command, **options) as job:
        output = job.wait_for_end(seconds)
    return subprocess.CompletedProcess(job.args, job.returncode, *output)


def patience(seconds):
    """Return a timeout for work that takes less than `seconds` on an idle machine: longer while this one is busy."""
    return seconds * min(5, max(1, os.getloadavg()[0] / os.cpu_count()))


def all_processes():
    """Yield process id, command line and environment of all processes that may be read, but for zombies."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = os.fsdecode((folder / "environ").read_bytes())
            words = os.fsdecode((folder / "cmdline").read_bytes())
        except OSError:
            continue  # gone, or another user's
        pairs = (pair.partition("=")[::2] for pair in environment.split("\0"))
        yield int(folder.name), words.split("\0"), dict(pairs)


def marked_processes(mark):
    """Return the processes whose mark begins with `mark`: process id, command line and environment of each."""
    return [found for found in all_processes() if found[2].get(MARK, "").startswith(mark) and alive(found[0])]


def still_alive(mark, seconds):
    """Wait until no marked process is alive, at most `seconds`; return the command lines by process id."""
    deadline = time.monotonic() + seconds
    while (found := marked_processes(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return {pid: " ".join(words).strip() for pid, words, _ in found}


def kill_all(mark):
    """Kill all marked processes, also those that are started meanwhile."""
    while found := marked_processes(mark):
        for pid, _, _ in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.01)


def wait_for(condition, seconds=60, why=lambda: "waited too long"):
    """Wait until a condition holds, at most `seconds` or longer on a busy machine; return its value."""
    deadline, pause = time.monotonic() + patience(seconds), 0.05
    while not (value := condition()):
        assert time.monotonic() < deadline, why()
        time.sleep(pause)
        pause = min(1.2 * pause, 0.2)
    return value


def alive(pid):
    """Return whether a process runs or is stopped: one that has ended and waits for its parent does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def shared_segments(pid):
    """Return the paths of the shared-memory segments that a process has mapped and that can still be found."""
    try:
        maps = Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return set()
    return {path for path in re.findall(r"/dev/shm/\S+", maps) if os.path.exists(path)}
