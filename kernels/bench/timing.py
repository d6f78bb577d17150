"""Time kernels in alternating blocks of calls, and compare their results with the twins' afterwards."""

import statistics
import time
from itertools import cycle, islice

import numpy as np

from isgd_mpi.kernels.bench.machine import bandwidth_probe, matmul_probe

_BLOCK_SECONDS = 0.004  # long beside the clock's resolution, short beside another process's time slice
_SCALES = {"G": 1e9, "M": 1e6}


def measure(case, size, repeat):
    """Measure a kernel, its twin and the machine's limit at one size, in alternating blocks.

    Parameters
    ----------
    case : cases.Case
    size : tuple of int
    repeat : int
        Blocks of calls of each.

    Returns
    -------
    dict
        ``kernel``, ``size``, ``us`` and ``numpy_us`` (medians, microseconds a call), ``ratio`` (NumPy's time by ours),
        ``rate`` and ``unit``, ``limit`` (in that unit) and ``share_of_limit`` (None for a case without limit).

    Raises
    ------
    AssertionError
        If the kernel and its twin do not agree.
    """
    variants, unit = case.variants(size), case.work.unit
    probe = _probe(case.work.limit, size, variants[0])
    limit_call = (probe.function, [probe.arguments]) if probe else (None, None)
    ours, numpys, limits = alternating_medians([(case.kernel, variants), (case.twin, variants), limit_call], repeat)
    check_twins(case, size)
    rate = case.work.amount(size, variants[0]) / ours / _SCALES[unit[0]]
    limit = probe.work / limits / _SCALES[unit[0]] if probe else None
    return {
        "kernel": case.name,
        "size": size,
        "us": ours * 1e6,
        "numpy_us": numpys * 1e6,
        "ratio": numpys / ours,
        "rate": rate,
        "unit": unit,
        "limit": limit,
        "share_of_limit": rate / limit if probe else None,
    }


def alternating_medians(calls, repeat):
    """Return the median seconds of a call of each function.

    Parameters
    ----------
    calls : list of (callable or None, list of tuple)
        Functions, and arguments that take turns. The median of a None is None.
    repeat : int
        Blocks of calls of each function.
    """
    counts = [_calls_in_a_block(*call) for call in calls]
    turns = [cycle(variants or ()) for _, variants in calls]
    blocks = [[] for _ in calls]
    for _ in range(repeat):
        for (function, _), count, turn, seconds in zip(calls, counts, turns, blocks):
            if function:
                seconds.append(_block(function, list(islice(turn, count))) / count)
    return [statistics.median(seconds) if seconds else None for seconds in blocks]


def check_twins(case, size):
    """Assert that a kernel and its twin write and return the same, given the same arguments."""
    ours, expected = case.variants(size)[0], case.variants(size)[0]
    returned = case.kernel(*ours), case.twin(*expected)
    if returned[0] is not None:
        assert np.allclose(*returned, rtol=1e-6, atol=0), f"{case.name} returned {returned[0]}, its twin {returned[1]}"
    for got, wanted in zip(ours, expected):
        if np.asarray(got).dtype.kind == "f":
            np.testing.assert_allclose(got, wanted, rtol=2e-4, atol=1e-5, err_msg=case.name)
        else:
            np.testing.assert_array_equal(got, wanted, err_msg=case.name)


def _block(function, arguments):
    """Return the seconds that calls with these arguments take."""
    begin = time.perf_counter()
    for each in arguments:
        function(*each)
    return time.perf_counter() - begin


def _calls_in_a_block(function, variants):
    """Return the number of calls that fill a block; the first call compiles."""
    if function is None:
        return 0
    _block(function, variants[:1])
    return max(1, round(_BLOCK_SECONDS / max(_block(function, variants[:1]), 1e-7)))


def _probe(limit, size, arguments):
    """Return the probe of the limit that a case's work is held against, or None."""
    if limit == "matmul":
        return matmul_probe(size[0])
    footprint = sum(array.nbytes for array in arguments if isinstance(array, np.ndarray))
    return bandwidth_probe(limit, footprint) if limit else None
