"""Resident memory of a job's processes, read from /proc while they run."""

import threading
from pathlib import Path

_MEASURED = ("Rss", "Pss", "Pss_Anon", "Pss_File", "Pss_Shmem")
_EVERY_SECONDS = 1.0  # a reading walks the pages of the data set, about 10 ms a process


def read_rollup(pid):
    """Return a process's memory.

    Parameters
    ----------
    pid : int

    Returns
    -------
    dict of int, or None
        Bytes resident, and the process's share of them where several map the same (``Pss``): of memory of its own, of
        files, of shared memory. None if there is no such process any more.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return None
    sizes = dict(line.split(":", 1) for line in lines)
    return {name: 1024 * int(sizes[name].split()[0]) for name in _MEASURED} if sizes else None


def processes_with(word):
    """Return the ids of the processes with this word in their command line."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has just ended
            continue
        if word.encode() in words:
            found.append(int(place.name))
    return found


class Watch:
    """Reads the memory of processes now and then, on a thread, within a ``with`` block.

    Parameters
    ----------
    word : str
        In their command line.

    Attributes
    ----------
    readings : list of dict
        What :func:`read_rollup` said of each process, by its id.
    """

    def __init__(self, word):
        self._word = word
        self.readings = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._ended.set()
        self._thread.join()

    def _read(self):
        while not self._ended.wait(_EVERY_SECONDS):
            memory = {pid: read_rollup(pid) for pid in processes_with(self._word)}
            self.readings.append({pid: sizes for pid, sizes in memory.items() if sizes})

    def largest(self, pids):
        """Return the reading with the most memory in all of some processes: a list of dict, in their order.

        Parameters
        ----------
        pids : list of int

        Raises
        ------
        ValueError
            No reading has all of them.
        """
        complete = [[reading[pid] for pid in pids] for reading in self.readings if reading.keys() >= set(pids)]
        if not complete:
            raise ValueError("the job was too short to be read")
        return max(complete, key=lambda sizes: sum(each["Pss"] for each in sizes))
