"""A cable with a delay between the network namespaces of two processes: ``cable.py PID PID DELAY_MS MBIT``.

Each namespace gets a TAP device eth0. What one sends, the other receives after the time that the rate makes it take,
and the delay. For kernels without netem.
"""

import ctypes
import fcntl
import os
import select
import stat
import struct
import sys
import tempfile
import time
from collections import deque
from contextlib import suppress

TUNSETIFF, IFF_TAP, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 0x0002, 0x1000, 0x40000000
FRAME_OVERHEAD_BYTES = 24  # preamble, checksum and gap of Ethernet
MOST_WAITING = 256  # frames, then they are lost, as in a switch


def open_tap(pid, device):
    """Return the descriptor of a new eth0 in the network namespace of a process."""
    with open(f"/proc/{pid}/ns/net") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    tap = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", b"eth0", IFF_TAP | IFF_NO_PI))
    return tap


class Direction:
    """The frames under way in one direction."""

    def __init__(self, source, target, delay_seconds, mbit):
        self.source, self._target = source, target
        self._delay, self._seconds_a_byte = delay_seconds, 8e-6 / mbit if mbit else 0.0
        self._free, self._frames = 0.0, deque()

    def take(self):
        """Take the frames that the source sends."""
        for _ in range(64):
            try:
                frame = os.read(self.source, 2**16)
            except BlockingIOError:
                return
            if len(self._frames) < MOST_WAITING:
                wire = (len(frame) + FRAME_OVERHEAD_BYTES) * self._seconds_a_byte
                self._free = max(self._free, time.monotonic()) + wire
                self._frames.append((self._free + self._delay, frame))

    def deliver(self):
        """Deliver the frames that are due; return the seconds until the next one is, or None."""
        while self._frames:
            wait = self._frames[0][0] - time.monotonic()
            if wait > 0:
                return wait
            with suppress(OSError):  # lost: the device is down, or full
                os.write(self._target, self._frames.popleft()[1])
        return None


def main(pid_a, pid_b, delay_ms, mbit):
    """Carry frames until this process is ended."""
    with tempfile.TemporaryDirectory() as folder:
        device = f"{folder}/tun"
        os.mknod(device, 0o600 | stat.S_IFCHR, os.makedev(10, 200))
        a, b = open_tap(pid_a, device), open_tap(pid_b, device)
    directions = [Direction(*ends, float(delay_ms) / 1000, float(mbit)) for ends in ((a, b), (b, a))]
    print("ready", flush=True)
    while True:
        waits = [wait for wait in (direction.deliver() for direction in directions) if wait is not None]
        ready, _, _ = select.select([a, b], [], [], min(waits, default=None))
        for direction in directions:
            if direction.source in ready:
                direction.take()


if __name__ == "__main__":
    main(*sys.argv[1:])
