"""Estimate the variance of the gradient under a proposal, as the trace of its covariance.

For a proposal q over N examples with gradients g_n of mean mu, the trace of the covariance of one
drawn ``r g``, ``r = 1 / (N q)``, is ``Tr Sigma(q) = E_q[r^2 |g|^2] - |mu|^2``: `in use` with the q
that minibatches are drawn from; `uniform`, ``mean(|g|^2) - |mu|^2``; `ideal`, of the best possible q,
``mean(|g|)^2 - |mu|^2``. For M independent draws it is M times smaller; systematic sampling does
better than that.

Each minibatch gives all three moments, because ``E_q[r |g|] = mean(|g|)`` and ``E_q[r |g|^2] =
mean(|g|^2)``. For |mu|^2 examples are drawn for this alone, a *probe*, and their gradients multiplied
with each other: see :func:`squared_mean`.
"""

import math
from typing import NamedTuple

import numpy as np

from isgd_mpi.kernels.sampling import add_drawn_moments
from isgd_mpi.kernels.windows import N_PROBES, longest_window
from isgd_mpi.settings.saved import Saved

_N_BLOCKS = 64  # the longest window
_LENGTHS = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64])  # of windows that are tried, in blocks
_LEAST = 8.0  # minibatches of a block, and of a window: the scatter of fewer says little
_MOST = 64  # minibatches of a block, where refreshes are rarer
_AGREE = 1.5  # standard errors within which the mean over a window must agree with those over all shorter ones
_KNOWN = 0.25  # largest relative standard error of a figure that counts as known
FIGURES = ("trace_ideal", "trace_in_use", "trace_uniform", "squared_mean_gradient", "variance_gain")
"""Names of the figures that :meth:`Variance.figures` returns, each also with ``_error``."""


def squared_mean(products):
    """Estimate |mu|^2 from the products of the gradients of a probe.

    Parameters
    ----------
    products : (B, B) ndarray
        ``r_i r_j g_i . g_j`` of examples that were drawn independently, B > 4. The diagonal is left out.

    Returns
    -------
    value : float
        ``sum over i != j of products[i, j] / (B (B - 1))``, whose expectation is |mu|^2.
    variance : float
        An estimate of its variance.

    Notes
    -----
    The variance of this U-statistic is ``(2 v + 4 (B - 2) c) / (B (B - 1))``, with v the variance of one product and c
    the covariance of two that share an example [1]_. Both follow from the scatter of the products and of their rows.

    References
    ----------
    .. [1] W. Hoeffding, "A class of statistics with asymptotically normal distribution", 1948.
    """
    products = np.array(products, np.float64)
    n = len(products)
    np.fill_diagonal(products, 0)
    n_pairs = n * (n - 1)
    value = products.sum() / n_pairs
    single, sharing = 2 / n_pairs, 4 * (n - 2) / n_pairs  # the variance is single v + sharing c
    scatter = (products**2).sum() / n_pairs - value**2  # v, less that variance
    scatter_of_rows = products.sum(axis=1).var(ddof=1) / (n - 2)  # v + (n - 4) c
    c = ((1 - single) * scatter_of_rows - scatter) / ((1 - single) * (n - 4) + sharing)
    v = scatter_of_rows - (n - 4) * c
    if c < 0:  # which no covariance of this kind is
        c, v = 0.0, scatter / (1 - single)
    return float(value), float(single * v + sharing * c)


class Window(NamedTuple):
    """Means over the last blocks, with what their standard errors follow from.

    Attributes
    ----------
    means : list of float
        Of |g|, of |g|^2, of r^2 |g|^2 in use, and |mu|^2.
    covariance : list of list of float
        Of these means.
    n : float
        Minibatches.
    """

    means: list
    covariance: list
    n: float

    def error(self, *derivatives):
        """Return the standard error of a function of the means, given its derivatives by them."""
        a, b, c, d = derivatives  # written out: NumPy takes five times as long for four numbers
        rows = [a * row[0] + b * row[1] + c * row[2] + d * row[3] for row in self.covariance]
        variance = a * rows[0] + b * rows[1] + c * rows[2] + d * rows[3]
        return variance if math.isnan(variance) else math.sqrt(max(0.0, variance))  # rounding may leave it negative

    @property
    def ideal(self):
        """The trace of the best possible proposal: the variance of a mean is in its square."""
        return self.means[0] ** 2 - self.covariance[0][0] - self.means[3]


