"""The processes of a job that a test has started: which rank is which, and whether any is left."""

import os
import re
import time
from pathlib import Path

_RANK = re.compile(rb"\0(?:PMI_RANK|OMPI_COMM_WORLD_RANK)=(\d+)\0")


def rank_pids(process):
    """The process id of each rank of a job, by rank; those that have begun to run Python."""
    found = {}
    for pid in _descendants(process.pid):
        try:
            environment = b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # gone
        match = _RANK.search(environment)
        if match and b"isgd_mpi" in arguments and b"python" in arguments[0]:
            found.setdefault(int(match[1]), pid)
    return dict(sorted(found.items()))


def _descendants(pid):
    """Process ids of all that a process has started, and what these have, eldest first."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family = [pid]
    for member in family:
        family += sorted(child for child, parent in parents.items() if parent == member)
    return family[1:]


def wait_for(condition, seconds):
    """Wait until a condition holds, at most so long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def alive(pid):
    """Whether a process is there, and not only waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def shared_segments(pid):
    """Paths of the shared-memory segments that a process has mapped and that can still be found."""
    try:
        maps = Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return set()
    return {path for path in re.findall(r"/dev/shm/\S+", maps) if os.path.exists(path)}
