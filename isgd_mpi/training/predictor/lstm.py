"""The network of the loss predictor: two LSTM layers over an example's last losses, beside its target.

Histories go through LSTM(32) and LSTM(32), the class through an embedding of 32 units; one linear
output reads both [1]_. Labels and numbers stand where the class would stand as a one-hot vector: the
embedding of an example is the sum of the rows of all outputs, each times its value. Histories
shorter than the longest are masked: they begin later, from a state of zero. Index letters: `t` time.

References
----------
.. [1] A. Katharopoulos, F. Fleuret, "Biased importance sampling for deep neural network training",
   arXiv:1706.00043, 2017.
"""

import math

import numpy as np

from isgd_mpi.kernels.lstm import lstm_backward, lstm_forward

N_UNITS = 32
"""Units of each LSTM layer, and of the embedding."""


def tensor_shapes(n_classes):
    """Return name and shape of each tensor, in the order of the parameter vector."""
    gates = 4 * N_UNITS
    return {
        "first_kernel": (1, gates),
        "first_recurrent": (N_UNITS, gates),
        "first_bias": (gates,),
        "second_kernel": (N_UNITS, gates),
        "second_recurrent": (N_UNITS, gates),
        "second_bias": (gates,),
        "embedding": (n_classes, N_UNITS),
        "output": (2 * N_UNITS,),
        "output_bias": (1,),
    }


def tensor_views(vector, n_classes):
    """Return the tensors in a parameter vector, contiguous (P,), by name: views, not copies."""
    shapes = tensor_shapes(n_classes)
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
    return {name: part.reshape(shapes[name]) for name, part in zip(shapes, np.split(vector, ends[:-1]))}


def initial_params(n_classes, rng, dtype=np.float32):
    """Draw initial parameters.

    Kernels are uniform after Glorot, recurrent kernels orthogonal, the embedding uniform in ±0.05,
    biases zero but for the forget gates', which are one.

    Parameters
    ----------
    n_classes : int
    rng : numpy.random.Generator
    dtype : numpy dtype

    Returns
    -------
    params : (P,) ndarray
    """
    params = np.zeros(sum(map(math.prod, tensor_shapes(n_classes).values())), dtype)
    tensors = tensor_views(params, n_classes)
    for layer in ("first", "second"):
        kernel, recurrent = tensors[f"{layer}_kernel"], tensors[f"{layer}_recurrent"]
        bound = math.sqrt(6 / sum(kernel.shape))
        kernel[:] = rng.uniform(-bound, bound, kernel.shape)
        recurrent[:] = np.linalg.qr(rng.standard_normal(recurrent.shape[::-1]))[0].T
        tensors[f"{layer}_bias"][N_UNITS : 2 * N_UNITS] = 1
    tensors["embedding"][:] = rng.uniform(-0.05, 0.05, tensors["embedding"].shape)
    bound = math.sqrt(6 / (2 * N_UNITS + 1))
    tensors["output"][:] = rng.uniform(-bound, bound, 2 * N_UNITS)
    return params


