"""Write scalars for TensorBoard beside the metrics, with ``--tensorboard``."""

import os
import socket
import struct
import sys
import time
from contextlib import suppress
from types import SimpleNamespace

from isgd_mpi.data.safe_files import open_own
from isgd_mpi.settings.errors import InputError

FOLDER = "tensorboard"
"""Name of the folder in a run's."""

_LEAST_SECONDS = 0.5  # between two refreshes that are written: one costs 0.5 ms, and TensorBoard shows 1000 of all
_NO_SCALARS = ("kind", "step", "seconds", "split", "n", "staleness")


def require_library():
    """Return the parts of tensorboardX that events are made with.

    Its own writer is left out: it has a thread with a queue, which would stop the trainer if the disk is full.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.proto.summary_pb2 import Summary
        from tensorboardX.record_writer import masked_crc32c
    except ImportError:
        raise InputError('--tensorboard needs tensorboardX: pip install "isgd_mpi[tensorboard]"') from None
    return SimpleNamespace(Event=Event, SessionLog=SessionLog, Summary=Summary, masked_crc32c=masked_crc32c)


class EventFile:
    """A file of scalars, which TensorBoard can read while it grows.

    Parameters
    ----------
    folder : pathlib.Path
        Made by the first line, which also opens a new file in it.
    clock : callable
        Returns seconds.

    Notes
    -----
    Each record is written whole or not at all. What the disk does not take is left out, for the metrics have it all;
    this is printed once.
    """

    def __init__(self, folder, clock=time.monotonic):
        self._folder = folder
        self._clock = clock
        self._library = require_library()
        self._file = None
        self._refreshed_at = -_LEAST_SECONDS
        self._failed = False

    def cut(self, step):
        """Let TensorBoard forget what earlier files have from a step on: the run is resumed there."""
        start = self._library.SessionLog(status=self._library.SessionLog.START)
        self._write(step=step, session_log=start)

    def add(self, line):
        """Write the numbers of a line of metrics, unless a refresh follows another one at once.

        Parameters
        ----------
        line : dict
            Of any kind; events have no numbers.
        """
        if line["kind"] == "refresh":
            if self._clock() - self._refreshed_at < _LEAST_SECONDS:
                return
            self._refreshed_at = self._clock()
        value = self._library.Summary.Value
        values = [value(tag=tag, simple_value=number) for tag, number in _scalars(line).items()]
        if values:
            step = line["step"] - line.get("staleness", 0)  # of the parameters that are evaluated
            self._write(step=step, summary=self._library.Summary(value=values))

    def close(self):
        """Close the file."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def _write(self, **content):
        """Write a record, or print the first time why it cannot be written."""
        try:
            if self._file is None:
                self._open()
            self._append(content)
        except (OSError, InputError) as error:
            self._tell(getattr(error, "strerror", None) or str(error))

    def _open(self):
        """Open a new file; earlier ones belong to the run before it was resumed."""
        self._folder.mkdir(exist_ok=True)
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        self._file = open_own(self._folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, "ab")
        self._append({"file_version": "brain.Event:2"})

    def _append(self, content):
        """Append a record: the number of its bytes and themselves, each with a checksum."""
        event = self._library.Event(wall_time=time.time(), **content).SerializeToString()
        size = struct.pack("<Q", len(event))
        rest = b"".join(part + struct.pack("<I", self._library.masked_crc32c(part)) for part in (size, event))
        whole = os.fstat(self._file.fileno()).st_size
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            self._file.truncate(whole)
            raise

    def _tell(self, reason):
        """Print a problem, unless one was printed."""
        if not self._failed:
            with suppress(OSError):
                text = f"{self._folder} cannot be written ({reason}): TensorBoard will miss what metrics.jsonl has"
                print(f"isgd_mpi: {text}", file=sys.stderr, flush=True)
        self._failed = True


def _scalars(line):
    """Return the numbers of a line by their tags, such as refresh/variance_gain and valid/loss."""
    if line["kind"] not in ("refresh", "eval"):
        return {}
    place = line.get("split", line["kind"])
    return {
        f"{place}/{name}": float(number)
        for name, number in line.items()
        if name not in _NO_SCALARS and isinstance(number, (int, float)) and number == number
    }
