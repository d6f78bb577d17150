"""The command ``python -m isgd_mpi``: parse the arguments on one rank, train on all, return an exit code."""

import logging
import os
import shlex
import sys
from functools import partial

import numpy as np
from mpi4py import MPI

from isgd_mpi.data import datasets
from isgd_mpi.data.sources import Division
from isgd_mpi.data.weights import weighed
from isgd_mpi.model.blueprints import MLPBlueprint
from isgd_mpi.ranks.agreement import check_agreement, check_command_lines, on_all_ranks, program_facts
from isgd_mpi.ranks.faults import Interruption
from isgd_mpi.ranks.launchers import find_split
from isgd_mpi.ranks.start import refuse
from isgd_mpi.run.job import Job
from isgd_mpi.run.record.next_steps import training
from isgd_mpi.run.resume import SavedRun
from isgd_mpi.run.setup import TRAINER
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import BAD_INPUT, DONE, FAILED, TRY_AGAIN
from isgd_mpi.settings.options import parse

DATA_OPTIONS = ("data", "data_dir", "synthetic_size", "standardize", "class_weight", *Division._fields)
"""Options that :func:`load_dataset` alone uses."""


def main(argv=None, interruption=None):
    """Train as the command line says. Collective over all ranks of the job.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; ``sys.argv[1:]`` if not given.
    interruption : faults.Interruption, optional
        Remembers the signals to this rank; one that began before this call may be given.

    Returns
    -------
    int
        The exit code, the same on every rank.
    """
    comm = MPI.COMM_WORLD
    if is_split(comm):
        return BAD_INPUT
    try:
        config = shared_config(comm, argv)
        if config is not None and not config.quiet:
            logging.basicConfig(format="isgd_mpi: %(message)s")
            logging.getLogger("isgd_mpi").setLevel(logging.INFO)
        with np.errstate(all="ignore"):  # training checks for numbers that are not finite
            return DONE if config is None else train(comm, config, interruption or Interruption())
    except InputError as error:
        if comm.Get_rank() == TRAINER:
            print(f"isgd_mpi: {error}", file=sys.stderr)
        return BAD_INPUT


def is_split(comm):
    """Return whether the launcher started several processes that MPI sees as separate one-rank jobs.

    The first of them prints why.
    """
    problem, process = find_split(comm.Get_size(), os.environ)
    if problem and comm.Get_rank() == 0:
        if comm.Get_size() == 1:
            MPI.Finalize()  # otherwise its shared memory would stay behind if this process is killed
        refuse(problem, process)
    return problem is not None


def train(comm, config, interruption):
    """Train an MLP on the data set that the settings name; return the exit code. Collective."""
    saved = on_all_ranks(comm, lambda: SavedRun(config) if config.resume and comm.Get_rank() == TRAINER else None)
    if comm.bcast(saved is not None and saved.complete, root=TRAINER):
        if saved and not config.quiet:
            print(f"{config.resume} {saved.ending}")
        return DONE
    job = Job(comm, config, partial(load_dataset, config), MLPBlueprint, saved=saved)
    with interruption:
        outcome = job.run(interruption)
    if comm.Get_rank() == TRAINER:
        _print_problems(outcome, comm.Get_size())
    if outcome.stopped and outcome.can_go_on:
        return TRY_AGAIN
    return FAILED if outcome.stopped or outcome.unwritten else DONE


def load_dataset(config, verify):
    """Load the data set that the settings name; see :func:`isgd_mpi.data.datasets.load`."""
    options = {name: getattr(config, name) for name in DATA_OPTIONS if name not in ("data", "class_weight")}
    dataset = datasets.load(config.data, verify=verify, loss=config.loss, **options)
    return weighed(dataset, config.class_weight)


def _print_problems(outcome, n_ranks):
    """Print why the run stopped early and how to go on, and which files could not be written."""
    if outcome.stopped:
        resume = f"{training(n_ranks)} --resume {shlex.quote(str(outcome.folder))}"
        way_on = f"go on with {resume}" if outcome.can_go_on else f"see {outcome.folder}"
        print(f"isgd_mpi: stopped at step {outcome.summary['steps']}: {outcome.stopped}; {way_on}", file=sys.stderr)
    for problem in outcome.unwritten:
        print(f"isgd_mpi: {problem}", file=sys.stderr)


def shared_config(comm, argv):
    """Parse the command line on one rank for all. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    argv : list of str or None

    Returns
    -------
    Config or None
        None if the command line only asks for help.

    Raises
    ------
    InputError
        On every rank, if the command line is wrong, or not all ranks run the same program.
    """

    def parse_once():
        if comm.Get_rank() != TRAINER:
            return None
        try:
            config = parse(argv)
        except SystemExit:
            return None
        config.check_ranks(comm.Get_size())
        return config

    check_command_lines(comm, sys.argv[1:] if argv is None else argv)
    config = on_all_ranks(comm, parse_once)
    check_agreement(comm, program_facts())
    return comm.bcast(config, root=TRAINER)