class LossNetwork:
    """Predicts a number from a history and a class, or the values of labels or numbers.

    Parameters
    ----------
    params : (P,) ndarray
        See :func:`initial_params`; used in place.
    n_classes : int
    """

    def __init__(self, params, n_classes):
        self.params = params
        self._tensors = tensor_views(params, n_classes)
        self._gradient = np.zeros_like(params)
        self._gradients = tensor_views(self._gradient, n_classes)
        self._first, self._second = (_Layer(self._tensors, self._gradients, name) for name in ("first", "second"))

    def predict(self, history, lengths, classes):
        """Predict the next entry of each history.

        Parameters
        ----------
        history : (B, T) ndarray
            The newest entry in the last column; in the parameters' dtype.
        lengths : (B,) ndarray of int
            Number of entries, 1 to T; those before them are masked.
        classes : (B,) ndarray of int, or (B, n_classes) ndarray of float32
            Classes, or values of the labels or numbers that take the place of one-hot classes.

        Returns
        -------
        predictions : (B,) ndarray
        """
        return self._forward(history, lengths, classes)[1]

    def gradient(self, history, lengths, classes, targets):
        """Compute the gradient of the mean squared error of :meth:`predict`.

        Parameters
        ----------
        history, lengths, classes : ndarray
            See :meth:`predict`.
        targets : (B,) ndarray
            What should have been predicted.

        Returns
        -------
        predictions : (B,) ndarray
        gradient : (P,) ndarray
            A buffer that the next call overwrites.
        """
        features, predictions = self._forward(history, lengths, classes)
        delta = (predictions - targets) * predictions.dtype.type(2 / len(targets))
        np.matmul(delta, features, out=self._gradients["output"])
        self._gradients["output_bias"][0] = delta.sum()
        feature_delta = np.outer(delta, self._tensors["output"])
        self._write_embedding_gradient(classes, feature_delta[:, N_UNITS:])
        upstream = np.zeros_like(self._second.hidden)
        upstream[-1] = feature_delta[:, :N_UNITS]
        self._first.backward(self._second.backward(upstream))
        return predictions, self._gradient

    def _forward(self, history, lengths, classes):
        """Return the features that the output reads, and the predictions."""
        longest = int(lengths.max())
        active = np.arange(longest, 0, -1)[:, None] <= lengths
        x = np.ascontiguousarray(history[:, -longest:].T)[:, :, None]
        hidden = self._second.forward(self._first.forward(x, active), active)
        embedding = self._tensors["embedding"]
        features = np.hstack([hidden[-1], embedding[classes] if classes.ndim == 1 else classes @ embedding])
        return features, features @ self._tensors["output"] + self._tensors["output_bias"]

    def _write_embedding_gradient(self, classes, delta):
        """Write the gradient by the embedding, given that by the embeddings of the examples."""
        gradient = self._gradients["embedding"]
        if classes.ndim == 2:
            np.matmul(classes.T, delta, out=gradient)
            return
        gradient[:] = 0
        np.add.at(gradient, classes, delta)


class _Layer:
    """One LSTM layer over all times of a batch; keeps the arrays that :meth:`backward` needs."""

    def __init__(self, tensors, gradients, name):
        parts = [f"{name}_{part}" for part in ("kernel", "recurrent", "bias")]
        self._kernel, self._recurrent, self._bias = (tensors[part] for part in parts)
        self._kernel_gradient, self._recurrent_gradient, self._bias_gradient = (gradients[part] for part in parts)
        # logistic gates come from the tanh of half their pre-activation
        self._halves = np.repeat(np.array([0.5, 0.5, 1, 0.5], self._bias.dtype), N_UNITS)

    def forward(self, x, active):
        """Return the hidden states (L, B, U) of inputs (L, B, fan_in); zero where not active (L, B)."""
        self._x, (n_times, n_rows, _) = x, x.shape
        self._gates = (_flat(x) @ (self._kernel * self._halves)).reshape(n_times, n_rows, -1)
        self._gates += self._bias * self._halves
        recurrent = self._recurrent * self._halves
        # a row for each time and, in front, one of zeros for the time before the first
        self._cells, self._squashed, self._states = (np.zeros((n_times + 1, n_rows, N_UNITS), x.dtype) for _ in "cth")
        for t, gates in enumerate(self._gates):
            if t:
                gates += self._states[t] @ recurrent
            np.tanh(gates, out=gates)
            lstm_forward(gates, self._cells[t], active[t], self._cells[t + 1])
            np.tanh(self._cells[t + 1], out=self._squashed[t + 1])
            np.multiply(gates[:, -N_UNITS:], self._squashed[t + 1], out=self._states[t + 1])
        return self.hidden

    @property
    def hidden(self):
        """Hidden states (L, B, U) of the last call."""
        return self._states[1:]

    def backward(self, upstream):
        """Write the layer's gradients; return the gradient by its inputs.

        `upstream` (L, B, U), the gradient by the hidden states, is overwritten.
        """
        cell_delta, deltas = np.zeros_like(self._cells[0]), np.empty_like(self._gates)
        for t in reversed(range(len(upstream))):
            lstm_backward(self._gates[t], self._cells[t], self._squashed[t + 1], upstream[t], cell_delta, deltas[t])
            if t:
                upstream[t - 1] += deltas[t] @ self._recurrent.T
        flat = _flat(deltas)
        np.matmul(_flat(self._x).T, flat, out=self._kernel_gradient)
        np.matmul(_flat(self._states[:-1]).T, flat, out=self._recurrent_gradient)
        flat.sum(axis=0, out=self._bias_gradient)
        return (flat @ self._kernel.T).reshape(self._x.shape)


def _flat(array):
    """Return an array (L, B, U) as (L B, U)."""
    return array.reshape(-1, array.shape[-1])
