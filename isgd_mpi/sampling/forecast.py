"""Predict a relaxed run on any number of ranks: play the protocol with measured costs in place of work.

All scorers are alike, so one is played, with the largest shard; the trainer takes steps of the same length.
"""

import math
from dataclasses import dataclass

import numpy as np

_REFRESHES = 120  # played; the first half is the beginning and does not count


@dataclass(frozen=True)
class Costs:
    """Sizes and costs of a run's parts.

    Attributes
    ----------
    n_examples, batch_size, refresh_every : int
        Training examples, examples of a score batch, and steps from one refresh to the next at least.
    params_bytes, report_bytes : int
        Size of the parameters, and of all reports together.
    step_seconds : float
        A step of the trainer.
    score_seconds : float
        Scoring an example on a core of its own.
    publish_seconds, message_seconds, merge_seconds : float
        Trainer's time a refresh: for itself; for each scorer; for each example that has a new score.
    wake_seconds, copy_seconds : float
        From publishing until scorers have the parameters, within a node: at least; and for each byte and scorer.
    cores : int
        Of a node.
    network_seconds : float
        For a message between nodes, at least.
    network_bytes_per_second : float
        Between two nodes.
    """

    n_examples: int
    batch_size: int
    refresh_every: int
    params_bytes: int
    report_bytes: int
    step_seconds: float
    score_seconds: float
    publish_seconds: float
    message_seconds: float
    merge_seconds: float
    wake_seconds: float
    copy_seconds: float
    cores: int
    network_seconds: float
    network_bytes_per_second: float


@dataclass(frozen=True)
class Prediction:
    """Figures of a run that was played.

    Attributes
    ----------
    ranks : int
    refresh_seconds, refresh_steps : float
        From one publication to the next.
    exchange_seconds : float
        Until the last scorer has the parameters.
    staleness : float
        Mean over the examples when scores are merged, in steps.
    scored_per_second : float
        Examples, by all scorers.
    idle : float
        Share of the scorers' time in which all of their shard is scored with the parameters that they have.
    refreshing : float
        Share of the trainer's time that refreshes take.
    """

    ranks: int
    refresh_seconds: float
    refresh_steps: float
    exchange_seconds: float
    staleness: float
    scored_per_second: float
    idle: float
    refreshing: float

    @property
    def age_in_use(self):
        """Age of the scores that minibatches are drawn by, at the end of an interval, in steps."""
        return self.staleness + self.refresh_steps


def exchange_seconds(costs, ranks, ranks_per_node):
    """Return the seconds until the last scorer has the parameters, and until reports are back.

    On one node all see the parameters where the trainer wrote them. With several nodes they go down a binary tree, and
    on each node every scorer copies them, all through the same memory; reports all come through the trainer's
    network card.

    Parameters
    ----------
    costs : Costs
    ranks, ranks_per_node : int
    """
    on_node, nodes = min(ranks, ranks_per_node), math.ceil(ranks / ranks_per_node)
    out = costs.wake_seconds
    back = costs.copy_seconds * costs.report_bytes
    if nodes > 1:
        out += costs.copy_seconds * costs.params_bytes * (on_node - 1)
        depth = math.ceil(math.log2(nodes))
        out += depth * (costs.network_seconds + costs.params_bytes / costs.network_bytes_per_second)
        remote = costs.report_bytes * (1 - ranks_per_node / ranks)
        back += costs.network_seconds + remote / costs.network_bytes_per_second
    return out, back


class _Scorer:
    """A scorer with the largest shard: the step of the parameters behind each batch's scores, and its own clock."""

    def __init__(self, n_batches, batch_seconds):
        self._steps = np.full(n_batches, -1)
        self._next = 0
        self._time = 0.0
        self._step = -1
        self._batch_seconds = batch_seconds
        self.n_scored = 0
        self.idle_seconds = 0.0

    def receive(self, step, arrival):
        """Score until new parameters are noticed, and go on with them; return when that was, and its report."""
        while self._time < arrival and self._steps[self._next] != self._step:
            self._steps[self._next] = self._step
            self._next = (self._next + 1) % len(self._steps)
            self._time += self._batch_seconds
            self.n_scored += 1
        self.idle_seconds += max(0.0, arrival - self._time)
        self._time = max(self._time, arrival)
        self._step = step
        return self._time, self._steps.copy()


