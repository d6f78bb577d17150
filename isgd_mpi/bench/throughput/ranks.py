"""``mpirun -n R python -m isgd_mpi.bench.throughput.ranks PLAN RESULT``: what the bench `throughput` runs on its ranks.

Every rank scores, all at the same time, and makes the matrix products of scoring alone, in turn.
"""

import json
import sys
import time
from pathlib import Path

from isgd_mpi.ranks.start import prepare_mpi

prepare_mpi()

import numpy as np  # noqa: E402
from mpi4py import MPI  # noqa: E402

from isgd_mpi.data import datasets  # noqa: E402
from isgd_mpi.data.files import write_json  # noqa: E402
from isgd_mpi.model.bfloat16.arithmetic import fastest_arithmetic  # noqa: E402
from isgd_mpi.model.blueprints import MLPBlueprint  # noqa: E402
from isgd_mpi.model.params import layer_views  # noqa: E402
from isgd_mpi.ranks.agreement import common_value  # noqa: E402
from isgd_mpi.ranks.faults import abort_on_exception  # noqa: E402
from isgd_mpi.ranks.node import find_node  # noqa: E402
from isgd_mpi.ranks.records import published_dtype  # noqa: E402
from isgd_mpi.ranks.waiting import meet, wait  # noqa: E402
from isgd_mpi.run.record.environment import describe_environment  # noqa: E402
from isgd_mpi.settings.config import Config  # noqa: E402
from isgd_mpi.training.scorer import Scorer  # noqa: E402


class Products:
    """Makes the matrix products of a score batch, and nothing else: forward, and backward but for the first layer.

    Parameters
    ----------
    params : (P,) ndarray
    widths : sequence of int
    n_rows : int
    """

    def __init__(self, params, widths, n_rows):
        self._weights, _ = layer_views(params, widths)
        self._rows = [np.full((n_rows, width), 0.5, np.float32) for width in widths]
        self._out = [np.empty_like(rows) for rows in self._rows]

    def __call__(self):
        """Make them."""
        for k, w in enumerate(self._weights):
            np.matmul(self._rows[k], w, out=self._out[k + 1])
        for k, w in list(enumerate(self._weights))[:0:-1]:
            np.matmul(self._rows[k + 1], w.T, out=self._out[k])


def share(n_batches, comm, weak):
    """Return this rank's batches: all of them if the size is weak, else its part of them."""
    whole, rest = divmod(n_batches, comm.Get_size())
    return n_batches if weak else whole + (comm.Get_rank() < rest)


def timed(comm, call, n_calls):
    """Return this rank's seconds and the slowest one's for so many calls, which all start together. Collective."""
    meet(comm, polite=True)
    begin = time.perf_counter()
    for _ in range(n_calls):
        call()
    own = np.array([time.perf_counter() - begin])
    slowest = np.empty(1)
    wait([comm.Iallreduce(own, slowest, op=MPI.MAX)], polite=True)
    return own[0], slowest[0]


def measure(comm, node, plan, precision):
    """Measure with a precision. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    node : node.Node
    plan : dict
        As of :func:`main`.
    precision : str
        As of ``--score-precision``.

    Returns
    -------
    list of dict
        For each mode: ``arithmetic``, ``batches`` in all, ``rows`` of each, ``score_seconds`` and
        ``product_seconds`` of the slowest
        rank, medians over the repetitions. Empty where the ranks do not have this arithmetic.
    """
    dataset = datasets.load(plan["data"], synthetic_size=plan["n_examples"])
    blueprint = MLPBlueprint(Config(hidden=plan["hidden"], score_precision=precision), dataset)
    blueprint.choose_arithmetic(common_value(comm, fastest_arithmetic(), otherwise="float32"), node.threads)
    if precision == "bf16" and blueprint.arithmetic == "float32":
        return []
    n_rows = min(plan["rows"], dataset.n_train)
    scorer = Scorer(*blueprint.make_scorer(n_rows), dataset, 0, 1, n_rows, rows_at_a_time=blueprint.rows_at_a_time)
    published = np.zeros((), published_dtype(blueprint.n_params))
    published["params"] = blueprint.make_initial(1, np.random.default_rng(0)).params
    scorer.take(published)
    products = Products(published["params"], blueprint.widths, n_rows)
    calls = {"score_seconds": lambda: scorer.score(1), "product_seconds": products}
    rows = []
    for mode in ("strong", "weak"):
        n_batches = share(plan["batches"], comm, mode == "weak")
        times = [
            {name: timed(comm, call, n_batches)[1] for name, call in calls.items()} for _ in range(plan["repeat"] + 1)
        ]
        medians = {name: float(np.median([each[name] for each in times[1:]])) for name in calls}
        n_in_all = plan["batches"] * (comm.Get_size() if mode == "weak" else 1)
        rows.append(
            {
                "precision": precision,
                "arithmetic": blueprint.arithmetic,
                "mode": mode,
                "batches": n_in_all,
                "rows": n_rows,
                **medians,
            }
        )
    return rows


def main(plan_path, result_path):
    """Measure all precisions of a plan. Collective over all ranks.

    Parameters
    ----------
    plan_path : str
        File with ``data``, ``n_examples``, ``hidden``, ``rows``, ``batches``, ``precisions``, ``repeat``.
    result_path : str
        File to write: ``environment`` and ``rows``.
    """
    comm = MPI.COMM_WORLD
    plan = json.loads(Path(plan_path).read_text())
    node = find_node(comm, threads=1)
    rows = [row for precision in plan["precisions"] for row in measure(comm, node, plan, precision)]
    environment = describe_environment(comm, node)
    if comm.Get_rank() == 0:
        write_json(Path(result_path), {"environment": environment, "rows": rows})
    meet(comm, polite=True)


if __name__ == "__main__":
    abort_on_exception(MPI.COMM_WORLD)
    main(*sys.argv[1:])
