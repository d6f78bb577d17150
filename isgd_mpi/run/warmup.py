"""Compile, or load from the cache, every kernel before the clock starts."""

from functools import partial
from itertools import product

import numpy as np

from isgd_mpi.kernels.meeting import STRIDE, arrive
from isgd_mpi.kernels.sampling import all_finite
from isgd_mpi.model.bfloat16.scoring_mlp import LowPrecisionMLP
from isgd_mpi.model.bfloat16.training_mlp import TRAINING
from isgd_mpi.model.layers import FEW_ROWS
from isgd_mpi.model.losses import loss_for
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.optim import SGD, Adam
from isgd_mpi.sampling.block_sums import BlockSums
from isgd_mpi.sampling.mixture import MANY, Mixture
from isgd_mpi.sampling.proposal import Proposal, stratified_order
from isgd_mpi.sampling.score_proposal import ScoreProposal
from isgd_mpi.sampling.score_table import ScoreTable
from isgd_mpi.sampling.variance import Variance
from isgd_mpi.sampling.weightings import falling_ranks
from isgd_mpi.settings.precisions import FLOAT32, TRAINS_FROM
from isgd_mpi.training.predictor.predictors import make_predictor

_HIDDEN = (64, 64)  # wide enough for every kernel
_OPTIMISERS = {"sgd": (SGD, partial(SGD, momentum=0.5)), "adam": (Adam,), "adamw": (Adam,)}


def warm_up(dataset, make_products=None, train_arithmetic=FLOAT32, optimiser="sgd", loss="auto"):
    """Run every kernel once, on the types that training uses, with a small model.

    Parameters
    ----------
    dataset : datasets.Dataset
        The data set of the job: kernels are compiled for the types of its arrays.
    make_products : callable, optional
        Makes the products of the scorers' model, if these are not NumPy's.
    train_arithmetic : str
        Name of the arithmetic of training; of a model of the user's, any other text.
    optimiser : str
        Value of ``--optimizer``.
    loss : str
        Value of ``--loss``.
    """
    loss = loss_for(loss, dataset.target)
    n_rows = FEW_ROWS + 1  # few and many rows have passes of their own
    n_few = min(n_rows, dataset.n_train)
    few_strata = dataset.target.strata(dataset.splits["train"].labels[:n_few])  # those of all are for trainer 0
    order = stratified_order(few_strata, few_strata, np.ones(n_few, np.float32), dataset.n_strata)
    falling_ranks(np.ones(n_few, np.float32))
    indices, weights = _sample(few_strata, order, n_rows)
    images = np.empty((n_rows, dataset.n_features), np.float32)
    labels = np.empty((n_rows, *dataset.target.row_shape), dataset.target.dtype)
    dataset.gather(indices, images, labels)
    images.fill(0)  # features as large as 1e30 would overflow here, where nobody expects it
    model = MLP((dataset.n_features, *_HIDDEN, loss.n_outputs), n_rows, loss=loss)
    model.scores(images, labels)
    arrive(np.zeros(STRIDE, np.int64), 0, 1, 1)
    minibatch = images[:FEW_ROWS], labels[:FEW_ROWS], weights[:FEW_ROWS].astype(np.float32)
    trained = [model]
    if train_arithmetic in TRAINS_FROM:
        trained.append(TRAINING[train_arithmetic](model.widths, n_rows, loss=loss))
    for each, make in product(trained, _OPTIMISERS[optimiser]):
        mover = make(each.params, 0.0)
        mover.step(each.gradient(*minibatch)[1])
        each.descend(*minibatch, mover)
        square = np.zeros((2, 2), np.float32)
        mover.step_part(mover.part(slice(4), square.shape), square, slice(0, 1))  # of trainers that share a model
    models = [model]
    if make_products is not None:
        models.append(LowPrecisionMLP(model.widths, n_rows, make_products, loss=loss))
    for split in dataset.splits:
        for each in models:
            each.scores(*dataset.batch(split, 0, 1, images))


def _sample(strata, order, n_rows):
    """Write scores, form proposals, draw from them, and learn; return what was drawn, and its weights."""
    table, scores = ScoreTable(strata), np.ones(len(order), np.float32)
    table.note_changes()
    for rows in (slice(0, len(order)), np.arange(1)):
        table.write(rows, scores[rows], 0)
    table.staleness(0)
    all_finite(scores)
    sums = BlockSums(scores, order)
    for rows in table.take_changes():
        sums.put(rows, scores[rows])
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
