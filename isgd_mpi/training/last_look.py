"""Measure single examples with the last parameters: the norm of the gradient, the loss, the prediction."""

import numpy as np

_PREDICTIONS = {"classes": np.int32, "labels": np.uint8, "numbers": np.float32}

ROWS = 1024
"""Examples that are measured at a time."""


def example_dtype(target, predicts):
    """Return the dtype of an example's figures.

    Parameters
    ----------
    target : isgd_mpi.data.target.Target
    predicts : bool
        Whether there are predictions.

    Returns
    -------
    numpy.dtype
        ``grad_norm``, ``loss``; ``prediction``: the number of the class, or labels, or standardised numbers.
    """
    figures = [("grad_norm", np.float32), ("loss", np.float32)]
    return np.dtype(figures + [("prediction", _PREDICTIONS[target.kind], target.row_shape)] * predicts)


class LastLook:
    """Measures the examples of any split, in float32.

    Parameters
    ----------
    model : Model
        With the last parameters; its scores are gradient norms. Takes ROWS examples a call.
    trained : isgd_mpi.model.trained.TrainedModel
        The same model, which predicts.
    dataset : datasets.Dataset
    idle : callable or None
        Called after each ROWS examples.

    Attributes
    ----------
    dtype : numpy.dtype
        See :func:`example_dtype`.
    """

    def __init__(self, model, trained, dataset, idle=None):
        self._model, self._trained, self._dataset = model, trained, dataset
        self._idle = idle
        self._images = np.empty((ROWS, dataset.n_features), np.float32)
        self.dtype = example_dtype(dataset.target, trained.predicts)

    def measure(self, split, start, stop):
        """Measure consecutive examples of a split.

        Parameters
        ----------
        split : str
        start, stop : int

        Returns
        -------
        (stop - start,) ndarray of `dtype`
        """
        measured, first = np.empty(stop - start, self.dtype), 0
        for x, y in self._dataset.pieces(split, start, stop, self._images):
            rows = measured[first : first + len(y)]
            rows["grad_norm"], rows["loss"], _ = self._model.scores(x, y)
            if self._trained.predicts:
                rows["prediction"] = self._trained.decide(x)
            first += len(y)
            if self._idle is not None:
                self._idle()
        return measured
