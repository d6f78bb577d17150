"""The metrics file: each line is written at once, or waits in memory while the disk does not take it."""

import fcntl
import os
import sys
import time
from collections import deque
from contextlib import suppress

from isgd_mpi.settings.errors import InputError

_RETRY_SECONDS = 1.0
_MOST_WAITING_BYTES = 100_000_000
_LOCK_SECONDS = 5.0  # to wait for a job that was just killed
_POLL_SECONDS = 0.05


class MetricsFile:
    """A file of lines, which are only ever appended. They are whole and in order, whatever the disk does.

    Parameters
    ----------
    path : pathlib.Path or None
        Created if it is missing; an incomplete last line, which a killed job leaves, is cut off. Without a path
        all lines stay in memory.
    clock : callable
        Returns seconds.

    Attributes
    ----------
    n_lines : int
        Lines appended so far, and those that :meth:`cut` kept.

    Notes
    -----
    While writing fails, lines wait in memory. This is printed on stderr once, and tried again each second. A line
    that the disk took in part is cut off and written anew. Where more than 100 MB wait, the oldest are given up.
    """

    def __init__(self, path, clock=time.monotonic):
        self._path = path
        self._clock = clock
        self._waiting = deque()
        self._n_bytes = 0  # that wait
        self._n_sent = 0  # bytes of the first waiting line that the file has
        self._n_given_up = 0
        self._error = self._failed_at = None  # of the last attempt to write
        self._file = None
        self._locked = False
        self.n_lines = 0
        self._flush()

    @property
    def problem(self):
        """The reason why the file lacks lines, or None."""
        if self._error is None and self._n_given_up:
            return f"{self._n_given_up} lines were given up: they could not be written in time"
        return self._error

    def append(self, line):
        """Write a line, at once if the disk takes it.

        Parameters
        ----------
        line : str
            Without the newline.
        """
        content = line.encode() + b"\n"
        self._waiting.append(content)
        self._n_bytes += len(content)
        self.n_lines += 1
        if self._error is None or self._clock() - self._failed_at >= _RETRY_SECONDS:
            self._flush()
        while self._error and self._n_bytes > _MOST_WAITING_BYTES:
            self._n_bytes -= len(self._waiting.popleft())
            self.n_lines -= 1
            self._n_given_up += 1

    def text(self):
        """Return all lines so far, also those that wait."""
        written = b""
        if self._path is not None:
            with suppress(OSError):
                written = self._path.read_bytes()
        return (written[: written.rfind(b"\n") + 1] + b"".join(self._waiting)).decode()

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
        """Cut off the file behind its first lines.

        Raises
        ------
        InputError
            The file has fewer lines: nothing is changed.
        """
        *lines, _ = self._path.read_bytes().split(b"\n")
        if len(lines) < n_lines:
            raise InputError(
                f"{self._path} has {len(lines)} lines, and had {n_lines} at the checkpoint: it was changed"
            )
        os.truncate(self._path, sum(len(line) + 1 for line in lines[:n_lines]))
        self.n_lines = n_lines

    def sync(self):
        """Write the waiting lines, and wait until all is on the disk.

        Raises
        ------
        OSError
            The disk does not take it.
        """
        self._flush()
        if self._error:
            raise OSError(0, self._error)
        os.fsync(self._file.fileno())

    def close(self):
        """Try once more to write the waiting lines, and close the file; `problem` says whether that went well."""
        self._flush()
        if self._file is not None:
            self._file.close()

    def _flush(self):
        """Write the waiting lines, as far as the disk takes them."""
        if self._path is None:
            return
        try:
            if self._file is None or os.fstat(self._file.fileno()).st_nlink == 0:  # its folder was removed
                self._open()
            while self._waiting:
                self._send()
        except OSError as error:
            self._fail(error)
        else:
            self._error = None

    def _send(self):
        """Write the rest of the first waiting line, or as much of it as fits."""
        line = self._waiting[0]
        self._n_sent += self._file.write(line[self._n_sent :])
        if self._n_sent == len(line):
            self._waiting.popleft()
            self._n_bytes -= len(line)
            self._n_sent = 0

    def _fail(self, error):
        """Remember the error, print it the first time, and close the file."""
        if self._error is None:
            text = f"{self._path} cannot be written ({error.strerror}): its lines are kept in memory and tried again"
            with suppress(OSError):
                print(f"isgd_mpi: {text}", file=sys.stderr, flush=True)
        self._error = error.strerror or repr(error)
        self._failed_at = self._clock()
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _open(self):
        """Open the file, and cut off an incomplete last line."""
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


def _held_by_another(file):
    """Lock an open file for as long as it is open; return whether another job has locked it."""
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
