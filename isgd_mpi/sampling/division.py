"""Divide ranks into trainers and scorers, so that a given progress is predicted to take the least time.

A division is played by :mod:`isgd_mpi.sampling.forecast` with costs in proportion to those of the machines that were
measured: no clock decides, so that the same job gets the same trainers each time on processors of one vendor. Progress
is that of steps in which a share of the work of a step is spent on noise, which importance sampling divides by its
variance gain.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from isgd_mpi.sampling.forecast import Costs, gain_at, predict
from isgd_mpi.settings.precisions import AMX, AVX512, FLOAT32

_MINIBATCHES = (16, 64, 128, 256, 512)
_TRAINERS = (1, 2, 4, 8, 16)
_SMALL, _LARGE = 669_706, 18_903_050  # parameters
_RATES = np.array(
    [
        [  # the small net's steps a second by minibatch and trainers that cut layers by columns
            [1001, 1332, 2521, 5506, 5648],
            [442, 806, 1343, 1854, 2226],
            [255, 488, 841, 1000, 1222],
            [147, 259, 356, 559, 682],
            [70, 124, 178, 296, 338],
        ],
        [  # the large net's: measured with 128 and 512 examples, the others in proportion to the small net's
            [40, 60, 110, 200, 230],
            [16, 30, 50, 80, 100],
            [9, 17, 28, 49, 60],
            [4, 9, 17, 26, 35],
            [2, 5, 10, 14, 21],
        ],
    ]
)
"""The prototype's steps in float32 on an Intel Xeon (Sapphire Rapids), of up to sixteen trainers."""

_AMX_GAIN = ((0.9, 1.0, 1.25, 1.55, 1.45), (0.9, 1.1, 1.4, 1.7, 2.1))
"""There, steps in bfloat16 by those in float32: the prototype's, mean of 1, 4 and 8 trainers; of the large net with 128
and 512 examples, the others in proportion to the small net's."""

AMD = "AuthenticAMD"
_AMD_RATES = {
    FLOAT32: ((2853, 953, 485, 210, 98), (67, 27, 14, 7.1, 2.3)),
    AVX512: ((3685, 1740, 955, 498, 224), (79, 49, 29, 16, 8.4)),
}
"""Steps a second of one trainer on an AMD EPYC (Zen 5)."""

_SCORING_RATE = {FLOAT32: 0.14e12, AVX512: 0.64e12, AMX: 1.0e12}  # operations/s of a core
_OPERATIONS = 4  # of scoring, for each example and parameter
_MARGIN = 2  # of what is drawn ahead over a refresh with new scores alone: some also sort the order, or catch up
_SPARE_STEPS = 4  # drawn ahead beyond a refresh, for the rest of what trainer 0 does
_AHEAD = 64  # at most this part of the training set is drawn ahead: one example of so many
_DRAW_SECONDS, _DRAWN_SECONDS = 45e-6, 0.35e-6  # trainer 0's part of a step: drawing, learning; for each example of it
_REFRESH_SECONDS = 0.5e-3  # trainer 0's part of a refresh, at least
_SUM_SECONDS, _MERGE_SECONDS = 2e-9, 5e-9  # of it for each example of the training set, and for each new score
_MESSAGE_SECONDS, _WAKE_SECONDS = 13e-6, 50e-6
_GAINS = ((16, 8.0), (64, 5.4), (130, 4.0), (300, 2.7), (600, 1.6), (2000, 1.0))  # by age in steps, MNIST
_HALF_NOISE = 160  # minibatch at which half of the steps of uniform sampling are due to noise
LEAST_RANKS = 4
"""With fewer ranks there is one trainer."""

_LEAST_PART_SECONDS = 1e-4  # a trainer's part of a step, beside which it costs little to wait for the others
_WORTH = 1.05  # progress by that of fewer trainers which makes more of them worth it
_TRIED = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


@dataclass(frozen=True)
class Work:
    """The sizes of a job that a division follows from.

    Attributes
    ----------
    n_ranks, n_on_node, n_cores : int
        Ranks of the job, and of trainer 0's node; cores of that node, by the threads of a rank.
    n_params, minibatch_size, n_examples, score_batch_size, refresh_every : int
    arithmetic, train_arithmetic : str
        Of scoring and of training; see :func:`arithmetic.fastest_arithmetic`.
    vendor : str
        Of trainer 0's processor; see :class:`processor.Processor`.
    """

    n_ranks: int
    n_on_node: int
    n_cores: int
    n_params: int
    minibatch_size: int
    n_examples: int
    score_batch_size: int
    refresh_every: int
    arithmetic: str
    train_arithmetic: str = FLOAT32
    vendor: str = ""


class Division(NamedTuple):
    """A number of trainers, and whether the first of them feeds the others in place of computing."""

    n_trainers: int
    feeds: bool = False


def best_division(work, ways=(False, True)):
    """Return the division with the most predicted progress, and that progress by one trainer's.

    Parameters
    ----------
    work : Work
    ways : sequence of bool
        Values to choose from for whether trainer 0 feeds; one trainer alone does not, so that it takes three ranks.

    Returns
    -------
    division : Division
    gain : float
    """
    parts = max(1, most_parts(step_seconds(work, 1)))
    most = min(work.n_on_node, work.n_ranks - 1, work.n_cores)
    divisions = [Division(n, feeds) for n in _TRIED if n <= most for feeds in ways if feeds < n and n - feeds <= parts]
    first = progress(work, 1)
    best, *others = divisions
    for division in others:
        if progress(work, *division) > _WORTH * progress(work, *best):
            best = division
    return best, progress(work, *best) / first