class Variance(Saved):
    """Estimates the traces of the covariance over a window of the last minibatches and probes.

    Both are summed in blocks, about a refresh long. All figures are those of one window, the longest whose
    means agree with the means over each shorter one: so it is long while nothing changes, and short when all does.
    """

    saved = ("_n", "_sums", "_products", "_probes")

    def __init__(self):
        self._blocks = blocks = np.zeros((_N_BLOCKS, N_PROBES + 3))  # the newest one comes first; views of its columns:
        self._n = blocks[:, 0]  # minibatches
        self._sums = blocks[:, 1:4]  # of their means of r |g|, r |g|^2, r^2 |g|^2
        self._products = blocks[:, 4:N_PROBES].reshape(-1, 3, 3)  # sums of the products of these means
        self._probes = blocks[:, N_PROBES:]  # number, sum of the values, sum of the variances
        self._window = None

    def observe(self, norms, importance_weights):
        """Add a minibatch.

        Parameters
        ----------
        norms : (M,) ndarray
            Gradient norms of the drawn examples.
        importance_weights : (M,) ndarray of float64
            The weights r that they were drawn with.

        Returns
        -------
        bool
            Whether the means of r |g|, r |g|^2 and r^2 |g|^2 are finite; if not, nothing is added.
        """
        if self._n[0] >= _MOST:
            self.next_block()
        if not add_drawn_moments(norms, importance_weights, self._sums[0], self._products[0]):
            return False
        self._n[0] += 1
        self._window = None
        return True

    def observe_probe(self, value, variance, age=0):
        """Add a probe to the block of the minibatches that had the same parameters, if there is any.

        Parameters
        ----------
        value, variance : float
            Results of :func:`squared_mean`.
        age : int
            Steps since the probe's parameters.
        """
        block, n_left = 0, max(age, 1)
        while block < _N_BLOCKS and n_left > self._n[block]:
            n_left -= self._n[block]
            block += 1
        if block < _N_BLOCKS and math.isfinite(value) and math.isfinite(variance):
            self._probes[block] += 1, value, variance
            self._window = None

    def next_block(self):
        """Begin a new block, if the newest one has enough minibatches. The oldest one is dropped."""
        if self._n[0] >= _LEAST:
            self._blocks[1:] = self._blocks[:-1]
            self._blocks[0] = 0

    def figures(self):
        """Return the traces of the covariance and what follows from them, with standard errors.

        Returns
        -------
        dict of float
            The FIGURES: ``variance_gain`` is the factor by which a uniform minibatch would have to be larger for the
            same variance. NaN where the standard error is above a quarter of the figure.
        """
        values = {}
        for name, (value, error) in zip(FIGURES, self._estimates()):
            values[name] = if_known(value, error)
            values[f"{name}_error"] = error
        return values

    def _estimates(self):
        """Yield value and standard error of each of the FIGURES, known or not."""
        window = self.window()
        mean, uniform, in_use, squared_mean = window.means
        yield window.ideal, window.error(2 * mean, 0, 0, -1)
        yield in_use - squared_mean, window.error(0, 0, 1, -1)
        yield uniform - squared_mean, window.error(0, 1, 0, -1)
        yield squared_mean, window.error(0, 0, 0, 1)
        yield self._gain()

    def gain(self):
        """Return the variance gain and its standard error; the gain is NaN where it is unknown."""
        gain, error = self._gain()
        return if_known(gain, error), error

    def _gain(self):
        window = self.window()
        _, uniform, in_use, squared_mean = window.means
        lower = in_use - squared_mean
        if not lower > 0:
            return np.nan, np.nan
        gain = (uniform - squared_mean) / lower
        return gain, window.error(0, 1 / lower, -gain / lower, (gain - 1) / lower)

    def gain_with(self, second_moment_ratio):
        """Return the variance gain of a proposal that would take the place of the one in use; NaN if it is unknown.

        Parameters
        ----------
        second_moment_ratio : float
            Its second moment over that of uniform sampling.
        """
        _, uniform, _, squared_mean = self.window().means
        lower = second_moment_ratio * uniform - squared_mean
        return (uniform - squared_mean) / lower if lower > 0 else np.nan

    def squared_norm_ratio(self, minibatch_size):
        """Return the expected ``|g|^2`` of the gradient of a uniform minibatch over that of one in use; NaN if unknown.

        That is ``(Tr Sigma_uniform / M + |mu|^2) / (Tr Sigma_in_use / M + |mu|^2)``, of independent draws.

        Parameters
        ----------
        minibatch_size : int
        """
        if math.isnan(self.gain()[0]):
            return np.nan
        _, uniform, in_use, squared_mean = self.window().means
        common = (minibatch_size - 1) * max(0.0, squared_mean)
        return (uniform + common) / (in_use + common)

    def possible_gain(self):
        """Return the variance gain of the best possible proposal; NaN if it is unknown."""
        window = self.window()
        return (window.means[1] - window.means[3]) / window.ideal if window.ideal > 0 else np.nan

    def second_moment(self):
        """Return the mean of ``|g|^2`` over the training set; NaN if it is unknown."""
        return self.window().means[1]

    def window(self):
        """Return the window of the figures; see :class:`Window`."""
        if self._window is None:
            means, covariance = np.empty(4), np.empty((4, 4))
            n = longest_window(self._blocks, _LENGTHS, _LEAST, _AGREE, means, covariance)
            self._window = Window(means.tolist(), covariance.tolist(), n)
        return self._window


