"""Estimate the variance of the gradient under a proposal, as the trace of its covariance.

For a proposal q over N examples with gradients g_n of mean mu, the trace of the covariance of one
drawn ``g / (N q)`` is ``Tr Sigma(q) = mean(omega) mean(|g|^2 / omega) - |mu|^2``: `in use` with the
weights omega that the trainer drew from and fresh norms |g|; `uniform` with omega = 1; `ideal`,
``mean(|g|)^2 - |mu|^2``, with omega = |g|. For M independent draws it is M times smaller;
systematic sampling does better than that.
"""

import numpy as np

from isgd_mpi.settings.saved import Saved

_MEMORY = 0.25  # share of the training set over which the moments are averaged
PAIR_EVERY = 64
"""Steps from one pair of gradients for |mu|^2 to the next; the second one costs 1/64 of the steps."""
_CHUNK = 2**14
_PAIRS_KEPT = 8  # pairs over which |mu|^2 is averaged


class Variance(Saved):
    """Running estimates of the trace of the covariance.

    Parameters
    ----------
    n_examples : int
        Examples N in the training set.
    uniform_probability : float
        Share of the steps whose minibatch is drawn uniformly.

    Notes
    -----
    |mu|^2 is estimated by the dot product of two minibatch gradients, drawn independently at the
    same parameters: its expectation is exact. The square of a mean norm, as in the code of
    arXiv:1511.06481, is too large; the product of two successive steps' gradients is too small by
    the learning rate times the curvature times the noise (it comes out negative on MNIST at 0.1).
    """

    saved = ("_moments", "_squared_mean_gradient", "_n_pairs")

    def __init__(self, n_examples, uniform_probability=0.0):
        self._uniform_probability = uniform_probability
        self._memory = max(1.0, _MEMORY * n_examples)
        self._moments = np.full(3, np.nan)  # of |g|, of |g|^2, of r |g|^2
        self._first_gradient = None  # of a pair
        self._squared_mean_gradient = 0.0
        self._n_pairs = 0

    def observe(self, norms, importance_weights, shares=None):
        """Update the moving averages with fresh gradient norms.

        Parameters
        ----------
        norms : (B,) ndarray
            Fresh gradient norms of B examples.
        importance_weights : (B,) ndarray of float64
            ``mean(omega) / omega`` of the same examples, under the proposal in use.
        shares : (B,) ndarray of float64, optional
            The number of examples that each one stands for: 1 if it was scored without regard to the
            proposal, its importance weight if it was drawn.
        """
        if not len(norms):
            return
        norms = np.asarray(norms, np.float64)
        matter = norms != 0  # an example of norm zero may have weight zero, then its r is infinite
        norms, weights = norms[matter], importance_weights[matter]
        shares = np.ones(len(norms)) if shares is None else shares[matter]
        squared = norms * norms * shares
        fresh = np.array([norms @ shares, squared.sum(), squared @ weights]) / len(matter)
        # a whole training set at once leaves nothing of what was before, nor does infinity last
        kept = max(0.0, 1 - len(matter) / self._memory) if np.isfinite(self._moments).all() else 0.0
        self._moments = fresh if kept == 0 else kept * self._moments + (1 - kept) * fresh

    @property
    def has_half_a_pair(self):
        """True while the second gradient of a pair is missing."""
        return self._first_gradient is not None

    def observe_gradient(self, gradient):
        """Update the estimate of |mu|^2, the moving average of the products of two gradients.

        Parameters
        ----------
        gradient : (P,) ndarray
            Each second call completes a pair, drawn independently at the same parameters. The first
            gradient of a pair is copied.
        """
        if self._first_gradient is None:
            self._first_gradient = np.array(gradient)
            return
        product = float(self._first_gradient @ gradient)
        self._first_gradient = None
        self._n_pairs += 1
        share = 1 / min(self._n_pairs, _PAIRS_KEPT)
        self._squared_mean_gradient += share * (product - self._squared_mean_gradient)

    def traces(self, second_moment_ratio=None):
        """Return the traces of the covariance.

        Parameters
        ----------
        second_moment_ratio : float, optional
            Second moment over that of uniform sampling, of a proposal that takes the place of the one in use.

        Returns
        -------
        dict of float
            ``trace_ideal``, ``trace_in_use``, ``trace_uniform``, ``squared_mean_gradient`` and
            ``variance_gain``, the factor by which a uniform minibatch would have to be larger for the
            same variance. NaN before the first observation. For |mu|^2 its estimate is subtracted,
            kept between its bounds 0 and mean(|g|)^2.
        """
        _, uniform, in_use = map(float, self._moments)
        squared_mean_norm = float(self._moments[0] ** 2)
        if second_moment_ratio is not None:
            in_use = second_moment_ratio * uniform
        in_use += self._uniform_probability * (uniform - in_use)
        squared_mean = float(np.clip(self._squared_mean_gradient, 0.0, squared_mean_norm))
        traces = {
            "trace_ideal": squared_mean_norm - squared_mean,
            "trace_in_use": in_use - squared_mean,
            "trace_uniform": uniform - squared_mean,
            "squared_mean_gradient": self._squared_mean_gradient if self._n_pairs else float("nan"),
        }
        in_use = traces["trace_in_use"]
        traces["variance_gain"] = traces["trace_uniform"] / in_use if in_use > 0 else float("nan")
        return traces


def effective_sample_size(prob_weights):
    """Return the effective sample size of importance weights, as a fraction of their number.

    Parameters
    ----------
    prob_weights : (N,) ndarray
        Unnormalised probabilities of the proposal.

    Returns
    -------
    float
        ``(sum r)^2 / (M sum r^2)`` of a large minibatch: ``1 / E_q[r^2]``, which is
        ``1 / (mean(omega) mean(1 / omega))`` over the examples that can be drawn. 1 if q is uniform.
    """
    n = total = total_inverse = 0.0
    for positive in _positive_chunks(prob_weights):
        n += len(positive)
        total += positive.sum()
        total_inverse += (1 / positive).sum()
    return float(n * n / (total * total_inverse))


def entropy(prob_weights):
    """Return the entropy ``-sum q log q`` of a proposal, in nats; log(N) if it is uniform.

    Parameters
    ----------
    prob_weights : (N,) ndarray
        Unnormalised probabilities, not negative.
    """
    total = weighted_log = 0.0
    for positive in _positive_chunks(prob_weights):
        total += positive.sum()
        weighted_log += positive @ np.log(positive)
    return float(np.log(total) - weighted_log / total)


def _positive_chunks(prob_weights):
    """Yield the positive weights in chunks, whose intermediate arrays fit into the caches."""
    for start in range(0, len(prob_weights), _CHUNK):
        chunk = prob_weights[start : start + _CHUNK]
        yield chunk[chunk > 0]
