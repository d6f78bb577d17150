"""``mpirun -n R python -m isgd_mpi.experiment.pays.ranks PLAN``: the program on ranks, which does all runs."""

import gc
import json
import math
import resource
import sys
import time
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from isgd_mpi.ranks.start import start_mpi

start_mpi()

from mpi4py import MPI  # noqa: E402

from isgd_mpi.data.guess import guess_figures  # noqa: E402
from isgd_mpi.data.measure import measure_for  # noqa: E402
from isgd_mpi.experiment.pays.conduct import conduct  # noqa: E402
from isgd_mpi.experiment.pays.judge import median  # noqa: E402
from isgd_mpi.experiment.pays.ledger import Ledger  # noqa: E402
from isgd_mpi.experiment.pays.plan import Plan  # noqa: E402
from isgd_mpi.model.blueprints import MLPBlueprint  # noqa: E402
from isgd_mpi.ranks.agreement import on_all_ranks  # noqa: E402
from isgd_mpi.ranks.faults import abort_on_exception  # noqa: E402
from isgd_mpi.ranks.node import find_node  # noqa: E402
from isgd_mpi.ranks.orders import Orders  # noqa: E402
from isgd_mpi.ranks.waiting import POLITE  # noqa: E402
from isgd_mpi.run.cli import DATA_OPTIONS, load_dataset  # noqa: E402
from isgd_mpi.run.curve import PartEvaluation, Snapshots  # noqa: E402
from isgd_mpi.run.job import load_on_node  # noqa: E402
from isgd_mpi.run.record.environment import describe_environment  # noqa: E402
from isgd_mpi.run.until import OVER, train_until  # noqa: E402
from isgd_mpi.settings.config import Config  # noqa: E402
from isgd_mpi.settings.errors import InputError  # noqa: E402

MOST_EVALUATED = {"train": 5_000, "valid": 10_000}
"""Examples of each split, at most, that a point of a curve is measured on."""


