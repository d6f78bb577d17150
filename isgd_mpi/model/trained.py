"""Use a trained model: predict from raw features, save, load. Needs no MPI."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from isgd_mpi.data.examples import check_finite
from isgd_mpi.data.files import write_atomically
from isgd_mpi.data.given import as_array, feature_names, problem_of_features
from isgd_mpi.data.npz import read_arrays
from isgd_mpi.data.tables.encoding import Encoding
from isgd_mpi.data.tables.read import encode_frame
from isgd_mpi.data.target import Target
from isgd_mpi.model.params import layer_views, n_parameters
from isgd_mpi.settings.errors import InputError

_BATCH_ROWS = 2048  # examples that are predicted at a time
_DTYPES = (np.float64, np.float32)  # of the standardisation; parameters have the latter


class Learned(NamedTuple):
    """Parameters that training has found, and the standardisation of features that they need.

    Attributes
    ----------
    params : (P,) ndarray of float32
    mean, inverse_std : (n_features,) ndarray of float32 or float64
        Features are standardised to ``(x - mean) * inverse_std``, in this precision.
    step : int
        Number of updates that have led to the parameters.
    table : str
        Encoding of the table that the features came from, as JSON; empty if they came from none.
    target : str
        Description of the target, as JSON; empty for classes without names.
    """

    params: np.ndarray
    mean: np.ndarray
    inverse_std: np.ndarray
    step: int
    table: str = ""
    target: str = ""


class TrainedModel:
    """A trained model, for raw features.

    Made by :func:`isgd_mpi.fit` and :func:`isgd_mpi.load`, as :class:`TrainedMLP` or :class:`TrainedOwnModel`.

    Parameters
    ----------
    learned : Learned
    n_outputs : int
        Classes, if nothing else is learned of the target.

    Attributes
    ----------
    params : (P,) ndarray of float32
    mean, inverse_std : (n_features,) ndarray of float32 or float64
        Features are standardised to ``(x - mean) * inverse_std``, in this precision.
    step : int
        Number of updates that have led to the parameters.
    encoding : encoding.Encoding or None
        What turns a table into features, if the model was trained on a table.
    target : target.Target
    """

    def __init__(self, learned, n_outputs):
        self._learned = learned
        self.params, self.mean, self.inverse_std, self.step, table, target = learned
        self.encoding = Encoding.from_dict(json.loads(table)) if table else None
        self.target = Target.from_dict(json.loads(target)) if target else Target("classes", n_outputs)

    @property
    def classes(self):
        """The classes as the user named them for training, (C,) ndarray of the user's own type, in their order."""
        return self.target.classes

    def predict(self, x):
        """Predict classes.

        Parameters
        ----------
        x : (B, ...) array_like of uint8 or float, or a table
            Features in the form in which they were given for training, not standardised; any number of examples. A
            model that was trained on a table also takes tables with its columns: of pandas, polars or pyarrow.

        Returns
        -------
        (B,) ndarray
            Classes as they were given for training, in their own type; see `classes`. Those of a table are text.

        Raises
        ------
        InputError
            `x` has another shape or dtype, lacks a column, or a feature is not finite.
        """
        return self.classes[self._in_batches(self._class_numbers, x, np.empty(0, np.int64))]

    def save(self, path):
        """Write an npz file that :func:`isgd_mpi.load` reads. It appears complete, or not at all.

        Parameters
        ----------
        path : str or Path
            Overwritten if it exists.
        """
        arrays = self._learned._asdict() | self._identity()
        write_atomically(Path(path), lambda file: np.savez(file, **arrays))

    def _in_batches(self, function, x, nothing):
        """Apply a function of standardised features to all examples; `nothing` is its result for no example."""
        names = feature_names(x)
        if self.encoding and names:
            x, names = encode_frame(x, self.encoding), self.encoding.feature_names
        x = as_array(x)
        if problem := problem_of_features(x, names):
            raise InputError(f"x: {problem}")
        x = x.reshape(len(x), int(np.prod(x.shape[1:])))
        if x.shape[1] != self.mean.size:
            raise InputError(f"x: {x.shape[1]} features an example, but the model was trained on {self.mean.size}")
        starts = range(0, len(x), _BATCH_ROWS)
        return np.concatenate([nothing, *(function(self._standardized(x, start, names)) for start in starts)])

    def _standardized(self, x, start, names):
        """Return a batch of standardised features."""
        rows = x[start : start + _BATCH_ROWS]
        check_finite("x", rows, range(start, start + len(rows)), names)
        return ((rows.astype(self.mean.dtype) - self.mean) * self.inverse_std).astype(np.float32, copy=False)


class TrainedMLP(TrainedModel):
    """A trained MLP.

    Parameters
    ----------
    learned : Learned
    widths : sequence of int
        Features, hidden widths, classes.

    Attributes
    ----------
    widths : tuple of int
    """

    def __init__(self, learned, widths):
        super().__init__(learned, widths[-1])
        self.widths = tuple(widths)

    def predict_probabilities(self, x):
        """Predict the probability of each class.

        Parameters
        ----------
        x : (B, ...) array_like of uint8 or float
            Features; see :meth:`TrainedModel.predict`, whose errors this raises too.

        Returns
        -------
        (B, n_classes) ndarray of float32
        """
        return self._in_batches(self._probabilities, x, np.empty((0, self.widths[-1]), np.float32))

    def _identity(self):
        return {"widths": self.widths}

    def _class_numbers(self, x):
        return self._logits(x).argmax(axis=1)

    def _probabilities(self, x):
        logits = self._logits(x)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    def _logits(self, h):
        *hidden, (w, b) = zip(*layer_views(self.params, self.widths))
        for hidden_w, hidden_b in hidden:
            h = np.maximum(h @ hidden_w + hidden_b, 0)
        return h @ w + b


