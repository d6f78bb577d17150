"""Compute a last layer of few outputs: a compiled call a pass for minibatches of few rows, where BLAS wastes time."""

from isgd_mpi.kernels.few_rows import DEPTH
from isgd_mpi.kernels.memory import aligned_zeros
from isgd_mpi.kernels.narrow import descend_narrow, height_of, write_below, write_outputs
from isgd_mpi.model.layers import Layer


class NarrowLayer(Layer):
    """A last layer with fewer outputs than a vector has numbers, whose inputs are whole vectors.

    Parameters
    ----------
    k, widths, buffers
        See :class:`layers.Layer`.
    """

    def __init__(self, k, widths, buffers):
        super().__init__(k, widths, buffers)
        share = buffers.share
        self._own_inputs, self._own_rows = share.columns(self._fan_in, DEPTH), share.rows_to_step(self._fan_in, DEPTH)
        self._leads = share.steps_biases
        shape = height_of(self._weight_gradient), self._fan_in
        self._transposed, self._gradient = (aligned_zeros(shape, buffers.dtype) for _ in range(2))

    def logits(self, h):
        """Compute this trainer's rows of the outputs; see :class:`layers.Layer`."""
        if not self._few:
            return super().logits(h)
        self._inputs, (rows, _) = h, self.part
        write_outputs(h, self._w, self._b, self._transposed, self._z, rows.start, rows.stop)
        return self._z

    def backward(self, delta, before_step=False):
        """Compute this trainer's columns of the delta below; see :class:`layers.Layer`."""
        if not (self._few and self._behind_relu):
            return super().backward(delta, before_step)
        self._is_formed, own = False, self._own_inputs
        write_below(delta, self._transposed, self._inputs, self._below, self._below_norms, own.start, own.stop)
        return self._below

    def step(self, delta, shares, optimiser):
        """Take the optimiser's step, without a view of the gradient; see :class:`layers.Layer`."""
        if self._is_formed or not self._few:
            super().step(delta, shares, optimiser)
            return
        own = self._own_rows
        if own.start == own.stop and not self._leads:
            return
        if optimiser is not self._optimiser:
            self._use_optimiser(optimiser)
        steps = *self._steps, *self._bias_steps, optimiser.settings
        descend_narrow(self._inputs, delta, shares, self._gradient, *steps, own.start, own.stop)