def predict(costs, ranks, ranks_per_node, trainers=1):
    """Play a run.

    Parameters
    ----------
    costs : Costs
        The step is that of all trainers together.
    ranks, ranks_per_node : int
    trainers : int
        Ranks that do not score, all on one node.

    Returns
    -------
    Prediction
    """
    n_scorers, on_node = ranks - trainers, min(ranks, ranks_per_node)
    # scorers give way: they share what the trainers leave
    crowding = max(1.0, (on_node - trainers) / max(1, costs.cores - trainers))
    batch_size = min(costs.batch_size, costs.n_examples)
    n_batches = math.ceil(costs.n_examples / batch_size)
    working = min(n_scorers, n_batches)
    scorer = _Scorer(math.ceil(n_batches / n_scorers), batch_size * costs.score_seconds * crowding)
    calls = costs.publish_seconds + n_scorers * costs.message_seconds
    exchange = exchange_seconds(costs, ranks, ranks_per_node)
    totals, staleness = _play(costs, scorer, calls, exchange)
    elapsed, n_steps, refreshing, n_scored, idle = totals
    n_refreshes = len(staleness)
    return Prediction(
        ranks=ranks,
        refresh_seconds=elapsed / n_refreshes,
        refresh_steps=n_steps / n_refreshes,
        exchange_seconds=exchange[0],
        staleness=float(np.nanmean(staleness)),
        scored_per_second=n_scored * batch_size * working / elapsed,
        idle=1 - (1 - idle / elapsed) * working / n_scorers,
        refreshing=refreshing / elapsed,
    )


def _play(costs, scorer, calls, exchange):
    """Play refreshes, with the seconds of the trainer's calls in each.

    Return of the second half: seconds, steps, seconds of refreshes, batches scored by a scorer and its idle seconds;
    and the mean staleness at each merge.
    """
    now, step, refreshing, history, staleness = 0.0, 0, 0.0, [], []
    for _ in range(_REFRESHES + 1):
        history.append((now, step, refreshing, scorer.n_scored, scorer.idle_seconds))
        published, n_before = step, scorer.n_scored
        now += calls
        received, steps = scorer.receive(step, now + exchange[0])
        taken = max(1, math.ceil((received + exchange[1] - now) / costs.step_seconds))
        fresh = min(1.0, (scorer.n_scored - n_before) / len(steps)) * costs.n_examples
        merging = costs.merge_seconds * fresh
        now += taken * costs.step_seconds + merging
        step += taken
        staleness.append(np.mean(step - steps[steps >= 0]) if (steps >= 0).any() else np.nan)
        rest = max(0, published + costs.refresh_every - step)
        now, step = now + rest * costs.step_seconds, step + rest
        refreshing += calls + merging
    half = _REFRESHES // 2
    return np.subtract(history[-1], history[half]).tolist(), staleness[half:-1]


def gain_at(age, table):
    """Return the variance gain at an age of the scores in use, between the measured ones.

    Parameters
    ----------
    age : float
        In steps.
    table : sequence of (float, float)
        Measured ages and gains, ascending; straight lines over the logarithm lie between them, the last one
        counts beyond.
    """
    ages, gains = np.array(table).T
    return float(np.exp(np.interp(np.log1p(age), np.log1p(ages), np.log(gains))))


_IDLE, _REFRESHING, _MORE = 0.5, 0.1, 1.02  # shares of the time; gain by twice the ranks


def saturation(predictions, table, n_batches):
    """Return the number of ranks beyond which more of them do not help one trainer, and the reason.

    Parameters
    ----------
    predictions : list of Prediction
        Ascending, each with about twice the ranks of the one before.
    table
        See :func:`gain_at`.
    n_batches : int
        Score batches: no more scorers than that have one.

    Returns
    -------
    ranks : int or None
    reason : str
    """
    for now, more in zip(predictions, predictions[1:]):
        if more.refreshing > _REFRESHING:
            return now.ranks, f"on {more.ranks} refreshes take {more.refreshing:.0%} of the trainer's time"
        if n_batches < now.ranks - 1:
            return n_batches + 1, f"there are {n_batches} score batches for the scorers: lower --score-batch-size"
        if now.idle > _IDLE:
            return now.ranks, f"scorers are idle {now.idle:.0%} of the time: all is scored before new parameters come"
        gains = [gain_at(each.age_in_use, table) / each.refresh_seconds * each.refresh_steps for each in (now, more)]
        if gains[1] < _MORE * gains[0]:
            reason = f"{more.ranks} ranks gain {gains[1] / gains[0] - 1:+.1%} in steps a second times variance gain"
            return now.ranks, reason
    return None, "not within these ranks"
