"""Probe |mu|^2: the products of the gradients of a few examples, which trainer 0 drew, with each other."""

import numpy as np

from isgd_mpi.sampling.variance import squared_mean


class Measurement:
    """Measures something on examples that trainer 0 drew, at published parameters.

    Parameters
    ----------
    model : Model
        For this alone.
    dataset : datasets.Dataset
        Examples are drawn from its training set.
    n_rows : int
        Number of examples.
    """

    def __init__(self, model, dataset, n_rows):
        self._model = model
        self._dataset = dataset
        self._images = np.empty((n_rows, dataset.n_features), model.params.dtype)
        self._labels = np.empty((n_rows, *dataset.target.row_shape), dataset.target.dtype)

    def _examples(self, published, name):
        """Return features, targets and weights of the examples that a published record names."""
        self._dataset.gather(published[name], self._images, self._labels)
        return self._images, self._labels, published[f"{name}_weights"].astype(self._images.dtype)


class Probe(Measurement):
    """Estimates the squared norm of the mean gradient; see :class:`Measurement`."""

    def __call__(self, published):
        """Return the estimate of |mu|^2 and its variance; see :func:`variance.squared_mean`.

        Parameters
        ----------
        published : () ndarray of records.published_dtype
            Names the examples and their importance weights.
        """
        self._model.params = published["params"]
        return squared_mean(self._model.gradient_products(*self._examples(published, "probe")))
