"""From scores to a proposal, from the proposal to a minibatch and its importance weights.

With probability weights omega and the proposal q = omega / sum(omega), the mean over a minibatch
drawn from q of ``r_n g_n``, ``r_n = 1 / (N q_n)``, has the mean gradient of the training set as its
expectation, for every q that is positive where the gradient is not zero [1]_. Stale, rounded or
smoothed scores bias nothing, because r is that of the q really drawn from: they cost variance.

Where examples have weights w of mean one, the gradient wanted is the mean of ``w_n g_n``. The minibatch's mean is that
of ``w_n r_n g_n``, and q is proportional to ``w_n`` times the mixed scores: all this holds for ``w_n g_n``.

References
----------
.. [1] G. Alain et al., "Variance reduction in SGD by distributed importance sampling",
   arXiv:1511.06481, 2015.
"""

import math

import numpy as np

from isgd_mpi.kernels.sampling import counting_sort, cumulative_sum, search, systematic_search

# Levels of float32 weights in the stratified order: eight in each octave from 2**-12 to 2**8.
_LEVEL_SHIFT, _LOWEST_LEVEL, _N_LEVELS = 20, (127 - 12) * 8, 160
_MOST_COUNTERS = 2**16  # counters that fit into a core's caches: one pass over the examples, else three


def prob_weights_from_scores(scores, smoothing=0.0, power=1.0):
    """Turn scores into probability weights of mean one.

    Parameters
    ----------
    scores : (N,) ndarray of float64
        Not negative. Overwritten by the result.
    smoothing : float
        Constant c added to every score, in the scores' unit (after the power).
    power : float
        Exponent alpha of the scores, not negative.

    Returns
    -------
    prob_weights : (N,) ndarray of float64
        ``(s^alpha + c) / mean(s^alpha + c)``.

    Raises
    ------
    ValueError
        If the scores are not finite or sum to zero: the proposal cannot be formed.
    """
    if power != 1:
        np.power(scores, power, out=scores)
    mean = check_level(scores.mean() + smoothing)
    if smoothing:
        scores += smoothing
    scores /= mean
    return scores


def check_level(mean):
    """Return the mean of smoothed scores; raise ValueError if it is zero or not finite: no proposal can be formed."""
    if not (math.isfinite(mean) and mean > 0):
        raise ValueError("all scores are zero" if mean == 0 else f"scores are not finite, their mean is {mean}")
    return mean


def mix(prob_weights, mixture, example_weights=None):
    """Mix a proposal with the uniform one, or with that of the examples' weights.

    Parameters
    ----------
    prob_weights : (N,) ndarray of float64
        Weights omega of mean one.
    mixture : float
        Uniform part lambda, in [0, 1]; bounds every importance weight by 1/lambda.
    example_weights : (N,) ndarray of float64, optional
        The weights w of the examples, of mean one, if they have any.

    Returns
    -------
    (N,) ndarray of float64
        ``(1 - lambda) omega + lambda w`` with w = 1 if not given, of mean one; a new array.
    """
    mixed = prob_weights * (1 - mixture)
    mixed += mixture if example_weights is None else mixture * example_weights
    return mixed


def biased_weights(importance_weights, exponent, renormalises=True):
    """Raise importance weights to a power, and renormalise them over the minibatch if wanted.

    Parameters
    ----------
    importance_weights : (M,) ndarray of float64
        The weights r of the drawn examples.
    exponent : float
        k, at most 1. With 1 the weights stay and the gradient is unbiased, with 0 all weights are equal;
        a negative one gives examples that are drawn often even more weight.
    renormalises : bool
        Whether the weights are divided as in the formula.

    Returns
    -------
    (M,) ndarray of float64
        ``r^k M / sum(r^(k - 1))``; without renormalisation ``r^k``.

    Notes
    -----
    In arXiv:1706.00043 the weights are ``w^k sum(w s) / sum(w^k s)``, so that the weighted loss stays
    comparable. With s the weights that were drawn by, ``w s`` is the same for all, and what remains
    is the formula above.
    """
    if exponent == 1:
        return importance_weights
    powers = importance_weights**exponent
    if not renormalises:
        return powers
    return powers * (len(powers) / (powers / importance_weights).sum())


def stratified_order(strata, predictions, weights, n_strata):
    """Order the examples by stratum, such as the class, then predicted one, then weight.

    Parameters
    ----------
    strata, predictions : (N,) ndarray of int
        In 0..n_strata-1.
    weights : (N,) ndarray of float32
        Not negative, of mean one; those of one stratum and prediction are ordered by steps of a ninth, from 1/4096
        to 256 times the mean.
    n_strata : int

    Returns
    -------
    order : (N,) ndarray of int64
        A permutation. Systematic sampling along it takes similar examples one after the other,
        which is where its lower variance comes from; in random order it gains nothing.
    """
    level = (weights.view(np.int32) >> _LEVEL_SHIFT) - _LOWEST_LEVEL  # exponent and leading bits of the mantissa
    np.clip(level, 0, _N_LEVELS - 1, out=level)
    if n_strata**2 * _N_LEVELS <= _MOST_COUNTERS:
        keys = (strata * np.int32(n_strata) + predictions) * np.int32(_N_LEVELS) + level
        return _sorted(np.arange(len(strata)), keys, n_strata**2 * _N_LEVELS)
    order = _sorted(np.arange(len(strata)), level, _N_LEVELS)
    return _sorted(_sorted(order, predictions, n_strata), strata, n_strata)


