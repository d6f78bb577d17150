"""From scores to probability weights by methods of the literature, as ways to form our proposal.

All depend on the scores by their order alone, or by the side of their mean that they are on. Scores are losses unless
the user asks for others. With the probability q that follows from the weights here, the weights ``r = 1 / (N q)``
make the gradient unbiased, whatever the scores.

What each of them does with the losses of drawn examples:

* ``rank`` [1]_: no weights; here r.
* ``infobatch`` [2]_: the weight ``1 / (1 - p)`` for scores below the mean that are kept, which is in proportion to r.
* ``selective-backprop`` [3]_: no weights, so that gradients are biased towards large losses.
* ``rho`` [4]_: no weights, so that they are biased towards losses that other examples would not have taught.

References
----------
.. [1] I. Loshchilov, F. Hutter, "Online batch selection for faster training of neural networks", arXiv:1511.06343.
.. [2] Z. Qin et al., "InfoBatch: lossless training speed up by unbiased dynamic data pruning", arXiv:2303.04947.
.. [3] A. Jiang et al., "Accelerating deep learning by focusing on the biggest losers", arXiv:1910.00762.
.. [4] S. Mindermann et al., "Prioritized training on points that are learnable, worth learning, and not yet learnt",
   arXiv:2206.07137.
"""

import math

import numpy as np

from isgd_mpi.kernels.sampling import counting_sort, shared_ranks

_FIRST_PRESSURE = 100.0  # of rank, [1]: falls to 1 over the run
_PRUNED = 0.5  # of infobatch, [2]: the share of the scores below the mean that is left out
_PRUNED_UNTIL = 0.875  # of infobatch, [2]: the share of the run after which nothing is left out any more
_CANDIDATES = 10  # of rho, [4]: for each example of a minibatch
_MOST_POINTS = 2**14  # of the table of rho: losses of two ranks in as many are as good as equal
_HALF = 16  # bits that are sorted at a time


def weighting_of(config, irreducible_losses=None):
    """Return the function from scores to probability weights that ``--sampling`` names.

    Parameters
    ----------
    config : config.Config
    irreducible_losses : (N,) ndarray of float32, optional
        Losses of the reference model, for ``rho``; they may be filled in later.

    Returns
    -------
    callable or None
        Takes the scores, (N,) ndarray, and the share of the run that is over, 0 if it is not known. Returns weights,
        (N,) ndarray of float64, of no particular mean. None if weights are proportional to the scores.
    """
    if config.sampling == "rho":
        chances = chances_of_selection(len(irreducible_losses), config.minibatch_size)
        return lambda losses, _: _at(chances, falling_ranks(losses - irreducible_losses) / len(losses))
    return {
        "rank": lambda scores, progress: rank_weights(scores, _FIRST_PRESSURE ** (1 - progress)),
        "infobatch": lambda scores, progress: infobatch_weights(scores, _PRUNED if progress < _PRUNED_UNTIL else 0.0),
        "selective-backprop": lambda scores, _: selective_backprop_weights(scores),
    }.get(config.sampling)


def rank_weights(scores, pressure):
    """Return weights that fall exponentially with the rank, arXiv:1511.06343.

    Parameters
    ----------
    scores : (N,) ndarray
    pressure : float
        Selection pressure s_e, at least 1: the ratio of the largest to the smallest weight, for large N.

    Returns
    -------
    (N,) ndarray of float64
        ``exp(-log(s_e) / N rank)``, where the rank is 0 for the largest score.
    """
    ranks = falling_ranks(scores)
    ranks *= -math.log(pressure) / len(ranks)
    return np.exp(ranks, out=ranks)


def infobatch_weights(scores, pruned):
    """Return the probabilities of being kept, arXiv:2303.04947.

    Parameters
    ----------
    scores : (N,) ndarray
    pruned : float
        Probability r that a score below the mean is left out.

    Returns
    -------
    (N,) ndarray of float64
        ``1 - r`` for scores below the mean, and 1 for the others.
    """
    return np.where(scores < scores.mean(), 1 - pruned, 1.0)


def selective_backprop_weights(scores):
    """Return the probabilities of being accepted, arXiv:1910.00762, with the exponent ``beta = 1``.

    Parameters
    ----------
    scores : (N,) ndarray

    Returns
    -------
    (N,) ndarray of float64
        ``CDF(score)``: the share of the scores that are smaller, and half of those that are equal.
    """
    n = len(scores)
    return (n - 0.5 - falling_ranks(scores)) / n


def chances_of_selection(n_examples, minibatch_size):
    """Return the probability of being among the largest tenth of random candidates, arXiv:2206.07137.

    There a minibatch is the M examples of largest reducible loss among 10 M that are drawn uniformly. An example that
    a share u of all has larger reducible losses than is taken if at most M - 1 of the other 10 M - 1 are larger: a sum
    of the binomial distribution.

    Parameters
    ----------
    n_examples, minibatch_size : int
        N and M.

    Returns
    -------
    (L + 1,) ndarray of float64
        ``sum over k < M of C(10 M - 1, k) u^k (1 - u)^(10 M - 1 - k)`` for the shares u = 0, 1 / L, .., 1.
    """
    n_points, n_others = min(2 * n_examples, _MOST_POINTS), _CANDIDATES * minibatch_size - 1
    u = np.arange(1, n_points) / n_points
    log_u, log_rest = np.log(u), np.log1p(-u)
    chances = np.zeros(n_points + 1)
    chances[0] = 1
    for k in range(minibatch_size):
        log_choices = math.lgamma(n_others + 1) - math.lgamma(k + 1) - math.lgamma(n_others - k + 1)
        chances[1:-1] += np.exp(log_choices + k * log_u + (n_others - k) * log_rest)
    return chances


def _at(table, shares):
    """Return the values of a table over [0, 1] at the points next to some shares; overwrites the shares."""
    shares *= len(table) - 1
    shares += 0.5
    return table[shares.astype(np.int32)]


def falling_ranks(scores):
    """Return the ranks of scores, 0 for the largest; equal ones share the mean of their ranks.

    Parameters
    ----------
    scores : (N,) ndarray
        Finite; compared as float32.

    Returns
    -------
    (N,) ndarray of float64
    """
    scores = np.add(scores, 0, dtype=np.float32)  # + 0: no negative zero, whose bits differ
    ranks = np.empty(len(scores))
    shared_ranks(scores, _falling_order(scores), ranks)
    return ranks


def _falling_order(scores):
    """Return an order, (N,) ndarray of int64, in which float32 scores do not rise: by the halves of their bits."""
    bits = (-scores).view(np.int32)
    bits ^= (bits >> 31) & np.int32(0x7FFFFFFF)  # the bits of negative numbers rise as these fall
    order, room = np.arange(len(scores)), np.empty(2**_HALF, np.int64)
    for keys in (bits & np.int32(2**_HALF - 1), (bits >> _HALF) + np.int32(2 ** (_HALF - 1))):
        order, unsorted = np.empty_like(order), order
        counting_sort(keys, unsorted, room, order)
    return order