class TrainedOwnModel(TrainedModel):
    """A trained model of the user's own.

    Parameters
    ----------
    learned : Learned
    n_classes : int
    make_model : callable
        Makes the model; see :class:`own_model.Model`.

    Raises
    ------
    InputError
        The model that it makes has another number of parameters.

    Notes
    -----
    Predicts the class of least loss, at the price of scoring each example once for each class.
    """

    def __init__(self, learned, n_classes, make_model):
        super().__init__(learned, n_classes)
        self.n_classes = n_classes
        self._model = make_model(self.mean.size, n_classes, _BATCH_ROWS)
        n_params = self._model.params.size
        if self._model.params.shape != self.params.shape:
            raise InputError(f"the model has {n_params} parameters, but {self.params.size} were trained")

    def _identity(self):
        return {"n_classes": self.n_classes}

    def _class_numbers(self, x):
        self._model.params = self.params
        losses = np.empty((self.n_classes, len(x)))
        for c in range(self.n_classes):
            losses[c] = self._model.scores(x, np.full(len(x), c, np.int32))[1]
        return losses.argmin(axis=0)


def load(path, model=None):
    """Load a trained model that :func:`isgd_mpi.fit` or ``python -m isgd_mpi`` has saved.

    Parameters
    ----------
    path : str or Path
        An npz file that :meth:`TrainedModel.save` wrote, or ``model.npz`` of a run's folder.
    model : callable, optional
        Only for a model of your own: the function that makes it; see :class:`own_model.Model`.

    Returns
    -------
    TrainedModel

    Raises
    ------
    InputError
        The file cannot be read, is damaged or is no saved model, or its model is of another kind.
    """
    arrays = read_arrays(path, (*Learned._fields, "widths", "n_classes"))
    texts = [str(arrays.pop(name, "")) for name in ("table", "target")]
    if problem := _problem(arrays) or _problem_of_texts(*texts, arrays):
        raise InputError(f"{path}: is not a model saved by isgd_mpi: {problem}")
    learned = Learned(arrays["params"], arrays["mean"], arrays["inverse_std"], int(arrays["step"]), *texts)
    if "widths" in arrays:
        if model is not None:
            raise InputError(f"{path}: holds an MLP of isgd_mpi: load it without model=")
        return TrainedMLP(learned, tuple(map(int, arrays["widths"])))
    if model is None:
        raise InputError(f"{path}: holds the parameters of a model of your own: load it with model=make_model")
    return TrainedOwnModel(learned, int(arrays["n_classes"]), model)


def _problem(arrays):
    """Return a message if the arrays of a file are no saved model, else None."""
    for name in ("params", "mean", "inverse_std"):
        if name not in arrays or arrays[name].dtype not in _DTYPES[name == "params" :] or arrays[name].ndim != 1:
            return f"{name} must be a vector of float32{' or float64' * (name != 'params')}"
        if not np.isfinite(arrays[name]).all():
            return f"{name} is not finite"
    if arrays["mean"].shape != arrays["inverse_std"].shape or arrays["mean"].dtype != arrays["inverse_std"].dtype:
        return "mean and inverse_std differ in length or dtype"
    if not _is_count(arrays.get("step"), least=0):
        return "step must be a count"
    return _problem_of_widths(arrays) if "widths" in arrays else _problem_of_classes(arrays)


def _problem_of_texts(table, target, arrays):
    """Return a message if texts that are not empty do not describe a table and a target that fit the model."""
    n_features, n_outputs = (
        arrays["mean"].size,
        int(arrays["widths"][-1] if "widths" in arrays else arrays["n_classes"]),
    )
    for name, text, kind in (("table", table, Encoding), ("target", target, Target)):
        try:
            found = kind.from_dict(json.loads(text)) if text else None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
            return f"{name} describes none"
        if kind is Encoding and found and len(found.feature_names) != n_features:
            return f"table does not fit {n_features} features"
        if kind is Target and found and found.n_outputs != n_outputs:
            return f"target does not fit {n_outputs} outputs"
    return None


def _is_count(array, least=1):
    return array is not None and array.dtype.kind in "iu" and array.ndim == 0 and array >= least


def _problem_of_classes(arrays):
    return None if _is_count(arrays.get("n_classes")) else "it must have widths, or the number n_classes"


def _problem_of_widths(arrays):
    widths = arrays["widths"]
    if not (widths.ndim == 1 and len(widths) > 1 and all(map(_is_count, widths))):
        return "widths must be two or more positive integers"
    widths = widths.tolist()  # Python's integers do not overflow
    if widths[0] != arrays["mean"].size or n_parameters(widths) != arrays["params"].size:
        return f"widths {widths} do not fit {arrays['mean'].size} features and {arrays['params'].size} parameters"
    return None
