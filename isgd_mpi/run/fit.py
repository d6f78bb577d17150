"""``isgd_mpi.fit``: train from Python, on arrays, on all ranks of a communicator."""

import os
import signal
import sys
import threading
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
from isgd_mpi.ranks.crashes import Witness, call_as, printing_crashes
from isgd_mpi.ranks.faults import Interruption, end_job, end_job_if_silent
from isgd_mpi.ranks.heartbeat import Silent
from isgd_mpi.ranks.launchers import find_split
from isgd_mpi.ranks.presence import meet_in_words
from isgd_mpi.ranks.waiting import POLITE
from isgd_mpi.run.job import Job
from isgd_mpi.run.record.summary import columns_by_kind
from isgd_mpi.run.setup import TRAINER
from isgd_mpi.settings.errors import Diverged, InputError
from isgd_mpi.settings.keywords import GIVEN, config_of, in_python
from isgd_mpi.settings.uncaught import tell_if_uncaught


@dataclass(frozen=True)
class Result:
    """The result of :func:`fit`, on rank 0.

    Attributes
    ----------
    model : TrainedModel
        Predicts, and can be saved.
    best : TrainedModel or None
        The model at the evaluation with the least validation loss, or error (`best_by`); None without `validation`.
    scores : dict or None
        With `save_scores`, what there is to know of each example: ``scores["train"]["loss"]`` and so on, as in
        ``scores.npz``.
    history : dict of str to dict of str to ndarray
        The metrics: for each kind of line (``refresh``, ``eval``, ``event``) its fields, each as an array.
    summary : dict
        Totals and the last evaluation, as in ``summary.json``.
    verdict : str
        How the run ended on held-out data, and the gain of importance sampling, in words; a line each.
    folder : pathlib.Path or None
        The run's folder, if it has one.
    """

    model: TrainedModel
    history: dict
    summary: dict
    verdict: str
    folder: Path | None
    best: TrainedModel | None = None
    scores: dict | None = None

    def predict(self, x):
        """Predict with the model; see :meth:`TrainedModel.predict`."""
        return self.model.predict(x)

    def save(self, path):
        """Save the model; see :meth:`TrainedModel.save`."""
        self.model.save(path)


def fit(x, y, validation=None, test=None, *, sample_weight=None, model=None, comm=None, **options):
    """Train a model on arrays. Collective: every rank calls it with the same arguments.

    Parameters
    ----------
    x : (N, ...) array_like of numbers
        Training examples, one a row; they are flattened to features, and standardised as the options say.
        A contiguous array of uint8 or float32 is not copied.
    y : (N,) or (N, K) array_like
        What is predicted of these examples. Words, truth values and integers of at most 100 different values are
        classes, which `predict` returns as they are here; columns of 0 and 1 are labels; all else is numbers. The
        option `loss` says otherwise.
    validation, test : pair or triple of array_like, optional
        Examples and targets, as `x` and `y`, to evaluate the model on, and perhaps weights of these examples.
    sample_weight : (N,) array_like of numbers, optional
        Weights of the training examples, not negative, of any mean: the objective is the weighted mean loss.
    model : callable, optional
        Makes a model of your own, ``model(n_features, n_classes, max_rows)``: see :class:`isgd_mpi.Model`.
        An MLP if not given.
    comm : mpi4py.MPI.Comm, optional
        The ranks: the first train, the others score. ``MPI.COMM_WORLD`` if not given.
    **options
        Fields of :class:`isgd_mpi.Config`, other than those about data files and `resume`. Nothing is
        printed unless ``quiet=False``, nothing is written unless `run_dir` is given. `class_weight` may also be a dict
        with the weight of each class. `init` may also be a model to
        begin with, a :class:`TrainedModel` or a vector of parameters; other ranks than 0 may give None.

    Returns
    -------
    Result or None
        None on all ranks but 0.

    Raises
    ------
    InputError
        On every rank, if arrays or options are bad on any, or differ between ranks, or if the launcher started
        several processes that MPI sees as separate jobs: one line, also if nobody catches it (exit code 2).
    Diverged
        On every rank, if the loss or the gradient is not finite.

    Notes
    -----
    A signal such as Ctrl-C ends training at the next step. All files are written as at the end of a run, and then the
    signal does on every rank what it would have done outside of :func:`fit`. Any other exception on one of several
    ranks prints its traceback and ends the whole job: the other ranks would wait for this one for ever.

    During training, BLAS has the threads that the options say. Where ranks outnumber cores, scorers lower their
    priority, and raise it again at the end if the system permits.
    """
    comm = _ready(comm)
    with _threads_put_back(), np.errstate(all="ignore"), printing_crashes(), _failing_together(comm) as witness:
        meet_in_words(comm, "isgd_mpi.fit")
        witness.find(comm)
        arrays = {"x": x, "y": y, "validation": validation, "test": test, "sample_weight": sample_weight}
        job = _prepare_job(comm, arrays, model, options)
        with Interruption() as interruption:
            if comm.Get_size() == MPI.COMM_WORLD.Get_size():  # else ranks that others end would be blamed
                witness.call(comm)
            outcome = call_as(f"rank {comm.Get_rank()} of {comm.Get_size()}", lambda: job.run(interruption))
        witness.dismiss()
        POLITE.meet(comm)  # none goes its own way while a witness would blame it
    stopped = outcome.stopped
    if stopped in signal.Signals.__members__:
        signal.raise_signal(signal.Signals[stopped])
    elif stopped:
        raise Diverged(in_python(stopped))
    if comm.Get_rank() != TRAINER:
        return None
    for problem in outcome.unwritten:
        warnings.warn(problem, RuntimeWarning, stacklevel=2)
    history = columns_by_kind(outcome.log.lines())
    models = {"model": outcome.trained, "best": outcome.best}
    told = {name: getattr(outcome, name) for name in ("summary", "verdict", "folder", "scores")}
    return Result(history=history, **models, **told)


