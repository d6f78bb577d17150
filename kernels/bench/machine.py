"""Measure the limits of the machine: bandwidth by pattern and footprint, float32 products by rows."""

import functools
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np

from isgd_mpi.kernels._jit import jit
from isgd_mpi.kernels.processor import this_processor
from isgd_mpi.kernels.revision import git_revision

_BEST_OF = 5


@dataclass(frozen=True)
class Probe:
    """A call that only reaches a limit of the machine, and the work of that call."""

    function: Callable
    arguments: tuple
    work: int

    def rate(self):
        """Return the best rate of a few calls, in 1e9 a second, after a call that compiles."""
        self.function(*self.arguments)
        seconds = []
        for _ in range(_BEST_OF):
            begin = time.perf_counter()
            self.function(*self.arguments)
            seconds.append(time.perf_counter() - begin)
        return self.work / min(seconds) / 1e9


def describe_machine(threads):
    """Return host, processor, versions, revision and limits of the machine, to be printed above the table.

    Parameters
    ----------
    threads : int
        BLAS threads.
    """
    return {
        "host": platform.node(),
        "processor": f"{this_processor().name}, {len(os.sched_getaffinity(0))} cores",
        "threads": threads,
        "versions": f"Python {platform.python_version()}, NumPy {np.__version__}, Numba {numba.__version__}",
        "revision": git_revision() or "none",
        "sgemm": f"{_product(2048, 2048).rate():.1f} GFLOP/s at 2048 x 2048 x 2048",
        "memory": f"{bandwidth_probe('copy', 2**29).rate():.1f} GB/s of a copy within 512 MiB",
    }


@jit
def _read(x):
    """Return the sum of an array: only reads."""
    total = x.dtype.type(0)
    for i in range(x.shape[0]):
        total += x[i]
    return total


@jit
def _update(x):
    """Negate an array in place: as many reads as writes, of the same lines."""
    for i in range(x.shape[0]):
        x[i] = -x[i]


@jit
def _copy(x):
    """Copy an array's first half to its second: as many reads as writes, of other lines."""
    half = x.shape[0] // 2
    source, dest = x[:half], x[half : 2 * half]
    for i in range(half):
        dest[i] = source[i]


_PATTERNS = {"read": (_read, 4), "update": (_update, 8), "copy": (_copy, 4)}  # with bytes moved for each element


def bandwidth_probe(pattern, footprint_bytes):
    """Return a probe that moves bytes as fast as one thread can.

    Parameters
    ----------
    pattern : "read", "update" or "copy"
    footprint_bytes : int
        Working set; at least 4 KiB, at most 512 MiB.

    Returns
    -------
    Probe
        Its work is in bytes: reads and writes, but not the read that a write to a new line costs.
    """
    function, n_bytes = _PATTERNS[pattern]
    x = np.ones(min(max(2**12, int(footprint_bytes)), 2**29) // 4, np.float32)
    return Probe(function, (x,), n_bytes * x.size)


def matmul_probe(n_rows):
    """Return a probe of the fastest float32 matrix product with a number of rows.

    Parameters
    ----------
    n_rows : int
        Rows of the left factor; the right one is square, and of four widths the best is taken.

    Returns
    -------
    Probe
        Its work is in floating-point operations.
    """
    return _product(n_rows, _best_width(n_rows))


@functools.cache
def _best_width(n_rows):
    return max((256, 512, 1024, 2048), key=lambda width: _product(n_rows, width).rate())


def _product(n_rows, width):
    left, right = np.ones((n_rows, width), np.float32), np.ones((width, width), np.float32)
    return Probe(np.matmul, (left, right, np.empty_like(left)), 2 * left.size * width)
