"""Predict how much sooner importance sampling comes to a training loss than uniform sampling on the same ranks.

Noise bounds the learning rate. At a rate e it adds ``e Tr Sigma / (4 M)`` to the loss L, and beyond some rate no step
is stable. To come from 100 times L to L in the least time, the noise may be 7/8 of L: a lower rate costs more than it
saves. With a rate between both bounds, ``e_max / (1 + M_c / M)``, the steps to a loss are in proportion to ``1 + M_c /
M``, as McCandlish et al. 2018 (arXiv:1812.06162) have it, with the critical minibatch ``M_c = e_max Tr Sigma / (3.5
L)``. Their noise scale has ``|mu|^2`` for ``3.5 L / e_max``. At a good rate the mean gradient is soon near zero, and it
is far too large. Importance sampling divides Tr Sigma by its gain, and gives away ranks that could train.

The gain falls as scores grow old, counted in steps times learning rate: of the variance that the best proposal saves,
the share ``1 - exp(-age / lifetime)`` is back. That is within a tenth of the gains that were measured on MNIST at ages
of 16 to 600 steps (:mod:`isgd_mpi.sampling.division`), with a lifetime of 750.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from isgd_mpi.sampling.division import Work, costs_of, most_parts, trainers_gain
from isgd_mpi.sampling.forecast import predict
from isgd_mpi.settings.precisions import FLOAT32, TRAINS_FROM

RANKS = (2, 4, 8, 16, 32, 64)
MINIBATCHES = (16, 32, 64, 128, 256, 512)
_MOST_NOISE = 7 / 8  # of the loss
_TURNS = 30  # until gain and learning rate, which follow from each other, stand still


@dataclass(frozen=True)
class Measured:
    """The figures of a run that a prediction follows from.

    Attributes
    ----------
    work : division.Work
        The sizes of the run; its numbers of ranks do not matter.
    step_seconds, score_seconds : float
        A step of the one trainer; scoring an example.
    possible_gain, gain : float
        Of the best proposal, and the one in use.
    age : float
        Of the scores that were drawn by, in steps.
    rate : float
        Learning rate.
    largest_rate : float
        e_max.
    critical_minibatch : float
        M_c, of uniform sampling.
    """

    work: Work
    step_seconds: float
    score_seconds: float
    possible_gain: float
    gain: float
    age: float
    rate: float
    largest_rate: float
    critical_minibatch: float

    @property
    def lifetime(self):
        """Return the lifetime of a score, in steps times learning rate."""
        possible = max(self.possible_gain, 1 + 1e-9)
        lost = (1 / self.gain - 1 / possible) / (1 - 1 / possible)
        return self.age * self.rate / -math.log(1 - min(max(lost, 1e-3), 1 - 1e-3))

    def gain_at(self, age):
        """Return the gain with scores of an age in steps times learning rate."""
        possible = max(self.possible_gain, 1.0)
        lost = 1 - math.exp(-age / self.lifetime)
        return 1 / (1 / possible + (1 - 1 / possible) * lost)


def critical_minibatch(largest_rate, trace, loss):
    """Return M_c: the minibatch at which half of the steps are due to noise.

    Parameters
    ----------
    largest_rate : float or ndarray
        e_max.
    trace : float or ndarray
        Of the covariance of a uniformly drawn gradient.
    loss : float or ndarray
    """
    return largest_rate * trace / (4 * _MOST_NOISE * loss)


class Arrangement(NamedTuple):
    """A way to use ranks, with the progress that it makes.

    Attributes
    ----------
    progress : float
        Steps without noise that the steps of a second are worth.
    share : float
        Of a step's work that is not spent on noise.
    minibatch_size, n_trainers : int
    gain : float
        1 for uniform sampling.
    """

    progress: float
    share: float
    minibatch_size: int
    n_trainers: int
    gain: float = 1.0


def best_uniform(measured, n_ranks):
    """Return the best arrangement of uniform sampling: any number of trainers."""
    return max(
        _uniform(measured, n_ranks, size, n)
        for size in MINIBATCHES
        for n in _numbers_of_trainers(measured, n_ranks, size)
    )


def _uniform(measured, n_ranks, size, n_trainers):
    share = _share(measured, size, 1.0)
    return Arrangement(share / _costs(measured, n_ranks, size, n_trainers).step_seconds, share, size, n_trainers)


def best_importance(measured, n_ranks):
    """Return the best arrangement of importance sampling: at least one rank scores."""
    return max(
        _importance(measured, n_ranks, size, n)
        for size in MINIBATCHES
        for n in _numbers_of_trainers(measured, n_ranks - 1, size)
    )


def _importance(measured, n_ranks, size, n_trainers):
    played = predict(_costs(measured, n_ranks, size, n_trainers), n_ranks, n_ranks, n_trainers)
    age, gain = played.staleness + played.refresh_steps / 2, 1.0
    for _ in range(_TURNS):
        gain = (gain + measured.gain_at(age * measured.largest_rate * _share(measured, size, gain))) / 2
    share = _share(measured, size, gain)
    return Arrangement(share * played.refresh_steps / played.refresh_seconds, share, size, n_trainers, gain)


def _share(measured, size, gain):
    """Return the share of a step's work that is not spent on noise."""
    return 1 / (1 + measured.critical_minibatch / (gain * size))


def _costs(measured, n_ranks, size, n_trainers):
    """Return the costs of a job whose ranks have a core each, in the run's proportion to those of other machines."""
    own = measured.work
    arithmetic = own.train_arithmetic if size >= TRAINS_FROM.get(own.train_arithmetic, 0) else FLOAT32
    work = replace(own, n_ranks=n_ranks, n_on_node=n_ranks, n_cores=n_ranks, minibatch_size=size,
                   train_arithmetic=arithmetic)  # fmt: skip
    costs = costs_of(work, 1)
    seconds = measured.step_seconds * costs.step_seconds / costs_of(own, 1).step_seconds
    return replace(
        costs, step_seconds=seconds / trainers_gain(seconds, n_trainers), score_seconds=measured.score_seconds
    )


def _numbers_of_trainers(measured, most, size):
    """Return numbers of trainers that a step is worth being cut into: powers of two, and all."""
    most = max(1, min(most, most_parts(_costs(measured, 2, size, 1).step_seconds)))
    return sorted({2**k for k in range(most.bit_length())} | {most})
