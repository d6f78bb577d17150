"""Divide ranks into trainers and scorers, so that a given progress is predicted to take the least time.

A division is played by :mod:`isgd_mpi.sampling.forecast` with costs in proportion to those of the machines that were
measured: no clock decides, so that the same job gets the same trainers each time on processors of one vendor. Progress
is that of steps in which a share of the work of a step is spent on noise, which importance sampling divides by its
variance gain.
"""

from dataclasses import dataclass

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
_PUBLISH_SECONDS, _MESSAGE_SECONDS, _MERGE_SECONDS, _WAKE_SECONDS = 20e-6, 13e-6, 13e-9, 50e-6
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


def best_trainers(work):
    """Return the number of trainers with the most predicted progress, and that progress by one trainer's.

    Parameters
    ----------
    work : Work

    Returns
    -------
    n_trainers : int
    gain : float
    """
    parts = most_parts(1 / _steps_per_second(work, 1))
    most = min(work.n_on_node, work.n_ranks - 1, work.n_cores, parts)
    best, first = 1, progress(work, 1)
    for n_trainers in (n for n in _TRIED if 1 < n <= most):
        if progress(work, n_trainers) > _WORTH * progress(work, best):
            best = n_trainers
    return best, progress(work, best) / first


def most_parts(step_seconds):
    """Return the number of trainers that a step of one trainer is worth cutting into, perhaps 0."""
    return int(step_seconds / _LEAST_PART_SECONDS)


def progress(work, n_trainers):
    """Return the predicted progress a second, in steps without noise.

    Parameters
    ----------
    work : Work
    n_trainers : int
        Fewer than the ranks.
    """
    costs = costs_of(work, n_trainers)
    played = predict(costs, work.n_ranks, work.n_on_node, n_trainers)
    noise = 1 / (1 + work.minibatch_size / _HALF_NOISE)
    return played.refresh_steps / played.refresh_seconds / (noise / gain_at(played.age_in_use, _GAINS) + 1 - noise)


def costs_of(work, n_trainers):
    """Return the costs of a job's parts, in proportion to those of the machines that were measured."""
    return Costs(
        n_examples=work.n_examples,
        batch_size=work.score_batch_size,
        refresh_every=work.refresh_every,
        params_bytes=4 * work.n_params,
        report_bytes=5 * work.n_examples,
        step_seconds=1 / _steps_per_second(work, n_trainers),
        score_seconds=_OPERATIONS * work.n_params / _SCORING_RATE.get(work.arithmetic, _SCORING_RATE[FLOAT32]),
        publish_seconds=_PUBLISH_SECONDS,
        message_seconds=_MESSAGE_SECONDS,
        merge_seconds=_MERGE_SECONDS,
        wake_seconds=_WAKE_SECONDS,
        copy_seconds=0.0,
        cores=work.n_cores,
        network_seconds=50e-6,
        network_bytes_per_second=1e9,
    )


def _steps_per_second(work, n_trainers):
    """Return the steps a second of a job's trainers in their arithmetic."""
    rate = steps_per_second(work.vendor, work.train_arithmetic, work.n_params, work.minibatch_size)
    return rate * trainers_gain(1 / rate, n_trainers)


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
