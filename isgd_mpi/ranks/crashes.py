"""Name ranks that end without a word: crashed, killed, out of memory; let a rank that crashes tell its name.

Launchers kill the other ranks as soon as one has ended, so none of these can tell which. A process of its own, the
witness, waits on each node for the first end of a rank and prints it, unless a rank has said before that it ends.
"""

import faulthandler
import fcntl
import os
import platform
import socket
import subprocess
import sys
import time
import zlib
from array import array
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FunctionType

from isgd_mpi.ranks.waiting import POLITE

WORDS = "ended without a word (crashed, killed, or out of memory)"
"""Words for such a rank."""

_GONE_SECONDS = 0.5  # from the first failure of a message to the end of the process behind it
_POLL_SECONDS = 0.02
_PRINTS_SECONDS = 5.0

_WITNESS = """
import os, select, socket, sys
name, size, words = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(chr(0) + name)
listener.listen(int(size))
os.write(1, b"x")
os.close(1)
ranks, order = {}, select.epoll()  # tells the first end first
order.register(listener, select.EPOLLIN)
order.register(0, select.EPOLLIN)  # the rank that has started this ends before it has connected
while True:
    (first, _), *_ = order.poll(maxevents=1)
    if first != listener.fileno():
        break
    connection, _ = listener.accept()
    ranks[connection.fileno()] = connection, connection.recv(20).decode()
    order.register(connection, select.EPOLLIN)
if first in ranks:
    connection, rank = ranks[first]
    if not connection.recv(1):
        os.write(2, f"isgd_mpi: rank {rank} of {size} {words}, the job ends\\n".encode())
"""
_HIGH = 200  # Linux closes the file with the highest number first: the witness hears of an end before the launcher
_ELSEWHERE = 0  # the host of processes that cannot be seen from here


def call_as(name, function):
    """Call a function from a frame of this name, which faulthandler prints when the process crashes.

    Parameters
    ----------
    name : str
        Such as ``rank 2 of 4``.
    function : callable
        Without parameters.
    """

    def frame():
        return function()

    return FunctionType(frame.__code__.replace(co_name=name), globals(), name, None, frame.__closure__)()


def find_processes(comm):
    """Return the process id of each rank and, if it can be seen from here, a number of its host. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm

    Returns
    -------
    list of tuple
    """
    here = _this_host()
    own, everyone = array("q", [os.getpid(), here]), array("q", [0, 0] * comm.Get_size())
    POLITE.meet(comm)
    comm.Allgather(own, everyone)
    pairs = zip(everyone[::2], everyone[1::2])
    return [(pid, host if host == here and _alive(pid) else _ELSEWHERE) for pid, host in pairs]


class Witness:
    """Names the first rank of a node that ends without a word, from a process of its own on nodes with several ranks.

    Attributes
    ----------
    processes : list of tuple
        See :func:`find_processes`; empty before :meth:`find`.
    everywhere : bool
        Whether all ranks of such nodes are connected with one.
    """

    def __init__(self):
        self.processes, self.everywhere = [], False
        self._process, self._connection = None, None

    def find(self, comm):
        """Find the processes of all ranks. Collective."""
        self.processes = find_processes(comm)

    def call(self, comm):
        """Start the witness of each node on its first rank, and connect all ranks with it. Collective.

        Follows :meth:`find`.
        """
        here = [pid for pid, host in self.processes if host == _this_host()]
        name = f"isgd_mpi-{os.geteuid()}-{here[0]}"
        started = _everywhere(comm, len(here) < 2 or here[0] != os.getpid() or self._start(name))
        self.everywhere = _everywhere(comm, started and (len(here) < 2 or self._connect(name, comm.Get_rank())))

    def _start(self, name):
        """Start the witness of this node; return whether it listens."""
        command = [sys.executable, "-I", "-S", "-c", _WITNESS, name, str(len(self.processes)), WORDS]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        except (OSError, ValueError):
            return False
        return self._process.stdout.read(1) == b"x"

    def _connect(self, name, rank):
        """Connect this rank with the witness of its node; return False if that fails."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as low:
                low.connect("\0" + name)
                self._connection = socket.socket(fileno=fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _HIGH))
            self._connection.send(str(rank).encode())
        except (OSError, ValueError):
            return False
        return True

    def tell(self):
        """Tell the witness that the job is about to end for a reason that is known, so that it ends in silence."""
        if self._connection:
            with suppress(OSError):
                self._connection.send(b"x")

    def wait(self):
        """Wait until the witness has printed the end that it has seen, or for some seconds."""
        if self._connection:
            self._connection.settimeout(_PRINTS_SECONDS)
            with suppress(OSError):
                self._connection.recv(1)

    def dismiss(self):
        """End the witness: the job has come to an orderly end."""
        self.tell()
        if self._connection:
            self._connection.close()
            self._connection = None
        if self._process:
            self._process.stdin.close()
            self._process.stdout.close()
            self._process.wait()
            self._process = None


def _everywhere(comm, flag):
    """Return whether a flag is set on every rank. Collective."""
    own, everyone = array("b", [flag]), array("b", [0] * comm.Get_size())
    POLITE.meet(comm)
    comm.Allgather(own, everyone)
    return all(everyone)


@contextmanager
def printing_crashes():
    """Let faulthandler print the place of a crash in the block, unless it is enabled, or there is no stderr."""
    if faulthandler.is_enabled():
        yield
        return
    with suppress(AttributeError, OSError, RuntimeError, ValueError):
        faulthandler.enable(all_threads=False)
    try:
        yield
    finally:
        faulthandler.disable()


def find_gone(processes):
    """Return the ranks of this node whose processes have ended; waits a little for the first.

    Parameters
    ----------
    processes : list of tuple
        See :func:`find_processes`.
    """
    deadline = time.monotonic() + _GONE_SECONDS
    while True:
        gone = [rank for rank, (pid, host) in enumerate(processes) if host != _ELSEWHERE and not _alive(pid)]
        if gone or time.monotonic() > deadline:
            return gone
        time.sleep(_POLL_SECONDS)


def _this_host():
    return zlib.crc32(platform.node().encode()) + 1


def _alive(pid):
    """Return whether a process runs: one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
