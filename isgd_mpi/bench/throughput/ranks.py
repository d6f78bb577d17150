"""The part of the benchmark ``throughput`` that runs on ranks.

Every rank scores, all at the same time, and makes the matrix products of scoring alone, in turn.
"""

import time

import numpy as np
from mpi4py import MPI

from isgd_mpi.data import datasets
from isgd_mpi.model.bfloat16.arithmetic import fastest_arithmetic
from isgd_mpi.model.blueprints import MLPBlueprint
from isgd_mpi.model.params import layer_views
from isgd_mpi.ranks.agreement import common_value
from isgd_mpi.ranks.node import find_node
from isgd_mpi.ranks.waiting import POLITE
from isgd_mpi.run.record.environment import describe_environment
from isgd_mpi.run.setup import Setup
from isgd_mpi.settings.config import Config


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
        """Make the products."""
        for k, w in enumerate(self._weights):
            np.matmul(self._rows[k], w, out=self._out[k + 1])
        for k, w in list(enumerate(self._weights))[:0:-1]:
            np.matmul(self._rows[k + 1], w.T, out=self._out[k])


def measure(comm, plan):
    """Measure all precisions of a plan. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    plan : dict
        ``data``, ``n_examples``, ``hidden``, ``rows``, ``batches``, ``precisions``, ``repeat``; ``data_dir`` if it is
        not the default.

    Returns
    -------
    dict
        ``environment`` and ``rows``.
    """
    node = find_node(comm, threads=1)
    rows = [row for precision in plan["precisions"] for row in measure_precision(comm, node, plan, precision)]
    return {"environment": describe_environment(comm, node), "rows": rows}


def measure_precision(comm, node, plan, precision):
    """Measure scoring in one of the precisions of ``--score-precision``. Collective.

    Returns
    -------
    list of dict
        For a strong and a weak size: ``precision``, ``arithmetic``, ``mode``, ``batches`` in all, ``rows`` of each,
        ``score_seconds`` and ``product_seconds`` of the slowest rank, medians over the repetitions. Empty where the
        ranks do not have this arithmetic.
    """
    dataset = datasets.load(plan["data"], plan.get("data_dir"), synthetic_size=plan["n_examples"])
    config = Config(hidden=plan["hidden"], score_precision=precision, score_batch_size=plan["rows"], trainers=1)
    blueprint = MLPBlueprint(config, dataset)
    blueprint.choose_arithmetic(common_value(comm, fastest_arithmetic(), otherwise="float32"), node.threads)
    if precision == "bf16" and blueprint.arithmetic == "float32":
        return []
    alone = Setup(MPI.COMM_SELF, config, dataset, blueprint, node)  # each rank scores all examples
    calls = scoring_and_products(alone)
    size, rank, rows = comm.Get_size(), comm.Get_rank(), []
    for mode, n_batches in (("strong", plan["batches"]), ("weak", plan["batches"] * size)):
        n_own = len(range(rank, n_batches, size))
        row = {"precision": precision, "arithmetic": blueprint.arithmetic, "mode": mode, "batches": n_batches}
        times = [[slowest_seconds(comm, call, n_own) for call in calls] for _ in range(plan["repeat"] + 1)]
        medians = zip(("score_seconds", "product_seconds"), np.median(times[1:], axis=0).tolist())  # the first warms up
        rows.append(row | {"rows": alone.grid.batch_size, **dict(medians)})
    return rows


def scoring_and_products(setup):
    """Return a call that scores a batch of examples, and one that makes its matrix products alone."""
    scorer = setup.make_scorer(0, setup.node.waiter)
    published = np.zeros((), setup.published)
    published["params"] = setup.models.make_initial(1, np.random.default_rng(0)).params
    scorer.take(published)
    products = Products(published["params"], setup.models.widths, setup.grid.batch_size)
    return lambda: scorer.score(1), products


def slowest_seconds(comm, call, n_calls):
    """Return the slowest rank's seconds for its calls, which all ranks begin together. Collective."""
    POLITE.meet(comm)
    begin = time.perf_counter()
    for _ in range(n_calls):
        call()
    own, slowest = np.array([time.perf_counter() - begin]), np.empty(1)
    POLITE.wait([comm.Iallreduce(own, slowest, op=MPI.MAX)])
    return float(slowest[0])