def _sorted(order, keys, n_keys):
    """Return an order, (N,) ndarray of int64, sorted by keys in 0..n_keys-1 with equal ones left as they are."""
    out = np.empty(len(order), np.int64)
    counting_sort(keys, order, np.empty(n_keys, np.int64), out)
    return out


class Proposal:
    """A distribution over the training set to draw minibatches from. Immutable.

    Parameters
    ----------
    base_weights : (N,) ndarray of float64
        Unnormalised probabilities, of mean one if there is a uniform part. Becomes read-only.
    order : (N,) ndarray of int
        The order in which systematic sampling walks over the examples.
    mixture : float
        Uniform part lambda: the probability weights are those of :func:`mix`.
    example_weights : (N,) ndarray of float64, optional
        What the uniform part is proportional to, if the examples have weights: one of weight zero is then never drawn,
        if its base weight is zero, too.
    """

    def __init__(self, base_weights, order, mixture=0.0, example_weights=None):
        base_weights.flags.writeable = False
        self._base_weights = base_weights
        self._example_weights = example_weights
        self._order = order
        self._cumulative_base = _cumulative(base_weights, order)
        self._cumulative_examples = None if example_weights is None else _cumulative(example_weights, order)
        self._set_mixture(mixture)

    def _set_mixture(self, mixture):
        self._mixture = mixture
        self._searched = self._cumulative_base, mixture
        self._mean_weight = (1 - mixture) * self._cumulative_base[-1] / len(self._order) + mixture
        if self._example_weights is not None:
            mixed = mix(self._cumulative_base, mixture, self._cumulative_examples)
            self._searched = mixed, 0.0
            self._mean_weight = mixed[-1] / len(self._order)

    def with_mixture(self, mixture):
        """Return this proposal with another uniform part, without summing the weights again."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)  # what copy() does, in a quarter of the time
        other._set_mixture(mixture)
        return other

    @property
    def prob_weights(self):
        """Unnormalised probabilities omega of all examples, (N,) ndarray of float64, read-only."""
        if self._mixture == 0:
            return self._base_weights
        weights = mix(self._base_weights, self._mixture, self._example_weights)
        weights.flags.writeable = False
        return weights

    @property
    def n_examples(self):
        """The number of examples that are in the order, and can be drawn unless their weight is zero."""
        return len(self._order)

    def typical_rows(self, n_least):
        """Return some examples, evenly spaced in the order of the proposal.

        Parameters
        ----------
        n_least : int
            At least this many are returned, or all if there are fewer.
        """
        return self._order[self._typical(n_least)]

    def _typical(self, n_least):
        """Return the places of some examples in the order, a slice."""
        stride = max(1, len(self._order) // n_least)
        return slice(stride // 2, len(self._order), stride)  # from the middle on: weights rise along parts of the order

    def typical_weights(self, n_least):
        """Return the probability weights omega of the :meth:`typical_rows`, (n,) ndarray of float64."""
        return self.prob_weights_of(self.typical_rows(n_least))

    def prob_weights_of(self, rows):
        """Return the probability weights omega of some examples."""
        own = None if self._example_weights is None else self._example_weights[rows]
        return mix(self._base_weights[rows], self._mixture, own)

    def draw(self, size, sampling, rng):
        """Draw a minibatch.

        Parameters
        ----------
        size : int
            Examples M to draw, with replacement.
        sampling : "systematic" or "multinomial"
            M equidistant points with one uniform offset, or M independent draws. Both expect
            example n to be drawn M q_n times, so both are unbiased with the same weights.
        rng : numpy.random.Generator
            Advanced by one draw or by M.

        Returns
        -------
        indices : (M,) ndarray of int64
            The examples.
        importance_weights : (M,) ndarray of float64
            ``1 / (N q)`` of each.
        """
        positions = np.empty(size, np.int64)
        if sampling == "systematic":
            systematic_search(*self._searched, rng.random(), positions)
        else:
            search(*self._searched, rng.random(size), positions)
        indices = self._order[positions]
        return indices, self.importance_weights(indices)

    def importance_weights(self, indices):
        """Return the importance weights ``p / q = mean(omega) / omega`` of some examples."""
        return self._mean_weight / self.prob_weights_of(indices)


def _cumulative(weights, order):
    """Return the running sum of weights along an order, (N,) ndarray of float64."""
    out = np.empty(len(order))
    cumulative_sum(weights, order, out)
    return out
