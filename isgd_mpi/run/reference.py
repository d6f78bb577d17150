"""Compute the losses of a reference model over the training set, each rank in its part, before training begins."""

from functools import partial

import numpy as np

from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.start import params_on
from isgd_mpi.model.trained import load
from isgd_mpi.ranks.agreement import on_all_ranks
from isgd_mpi.ranks.shards import Grid
from isgd_mpi.run.setup import TRAINER
from isgd_mpi.settings.errors import InputError


def irreducible_losses(setup):
    """Return the losses of ``--reference-model`` on the training set. Collective.

    Parameters
    ----------
    setup : setup.Setup

    Returns
    -------
    (N,) ndarray of float32 or None
        None on all ranks but trainer 0. The same bits for every number of ranks.

    Raises
    ------
    InputError
        On every rank, if the model cannot be read on any, or does not fit the data.
    """
    comm, n_train = setup.comm, setup.dataset.n_train
    shards = Grid(setup.grid.batch_size, setup.size).shards(n_train)
    own = on_all_ranks(comm, partial(_losses, setup, shards[setup.rank]))
    losses = np.empty(n_train, np.float32) if setup.rank == TRAINER else None
    comm.Gatherv(own, (losses, [len(shard) for shard in shards]), root=TRAINER)
    return losses


def _losses(setup, shard):
    """Return the losses of the reference model on the examples of a shard, (len(shard),) ndarray of float32."""
    model = _reference(setup)
    images = np.empty((setup.grid.batch_size, setup.dataset.n_features), np.float32)
    losses = np.empty(len(shard), np.float32)
    for index in range(len(shard.batches)):
        start, stop = shard.rows(index)
        _, losses[start - shard.start : stop - shard.start], _ = model.scores(
            *setup.dataset.batch("train", start, stop, images)
        )
    if not np.isfinite(losses).all():
        example = shard.start + int(np.argmin(np.isfinite(losses)))
        path = setup.config.reference_model
        raise InputError(f"--reference-model {path}: its loss of training example {example} is not finite")
    return losses


def _reference(setup):
    """Return the reference model, an MLP that may have other hidden layers than the one that is trained."""
    path = setup.config.reference_model
    try:
        trained = load(path)
    except InputError as error:
        raise InputError(f"--reference-model {error}: give the file or folder of a trained MLP") from None
    model = MLP(trained.widths, setup.grid.batch_size, score="loss", loss=setup.models.loss)
    model.params[:] = params_on(trained, setup.dataset, f"--reference-model {path}")
    return model