def if_known(value, error):
    """Return a figure, or NaN if its standard error is too large."""
    return value if error <= _KNOWN * abs(value) else np.nan


def effective_sample_size(prob_weights, example_weights=None):
    """Return the effective sample size of importance weights, as a fraction of their number.

    Parameters
    ----------
    prob_weights : (N,) ndarray
        Unnormalised probabilities of the proposal.
    example_weights : (N,) ndarray, optional
        Weights w of the examples, if they have any.

    Returns
    -------
    float
        ``(sum r)^2 / (M sum r^2)`` of a large minibatch: ``1 / E_q[r^2]``, which is
        ``1 / (mean(omega) mean(1 / omega))`` over the examples that can be drawn. 1 if q is uniform.
        With w in it, of the weights ``w r`` of the losses: ``mean(w)^2 / (mean(omega) mean(w^2 / omega))``.
        NaN if no weight is positive, as may be of typical examples.
    """
    if not prob_weights.any():
        return math.nan
    if example_weights is not None:
        own, drawn = example_weights, prob_weights > 0
        squares = (own[drawn] ** 2 / prob_weights[drawn]).sum() / len(own)
        return float(own.mean() ** 2 / (prob_weights.mean() * squares))
    positive = _positive(prob_weights)
    return float(len(positive) ** 2 / (positive.sum() * (1 / positive).sum()))


def distinct_examples(prob_weights, n_examples, minibatch_size, drawing):
    """Return the expected number of distinct examples in a minibatch.

    Parameters
    ----------
    prob_weights : (n,) ndarray
        Unnormalised probabilities of typical examples, or of all.
    n_examples, minibatch_size : int
        N, and M.
    drawing : "systematic" or "multinomial"
        See :func:`isgd_mpi.settings.sampling.drawing_of`.

    Returns
    -------
    float
        ``sum min(1, M q)`` or ``sum 1 - (1 - q)^M``: the sum of the probabilities to be drawn at all. NaN if no weight
        is positive.
    """
    n_alike = n_examples / len(prob_weights)
    total = float(prob_weights.sum()) * n_alike
    if total == 0:
        return math.nan
    if drawing == "systematic":
        certain = total / minibatch_size  # weight from which on an example is drawn each time
        return float(np.minimum(prob_weights, certain).sum()) / certain * n_alike
    return float((1 - (1 - prob_weights / total) ** minibatch_size).sum()) * n_alike


def entropy(prob_weights):
    """Return the entropy ``-sum q log q`` of a proposal, in nats; log(N) if it is uniform, NaN if all weights are 0.

    Parameters
    ----------
    prob_weights : (N,) ndarray
        Unnormalised probabilities, not negative.
    """
    positive = _positive(prob_weights)
    total = float(positive.sum())
    return math.log(total) - float(positive @ np.log(positive)) / total if total > 0 else math.nan


def _positive(prob_weights):
    """Return the positive weights."""
    return prob_weights if prob_weights.min() > 0 else prob_weights[prob_weights > 0]
