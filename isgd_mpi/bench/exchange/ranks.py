"""``mpirun -n R python -m isgd_mpi.bench.exchange.ranks PLAN RESULT``: what the bench `exchange` runs on its ranks.

The trainer computes for a time T, looks, computes again, until the refresh is complete; the scorers wait as
:func:`waiting.wait` does. The plan and the result are files in JSON.
"""

import json
import sys
import time
from functools import partial
from pathlib import Path

from isgd_mpi.ranks.start import prepare_mpi

prepare_mpi()

import numpy as np  # noqa: E402
from mpi4py import MPI  # noqa: E402

from isgd_mpi.bench.exchange.patterns import ends  # noqa: E402
from isgd_mpi.data.files import write_json  # noqa: E402
from isgd_mpi.ranks.faults import abort_on_exception  # noqa: E402
from isgd_mpi.ranks.node import find_node  # noqa: E402
from isgd_mpi.ranks.waiting import meet, wait  # noqa: E402
from isgd_mpi.run.record.environment import describe_environment  # noqa: E402

_COPIES = 7
_SIDE = 128  # of the matrices that the trainer multiplies while it computes
_FIRST_SLEEP_SECONDS, _LONGEST_SLEEP_SECONDS = 20e-6, 1e-3  # as in waiting.wait


def record_dtype(n_bytes):
    """Return the dtype of a record of about so many bytes."""
    return np.dtype([("step", "i8"), ("values", "f4", (max(1, n_bytes // 4),))])


class Work:
    """Computes for a given time, and knows how much of it others took.

    Attributes
    ----------
    seconds : float
        Time computed so far.
    stolen_seconds : float
        How much of that this rank was not running.
    """

    def __init__(self):
        self._matrix = np.full((_SIDE, _SIDE), 1e-3, np.float32)
        self._product = np.empty_like(self._matrix)
        self.seconds = self.stolen_seconds = 0.0

    def __call__(self, seconds):
        """Compute for so many seconds."""
        begin, begin_cpu = time.perf_counter(), time.thread_time()
        while time.perf_counter() < begin + seconds:
            np.matmul(self._matrix, self._matrix, out=self._product)
        elapsed = time.perf_counter() - begin
        self.seconds += elapsed
        self.stolen_seconds += max(0.0, elapsed - (time.thread_time() - begin_cpu))


def trainer_round(end, step, compute_seconds):
    """Do a refresh as the trainer.

    Returns
    -------
    dict
        ``begin``: when it was published; ``complete_seconds``: until all had reported; ``calls_seconds``: spent in
        the exchange; ``stolen_seconds``: spent waiting for a core; ``looks``.
    """
    work, calls, looks = Work(), 0.0, 0
    end.published["step"] = end.published["values"] = step
    begin = before = time.perf_counter()
    end.start()
    while True:
        calls += time.perf_counter() - before
        work(compute_seconds)
        before = time.perf_counter()
        looks += 1
        if end.look():
            break
    now = time.perf_counter()
    return {
        "begin": begin,
        "complete_seconds": now - begin,
        "calls_seconds": calls + now - before,
        "stolen_seconds": work.stolen_seconds,
        "looks": looks,
    }


def scorer_round(end, step, record, last, look_seconds, polite):
    """Do a refresh as a scorer; return when the parameters had arrived.

    It looks every so many seconds, as if it scored meanwhile; if that is 0 it waits as :func:`waiting.wait` does.
    """
    pause = look_seconds or _FIRST_SLEEP_SECONDS
    while not end.arrived():
        if look_seconds or polite:
            time.sleep(pause)
            pause = look_seconds or min(2 * pause, _LONGEST_SLEEP_SECONDS)
    arrival = time.perf_counter()
    published = end.published
    assert published["step"] == step and published["values"][-1] == step, "these are not the parameters published"
    record["step"] = step
    end.report(record, last)
    return arrival


def latest(comm, arrival):
    """Return the latest arrival, at the root. Collective."""
    arrivals = np.array([arrival]), np.zeros(1)
    wait([comm.Ireduce(*arrivals, op=MPI.MAX)], polite=True)
    return float(arrivals[1][0])


def measure(comm, polite, case):
    """Measure a pattern. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        Private to the bench; rank 0 trains.
    polite : bool
    case : dict
        ``pattern``, ``n_tests``, ``params_bytes``, ``reports_bytes``, ``compute_seconds``, ``scorer_look_seconds``,
        ``repeat``.

    Returns
    -------
    dict
        Medians over the rounds, at the root.
    """
    n_scorers = comm.Get_size() - 1
    published = record_dtype(case["params_bytes"])
    report = record_dtype(case["reports_bytes"] // n_scorers)
    own_comm = comm.Dup()  # the exchange's own: scorers are ahead by a collective there
    trainer_end, scorer_end = ends(case["pattern"], [None] + n_scorers * [report], case["n_tests"])
    if comm.Get_rank() == 0:
        end = trainer_end(own_comm, published, [None] + n_scorers * [report], polite)
        play = partial(train, comm, end, case["compute_seconds"])
    else:
        end = scorer_end(own_comm, published, report, polite)
        play = partial(score, comm, end, np.zeros((), report), case["scorer_look_seconds"], polite)
    rounds = [play(step, step == case["repeat"]) for step in range(case["repeat"] + 1)]
    end.close()
    own_comm.Free()
    return {name: float(np.median([each[name] for each in rounds[1:]])) for name in rounds[0]}  # the first warms up


def train(comm, end, compute_seconds, step, last):
    """Do a round as the trainer; return what it took."""
    meet(comm, polite=True)
    figures = trainer_round(end, step, compute_seconds)
    assert all(report["step"] == step for report in end.reports), "these are not the reports"
    return figures | {"arrival_seconds": latest(comm, 0.0) - figures.pop("begin")}


def score(comm, end, record, look_seconds, polite, step, last):
    """Do a round as a scorer; return nothing."""
    meet(comm, polite=True)
    latest(comm, scorer_round(end, step, record, last, look_seconds, polite))
    return {}


def copy_seconds(n_bytes):
    """Return the median time of copying so many bytes in memory, by one core."""
    source, target, seconds = np.ones(n_bytes, np.uint8), np.empty(n_bytes, np.uint8), []
    for _ in range(_COPIES):
        begin = time.perf_counter()
        target[:] = source
        seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds))


def main(plan_path, result_path):
    """Measure all cases of a plan. Collective over all ranks.

    Parameters
    ----------
    plan_path : str
        File with ``give_way`` (whether scorers do, where ranks outnumber cores) and ``cases`` (see :func:`measure`).
    result_path : str
        File to write: ``environment``, ``copies_seconds`` (bytes and seconds of one copy) and ``rows``.
    """
    comm = MPI.COMM_WORLD
    plan = json.loads(Path(plan_path).read_text())
    node = find_node(comm, threads=1)
    if plan["give_way"] and node.crowded and comm.Get_rank() > 0:
        node.give_way()
    rows = [case | measure(comm, node.crowded, case) for case in plan["cases"]]
    copies = [[n_bytes, copy_seconds(n_bytes)] for n_bytes in sorted({case["params_bytes"] for case in plan["cases"]})]
    header = describe_environment(comm, node)
    if comm.Get_rank() == 0:
        write_json(Path(result_path), {"environment": header, "copies_seconds": copies, "rows": rows})
    meet(comm, polite=True)


if __name__ == "__main__":
    abort_on_exception(MPI.COMM_WORLD)
    main(*sys.argv[1:])