def fit_everywhere(*arrays, comm=None, **arguments):
    """Train as :func:`fit` does, and return the trained model on every rank. Collective.

    Parameters
    ----------
    *arrays, comm, **arguments
        See :func:`fit`.

    Returns
    -------
    TrainedModel
    """
    result = fit(*arrays, comm=comm, **arguments)
    return (comm or MPI.COMM_WORLD).bcast(result and result.model, root=TRAINER)


def _ready(comm):
    """Return the communicator; raise InputError if it is none, or MPI cannot be used as :func:`fit` does."""
    problem, process = None, 0
    if comm is None:
        comm = MPI.COMM_WORLD
        problem, process = find_split(comm.Get_size(), os.environ)
    elif not isinstance(comm, MPI.Comm):
        problem = f"comm must be a communicator of mpi4py, not {comm!r}"
    if threading.current_thread() is not threading.main_thread():
        problem = "fit must be called in the main thread, which MPI was initialised for, and which signals reach"
    if problem:
        raise tell_if_uncaught(InputError(problem), told=process == 0)
    return comm


def _prepare_job(comm, arrays, make_model, options):
    """Check all arguments, and return the job. Collective."""

    def prepare():
        config = config_of(options, own_model=make_model is not None)
        config.check_ranks(comm.Get_size())
        options_of_data = {name: getattr(config, name) for name in ("standardize", "loss", "class_weight")}
        options_of_data |= {} if of_classes is None else {"class_weight": of_classes}
        return config, from_arrays(**arrays, **options_of_data)

    given, options = _given_start(comm, options)
    of_classes, options = _given_weights(options)
    config, dataset = on_all_ranks(comm, prepare)
    check_agreement(comm, program_facts())
    for name, own in {"options": config, "arrays": dataset.facts}.items():
        first, *others = comm.allgather(own)
        if any(other != first for other in others):
            problem = f"the {name} are not the same on every rank: call fit with the same ones everywhere"
            raise InputError(problem, everywhere=True)
    blueprint = MLPBlueprint if make_model is None else partial(OwnBlueprint, make_model)
    return Job(comm, config, lambda verify: dataset, partial(blueprint, given=given))


def _given_start(comm, options):
    """Return the model or parameters that rank 0 gives as `init`, and the options with a word for it. Collective."""
    init = options.get("init")
    given = getattr(init, "model", init) if isinstance(init, (Result, TrainedModel, np.ndarray)) else None
    if comm.bcast(given is not None, root=TRAINER) and (given is not None or init is None):
        options = options | {"init": GIVEN}
    elif init is None:
        options = {name: value for name, value in options.items() if name != "init"}
    return given, options


def _given_weights(options):
    """Return the weights of classes, if they are given as a dict, and the options with a word for it."""
    given = options.get("class_weight")
    return (given, options | {"class_weight": GIVEN}) if isinstance(given, dict) else (None, options)


@contextmanager
def _failing_together(comm):
    """End the whole job, if it has several ranks, on any exception in the block but those that all ranks raise."""
    witness, hook = Witness(), threading.excepthook
    threading.excepthook = partial(_end_if_silent, comm, witness, hook)
    try:
        yield witness
    except BaseException as error:
        told = isinstance(error, InputError) and (error.everywhere or comm.Get_size() == 1)
        _put_in_python(error)
        if comm.Get_size() > 1 and not told:
            end_job(comm, witness, *sys.exc_info())
        if not told:
            raise
        own = InputError(in_python(str(error)), error.everywhere)
        raise tell_if_uncaught(own, told=comm.Get_rank() == TRAINER) from None
    finally:
        threading.excepthook = hook
        witness.dismiss()


def _end_if_silent(comm, witness, otherwise, failure):
    """Stand for ``threading.excepthook``; see :func:`faults.end_job_if_silent`."""
    _put_in_python(failure.exc_value)
    end_job_if_silent(comm, witness, otherwise, failure)


def _put_in_python(error):
    """Let the message of a Silent name options as keywords."""
    if isinstance(error, Silent):
        error.args = (in_python(str(error)),)


@contextmanager
def _threads_put_back():
    """Restore the numbers of threads of BLAS and of kernels after the block: a job sets them."""
    n_kernel = set_threads(1)
    n_blas = {pool["prefix"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
    try:
        with threadpoolctl.threadpool_limits(n_blas):
            yield
    finally:
        set_threads(n_kernel)
