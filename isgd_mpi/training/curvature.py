"""Measure the curvature of the loss along the gradient of a minibatch, which trainer 0 drew for this alone."""

import numpy as np

from isgd_mpi.training.probe import Measurement


class Curvature(Measurement):
    """Measures the curvature along the gradient of a minibatch; see :class:`probe.Measurement`."""

    def __call__(self, published):
        """Return ``g . H g / |g|^2`` of a minibatch, with its gradient g and the Hessian H of its loss.

        It is the mean over a step of the present length, from the gradients at both of its ends. Where it is one over
        the learning rate, the step ends where the minibatch's loss is least along the gradient, were that a parabola.

        Parameters
        ----------
        published : () ndarray of records.published_dtype
            Names the examples, their importance weights and the learning rate. Of no step there is no curvature: NaN.
        """
        params, rate = published["params"], float(published["learning_rate"])
        minibatch = self._examples(published, "minibatch")
        gradient = self._gradient(params, minibatch).copy()
        end = self._gradient(params - params.dtype.type(rate) * gradient, minibatch)
        squared_norm = float(gradient @ gradient)
        return float((gradient - end) @ gradient) / (rate * squared_norm) if rate * squared_norm else np.nan

    def _gradient(self, params, minibatch):
        self._model.params = params
        return self._model.gradient(*minibatch)[1]
