"""The metrics file: each line is written at once, or waits in memory while the disk does not take it."""

import errno
import os
import sys
import time
from collections import deque
from contextlib import suppress

from isgd_mpi.data.safe_files import lock, open_own, open_regular
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
        Opened by :meth:`lock`, or else by the first line. An incomplete last line, which a killed job leaves, is cut
        off. Without a path all lines stay in memory.
    clock : callable
        Returns seconds.

    Attributes
    ----------
    path : pathlib.Path or None
    n_lines : int
        Lines appended so far, and those that :meth:`cut` kept.

    Notes
    -----
    While writing fails, lines wait in memory. This is printed on stderr once, and tried again each second. A line
    that the disk took in part is cut off and written anew. Where more than 100 MB wait, the oldest are given up.
    The file stays open meanwhile, and locked; if it was removed, the next one is locked.
    """

    def __init__(self, path, clock=time.monotonic):
        self.path = path
        self._clock = clock
        self._waiting = deque()
        self._n_bytes = 0  # that wait
        self._n_sent = 0  # bytes of the first waiting line that the file has
        self._n_given_up = 0
        self._error = self._failed_at = None  # of the last attempt to write
        self._file = None
        self._locked = False
        self.n_lines = 0

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
        if self.path is not None:
            with suppress(OSError, InputError):
                written = self._content()
        return (written[: written.rfind(b"\n") + 1] + b"".join(self._waiting)).decode()

    def lock(self, resumed=False):
        """Open the file, and keep other jobs out until it is closed, where the file system has locks.

        Parameters
        ----------
        resumed : bool
            Whether the file must be there already.

        Raises
        ------
        InputError
            Another job holds it, it is missing, a link, or no regular file. Nothing is changed then.
        OSError
        """
        if self.path is None:
            return
        try:
            self._file = open_own(self.path, os.O_RDWR | os.O_APPEND | (0 if resumed else os.O_CREAT), "ab")
        except FileNotFoundError:
            raise InputError(f"{self.path} is missing, which belongs to the checkpoint: put it back") from None
        end = self._clock() + _LOCK_SECONDS
        while lock(self._file) is False:
            if self._clock() > end:
                self._file.close()
                self._file = None
                raise InputError(f"{self.path.parent}: another job is at work there: wait for it, or stop it")
            time.sleep(_POLL_SECONDS)
        self._locked = True
        self._cut_incomplete()

    def cut(self, n_lines):
        """Cut off the file behind its first lines.

        Raises
        ------
        InputError
            The file has fewer lines: nothing is changed.
        """
        *lines, _ = self._content().split(b"\n")
        if len(lines) < n_lines:
            raise InputError(f"{self.path} has {len(lines)} lines, and had {n_lines} at the checkpoint: it was changed")
        self._file.truncate(sum(len(line) + 1 for line in lines[:n_lines]))
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

    def _content(self):
        with open_regular(self.path) as file:
            return file.read()

    def _flush(self):
        """Write the waiting lines, as far as the disk takes them."""
        if self.path is None or not self._waiting:
            return
        try:
            if self._file is None or self._gone():
                self._open()
            if self._n_sent:
                self._file.truncate(os.fstat(self._file.fileno()).st_size - self._n_sent)
                self._n_sent = 0
            while self._waiting:
                self._send()
        except (OSError, InputError) as error:
            self._fail(error)
        else:
            self._error = None

    def _gone(self):
        """Return whether the open file was removed, such as with its folder."""
        try:
            return os.fstat(self._file.fileno()).st_nlink == 0
        except OSError:  # a server has forgotten it
            return True

    def _send(self):
        """Write the rest of the first waiting line, or as much of it as fits."""
        line = self._waiting[0]
        self._n_sent += self._file.write(line[self._n_sent :])
        if self._n_sent == len(line):
            self._waiting.popleft()
            self._n_bytes -= len(line)
            self._n_sent = 0

    def _fail(self, error):
        """Remember the error, and print it the first time."""
        reason = getattr(error, "strerror", None) or str(error)
        if self._error is None:
            text = f"{self.path} cannot be written ({reason}): its lines are kept in memory and tried again"
            with suppress(OSError):
                print(f"isgd_mpi: {text}", file=sys.stderr, flush=True)
        self._error = reason
        self._failed_at = self._clock()

    def _open(self):
        """Open the file, anew if it was removed, and lock it if it was locked."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file, self._n_sent = None, 0
        file = open_own(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, "ab")
        if self._locked and lock(file) is False:
            file.close()
            raise OSError(errno.EAGAIN, "another job is at work there")
        self._file = file
        self._cut_incomplete()

    def _cut_incomplete(self):
        """Cut off an incomplete last line."""
        whole = whole_lines_bytes(self.path)
        if whole < os.fstat(self._file.fileno()).st_size:
            self._file.truncate(whole)


def whole_lines_bytes(path):
    """Return how many bytes of a file are whole lines."""
    with open_regular(path) as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            begin = max(0, end - 2**16)
            file.seek(begin)
            newline = file.read(end - begin).rfind(b"\n")
            if newline >= 0:
                return begin + newline + 1
            end = begin
    return 0