def steps_ahead(n_examples, minibatch_size, step_seconds):
    """Return the steps that trainer 0 orders ahead where it feeds, so that a refresh does not stop the others.

    Parameters
    ----------
    n_examples, minibatch_size : int
    step_seconds : float
        Time of a step of those that it feeds; see :func:`step_seconds`.

    Notes
    -----
    Minibatches are drawn by scores that are older by these steps. Up to a 64th of the training set no cost of that
    was measured; beyond, variance grows: docs/performance-feeder.md.
    """
    refresh = _REFRESH_SECONDS + (_SUM_SECONDS + _MERGE_SECONDS) * n_examples
    return min(math.ceil(_MARGIN * refresh / step_seconds) + _SPARE_STEPS, n_examples // (_AHEAD * minibatch_size))


def feeding_pays(work, n_trainers):
    """Return whether the first of some trainers, at most as many as ranks, had better feed the others."""
    if n_trainers == work.n_ranks:
        return step_seconds(work, n_trainers, feeds=True) < step_seconds(work, n_trainers)
    return progress(work, n_trainers, feeds=True) > progress(work, n_trainers)


def most_parts(step_seconds):
    """Return the number of trainers that a step of one trainer is worth cutting into, perhaps 0."""
    return int(step_seconds / _LEAST_PART_SECONDS)


def progress(work, n_trainers, feeds=False):
    """Return the predicted progress a second, in steps without noise.

    Parameters
    ----------
    work : Work
    n_trainers : int
        Fewer than the ranks.
    feeds : bool
        Whether the first of them feeds the others.
    """
    costs = costs_of(work, n_trainers, feeds)
    played = predict(costs, work.n_ranks, work.n_on_node, n_trainers)
    noise = 1 / (1 + work.minibatch_size / _HALF_NOISE)
    return played.refresh_steps / played.refresh_seconds / (noise / gain_at(played.age_in_use, _GAINS) + 1 - noise)


def costs_of(work, n_trainers, feeds=False):
    """Return the costs of a job's parts, in proportion to those of the machines that were measured.

    A trainer 0 that feeds takes refreshes off the trainers' time, unless it comes to its own limit.
    """
    costs = Costs(
        n_examples=work.n_examples,
        batch_size=work.score_batch_size,
        refresh_every=work.refresh_every,
        params_bytes=4 * work.n_params,
        report_bytes=5 * work.n_examples,
        step_seconds=step_seconds(work, n_trainers, feeds),
        score_seconds=_OPERATIONS * work.n_params / _SCORING_RATE.get(work.arithmetic, _SCORING_RATE[FLOAT32]),
        publish_seconds=_REFRESH_SECONDS + _SUM_SECONDS * work.n_examples,
        message_seconds=_MESSAGE_SECONDS,
        merge_seconds=_MERGE_SECONDS,
        wake_seconds=_WAKE_SECONDS,
        copy_seconds=0.0,
        cores=work.n_cores,
        network_seconds=50e-6,
        network_bytes_per_second=1e9,
    )
    if not feeds:
        return costs
    return replace(costs, publish_seconds=0.0, message_seconds=0.0, merge_seconds=0.0)


def step_seconds(work, n_trainers, feeds=False):
    """Return the seconds of a step of a job's trainers in their arithmetic, without refreshes; see :func:`progress`."""
    of_trainer_0 = _DRAW_SECONDS + _DRAWN_SECONDS * work.minibatch_size
    alone = 1 / steps_per_second(work.vendor, work.train_arithmetic, work.n_params, work.minibatch_size)
    if work.vendor == AMD:  # where trainer 0's part is in the steps that were measured
        alone = max(alone / 2, alone - of_trainer_0)
    computing = alone / trainers_gain(alone, max(1, n_trainers - feeds))
    return max(of_trainer_0, computing) if feeds else of_trainer_0 + computing


def trainers_gain(step_seconds, n_trainers):
    """Return the steps a second of trainers by those of one, whose step takes some time.

    Trainers meet several times in a step. What that costs hangs on the time between, not on the net, the minibatch, the
    arithmetic or the processor.

    Parameters
    ----------
    step_seconds : float
    n_trainers : int
    """
    rates = np.concatenate(_RATES)  # the steps of the large net are all longer
    gains = [np.interp(np.log2(n_trainers), np.log2(_TRAINERS), np.log(row / row[0])) for row in rates]
    return float(np.exp(np.interp(np.log(step_seconds), -np.log(rates[:, 0]), gains)))


def steps_per_second(vendor, arithmetic, n_params, minibatch_size):
    """Return the steps a second of one trainer, between and beyond those that were measured.

    Parameters
    ----------
    vendor : str
        See :class:`processor.Processor`. The figures of the Xeon stand for those that were not measured.
    arithmetic : str
        That of training; float32 stands for a model's own.
    n_params, minibatch_size : int
    """
    rates = [np.interp(np.log(minibatch_size), np.log(_MINIBATCHES), np.log(row)) for row in _table(vendor, arithmetic)]
    rate = np.exp(np.interp(np.log(n_params), np.log([_SMALL, _LARGE]), rates))
    outside = n_params / np.clip(n_params, _SMALL, _LARGE)
    rows = max(1.0, minibatch_size / _MINIBATCHES[-1])
    return float(rate / (outside * rows))


def _table(vendor, arithmetic):
    """Return the steps a second of one trainer, of both nets by minibatch."""
    in_float32 = np.array(_AMD_RATES[FLOAT32]) if vendor == AMD else _RATES[:, :, 0]
    if arithmetic == AMX:
        return in_float32 * _AMX_GAIN
    if arithmetic == AVX512:  # the gain of the one processor on which it was measured
        return in_float32 * np.divide(_AMD_RATES[AVX512], _AMD_RATES[FLOAT32])
    return in_float32
