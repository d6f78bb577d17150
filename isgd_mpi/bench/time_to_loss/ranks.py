"""Our part of the benchmark ``time-to-loss``, on ranks: one job does all runs of a method, one after another."""

import os
from contextlib import suppress
from dataclasses import asdict

import threadpoolctl

from isgd_mpi.bench.time_to_loss.arrival import Arrival
from isgd_mpi.bench.time_to_loss.conduct import conduct
from isgd_mpi.bench.time_to_loss.descent import Descent, Evaluation, Limits
from isgd_mpi.bench.time_to_loss.methods import UNIFORM, options_of
from isgd_mpi.data import datasets
from isgd_mpi.experiment.search import Trial
from isgd_mpi.kernels.threads import set_threads
from isgd_mpi.ranks.orders import Orders
from isgd_mpi.run.record.environment import describe_environment
from isgd_mpi.run.until import train_until
from isgd_mpi.settings.errors import InputError


def measure(comm, plan):
    """Do all runs of a method. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    plan : dict
        That of :func:`conduct.conduct`, with ``data``, ``data_dir`` and ``hidden`` besides.

    Returns
    -------
    dict or None
        On rank 0: see :func:`conduct.conduct`, and ``environment``.
    """
    runs = Runs(comm, plan)
    if comm.Get_rank() > 0:
        while runs.follow():
            pass
        return None
    result = conduct(plan, runs.lead)
    runs.end()
    return result | {"environment": runs.environment}


class Runs:
    """Trains again and again on the same ranks.

    Parameters
    ----------
    comm, plan
        See :func:`measure`.

    Attributes
    ----------
    environment : dict or None
        Describes the last run's job.
    """

    def __init__(self, comm, plan):
        self._comm = comm
        self._plan = plan
        self._dataset = datasets.load(plan["data"], plan["data_dir"])
        self._orders = Orders(comm)
        widths = (self._dataset.n_features, *plan["hidden"], self._dataset.n_classes)
        self._evaluation = Evaluation(self._dataset, widths) if comm.Get_rank() == 0 else None
        self.environment = None

    def lead(self, trial, seed, limits):
        """Have all ranks do a run, and return its arrival. Collective, with :meth:`follow`."""
        self._orders.share({"trial": asdict(trial), "seed": seed, "limits": asdict(limits)})
        try:
            taken = self._train(trial, seed, limits)
        except InputError as error:
            return Arrival(limits.seconds, problem=str(error))
        n_cores = len(os.sched_getaffinity(0))
        set_threads(n_cores)
        with threadpoolctl.threadpool_limits(n_cores):
            return self._evaluation.first_below(taken, limits)

    def follow(self):
        """Take part in the next run that rank 0 orders; return whether it ordered one. Collective."""
        if order := self._orders.share():
            with suppress(InputError):  # on all ranks; rank 0 notes it
                self._train(Trial(**order["trial"]), order["seed"], Limits(**order["limits"]))
        return bool(order)

    def end(self):
        """Tell the other ranks that there are no more runs. Collective, with :meth:`follow`."""
        self._orders.share({})

    def _train(self, trial, seed, limits):
        """Train, and return the snapshots, which only trainer 0 takes. Collective."""
        descent = Descent(limits, trial.minibatch_size)

        def is_over(trainer):
            goes_on = trainer.learner.depth > 0  # a copy of their parameters may be of two steps
            return descent.is_over(trainer.step, trainer.loss, lambda: trainer.params, goes_on)

        job, _ = train_until(self._comm, self._options(trial, seed), self._dataset, is_over)
        self.environment = describe_environment(self._comm, job.setup.node)
        return descent.taken

    def _options(self, trial, seed):
        method = UNIFORM if self._plan["method"] == "uniform" else {}
        return (
            method
            | options_of(trial)
            | {
                "train_precision": trial.precision,
                "hidden": self._plan["hidden"],
                "lr": trial.rate,
                "minibatch_size": trial.minibatch_size,
                "trainers": trial.workers,
                "threads": 1,
                "seed": seed,
            }
        )
