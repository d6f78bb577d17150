"""The part of the benchmark ``exchange`` that runs on ranks: refreshes, each started when all ranks have met.

The trainer computes for a time T, polls, computes again, until the refresh is complete; the scorers wait.
"""

import time
from functools import partial

import numpy as np
from mpi4py import MPI

from isgd_mpi.bench.exchange.patterns import open_end
from isgd_mpi.kernels.bench.timing import alternating_medians
from isgd_mpi.ranks.node import find_node
from isgd_mpi.ranks.priority import scorer_niceness, set_niceness
from isgd_mpi.ranks.records import published_dtype
from isgd_mpi.ranks.waiting import POLITE
from isgd_mpi.run.record.environment import describe_environment

_COPIES = 7
_SIDE = 128  # of the matrices that the trainer multiplies while it computes


def measure(comm, plan):
    """Measure the cases of a plan. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks; rank 0 trains.
    plan : dict
        ``cases`` (see :func:`measure_case`), and ``scorers_give_way``: whether they have the lowest priority where
        ranks outnumber cores.

    Returns
    -------
    dict
        ``environment``, ``copies_seconds`` (pairs of bytes and seconds of one copy) and ``rows``.
    """
    node = find_node(comm, threads=1)
    if plan["scorers_give_way"] and node.crowded and comm.Get_rank() > 0:
        set_niceness(scorer_niceness(1, comm.Get_size() - 1), node.own_session)
    rows = [case | measure_case(comm, node.waiter, case) for case in plan["cases"]]
    copies = [[n_bytes, copy_seconds(n_bytes)] for n_bytes in sorted({case["params_bytes"] for case in plan["cases"]})]
    return {"environment": describe_environment(comm, node), "copies_seconds": copies, "rows": rows}


def measure_case(comm, waiter, case):
    """Measure a pattern. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Rank 0 trains.
    waiter : waiting.Waiter
    case : dict
        ``pattern``, ``params_bytes``, ``reports_bytes``, ``compute_seconds``, ``scorer_poll_seconds``, ``repeat``.

    Returns
    -------
    dict
        Medians over the rounds at rank 0, as :func:`play_trainer` returns them; empty elsewhere.
    """
    published = published_dtype(max(1, case["params_bytes"] // 4))
    n_scores = max(1, case["reports_bytes"] // (comm.Get_size() - 1) // 4)
    report = np.dtype([("step", "i8"), ("scores", "f4", (n_scores,))])
    own_comm = comm.Dup()  # the exchange's own: scorers are ahead by a collective there
    end, transport = open_end(case["pattern"], own_comm, published, report, waiter)
    if comm.Get_rank() == 0:
        play = partial(play_trainer, comm, end, case["compute_seconds"])
    else:
        record = np.zeros((), report)
        play = partial(play_scorer, comm, end, record, case["scorer_poll_seconds"], case["repeat"])
    rounds = [play(step) for step in range(case["repeat"] + 1)]
    transport.close()
    own_comm.Free()
    return {name: float(np.median([each[name] for each in rounds[1:]])) for name in rounds[0]}  # the first warms up


def play_trainer(comm, end, compute_seconds, step):
    """Do a refresh as the trainer. Collective.

    Returns
    -------
    dict
        ``arrival_seconds`` and ``complete_seconds``: from publishing until the last scorer had the parameters, and
        until all had reported; ``calls_seconds``: spent in the exchange; ``stolen_seconds``: spent waiting for a core;
        ``polls``.
    """
    matrices = np.full((2, _SIDE, _SIDE), 1e-3, np.float32)
    calls, stolen, polls = 0.0, 0.0, 0
    POLITE.meet(comm)
    end.published["step"] = end.published["params"] = step
    begin = before = time.perf_counter()
    end.start()
    complete = False
    while not complete:
        calls += time.perf_counter() - before
        stolen += compute(compute_seconds, *matrices)
        before = time.perf_counter()
        complete = end.poll()
        polls += 1
    now = time.perf_counter()
    assert all(report["step"] == step for report in end.reports), "these are not the reports"
    return {
        "arrival_seconds": latest(comm, 0.0) - begin,
        "complete_seconds": now - begin,
        "calls_seconds": calls + now - before,
        "stolen_seconds": stolen,
        "polls": polls,
    }


def compute(seconds, matrix, product):
    """Multiply matrices for some seconds; return how many of them this rank was not running."""
    begin, begin_cpu = time.perf_counter(), time.thread_time()
    while time.perf_counter() < begin + seconds:
        np.matmul(matrix, matrix, out=product)
    return max(0.0, time.perf_counter() - begin - (time.thread_time() - begin_cpu))


def play_scorer(comm, end, record, poll_seconds, last_step, step):
    """Do a refresh as a scorer; return an empty dict. Collective.

    With `poll_seconds` it polls that often, as if it scored meanwhile; if they are 0 it waits.
    """
    POLITE.meet(comm)
    if poll_seconds:
        while not end.arrived():
            time.sleep(poll_seconds)
    else:
        end.wait()
    arrival = time.perf_counter()
    published = end.published
    assert published["step"] == step and published["params"][-1] == step, "these are not the parameters published"
    record["step"] = step
    end.report(record, last=step == last_step)
    latest(comm, arrival)
    return {}


def latest(comm, arrival):
    """Return the latest arrival, at the root. Collective."""
    arrivals = np.array([arrival]), np.zeros(1)
    POLITE.wait([comm.Ireduce(*arrivals, op=MPI.MAX)])
    return float(arrivals[1][0])


def copy_seconds(n_bytes):
    """Return the median time in which one core copies bytes in memory."""
    arrays = np.empty(n_bytes, np.uint8), np.ones(n_bytes, np.uint8)
    return alternating_medians([(np.copyto, [arrays])], _COPIES)[0]