class Runs:
    """Trains again and again on the same ranks.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    options : dict
        Options of every run.

    Attributes
    ----------
    environment : dict or None
        Describes the last run's job.
    """

    def __init__(self, comm, options):
        self._comm = comm
        self._orders = Orders(comm)
        self._config = Config(**options)
        node = find_node(comm, self._config.wanted_threads)
        load = partial(load_on_node, node, partial(load_dataset, self._config))
        self._dataset = on_all_ranks(comm, load, alike=True)
        node.comm.Free()
        self._evaluation = cache(self._make_evaluation)
        self._trainer = None
        self.environment = None

    @property
    def facts(self):
        """Return what pays.json says of the data."""
        dataset, splits = self._dataset, self._dataset.splits
        sizes = f"{dataset.n_train:,}".replace(",", " ")
        return {
            "data_words": f"{sizes} training examples, {dataset.n_features} features, {dataset.target.text}",
            "examples": {name: min(n, len(splits[name])) for name, n in MOST_EVALUATED.items() if name in splits},
            "has_validation": "valid" in dataset.splits,
            "has_test": "test" in dataset.splits,
            "measure": measure_for(dataset.target)._asdict(),
            "guess": guess_figures(dataset, "valid" if "valid" in dataset.splits else "train"),
            "rate": self._config.learning_rate(dataset.target.kind) * (1 - self._config.momentum),
        }

    def lead(self, order):
        """Have all ranks do a run, and return its result. Collective, with :meth:`follow`.

        Parameters
        ----------
        order : dict
            ``options`` of the run, ``times`` of the points of its curve, number of ``examples`` of each split
            that they are measured on, and whether to ``test`` it. With a file ``reference`` it is trained on
            the validation set, and the model that then has the least loss on the training set is saved there.
        """
        self._orders.share(order)
        try:
            snapshots, outcome, n_bytes = self._train(order)
        except InputError as error:
            return {"problem": str(error)}
        problem = None if outcome.stopped in (None, OVER.name) else outcome.stopped
        measured = self._measured(order, snapshots.taken)
        if "reference" in order and snapshots.taken:
            losses = [point["train"]["loss"] for point in measured["curve"]["points"]]
            step, _, params = snapshots.taken[int(np.nanargmin(losses))]
            MLPBlueprint(self._config, self._dataset).trained(params, self._dataset, step).save(order["reference"])
        return measured | self._figures(outcome) | {"problem": problem, "memory_bytes": n_bytes}

    def follow(self):
        """Take part in the next run that rank 0 orders; return whether it ordered one. Collective."""
        if order := self._orders.share():
            with suppress(InputError):  # on all ranks; rank 0 notes it
                self._train(order)
        return bool(order)

    def end(self):
        """Tell the other ranks that there are no more runs. Collective, with :meth:`follow`."""
        self._orders.share({})

    def _train(self, order):
        """Train; return snapshots, outcome, and the memory of all ranks. Collective."""
        snapshots = Snapshots(order["times"])

        def is_over(trainer):
            if self._trainer is not trainer:
                self._trainer = trainer
                trainer.sampler.scored.n_steps, trainer.sampler.scored.seconds = None, order["times"][-1]
            return snapshots.is_over(trainer)

        gc.collect()  # of the run before, whose parts refer to each other
        _forget_peak()
        options = {name: value for name, value in order["options"].items() if name not in DATA_OPTIONS}
        dataset = self._validation_set if "reference" in order else self._dataset
        job, outcome = train_until(self._comm, options, dataset, is_over)
        self.environment = describe_environment(self._comm, job.setup.node, job.setup.models)
        return snapshots, outcome, self._sum(_peak_bytes())

    @property
    def _validation_set(self):
        """Return the data set with its validation set in the place of its training set."""
        if "valid" not in self._dataset.splits:
            raise InputError("there is no validation set to train it on")
        return replace(self._dataset, splits={"train": self._dataset.splits["valid"]})

    def _sum(self, n_bytes):
        """Return the sum of a number over all ranks, on rank 0. Collective."""
        total = np.zeros(1)
        POLITE.wait([self._comm.Ireduce(np.array([float(n_bytes)]), total, op=MPI.SUM, root=0)])
        return total[0]

    def _measured(self, order, taken):
        """Return the curve, the figures of the test set, and the seconds that both took."""
        if not taken:
            return {"curve": {}, "steps": 0}
        evaluation = self._evaluation(**order["examples"])
        begin = time.perf_counter()
        points = [evaluation.figures(params) for _, _, params in taken]
        middle = time.perf_counter()
        test = self._evaluation(test=sys.maxsize).figures(taken[-1][2])["test"] if order["test"] else None
        steps, seconds, _ = zip(*taken)
        return {
            "curve": {"seconds": list(seconds), "step": list(steps), "points": points},
            "test": test,
            "steps": steps[-1],
            "steps_per_second": (steps[-1] - 1) / seconds[-1] if seconds[-1] else None,
            "point_seconds": (middle - begin) / len(taken),
            "test_seconds": time.perf_counter() - middle,
        }

    def _make_evaluation(self, **examples):
        """Return the evaluation of a number of examples, at most, of each split."""
        return PartEvaluation(self._config, self._dataset, examples)

    def _figures(self, outcome):
        """Return the figures of a run that say why it was fast or slow."""
        summary, sampler = outcome.summary, self._trainer.sampler
        lines = [line for line in outcome.log.lines() if line["kind"] == "refresh"]
        return {name: summary[name] for name in ("variance_gain", "possible_gain", "wait_fraction")} | {
            # unknown where |mu|^2 is lost in noise: large
            "noise_scale": median([line["noise_scale"] for line in lines], unknown=math.inf),
            "staleness": median([line["staleness_mean"] for line in lines]) if sampler.was_used else None,
            "switched_off": not sampler.on,
        }


def _forget_peak():
    """Let the peak of this process's memory begin anew, where the system can do that."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_bytes():
    """Return the peak of this process's memory since it was forgotten, or since it began."""
    with suppress(OSError, IndexError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(comm, plan_path):
    """Do all runs of a plan. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    plan_path : str
        JSON file: ``plan`` (fields of :class:`plan.Plan`), ``ledger`` (a file), ``begun`` (Unix time at which the
        command began; null for now), ``agreed`` (see :func:`conduct.conduct`).
    """
    content = json.loads(Path(plan_path).read_text())
    plan, begun = Plan(**content["plan"]), content["begun"] or time.time()
    runs = Runs(comm, plan.options)
    if comm.Get_rank() == 0:
        conduct(plan, runs, Ledger(Path(content["ledger"]), begun), content["agreed"] and Path(content["agreed"]))
        runs.end()
    else:
        while runs.follow():
            pass
    POLITE.meet(comm)


if __name__ == "__main__":
    abort_on_exception(MPI.COMM_WORLD)
    main(MPI.COMM_WORLD, *sys.argv[1:])
