"""The metrics file: lines are appended as they come, and kept in memory while the disk does not take them."""

import fcntl
import os
import sys
import time
from collections import deque
from contextlib import suppress

from isgd_mpi.settings.errors import InputError

_RETRY_SECONDS = 1.0
_MOST_WAITING_BYTES = 100_000_000
_LOCK_SECONDS = 5.0  # that a job which was just killed has to be gone
_POLL_SECONDS = 0.05


class MetricsFile:
    """A file of lines that is only ever appended to. Its lines are whole and in order, whatever the disk does.

    Parameters
    ----------
    path : pathlib.Path
        Created if it is not there; a last line that is only begun, as a killed job leaves it, is cut off.
    clock : callable
        Returns seconds.

    Attributes
    ----------
    problem : str or None
        Why the last attempt to write failed; None if all is written.
    n_lines : int
        Appended so far, or kept by :meth:`cut`.

    Notes
    -----
    Lines wait in memory while writing fails, which is told on stderr once and tried again each second. A line of
    which the disk took a part is cut off and written anew. Where more than 100 MB wait, lines that may be left out are;
    :meth:`take_dropped` says how many.
    """

    def __init__(self, path, clock=time.monotonic):
        self._path = path
        self._clock = clock
        self._waiting = deque()
        self._n_bytes = 0  # that wait
        self._n_sent = 0  # bytes of the first line that the file has
        self._n_dropped = 0
        self._failed_at = None
        self._file = None
        self._locked = False
        self.problem = None
        self.n_lines = 0
        self._flush()

    def append(self, line, droppable=False):
        """Write a line, at once if the disk takes it.

        Parameters
        ----------
        line : str
            Without the newline.
        droppable : bool
            Whether it may be left out where too many wait.
        """
        content = line.encode() + b"\n"
        if droppable and self._n_bytes + len(content) > _MOST_WAITING_BYTES:
            self._n_dropped += 1
        else:
            self._waiting.append(content)
            self._n_bytes += len(content)
            self.n_lines += 1
        if self._failed_at is None or self._clock() - self._failed_at >= _RETRY_SECONDS:
            self._flush()

    def take_dropped(self):
        """Return how many lines were left out since the last call, once lines can be written again, else 0."""
        if self._waiting:
            return 0
        n, self._n_dropped = self._n_dropped, 0
        return n

    def text(self):
        """Return all lines so far, also those that wait."""
        waiting = b"".join(self._waiting)
        try:
            return (self._path.read_bytes() + waiting[self._n_sent :]).decode()
        except OSError:
            return waiting.decode()

    def lock(self):
        """Keep other jobs out until the file is closed, where the file system has locks.

        Raises
        ------
        InputError
            Another job holds it.
        """
        end = self._clock() + _LOCK_SECONDS
        while self._file is not None and _held_by_another(self._file):
            if self._clock() > end:
                raise InputError(f"{self._path.parent}: another job is at work there: wait for it, or stop it")
            time.sleep(_POLL_SECONDS)
        self._locked = True

    def cut(self, n_lines):
        """Keep the first lines of the file, and go on behind them.

        Raises
        ------
        InputError
            There are fewer: nothing is changed.
        """
        *lines, _ = self._path.read_bytes().split(b"\n")
        if len(lines) < n_lines:
            raise InputError(
                f"{self._path} has {len(lines)} lines, and had {n_lines} at the checkpoint: it was changed"
            )
        os.truncate(self._path, sum(len(line) + 1 for line in lines[:n_lines]))
        self.n_lines = n_lines

    def sync(self):
        """Write what waits, and wait until all is on the disk.

        Raises
        ------
        OSError
            The disk does not take it.
        """
        self._flush()
        if self._file is None:
            raise OSError(0, self.problem)
        os.fsync(self._file.fileno())

    def close(self):
        """Try once more to write what waits, and close the file; `problem` says whether that went well."""
        self._flush()
        if self._file is not None:
            self._file.close()

    def _flush(self):
        """Write what waits, as far as the disk takes it."""
        try:
            if self._file is None or os.fstat(self._file.fileno()).st_nlink == 0:  # its folder was removed
                self._open()
            while self._waiting:
                self._send()
        except OSError as error:
            self._fail(error)
        else:
            self._failed_at = self.problem = None

    def _send(self):
        """Write the rest of the first line that waits, or as much of it as fits."""
        line = self._waiting[0]
        self._n_sent += self._file.write(line[self._n_sent :])
        if self._n_sent == len(line):
            self._waiting.popleft()
            self._n_bytes -= len(line)
            self._n_sent = 0

    def _fail(self, error):
        """Remember why, and say so the first time."""
        if self.problem is None:
            text = f"{self._path} cannot be written ({error.strerror}): its lines are kept in memory and tried again"
            with suppress(OSError):
                print(f"isgd_mpi: {text}", file=sys.stderr, flush=True)
        self.problem = error.strerror
        self._failed_at = self._clock()
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _open(self):
        """Open the file, and cut off what is begun of a last line."""
        file = open(self._path, "ab", buffering=0)  # noqa: SIM115
        try:
            whole = whole_lines_bytes(self._path)
            if whole < file.tell():
                file.truncate(whole)
            if self._locked:
                _held_by_another(file)
        except OSError:
            file.close()
            raise
        self._n_sent = 0
        self._file = file


class MetricsInMemory:
    """The lines of a run without a folder, as of :class:`MetricsFile`."""

    problem = None

    def __init__(self):
        self._lines = []

    @property
    def n_lines(self):
        """How many there are."""
        return len(self._lines)

    def append(self, line, droppable=False):
        """Keep a line."""
        self._lines.append(line)

    def take_dropped(self):
        """Return 0: none is left out."""
        return 0

    def lock(self):
        """Do nothing."""

    def sync(self):
        """Do nothing."""

    def text(self):
        """Return all lines."""
        return "\n".join(self._lines)

    def close(self):
        """Do nothing: the lines can still be read."""


def _held_by_another(file):
    """Lock an open file for as long as it is open; return whether another job has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        pass
    return False


def whole_lines_bytes(path):
    """Return how many bytes of a file are whole lines."""
    with open(path, "rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            begin = max(0, end - 2**16)
            file.seek(begin)
            newline = file.read(end - begin).rfind(b"\n")
            if newline >= 0:
                return begin + newline + 1
            end = begin
    return 0
