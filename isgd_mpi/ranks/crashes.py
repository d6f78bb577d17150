"""Name ranks that end without a word: crashed, killed, out of memory; let a rank that crashes tell its name.

Launchers kill the other ranks as soon as one has ended, so none of these can tell which. A process of its own, the
witness, waits on each node for the first end of a rank and prints it, unless a rank has said before that it ends.
"""

import atexit
import os
import platform
import socket
import subprocess
import sys
import time
import zlib
from array import array
from contextlib import suppress
from pathlib import Path
from types import FunctionType

from isgd_mpi.ranks.waiting import POLITE

WORDS = "ended without a word (crashed, killed, or out of memory)"
"""Words for such a rank."""

_GONE_SECONDS = 0.5  # from the first failure of a message to the end of the process behind it
_POLL_SECONDS = 0.02

_WITNESS = """
import os, select, socket, sys
name, size, words, *pairs = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(chr(0) + name)
order = select.epoll()  # tells the first end first
order.register(listener, select.EPOLLIN)
order.register(0, select.EPOLLIN)
ranks = {}
if not hasattr(os, "pidfd_open"):
    sys.exit()
for pair in pairs:
    rank, pid = pair.split(":")
    ranks[os.pidfd_open(int(pid))] = rank
for end in ranks:
    order.register(end, select.EPOLLIN)
os.write(1, b"x")
os.close(1)
(first, _), *_ = order.poll(maxevents=1)
if first in ranks:
    os.write(2, f"isgd_mpi: rank {ranks[first]} of {size} {words}, the job ends\\n".encode())
"""
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


def call_witness(comm, processes):
    """Start a witness on each node that has several ranks. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    processes : list of tuple
        See :func:`find_processes`.

    Returns
    -------
    bool
        Whether all such nodes have one: it needs Linux 5.3.
    """
    own, everyone = array("b", [_start_witness(processes)]), array("b", [0] * comm.Get_size())
    POLITE.meet(comm)
    comm.Allgather(own, everyone)
    return all(everyone)


def _start_witness(processes):
    """Start the witness of this node on its first rank; return False if that fails."""
    here = [(rank, pid) for rank, (pid, host) in enumerate(processes) if host == _this_host()]
    if len(here) < 2 or here[0][1] != os.getpid():
        return True
    arguments = [_name_of(processes), str(len(processes)), WORDS, *(f"{rank}:{pid}" for rank, pid in here)]
    command = [sys.executable, "-I", "-S", "-c", _WITNESS, *arguments]
    try:
        witness = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    except (OSError, ValueError):
        return False
    atexit.register(_dismiss, witness)
    return witness.stdout.read(1) == b"x"


def _dismiss(witness):
    """End the witness at the end of an orderly job, before MPI lets any rank end."""
    witness.stdin.close()
    witness.wait()


def tell_witness(processes):
    """Tell the witness that the job is about to end for a reason that this rank prints."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.sendto(b"x", "\0" + _name_of(processes))


def _name_of(processes):
    """Return the name of this node's witness: that of its first rank's process."""
    first = next((pid for pid, host in processes if host == _this_host()), os.getpid())
    return f"isgd_mpi-{os.geteuid()}-{first}"


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
