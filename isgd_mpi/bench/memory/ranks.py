"""A training run of the benchmark ``memory``, which keeps account of the trainer's time."""

import time
from functools import wraps
from os import getpid

import numpy as np

from isgd_mpi.ranks.exchange import TrainerExchange
from isgd_mpi.ranks.waiting import wait
from isgd_mpi.run import leader
from isgd_mpi.run.cli import main
from isgd_mpi.run.record.checkpoints import Checkpoints
from isgd_mpi.sampling.sampler import Sampler
from isgd_mpi.training.loop import finish_training
from isgd_mpi.training.trainer import Trainer

WATCHED = {
    "drawing": (Sampler, "draw"),
    "writing scores": (Sampler, "write"),
    "reacting": (Sampler, "react"),
    "merging": (Trainer, "merge"),
    "publishing": (Trainer, "publish"),
    "looking": (TrainerExchange, "look"),
    "waiting": (TrainerExchange, "wait"),
    "checkpoint": (Checkpoints, "save"),
    "training": (leader, "run_trainer"),
}
"""What the trainer's time goes to: methods by what they do. The last one holds all others."""


class Account:
    """Seconds of functions within one that holds them all; those within one another count once, for the outer one.

    Attributes
    ----------
    seconds : dict of list of float
        Of each call, by what it does.
    """

    def __init__(self):
        self.seconds = {}
        self._counts = False

    def watch(self, name, owner, method, holds_all=False):
        """Time a method of a class, or a function of a module, from now on.

        Parameters
        ----------
        name : str
            What it does.
        owner : type or module
        method : str
        holds_all : bool
            Whether it is the one within which the others count.
        """
        call = getattr(owner, method)
        times = self.seconds.setdefault(name, [])

        @wraps(call)
        def timed(*args, **kwargs):
            if self._counts == holds_all:
                return call(*args, **kwargs)
            self._counts = holds_all
            begin = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                times.append(time.perf_counter() - begin)
                self._counts = not holds_all

        setattr(owner, method, timed)


def finish_without_evaluating(trainer, exchange, evaluate):
    """As :func:`loop.finish_training`, whatever is asked for: to evaluate all takes longer than the run."""
    finish_training(trainer, exchange, evaluate=False)


def measure(comm, plan):
    """Train as a plan says. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    plan : dict
        ``arguments`` of ``python -m isgd_mpi``.

    Returns
    -------
    dict
        ``pids`` of the ranks, and ``seconds`` of the trainer's calls.
    """
    pids = np.zeros(comm.Get_size(), np.int64)
    wait([comm.Igather(np.array([getpid()], np.int64), pids if comm.Get_rank() == 0 else None)], polite=True)
    account = Account()
    if comm.Get_rank() == 0:
        leader.finish_training = finish_without_evaluating
        for name, (owner, method) in WATCHED.items():
            account.watch(name, owner, method, holds_all=name == "training")
    code = main(plan["arguments"])
    assert code == 0, f"the run ended with exit code {code}"
    return {"pids": pids.tolist(), "seconds": account.seconds}
