"""Compile, or load from the cache, every kernel before the clock starts."""

from dataclasses import replace

import numpy as np

from isgd_mpi.kernels.block_sums import weights_of_runs
from isgd_mpi.kernels.meeting import STRIDE, arrive
from isgd_mpi.kernels.sampling import all_finite
from isgd_mpi.model.bfloat16.scoring_mlp import LowPrecisionMLP
from isgd_mpi.model.bfloat16.training_mlp import TRAINING
from isgd_mpi.model.layers import FEW_ROWS
from isgd_mpi.model.losses import loss_for
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.optim import make_optimiser
from isgd_mpi.sampling.block_sums import BlockSums
from isgd_mpi.sampling.mixture import MANY, Mixture
from isgd_mpi.sampling.proposal import Proposal, stratified_order
from isgd_mpi.sampling.score_proposal import ScoreProposal
from isgd_mpi.sampling.score_table import ScoreTable, bounds_of
from isgd_mpi.sampling.variance import Variance
from isgd_mpi.sampling.weightings import weighting_of
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.precisions import FLOAT32, TRAINS_FROM
from isgd_mpi.training.predictor.predictors import make_predictor

_HIDDEN = (64, 64)  # wide enough for every kernel


def warm_up(dataset, config=None, make_products=None, train_arithmetic=FLOAT32):
    """Run every kernel once that a run needs, on the types that training uses, with a small model.

    Parameters
    ----------
    dataset : datasets.Dataset
        The data set of the job: kernels are compiled for the types of its arrays.
    config : config.Config, optional
        Options of the run.
    make_products : callable, optional
        Makes the products of the scorers' model, if these are not NumPy's.
    train_arithmetic : str
        Name of the arithmetic of training; of a model of the user's, any other text.
    """
    # a step that is clipped leaves out a kernel, and one that is too long ends in infinity
    config = replace(config or Config(), clip_norm=None, lr=1e-3)
    loss = loss_for(config.loss, dataset.target)
    n_rows = FEW_ROWS + 1  # few and many rows have passes of their own
    n_few = min(n_rows, dataset.n_train)
    few_strata = dataset.target.strata(dataset.splits["train"].labels[:n_few])  # those of all are for trainer 0
    order = stratified_order(few_strata, few_strata, np.ones(n_few, np.float32), dataset.n_strata)
    if weighting := weighting_of(config, np.zeros(n_few, np.float32)):
        weighting(np.ones(n_few, np.float32), 0.0)
    indices, weights = _sample(few_strata, order, n_rows)
    images = np.empty((n_rows, dataset.n_features), np.float32)
    labels = np.empty((n_rows, *dataset.target.row_shape), dataset.target.dtype)
    dataset.gather(indices, images, labels)
    images.fill(0)  # features as large as 1e30 would overflow here, where nobody expects it
    model = MLP((dataset.n_features, *_HIDDEN, loss.n_outputs), n_rows, loss=loss)
    model.scores(images, labels)
    minibatch = images[:FEW_ROWS], labels[:FEW_ROWS], weights[:FEW_ROWS].astype(np.float32)
    trained = [model]
    if train_arithmetic in TRAINS_FROM:
        trained.append(TRAINING[train_arithmetic](model.widths, n_rows, loss=loss))
    for each in trained:
        _train(each, minibatch, make_optimiser(each.params, config, n_rows, dataset.target.kind), config.trainers)
    models = [model]
    if make_products is not None:
        models.append(LowPrecisionMLP(model.widths, n_rows, make_products, loss=loss))
    for split in dataset.splits:
        for each in models:
            each.scores(*dataset.batch(split, 0, 1, images))


def _train(model, minibatch, optimiser, n_trainers):
    """Take a step of each kind that is asked for with this optimiser, and this number of trainers or "auto"."""
    optimiser.step(model.gradient(*minibatch)[1])
    model.descend(*minibatch, optimiser)
    if n_trainers != 1:  # they may share a model
        arrive(np.zeros(STRIDE, np.int64), 0, 1, 1)
        square = np.zeros((2, 2), np.float32)
        optimiser.step_part(optimiser.part(slice(4), square.shape), square, slice(0, 1))


def _sample(strata, order, n_rows):
    """Write scores, form proposals, draw from them, and learn; return what was drawn, and its weights."""
    table, scores = ScoreTable(strata), np.ones(len(order), np.float32)
    table.note_changes()
    for rows in (slice(0, len(order)), np.arange(1)):
        table.write(rows, scores[rows], 0)
    table.staleness(0)
    all_finite(scores)
    sums = BlockSums(scores, order)
    runs, rows = table.take_changes()
    sums.put_runs(scores, bounds_of(runs), scores)
    sums.put(rows, scores[rows])
    weights_of_runs(scores, bounds_of(runs), (1.0, 0.0), np.empty(len(order)))
    for proposal in (ScoreProposal(scores, sums), Proposal(np.ones(len(order)), order)):
        for sampling in ("multinomial", "systematic"):
            indices, weights = proposal.draw(n_rows, sampling, np.random.default_rng(0))
        proposal.importance_weights(indices)
    variance = Variance()
    variance.observe(weights.astype(np.float32), weights)
    variance.window()
    for n in (n_rows, MANY + 1):  # which are summed in other ways
        Mixture("auto", n_rows, n_rows).observe(np.ones(n, np.float32), np.ones(n))
    return indices, weights


def warm_up_predictor(name, dataset):
    """Run every kernel of a loss predictor once.

    Parameters
    ----------
    name : str
        The predictor's name, such as ``lstm``.
    dataset : datasets.Dataset
    """
    predictor = make_predictor(name, dataset, 1.0, np.random.default_rng(0))
    predictor.observe(np.zeros(1, np.int32), np.ones(1, np.float32))
