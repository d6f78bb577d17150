"""``python -m isgd_mpi``: arguments on one rank, the job on all, and what happened as an exit code."""

import logging
import sys

import numpy as np
from mpi4py import MPI

from isgd_mpi import datasets
from isgd_mpi.agreement import check_agreement, program_facts
from isgd_mpi.blueprints import MLPBlueprint
from isgd_mpi.errors import InputError
from isgd_mpi.job import TRAINER, Job
from isgd_mpi.node import on_all_ranks
from isgd_mpi.options import parse

DONE, FAILED, BAD_INPUT = 0, 1, 2


def main(argv=None):
    """Train as the command line says. Collective over all ranks of the job.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; ``sys.argv[1:]`` if not given.

    Returns
    -------
    int
        The exit code, the same on every rank.
    """
    comm = MPI.COMM_WORLD
    try:
        config = shared_config(comm, argv)
        if config is not None and not config.quiet:
            logging.basicConfig(format="isgd_mpi: %(message)s")
            logging.getLogger("isgd_mpi").setLevel(logging.INFO)
        with np.errstate(all="ignore"):  # numbers that are not finite are looked for, not warned about
            return DONE if config is None else train(comm, config)
    except InputError as error:
        if comm.Get_rank() == TRAINER:
            print(f"isgd_mpi: {error}", file=sys.stderr)
        return BAD_INPUT


def train(comm, config):
    """Train an MLP on the data set that the settings name; return the exit code. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    config : Config
    """

    def load():
        return datasets.load(config.data, config.data_dir, config.synthetic_size, standardize=config.standardize)

    job = Job(comm, config, load, MLPBlueprint)
    stopped = job.run()
    if stopped and job.rank == TRAINER:
        step = job.summary["steps"]
        print(f"isgd_mpi: stopped at step {step}: {stopped}; see {job.folder}", file=sys.stderr)
    return FAILED if stopped else DONE


def shared_config(comm, argv):
    """Parse the command line on one rank for all. Collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    argv : list of str or None

    Returns
    -------
    Config or None
        None if only help was asked for.

    Raises
    ------
    InputError
        On every rank, if it is wrong, or not all ranks run the same program.
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

    config = on_all_ranks(comm, parse_once)
    check_agreement(comm, program_facts())
    return comm.bcast(config, root=TRAINER)
