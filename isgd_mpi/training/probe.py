"""Probe |mu|^2: the products of the gradients of a few examples, which trainer 0 drew, with each other."""

import numpy as np

from isgd_mpi.sampling.variance import squared_mean


class Probe:
    """Estimates the squared norm of the mean gradient, at published parameters.

    Parameters
    ----------
    model : Model
        For this alone.
    dataset : datasets.Dataset
        Examples are drawn from its training set.
    n_rows : int
        Examples of a probe.
    """

    def __init__(self, model, dataset, n_rows):
        self._model = model
        self._dataset = dataset
        self._images = np.empty((n_rows, dataset.n_features), model.params.dtype)
        self._labels = np.empty((n_rows, *dataset.target.row_shape), dataset.target.dtype)

    def __call__(self, published):
        """Return the estimate of |mu|^2 and its variance; see :func:`variance.squared_mean`.

        Parameters
        ----------
        published : () ndarray of records.published_dtype
            Names the examples and their importance weights.
        """
        self._model.params = published["params"]
        self._dataset.gather(published["probe"], self._images, self._labels)
        weights = published["probe_weights"].astype(self._images.dtype)
        return squared_mean(self._model.gradient_products(self._images, self._labels, weights))
