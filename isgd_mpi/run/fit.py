"""``isgd_mpi.fit``: train from Python, on arrays, on all ranks of a communicator."""

import os
import signal
import sys
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import threadpoolctl
from mpi4py import MPI

from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.kernels.threads import set_threads
from isgd_mpi.model.blueprints import MLPBlueprint, OwnBlueprint
from isgd_mpi.model.trained import TrainedModel
from isgd_mpi.ranks.agreement import check_agreement, on_all_ranks, program_facts
from isgd_mpi.ranks.faults import Interruption, end_job
from isgd_mpi.ranks.start import find_split
from isgd_mpi.run.job import Job
from isgd_mpi.run.record.summary import columns_by_kind
from isgd_mpi.run.setup import TRAINER
from isgd_mpi.settings.errors import Diverged, InputError
from isgd_mpi.settings.keywords import config_of, in_python


@dataclass(frozen=True)
class Result:
    """What :func:`fit` returns on rank 0.

    Attributes
    ----------
    model : TrainedModel
        Predicts, and can be saved.
    history : dict of str to dict of str to ndarray
        The metrics: for each kind of line (``refresh``, ``eval``, ``event``) its fields, each as an array.
    summary : dict
        Totals and the last evaluation, as in ``summary.json``.
    verdict : str
        What importance sampling gained, in words.
    folder : pathlib.Path or None
        The run's, if it has one.
    """

    model: TrainedModel
    history: dict
    summary: dict
    verdict: str
    folder: Path | None

    def predict(self, x):
        """As of the model: :meth:`TrainedModel.predict`."""
        return self.model.predict(x)

    def save(self, path):
        """As of the model: :meth:`TrainedModel.save`."""
        self.model.save(path)


def fit(x, y, validation=None, test=None, *, model=None, comm=None, **options):
    """Train a model on arrays. Collective: every rank calls it with the same arguments.

    Parameters
    ----------
    x : (N, ...) array_like of uint8 or float
        Training examples, one a row, flattened to features, and standardised as options say. Not copied
        if it is contiguous and uint8 or float32; float64 is.
    y : (N,) array_like of int
        Their classes, 0 to C - 1.
    validation, test : pair of array_like, optional
        Examples and classes to evaluate on, likewise.
    model : callable, optional
        Makes a model of your own, ``model(n_features, n_classes, max_rows)``: see :class:`isgd_mpi.Model`.
        An MLP if not given.
    comm : mpi4py.MPI.Comm, optional
        The ranks: 0 trains, the others score. ``MPI.COMM_WORLD`` if not given.
    **options
        Fields of :class:`isgd_mpi.Config`, other than `data`, `data_dir` and `synthetic_size`. Nothing is
        printed unless ``quiet=False``, nothing is written unless there is a `run_dir`.

    Returns
    -------
    Result or None
        None on all ranks but 0.

    Raises
    ------
    InputError
        On every rank, if arrays or options are bad on any, or not the same on all, or if the launcher meant the
        processes to be ranks of one job and MPI does not: one line.
    Diverged
        On every rank, if the loss or the gradient is not finite.

    Notes
    -----
    A signal such as Ctrl-C ends training at the next step, files are written as if that were the end, and then the
    signal does on every rank what it would have done outside. Any other exception on one of several ranks
    prints its traceback and ends the whole job: the others would wait for this rank for ever.

    While it trains, BLAS has the threads that the options say. Where ranks outnumber cores, scorers lower
    their priority, and take it back at the end if the system lets them.
    """
    comm = _world() if comm is None else comm
    if not isinstance(comm, MPI.Comm):
        raise InputError(f"comm must be a communicator of mpi4py, not {comm!r}")
    with _threads_put_back():
        try:
            with _failing_together(comm, spared=InputError):
                job = _prepare_job(comm, (x, y, validation, test), model, options)
        except InputError as error:
            raise InputError(in_python(str(error))) from None
        with _failing_together(comm), np.errstate(all="ignore"), Interruption() as interruption:
            outcome = job.run(interruption)
    stopped = outcome.stopped
    if stopped in signal.Signals.__members__:
        signal.raise_signal(signal.Signals[stopped])
    elif stopped:
        raise Diverged(in_python(stopped))
    if comm.Get_rank() != TRAINER:
        return None
    for problem in outcome.unwritten:
        warnings.warn(problem, RuntimeWarning, stacklevel=2)
    return Result(
        outcome.trained, columns_by_kind(outcome.log.lines()), outcome.summary, outcome.verdict, outcome.folder
    )


def _world():
    """Return all ranks, if they are those that the launcher started."""
    if problem := find_split(MPI.COMM_WORLD.Get_size(), os.environ)[0]:
        raise InputError(problem)
    return MPI.COMM_WORLD


def _prepare_job(comm, arrays, make_model, options):
    """Return the job, unless anything is wrong with what is wanted. Collective."""

    def prepare():
        config = config_of(options, own_model=make_model is not None)
        config.check_ranks(comm.Get_size())
        return config, from_arrays(*arrays, config.standardize)

    config, dataset = on_all_ranks(comm, prepare)
    check_agreement(comm, program_facts())
    for name, own in {"options": config, "arrays": dataset.facts}.items():
        first, *others = comm.allgather(own)
        if any(other != first for other in others):
            raise InputError(f"the {name} are not the same on every rank: call fit with the same ones everywhere")
    blueprint = MLPBlueprint if make_model is None else partial(OwnBlueprint, make_model)
    return Job(comm, config, lambda: dataset, blueprint)


@contextmanager
def _failing_together(comm, spared=()):
    """End the whole job, where it has several ranks, with any exception but those raised on all of them."""
    try:
        yield
    except spared:
        raise
    except BaseException:
        if comm.Get_size() > 1:
            end_job(comm, *sys.exc_info())
        raise


@contextmanager
def _threads_put_back():
    """Restore the threads of BLAS and of kernels, which a job sets."""
    n_kernel = set_threads(1)
    n_blas = {pool["prefix"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
    try:
        with threadpoolctl.threadpool_limits(n_blas):
            yield
    finally:
        set_threads(n_kernel)
