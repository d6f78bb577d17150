"""Choose the number of trainers of a job where the user leaves that to us."""

from typing import NamedTuple

from isgd_mpi.kernels.processor import this_processor
from isgd_mpi.ranks.published import N_BUFFERS
from isgd_mpi.ranks.shards import score_batch_size
from isgd_mpi.sampling.division import LEAST_RANKS, Work, best_trainers


class Choice(NamedTuple):
    """A number of trainers, and the reason for it; no reason if the user gave the number."""

    n_trainers: int
    reason: str | None = None


def choose_trainers(config, dataset, models, node, before=None):
    """Choose the number of trainers from what is known before training; no clock decides.

    Parameters
    ----------
    config : config.Config
    dataset : datasets.Dataset
    models : blueprints.MLPBlueprint or blueprints.OwnBlueprint
    node : node.Node
        Trainer 0's.
    before : int, optional
        Trainers that a run had on as many ranks, if it is resumed.

    Returns
    -------
    Choice
    """
    n_ranks = len(node.hosts)
    if config.trainers != "auto":
        return Choice(config.trainers)
    if before is not None:
        return Choice(before, "as before it was resumed")
    if reason := _reason_for_one(config, models, node, n_ranks):
        return Choice(1, reason)
    n_trainers, gain = best_trainers(
        Work(
            n_ranks=n_ranks,
            n_on_node=node.comm.Get_size(),
            n_cores=node.n_cores // node.threads,
            n_params=models.n_params,
            minibatch_size=config.minibatch_size,
            n_examples=dataset.n_train,
            score_batch_size=score_batch_size(config.score_batch_size, dataset.n_train),
            refresh_every=config.refresh_every,
            arithmetic=models.arithmetic,
            train_arithmetic=models.train_arithmetic,
            vendor=this_processor().vendor,
        )
    )
    return Choice(n_trainers, f"predicted {gain:.2g} times the progress of one trainer" if n_trainers > 1 else
                  "more trainers are predicted to bring less than scorers")  # fmt: skip


def _reason_for_one(config, models, node, n_ranks):
    """Return the reason why one rank trains whatever a prediction says, or None."""
    if n_ranks < LEAST_RANKS:
        return f"fewer than {LEAST_RANKS} ranks"
    if not models.params_may_be_shared:
        return "a model of your own is not shared by trainers"
    if 2 * (models.shared_bytes(config.minibatch_size) + N_BUFFERS * 4 * models.n_params) > node.n_shared_bytes:
        return "there is no room for more in shared memory"
    if node.crowded:
        return "ranks outnumber cores"
    return config.trains_alone
