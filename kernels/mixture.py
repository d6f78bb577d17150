"""What the squared gradient norms would average to under proposals with other uniform parts."""

from isgd_mpi.kernels._jit import jit


@jit
def add_second_moments(squared_norms, base_weights, shares, mixtures, out):
    """Add each example's ``share |g|^2 / ((1 - lambda) w + lambda)``, for several lambda.

    Parameters
    ----------
    squared_norms : (B,) ndarray of float64
        Fresh squared gradient norms. Where it is zero nothing is added, whatever the weight.
    base_weights : (B,) ndarray of float64
        The examples' probability weights w without uniform part, of mean one over the training set.
    shares : (B,) ndarray of float64
        How many examples each one stands for.
    mixtures : (L,) ndarray of float64
        Uniform parts lambda, in [0, 1].
    out : (L,) ndarray of float64
        Sums, updated in place.
    """
    for n in range(squared_norms.shape[0]):
        squared = shares[n] * squared_norms[n]
        if squared == 0:
            continue
        weight = base_weights[n]
        for k in range(mixtures.shape[0]):
            # w + lambda (1 - w): one multiplication less, and exactly 1 for lambda = 1 up to rounding
            out[k] += squared / (weight + mixtures[k] * (1.0 - weight))
