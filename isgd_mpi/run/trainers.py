"""Choose the number of trainers of a job, and whether trainer 0 feeds the others, where the user leaves that to us."""

import math
from dataclasses import replace
from typing import NamedTuple

from isgd_mpi.kernels.processor import this_processor
from isgd_mpi.ranks.published import N_BUFFERS
from isgd_mpi.ranks.shards import score_batch_size
from isgd_mpi.sampling.division import LEAST_RANKS, Work, best_division, feeding_pays, step_seconds, steps_ahead
from isgd_mpi.settings.errors import InputError


class Choice(NamedTuple):
    """A number of trainers, and whether the first of them feeds the others.

    Attributes
    ----------
    n_trainers : int
    feeds : bool
    reason : str or None
        The reason for the number, if the user left it to us.
    n_ahead : int
        Steps that are ordered ahead, if the first feeds; see :func:`division.steps_ahead`.
    """

    n_trainers: int
    feeds: bool = False
    reason: str | None = None
    n_ahead: int = 0


def choose_trainers(config, dataset, models, node, before=None):
    """Choose the number of trainers and whether trainer 0 feeds, from what is known before training; no clock decides.

    Parameters
    ----------
    config : config.Config
    dataset : datasets.Dataset
    models : blueprints.MLPBlueprint or blueprints.OwnBlueprint
    node : node.Node
        This rank's. What trainer 0 chooses is taken.
    before : (int, bool), optional
        Trainers that a run had on as many ranks, and whether the first fed the others, if it is resumed.

    Returns
    -------
    Choice

    Raises
    ------
    InputError
        Trainer 0 cannot feed, and the user asks for it.
    """
    work = _work(config, dataset, models, node)
    choice = _choose(config, models, node, work, before)
    return choice._replace(n_ahead=_n_ahead(config, work, choice.n_trainers)) if choice.feeds else choice


def _choose(config, models, node, work, before):
    """Return the choice, but for the steps that are ordered ahead."""
    obstacle = _obstacle(config, models, node)
    if config.feeder == "on" and obstacle:
        raise InputError(f"--feeder on: {obstacle}: give --feeder auto")
    if before is not None and _stays(config, models, node, before):
        return Choice(*before, "as before it was resumed" if config.trainers == "auto" else None)
    ways = _ways(config, node, work, obstacle)
    if config.trainers != "auto":
        return Choice(config.trainers, ways == [True] or (True in ways and feeding_pays(work, config.trainers)))
    if reason := _reason_for_one(config, models, node, len(node.hosts)):
        return Choice(2, True, f"--feeder on, and {reason}") if ways == [True] else Choice(1, reason=reason)
    division, gain = best_division(work, ways)
    if division.n_trainers == 1:
        return Choice(1, reason="more trainers are predicted to bring less than scorers")
    return Choice(*division, f"predicted {gain:.2g} times the progress of one trainer")


def _stays(config, models, node, before):
    """Return whether a run that is resumed can have the trainers that it had, and the user asks for no others."""
    n_trainers, feeds = before
    asked_for = config.trainers in ("auto", n_trainers) and config.feeder in ("auto", "on" if feeds else "off")
    return asked_for and not (feeds and _obstacle(replace(config, trainers=n_trainers), models, node))


def _ways(config, node, work, obstacle):
    """Return the values to choose from for whether trainer 0 feeds."""
    if config.feeder != "auto":
        return [config.feeder == "on"]
    return [False] if obstacle or config.trains_alone or _feeds_badly(config, node, work) else [False, True]


def _feeds_badly(config, node, work):
    """Return whether trainer 0 had better not feed, whatever a prediction says."""
    has_own_scores_alone = config.trainers == len(node.hosts) and config.score != "uniform"  # which would come late
    return node.crowded or has_own_scores_alone or _n_ahead(config, work, 2) == 0


def _n_ahead(config, work, n_trainers):
    """Return the steps that are ordered ahead: none where the trainers wait at each refresh."""
    most = {"exact": 0, "pipelined": (config.refresh_every - 1) // 2, "relaxed": math.inf}[config.schedule]
    seconds = step_seconds(work, n_trainers, feeds=True)
    return min(most, steps_ahead(work.n_examples, work.minibatch_size, seconds))


def _obstacle(config, models, node):
    """Return the reason why trainer 0 cannot feed others, or None."""
    n_ranks = len(node.hosts)
    n_trainers = max(2, _n_beside_trainer_0(node)) if config.trainers == "auto" else config.trainers  # at most
    reasons = {
        "it takes 2 trainers or more": min(n_ranks, n_trainers) < 2,
        "a model of your own is not shared by trainers": not models.params_may_be_shared,
        f"--compat {config.compat} needs each gradient": config.compat != "none",
        "all trainers must be on one node": len(set(node.nodes[:n_trainers])) > 1,  # by the numbers of ranks
        "there is no room for more in shared memory": _needs_too_much(config, models, node),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _n_beside_trainer_0(node):
    """Return the number of ranks on trainer 0's node, itself included, whatever rank asks."""
    return node.nodes.count(node.nodes[0])


def _needs_too_much(config, models, node):
    """Return whether a shared model would take more than half of what may be shared."""
    if not models.params_may_be_shared:
        return False
    n_vectors = N_BUFFERS + 2  # published, kept by a feeder, and as much for all that is smaller
    n_bytes = models.shared_bytes(config.minibatch_size) + n_vectors * 4 * models.n_params
    return 2 * n_bytes > node.n_shared_bytes


def _work(config, dataset, models, node):
    """Return the sizes that a division follows from."""
    return Work(
        n_ranks=len(node.hosts),
        n_on_node=_n_beside_trainer_0(node),
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


def _reason_for_one(config, models, node, n_ranks):
    """Return the reason why one rank trains whatever a prediction says, or None."""
    if n_ranks < LEAST_RANKS:
        return f"fewer than {LEAST_RANKS} ranks"
    if not models.params_may_be_shared:
        return "a model of your own is not shared by trainers"
    if _needs_too_much(config, models, node):
        return "there is no room for more in shared memory"
    if node.crowded:
        return "ranks outnumber cores"
    return config.trains_alone
