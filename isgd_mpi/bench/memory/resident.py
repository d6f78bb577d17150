"""Read the resident memory of processes from /proc while they run."""

import threading
from pathlib import Path

_MEASURED = ("Rss", "Pss", "Pss_Anon", "Pss_File", "Pss_Shmem")
_EVERY_SECONDS = 1.0  # a reading walks the pages of the data set, about 10 ms a process


def read_memory(pid):
    """Return the memory of a process on this machine.

    Parameters
    ----------
    pid : int

    Returns
    -------
    dict of int
        Bytes: resident (``Rss``), and the process's share of them where several map the same (``Pss``), of which its
        own memory, files, and shared memory.
    """
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = dict(line.split(":", 1) for line in lines)
    return {name: 1024 * int(sizes[name].split()[0]) for name in _MEASURED}


class Watch:
    """Reads the memory of processes every second, on a thread, within a ``with`` block.

    Parameters
    ----------
    pids : sequence of int

    Attributes
    ----------
    largest : list of dict
        The reading with the most memory of all processes together; see :func:`read_memory`.
    """

    def __init__(self, pids):
        self._pids = pids
        self.largest = [read_memory(pid) for pid in pids]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._ended.set()
        self._thread.join()

    def _watch(self):
        while not self._ended.wait(_EVERY_SECONDS):
            readings = self.largest, [read_memory(pid) for pid in self._pids]
            self.largest = max(readings, key=lambda reading: sum(sizes["Pss"] for sizes in reading))
